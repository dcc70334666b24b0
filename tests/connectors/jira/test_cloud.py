"""Reading Cloud: one page where that is all, else a sweep of ids and every issue once, or a plain refusal."""

from __future__ import annotations

import gc
import json
import re
import threading
from collections import Counter
from typing import Any

import pytest

from connectors.errors import Halted, IncompleteRead, RateLimited, Refused, Unreachable
from connectors.jira import JiraIssues, JiraSite
from connectors.jira.crew import stoppable
from connectors.naps import Nap
from connectors.pages import Page
from connectors.records import WorkItem
from tests.connectors.jira.conftest import Jira, ScriptedJira, connect, issue
from tests.connectors.jira.deployments import Cloud, found, keys, read, records
from tests.fakes.scripted_http import Answer, Asked, in_turn


def numbered(count: int, start: int = 0) -> list[dict[str, Any]]:
    return [issue(n) for n in range(start, start + count)]


def names(issues: list[dict[str, Any]]) -> list[str]:
    return [str(raw["key"]) for raw in issues]


def sweeps(scripted: ScriptedJira) -> list[Asked]:
    return [asked for asked in scripted.asked("search/jql") if asked.body["fields"] == ["id"]]


# --- one page ---


def test_a_scope_of_one_page_costs_one_request(jira: Jira) -> None:
    site, scripted = jira("cloud", Cloud(numbered(100)))
    pages = read(site)
    assert keys(pages) == names(numbered(100))
    assert (pages[0].expected, pages[-1].records) == (100, ())
    (asked,) = [request for request in scripted.server.asked if request.method == "POST"]
    assert asked.body["jql"] == "(project = PAY) ORDER BY created ASC, key ASC"
    assert asked.body["maxResults"] == 100
    assert "description" not in asked.body["fields"]


@pytest.mark.parametrize("end", [{}, {"nextPageToken": None}, {"nextPageToken": ""}, {"isLast": True}])
def test_the_end_is_where_jira_says_so_in_any_of_its_ways(jira: Jira, end: dict[str, Any]) -> None:
    site, scripted = jira("cloud", in_turn(found([issue(1)], **end), Answer(status=500)))
    assert keys(read(site)) == ["PAY-1"]
    assert len(scripted.asked("search/jql")) == 1


@pytest.mark.parametrize(
    "answer",
    [
        found([issue(1)], warnings=[{"type": "T", "message": "result truncated", "details": {}}]),
        found([issue(1)], isLast=False),
        Answer({"isLast": True}),
        Answer([]),
    ],
)
def test_a_page_that_contradicts_itself_is_an_incomplete_read(jira: Jira, answer: Answer) -> None:
    site, _ = jira("cloud", lambda _: answer)
    with pytest.raises(IncompleteRead):
        read(site)


def test_a_refused_jql_is_told_in_jiras_words_with_its_setting(jira: Jira) -> None:
    said = "The value 'PAY' does not exist for the field 'project'."
    site, scripted = jira("cloud", lambda _: Answer({"errorMessages": [said], "errors": {}}, status=400))
    with pytest.raises(Refused, match=re.escape(f"did not accept the JQL in JIRA_JQL: {said}")):
        read(site)
    assert len(scripted.asked("search/jql")) == 1


def test_a_search_is_sent_again_after_a_fault_and_nothing_is_lost(jira: Jira) -> None:
    faults = (Answer(drop=True), Answer(status=503), Answer(status=429, headers={"Retry-After": "20"}))
    site, scripted = jira("cloud", in_turn(*faults, found([issue(1)])))
    assert keys(read(site)) == ["PAY-1"]
    assert scripted.naps.seconds == [2.0, 4.0, 20.0]


