"""Taking a run back: exactly what it wrote, and nothing that people or later runs have changed since."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from sync.errors import ConfigurationError, Exit
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.labels.plan import Change, Ticket
from sync.labels.planning import Live
from sync.labels.undo import Undoing, Write, make_undo, run_undo
from sync.sandbox import Deployment, Sandbox
from tests.sync.house import NO_OBJECTIVE, House

TICKETS = [Ticket("jira", f"PAY-{number}", str(number), 100 + number) for number in range(1, 6)]
LABELS = ["align-a", "align-b"]

changes = st.builds(
    Change,
    st.sampled_from(TICKETS),
    st.sampled_from(["add", "remove"]),
    st.sampled_from(LABELS),
    st.just("r"),
)
label_sets = st.lists(st.sampled_from([*LABELS, "people"]), unique=True)


@given(
    st.lists(changes, unique_by=lambda change: (change.ticket, change.label)),
    st.dictionaries(st.sampled_from(TICKETS), label_sets),
    st.sets(st.integers(0, 9)),
)
def test_an_undo_restores_what_stands_as_the_run_left_it_and_nothing_else(
    made: list[Change], people: dict[Ticket, list[str]], touched: set[int]
) -> None:
    """Against a model: labels as the run left them, then what people made of some tickets."""
    live: Live = {}
    for ticket in TICKETS:
        left = {change.label for change in made if change.ticket == ticket and change.operation == "add"}
        live[ticket.site, ticket.issue_id] = people.get(ticket, sorted(left))
    writes = [Write(change, 9 if number in touched else None) for number, change in enumerate(made)]
    undoing = make_undo(writes, live, {})
    after = {key: set(labels) for key, labels in live.items()}
    for change in undoing.plan.changes:
        labels = after[change.ticket.site, change.ticket.issue_id]
        if change.operation == "add":
            assert change.label not in labels
            labels.add(change.label)
        else:
            labels.remove(change.label)
    for write in writes:
        change, key = write.change, (write.change.ticket.site, write.change.ticket.issue_id)
        as_left = (change.label in live[key]) == (change.operation == "add")
        undone = (change.label in after[key]) != (change.label in live[key])
        assert undone == (as_left and write.later is None)
    assert len(undoing.kept) + len(undoing.plan.changes) == len(made)
    assert all("people" in after[key] for key, labels in live.items() if "people" in labels)


def test_what_is_left_as_it_is_is_told_with_the_reason() -> None:
    added = [Change(ticket, "add", "align-a", "r") for ticket in TICKETS]
    live: Live = {("jira", "1"): ["align-a"], ("jira", "2"): [], ("jira", "4"): ["align-a"]}
    far = Change(Ticket("far", "WEB-1", "1", 201), "add", "align-a", "r")
    removed = Change(TICKETS[3], "remove", "align-a", "r")
    writes = [*map(Write, added[:3]), Write(removed), Write(added[0], later=12), Write(far)]
    undoing = make_undo(writes, live, {"far": "far.example refused the connection"})
    assert undoing.plan.changes == (Change(TICKETS[0], "remove", "align-a", "r"),)
    assert [kept.why for kept in undoing.kept] == [
        "people have taken it off since",
        "the ticket is gone, or hidden from us",
        "people have put it on since",
        "run 12 has changed this label since",
        "far.example refused the connection",
    ]


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def house(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(request.param) as jira:
        yield House(jira, tmp_path, engine).furnish()


def undo(house: House, run_id: int, **options: Any) -> tuple[RunResult, Undoing]:
    service, sites = house.service()
    try:
        return run_undo(service, run_id, Options(**options), Quiet())
    finally:
        sites.close()


def test_a_run_is_taken_back_but_for_what_people_changed(house: House) -> None:
    keys = [house.add_epic(labels=["people's own"]) for _ in range(3)]
    night = house.night()
    house.jira.site.label(keys[1], remove=[NO_OBJECTIVE])
    house.jira.site.label(keys[2], add=["another"])
    result, undoing = undo(house, night.run_id)
    assert result.exit_code == Exit.OK
    assert [house.labels(key) for key in keys] == [
        ["people's own"],
        ["people's own"],
        ["another", "people's own"],
    ]
    assert [(kept.change.ticket.issue_key, kept.why) for kept in undoing.kept] == [
        (keys[1], "people have taken it off since")
    ]


def test_an_undo_can_be_undone_and_an_undone_run_has_nothing_left(house: House) -> None:
    bad = house.add_epic()
    night = house.night()
    taken_back, _ = undo(house, night.run_id)
    assert house.labels(bad) == []
    again, undoing = undo(house, night.run_id)
    assert not again.plan
    assert [kept.why for kept in undoing.kept] == [f"run {taken_back.run_id} has changed this label since"]
    undo(house, taken_back.run_id)
    assert house.labels(bad) == [NO_OBJECTIVE]


def test_what_we_took_back_ourselves_is_no_objection_of_people(house: House) -> None:
    bad = house.add_epic()
    undo(house, house.night().run_id)
    house.night()
    assert house.labels(bad) == [NO_OBJECTIVE]
    house.jira.site.label(bad, remove=[NO_OBJECTIVE])
    assert house.night().plan.disputed == ()
    assert house.labels(bad) == [NO_OBJECTIVE], "taken off once: it comes back"
    house.jira.site.label(bad, remove=[NO_OBJECTIVE])
    assert len(house.night().plan.disputed) == 1


def test_what_people_took_off_and_put_on_again_is_not_taken_back(house: House) -> None:
    bad = house.add_epic()
    night = house.night()
    house.serve(bad, "O1")
    house.jira.site.label(bad, remove=[NO_OBJECTIVE])
    house.night()
    house.jira.site.label(bad, add=[NO_OBJECTIVE])
    _, undoing = undo(house, night.run_id)
    assert [kept.why for kept in undoing.kept] == ["people have taken it off since"]
    assert house.labels(bad) == [NO_OBJECTIVE]


def test_removals_are_taken_back_too_and_the_labels_are_ours_again(house: House) -> None:
    epic = house.add_epic()
    house.night()
    house.serve(epic, "O1")
    cleared = house.night()
    assert house.labels(epic) == []
    undo(house, cleared.run_id)
    assert house.labels(epic) == [NO_OBJECTIVE]
    house.night()
    assert house.labels(epic) == [], "the next night judges anew"


def test_a_dry_run_shows_it_and_writes_nothing_and_its_plan_can_be_applied_while_nothing_changed(
    house: House,
) -> None:
    first, second = house.add_epic(), house.add_epic()
    night = house.night()
    house.jira.clear_requests()
    shown, _ = undo(house, night.run_id, dry_run=True)
    assert shown.plan.count("remove") == 2
    assert house.writes() == 0
    house.jira.site.label(second, remove=[NO_OBJECTIVE])
    refused, _ = undo(house, night.run_id, expected=shown.saved)
    assert refused.exit_code == Exit.GUARD
    assert f"`tieline undo {night.run_id} --out FILE`" in refused.stopped[0]
    assert house.labels(first) == [NO_OBJECTIVE]
    shown, _ = undo(house, night.run_id, dry_run=True)
    undo(house, night.run_id, expected=shown.saved)
    assert house.labels(first) == []


def test_a_large_undo_needs_the_same_word_as_a_large_plan(house: House) -> None:
    keys = [house.add_epic() for _ in range(12)]
    night = house.night(allow_changes=12)
    result, _ = undo(house, night.run_id)
    assert result.exit_code == Exit.GUARD
    assert "TIELINE_MAX_SHARE" in result.stopped[0]
    undo(house, night.run_id, allow_changes=12)
    assert [house.labels(key) for key in keys] == [[]] * 12


@pytest.mark.parametrize(
    ("run", "message"),
    [(99, "There is no run 99"), (1, "Run 1 wrote no label: there is nothing to take back")],
)
def test_what_cannot_be_undone_is_refused_in_a_sentence(house: House, run: int, message: str) -> None:
    house.night(dry_run=True)
    with pytest.raises(ConfigurationError, match=message):
        undo(house, run)
