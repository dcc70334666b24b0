"""Reading Data Center: every issue once, whatever the page size and the zone, and whatever people do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.errors import IncompleteRead, Unreachable
from connectors.jira import JiraIssues
from connectors.jira.datacenter import KeysetSearch
from connectors.jira.names import Names
from connectors.jira.search import Scope
from connectors.records import WorkItem
from tests.connectors.jira.conftest import Jira, issue
from tests.connectors.jira.deployments import DataCenter, keys, minutes, read, records
from tests.fakes.scripted_http import Answer


@pytest.mark.parametrize("clamp", [1, 2, 7, 1000])
@pytest.mark.parametrize("per_minute", [1, 3, 40])
def test_data_center_gives_every_issue_exactly_once_whatever_its_page_size(
    jira: Jira, clamp: int, per_minute: int
) -> None:
    jira_data = DataCenter(minutes(400 if clamp > 2 else 40, per_minute), clamp)
    site, _ = jira("datacenter", jira_data)
    assert keys(read(site)) == [raw["key"] for raw in jira_data.issues]


def test_data_center_reads_through_the_hour_that_clocks_repeat(jira: Jira) -> None:
    jira_data = DataCenter(minutes(400, 1), clamp=20)
    site, _ = jira("datacenter", jira_data)
    assert keys(read(site)) == [raw["key"] for raw in jira_data.issues]


def test_data_center_survives_an_unknown_and_a_wrong_time_zone(jira: Jira) -> None:
    for zone in ("America/Los_Angeles", "Pacific/Kiritimati"):
        jira_data = DataCenter(minutes(200), clamp=20, zone=ZoneInfo(zone))
        site, _ = jira("datacenter", jira_data)
        assert keys(read(site)) == [raw["key"] for raw in jira_data.issues]
        unknown = KeysetSearch(site.client, None)
        batches = unknown.batches(Scope("project = PAY", "JIRA_JQL"), ["created"], Names(), "")
        assert [raw["key"] for batch in batches for raw in batch.issues] == [
            raw["key"] for raw in jira_data.issues
        ]


@pytest.mark.parametrize("per_minute", [1, 5, 200])
def test_issues_deleted_while_reading_take_no_other_with_them(jira: Jira, per_minute: int) -> None:
    jira_data = DataCenter(minutes(200, per_minute), clamp=20)
    kept = {raw["key"] for raw in jira_data.issues} - {f"PAY-{n}" for n in (3, 19, 39, 40, 41)}
    jira_data.before = {2: jira_data.remove(3, 19), 4: jira_data.remove(39, 40, 41)}
    site, _ = jira("datacenter", jira_data)
    got = keys(read(site))
    assert kept <= set(got)
    assert len(got) == len(set(got))


def days(number: int) -> list[dict[str, Any]]:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [issue(n, created=(start + timedelta(days=n)).isoformat()) for n in range(number)]


def test_data_center_goes_on_from_a_cursor(jira: Jira) -> None:
    jira_data = DataCenter(days(100), clamp=20, zone=ZoneInfo("Pacific/Kiritimati"))
    site, _ = jira("datacenter", jira_data)
    pages = JiraIssues(site, "align-").pages()
    first, second = next(pages), next(pages)
    rest = keys(read(site, second.cursor))
    assert set(keys([first, second])) | set(rest) == {raw["key"] for raw in jira_data.issues}
    assert len(rest) < 70
    assert first.expected == 100


def test_the_next_page_comes_while_one_is_still_being_stored(jira: Jira) -> None:
    asked = Event()
    jira_data = DataCenter(days(100), clamp=20)
    jira_data.before = {2: asked.set}
    site, _ = jira("datacenter", jira_data)
    batches = KeysetSearch(site.client, UTC).batches(
        Scope("project = PAY", "JIRA_JQL"), ["created"], Names(), ""
    )
    next(batches)
    assert asked.wait(30)


def test_what_changed_since_a_broken_off_read_began_is_read_again(jira: Jira) -> None:
    jira_data = DataCenter(days(100), clamp=20)
    site, _ = jira("datacenter", jira_data)
    pages = JiraIssues(site, "align-").pages()
    cursor = [next(pages), next(pages)][-1].cursor
    jira_data.changed = {"PAY-3", "PAY-90"}
    rest = keys(read(site, cursor))
    assert rest[:2] == ["PAY-3", "PAY-90"]
    assert len(rest) == len(set(rest))


def test_as_many_issues_are_asked_for_as_data_center_gives_and_no_request_is_wasted(jira: Jira) -> None:
    jira_data = DataCenter(minutes(2500), clamp=1000)
    site, scripted = jira("datacenter", jira_data)
    pages = read(site)
    asked = scripted.asked("/search")
    assert [request.body["maxResults"] for request in asked] == [1000] * 3
    assert len(keys(pages)) == 2500
    assert pages[0].expected == 2500


def test_a_data_center_that_stalls_is_an_incomplete_read(jira: Jira) -> None:
    same = [issue(n, created="2026-01-01T10:00:00.000+0000") for n in range(20)]
    site, _ = jira("datacenter", lambda _: Answer({"issues": same, "total": 50}))
    with pytest.raises(IncompleteRead, match="stopped giving issues of JIRA_JQL before the end"):
        read(site)


@pytest.mark.parametrize(
    "body",
    [
        {"issues": [], "total": 5},
        {"issues": [issue(1)]},
        {"total": 0},
        {"issues": [], "total": 0, "warningMessages": ["x"]},
    ],
)
def test_a_data_center_that_contradicts_itself_is_an_incomplete_read(
    jira: Jira, body: dict[str, Any]
) -> None:
    site, _ = jira("datacenter", lambda _: Answer(body))
    with pytest.raises(IncompleteRead):
        read(site)


def test_an_empty_scope_is_read_whole(jira: Jira) -> None:
    site, _ = jira("datacenter", DataCenter([]))
    assert [page.records for page in read(site)] == [(), ()]
    (proof,) = [page.proof for page in read(site) if page.proof is not None]
    assert len(proof.census) == 0


def test_a_session_lapsed_into_anonymity_is_never_taken_for_an_answer(jira: Jira) -> None:
    lapsed = Answer({"issues": [], "total": 0}, headers={"X-AUSERNAME": "anonymous"})
    whole = DataCenter(minutes(3))
    answers = [lapsed, lapsed]
    site, _ = jira("datacenter", lambda asked: answers.pop() if answers else whole(asked))
    assert keys(read(site)) == ["PAY-0", "PAY-1", "PAY-2"]
    site, _ = jira("datacenter", lambda _: lapsed)
    with pytest.raises(Unreachable, match="as if nobody were logged in"):
        read(site)


def test_data_center_epics_are_fetched_by_key_also_where_some_are_gone(jira: Jira) -> None:
    issues = [issue(n, customfield_10014=f"EPIC-{n % 4}") for n in range(12)]
    epics = [issue(100 + n) | {"key": f"EPIC-{n}"} for n in range(3)]
    site, scripted = jira("datacenter", DataCenter(issues + epics))
    items = [item for item in records(read(site)) if isinstance(item, WorkItem)]
    assert {item.key for item in items if not item.in_scope} == {"EPIC-0", "EPIC-1", "EPIC-2"}
    assert {item.parent_key for item in items if item.in_scope} == {f"EPIC-{n}" for n in range(4)}
    assert len(scripted.asked("issue/EPIC-3")) == 1