def test_a_text_cut_short_in_the_middle_of_a_character_is_read(jira: Jira) -> None:
    whole = json.dumps({"issues": [issue(1, summary="Grow \U0001f680"), issue(2)], "isLast": True})
    assert r"\ud83d\ude80" in whole
    cut = whole.replace(r"\ude80", "")
    site, _ = jira("cloud", lambda _: Answer(text=cut))
    (first, _) = records(read(site))
    assert isinstance(first, WorkItem)
    assert first.summary == "Grow \ud83d"


# --- a sweep, then the issues ---


@pytest.mark.parametrize(("cap", "sweep"), [(100, 5000), (100, 7), (33, 100), (1, 1000), (100, 1)])
def test_every_issue_comes_once_whatever_the_pages_are(jira: Jira, cap: int, sweep: int) -> None:
    jira_data = Cloud(numbered(437), cap, sweep)
    site, _ = jira("cloud", jira_data)
    pages = read(site)
    assert sorted(keys(pages)) == sorted(names(jira_data.issues))
    assert pages[0].expected == 437


def test_a_large_scope_costs_no_more_requests_than_its_pages_and_its_sweep(jira: Jira) -> None:
    site, scripted = jira("cloud", Cloud(numbered(1250)))
    assert len(keys(read(site))) == 1250
    assert (len(scripted.asked("search/jql")), len(scripted.asked("bulkfetch"))) == (2, 12)
    assert sweeps(scripted)[0].body["maxResults"] == 5000
    assert site.requests == {
        ("GET", "serverInfo", 200): 1,
        ("GET", "myself", 200): 1,
        ("GET", "field", 200): 1,
        ("POST", "search/jql", 200): 2,
        ("POST", "issue/bulkfetch", 200): 12,
    }


def test_sweeping_goes_on_through_short_and_empty_pages(jira: Jira) -> None:
    first = found([issue(1)], "more", isLast=False)
    swept = [found([{"id": "10001"}], "a"), found([], "b"), found([{"id": "10002"}, {"id": "10001"}])]
    given = Answer({"issues": [issue(2)], "issueErrors": []})
    site, scripted = jira("cloud", in_turn(first, *swept, given))
    assert keys(read(site)) == ["PAY-1", "PAY-2"]
    assert [asked.body.get("nextPageToken") for asked in sweeps(scripted)] == [None, "a", "b"]
    assert scripted.asked("bulkfetch")[0].body["issueIdsOrKeys"] == ["10002"]


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"]])
def test_a_repeated_token_is_an_incomplete_read(jira: Jira, tokens: list[str]) -> None:
    swept = [found([{"id": str(n)}], token) for n, token in enumerate(tokens, 1)]
    site, _ = jira("cloud", in_turn(found([issue(1)], "more"), *swept))
    with pytest.raises(IncompleteRead, match="the same page token twice while reading JIRA_JQL"):
        read(site)


def test_new_tokens_without_new_issues_are_a_stall(jira: Jira) -> None:
    def script(asked: Asked) -> Answer:
        return found([{"id": "10001"}], str(len(scripted.server.asked)))

    site, scripted = jira("cloud", script)
    with pytest.raises(IncompleteRead, match="page after page with nothing new"):
        read(site)


@pytest.mark.parametrize("listed", [{}, {"id": None}, {"id": "x1"}, "10001"])
def test_a_sweep_that_lists_no_ids_is_an_incomplete_read(jira: Jira, listed: object) -> None:
    site, _ = jira("cloud", in_turn(found([issue(1)], "more"), found([listed])))  # type: ignore[list-item]
    with pytest.raises(IncompleteRead, match="listed an issue without its number"):
        read(site)


def test_several_requests_are_under_way_at_once_and_the_pages_keep_their_order(jira: Jira) -> None:
    jira_data = Cloud(numbered(1400))
    together = threading.Barrier(3)

    def script(asked: Asked) -> Answer:
        if asked.path.endswith("bulkfetch") and asked.body["issueIdsOrKeys"][0] < "10400":
            together.wait(timeout=20)  # is reached only where three requests are under way together
        return jira_data(asked)

    site, scripted = jira("cloud", script, parallel=3)
    assert keys(read(site)) == names(jira_data.issues)
    logins = {asked.headers["authorization"] for asked in scripted.asked("bulkfetch")}
    assert len(logins) == 1
    assert {asked.headers["user-agent"] for asked in scripted.asked("bulkfetch")} == {"tieline"}


