"""What every source of pages and every writer of labels must do, whatever stands behind it.

A connector proves it by a test class that inherits one of these and gives the fixtures it names.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from connectors.base import LabelWriter, Source
from connectors.changes import LabelChange, Outcome
from connectors.pages import Page
from connectors.records import Objective, WorkItem

Labels = Callable[[str], list[str]]


def ids_in(pages: list[Page]) -> list[str]:
    records = [record for page in pages for record in page.records]
    return [record.id for record in records if isinstance(record, WorkItem | Objective)]


def outcome_of(writer: LabelWriter, change: LabelChange) -> Outcome:
    """Make one change and give its only answer."""
    ((answered,),) = writer.apply([change])
    assert answered.change == change
    return answered.outcome


class SourceContract:
    """Fixtures: `source`, with several pages to give, and `expected`, the ids it must give, unsorted."""

    def test_every_record_comes_exactly_once(self, source: Source, expected: set[str]) -> None:
        ids = ids_in(list(source.pages()))
        assert sorted(ids) == sorted(expected)

    def test_reading_twice_gives_the_same(self, source: Source) -> None:
        first, second = ([page.records for page in source.pages()] for _ in range(2))
        assert first == second

    def test_only_the_last_page_has_no_cursor(self, source: Source) -> None:
        cursors = [page.cursor for page in source.pages()]
        assert len(cursors) > 2
        assert None not in cursors[:-1]
        assert cursors[-1] is None

    def test_from_any_cursor_the_rest_is_read(self, source: Source, expected: set[str]) -> None:
        pages = list(source.pages())
        for number, page in enumerate(pages[:-1], 1):
            rest = list(source.pages(page.cursor))
            assert set(ids_in(pages[:number])) | set(ids_in(rest)) == expected

    def test_a_record_is_the_same_wherever_the_read_began(self, source: Source) -> None:
        pages = list(source.pages())
        whole = {
            record.id: record for page in pages for record in page.records if isinstance(record, WorkItem)
        }
        for page in pages[:-1]:
            for later in source.pages(page.cursor):
                for record in later.records:
                    assert not isinstance(record, WorkItem) or record == whole[record.id]

    def test_its_name_is_not_empty_and_does_not_change(self, source: Source) -> None:
        assert source.name
        assert source.name == source.name.strip()


class LabelWriterContract:
    """Fixtures: `writer`; `issue`, the id and key of one with people's labels; `labels` reads them back."""

    @pytest.fixture
    def before(self, issue: tuple[str, str], labels: Labels) -> list[str]:
        found = labels(issue[0])
        assert found, "the issue must carry labels of people"
        return found

    def test_adding_leaves_peoples_labels_as_they_are(
        self, writer: LabelWriter, issue: tuple[str, str], labels: Labels, before: list[str]
    ) -> None:
        assert outcome_of(writer, LabelChange(*issue, add=("align-a", "align-b"))).done
        assert labels(issue[0]) == [*before, "align-a", "align-b"]

    def test_removing_leaves_peoples_labels_as_they_are(
        self, writer: LabelWriter, issue: tuple[str, str], labels: Labels, before: list[str]
    ) -> None:
        outcome_of(writer, LabelChange(*issue, add=("align-a", "align-b")))
        assert outcome_of(writer, LabelChange(*issue, remove=("align-a", "align-b"))).done
        assert labels(issue[0]) == before

    def test_a_change_made_twice_is_like_one_made_once(
        self, writer: LabelWriter, issue: tuple[str, str], labels: Labels, before: list[str]
    ) -> None:
        for change in (LabelChange(*issue, add=("align-a",)), LabelChange(*issue, remove=("align-z",))):
            assert outcome_of(writer, change).done
            assert outcome_of(writer, change).done
        assert labels(issue[0]) == [*before, "align-a"]

    def test_a_label_of_people_is_refused_and_stays(
        self, writer: LabelWriter, issue: tuple[str, str], labels: Labels, before: list[str]
    ) -> None:
        outcome = outcome_of(writer, LabelChange(*issue, add=("align-a",), remove=(before[0],)))
        assert not outcome.done
        assert outcome.reason
        assert labels(issue[0]) == before

    def test_an_issue_that_is_not_there_is_an_outcome_with_a_reason(self, writer: LabelWriter) -> None:
        outcome = outcome_of(writer, LabelChange("99999999", "GONE-1", add=("align-a",)))
        assert not outcome.done
        assert outcome.reason

    def test_labels_are_read_back_as_they_are_and_what_is_not_there_is_left_out(
        self, writer: LabelWriter, issue: tuple[str, str], before: list[str]
    ) -> None:
        outcome_of(writer, LabelChange(*issue, add=("align-a",)))
        found = writer.labels_of([issue[0], "99999999"])
        assert {name: list(labels) for name, labels in found.items()} == {issue[0]: [*before, "align-a"]}

    def test_many_changes_are_each_answered_once(
        self, writer: LabelWriter, issue: tuple[str, str], labels: Labels, before: list[str]
    ) -> None:
        changes = [LabelChange(*issue, add=("align-a",)), LabelChange("99999999", "GONE-1", add=("align-a",))]
        answered = [entry for batch in writer.apply(changes) for entry in batch]
        assert [entry.outcome.done for change in changes for entry in answered if entry.change == change] == [
            True,
            False,
        ]
        assert labels(issue[0]) == [*before, "align-a"]