def test_no_more_is_fetched_ahead_than_can_be_under_way(jira: Jira) -> None:
    site, scripted = jira("cloud", Cloud(numbered(3000)), parallel=2)
    pages = JiraIssues(site, "align-").pages()
    for taken in range(-1, 4):  # the first page comes from the search itself
        next(pages)
        assert len(scripted.asked("bulkfetch")) <= max(taken, 0) + 2


def test_a_read_that_is_given_up_leaves_no_thread_behind(jira: Jira) -> None:
    jira_data = Cloud(numbered(3000))
    site, scripted = jira("cloud", jira_data)
    pages = JiraIssues(site, "align-").pages()
    first = [next(pages), next(pages)]
    del pages
    gc.collect()
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("jira")] == []
    asked = len(scripted.asked("bulkfetch"))
    assert asked <= 1 + site.config.parallel
    assert len(keys(first)) == 200


def test_a_pause_of_half_an_hour_does_not_keep_a_stopped_read_waiting() -> None:
    stop = threading.Event()
    nap = stoppable(Nap(), stop)
    threading.Timer(0.05, stop.set).start()
    with pytest.raises(Halted):
        nap(1800.0)


def test_an_issue_that_failed_is_asked_for_again(jira: Jira) -> None:
    jira_data = Cloud(numbered(300))
    jira_data.failing = {"10150": 1, "10151": 1}
    site, scripted = jira("cloud", jira_data)
    assert keys(read(site)) == names(jira_data.issues)
    assert [asked.body["issueIdsOrKeys"] for asked in scripted.asked("bulkfetch")].count(["10150", "10151"])


def test_an_issue_that_keeps_failing_makes_the_read_incomplete(jira: Jira) -> None:
    jira_data = Cloud(numbered(300))
    jira_data.failing = {"10150": 9}
    site, _ = jira("cloud", jira_data)
    with pytest.raises(IncompleteRead, match="could not give 1 issues, 10150 among them: timed out"):
        read(site)


def test_issues_listed_and_then_not_given_are_asked_for_twice_and_told(jira: Jira) -> None:
    jira_data = Cloud(numbered(500))
    jira_data.withheld = {"10250", "10251", "10433"}
    site, scripted = jira("cloud", jira_data)
    pages = read(site)
    assert sorted(name for page in pages for name in page.unseen) == ["10250", "10251", "10433"]
    assert len(keys(pages)) == 497
    asked = Counter(
        name for request in scripted.asked("bulkfetch") for name in request.body["issueIdsOrKeys"]
    )
    assert {name for name, times in asked.items() if times == 2} == jira_data.withheld


def test_when_too_many_of_the_listed_are_not_given_the_read_is_incomplete(jira: Jira) -> None:
    jira_data = Cloud(numbered(500))
    jira_data.withheld = {str(10200 + n) for n in range(25)}
    site, _ = jira("cloud", jira_data)
    with pytest.raises(IncompleteRead, match="listed issues of JIRA_JQL and then did not give 25 of them"):
        read(site)


def test_what_happens_between_sweep_and_fetch_loses_nothing_else(jira: Jira) -> None:
    jira_data = Cloud(numbered(600))
    jira_data.before = {2: jira_data.remove(7, 150), 4: jira_data.remove(450, 599)}
    site, _ = jira("cloud", jira_data)
    pages = read(site)
    gone = {"PAY-7", "PAY-150", "PAY-450", "PAY-599"}
    assert set(keys(pages)) | gone == set(names(numbered(600)))
    assert {name for page in pages for name in page.unseen} <= {"10450", "10599"}


def test_faults_and_pauses_while_fetching_in_parallel_lose_nothing(jira: Jira) -> None:
    jira_data = Cloud(numbered(1000))
    faults = {
        "10100": Answer(drop=True),
        "10200": Answer(status=502),
        "10300": Answer(status=429, headers={"Retry-After": "7"}),
        "10600": Answer(
            status=429, headers={"Retry-After": "70", "RateLimit-Reason": "jira-quota-global-based"}
        ),
        "10900": Answer(text="<html>Please wait</html>", status=503),
    }

    def script(asked: Asked) -> Answer:
        first = asked.body["issueIdsOrKeys"][0] if asked.path.endswith("bulkfetch") else ""
        return faults.pop(first, None) or jira_data(asked)

    site, _ = jira("cloud", script)
    assert keys(read(site)) == names(jira_data.issues)


# --- going on after an interruption ---


def first_pages(site: JiraSite, count: int) -> list[Page]:
    pages = JiraIssues(site, "align-").pages()
    return [next(pages) for _ in range(count)]


def test_a_rate_limit_beyond_the_run_leaves_a_cursor_and_the_next_night_reads_the_rest(jira: Jira) -> None:
    jira_data = Cloud(numbered(800))
    quota = Answer(
        status=429, headers={"Retry-After": "99999", "RateLimit-Reason": "jira-quota-tenant-based"}
    )
    used_up = threading.Event()
    used_up.set()

    def script(asked: Asked) -> Answer:
        return quota if used_up.is_set() and "10500" in str(asked.body) else jira_data(asked)

    site, _ = jira("cloud", script)
    pages: list[Page] = []

    def collect() -> None:
        for page in JiraIssues(site, "align-").pages():
            pages.append(page)  # noqa: PERF402 - what came before the error is wanted

    with pytest.raises(RateLimited, match=r"answered 429|makes us wait"):
        collect()
    assert 0 < len(keys(pages)) <= 500
    used_up.clear()
    with connect(site.config) as next_night:
        assert keys(pages) + keys(read(next_night, pages[-1].cursor)) == names(jira_data.issues)


def test_from_a_cursor_only_the_rest_is_fetched(jira: Jira) -> None:
    jira_data = Cloud(numbered(1000))
    site, scripted = jira("cloud", jira_data)
    pages = first_pages(site, 4)
    before = len(scripted.asked("bulkfetch"))
    rest = read(site, pages[-1].cursor)
    assert keys(pages) + keys(rest) == names(jira_data.issues)
    assert len(scripted.asked("bulkfetch")) - before == 6


def test_after_an_interruption_joiners_are_found_and_changes_read_again(jira: Jira) -> None:
    jira_data = Cloud(numbered(1000))
    late = issue(5) | {"id": "10005"}
    jira_data.issues.remove(issue(5))
    site, scripted = jira("cloud", jira_data)
    pages = first_pages(site, 4)
    jira_data.issues.append(late)
    jira_data.changed = {"PAY-5", "PAY-6", "PAY-900"}
    scripted.naps(3600)
    rest = keys(read(site, pages[-1].cursor))
    assert set(rest[:3]) == {"PAY-5", "PAY-6", "PAY-900"}
    assert len(rest) == len(set(rest))
    assert set(keys(pages)) | set(rest) == set(names(numbered(1000)))
    changed = [asked.body["jql"] for asked in scripted.asked("search/jql") if "updated" in asked.body["jql"]]
    assert changed == ['((project = PAY) AND updated >= "-16m") ORDER BY created ASC, key ASC']


def test_a_site_that_cannot_be_reached_any_more_ends_the_read(jira: Jira) -> None:
    jira_data = Cloud(numbered(500))

    def script(asked: Asked) -> Answer:
        return Answer(drop=True) if "10300" in asked.body.get("issueIdsOrKeys", ()) else jira_data(asked)

    site, _ = jira("cloud", script)
    pages: list[Page] = []
    with pytest.raises(Unreachable):
        pages.extend(JiraIssues(site, "align-").pages())
