"""Reading a scope whole on both deployments, also when Jira repeats, stalls, shifts or contradicts itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.errors import BadInput, IncompleteRead, RateLimited, Refused, Unreachable
from connectors.jira import JiraIssues, JiraObjectives, JiraSite
from connectors.jira.datacenter import KeysetSearch
from connectors.jira.values import moment_of
from connectors.records import Objective, Page, WorkItem
from tests.connectors.jira.conftest import Jira, connect, issue
from tests.fakes.scripted_http import Answer, Asked, Script, in_turn

BERLIN = ZoneInfo("Europe/Berlin")


def records(pages: Iterable[Page]) -> list[WorkItem | Objective]:
    found = [record for page in pages for record in page.records]
    assert all(isinstance(record, WorkItem | Objective) for record in found)
    return found  # type: ignore[return-value]


def keys(pages: Iterable[Page]) -> list[str]:
    return [record.key for record in records(pages) if isinstance(record, WorkItem)]


def read(site: JiraSite, cursor: str | None = None) -> list[Page]:
    return list(JiraIssues(site, "align-").pages(cursor))


def found(issues: Sequence[dict[str, Any]], token: str | None = None, **more: Any) -> Answer:
    return Answer({"issues": list(issues)} | ({"nextPageToken": token} if token else {}) | more)


# --- Cloud ---


def test_cloud_is_read_by_token_through_short_and_empty_pages(jira: Jira) -> None:
    answers = (found([issue(1)], "a", isLast=False), found([], "b"), found([issue(2), issue(3)], isLast=True))
    site, scripted = jira("cloud", in_turn(*answers))
    pages = read(site)
    assert keys(pages) == ["PAY-1", "PAY-2", "PAY-3"]
    assert pages[-1].cursor is None
    bodies = [asked.body for asked in scripted.asked("search/jql")]
    assert [body.pop("nextPageToken", None) for body in bodies] == [None, "a", "b"]
    assert bodies[0]["jql"] == "(project = PAY) ORDER BY created ASC, key ASC"
    assert bodies[0] == bodies[1] == bodies[2]
    assert "description" not in bodies[0]["fields"]


@pytest.mark.parametrize("end", [{}, {"nextPageToken": None}, {"nextPageToken": ""}, {"isLast": True}])
def test_cloud_ends_where_jira_says_so_in_any_of_its_ways(jira: Jira, end: dict[str, Any]) -> None:
    site, scripted = jira("cloud", in_turn(found([issue(1)], **end), Answer(status=500)))
    assert keys(read(site)) == ["PAY-1"]
    assert len(scripted.asked("search/jql")) == 1


def test_a_repeated_token_is_an_incomplete_read(jira: Jira) -> None:
    site, _ = jira("cloud", in_turn(found([issue(1)], "a"), found([issue(2)], "b"), found([issue(3)], "a")))
    with pytest.raises(IncompleteRead, match="the same page token twice"):
        read(site)


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


def test_an_issue_that_comes_twice_is_told_once(jira: Jira) -> None:
    site, _ = jira("cloud", in_turn(found([issue(1), issue(2)], "a"), found([issue(2), issue(3)])))
    assert keys(read(site)) == ["PAY-1", "PAY-2", "PAY-3"]


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


def test_a_rate_limit_in_the_middle_leaves_a_cursor_to_go_on_from(jira: Jira) -> None:
    limited = [Answer(status=429, headers={"Retry-After": "99999"})]

    def script(asked: Asked) -> Answer:
        token = asked.body.get("nextPageToken")
        if token == "a" and limited:
            return limited.pop()
        return found([issue(1)], "a") if token is None else found([issue(2)])

    site, _ = jira("cloud", script)
    first: list[Page] = []
    with pytest.raises(RateLimited):
        first.extend(JiraIssues(site, "align-").pages())
    with connect(site.config) as next_night:
        page = next(JiraIssues(next_night, "align-").pages())
        assert keys([page]) == ["PAY-1"]
        assert keys(read(next_night, page.cursor)) == ["PAY-2"]


def test_an_expired_cursor_starts_again_and_reads_all(jira: Jira) -> None:
    alive = [True]

    def script(asked: Asked) -> Answer:
        token = asked.body.get("nextPageToken")
        if token and not alive[0]:
            return Answer(
                {"errorMessages": ["The provided next page token is invalid or expired."]}, status=400
            )
        alive[0] = True
        return found([issue(1)], "a") if token is None else found([issue(2)])

    site, _ = jira("cloud", script)
    page = next(JiraIssues(site, "align-").pages())
    alive[0] = False
    assert keys(read(site, page.cursor)) == ["PAY-1", "PAY-2"]


@pytest.mark.parametrize("cursor", ["garbage", "[]", '["other","x",[]]', "{}"])
def test_a_cursor_of_another_query_starts_again(jira: Jira, cursor: str) -> None:
    site, scripted = jira("cloud", in_turn(found([issue(1)])))
    assert keys(read(site, cursor)) == ["PAY-1"]
    assert "nextPageToken" not in scripted.asked("search/jql")[0].body


def test_an_issue_that_cannot_be_mapped_is_quarantined_and_the_rest_read(jira: Jira) -> None:
    site, _ = jira("cloud", lambda _: found([{"key": "PAY-1", "fields": {}}, issue(2)]))
    pages = read(site)
    assert keys(pages) == ["PAY-2"]
    assert [entry.reason for page in pages for entry in page.quarantined] == ["the issue has no id or no key"]


# --- parents ---


class Hierarchy:
    """A Cloud or Data Center with issues that name parents; only PAY-… are in scope."""

    def __init__(self, parents: dict[str, str | None], **missing: str) -> None:
        self.issues = {
            key: issue(number, **({"parent": {"id": None, "key": parent}} if parent else {})) | {"key": key}
            for number, (key, parent) in enumerate(parents.items(), 1)
        }
        self.fetched: list[list[str]] = []

    def __call__(self, asked: Asked) -> Answer:
        if asked.path.endswith("bulkfetch"):
            self.fetched.append(asked.body["issueIdsOrKeys"])
            return Answer({"issues": self.listed(asked.body["issueIdsOrKeys"]), "issueErrors": []})
        if asked.path.endswith("search/jql"):
            return found([raw for key, raw in self.issues.items() if key.startswith("PAY")])
        raise AssertionError(asked)

    def listed(self, wanted: list[str]) -> list[dict[str, Any]]:
        return [raw for key, raw in self.issues.items() if key in wanted or raw["id"] in wanted]


def test_parents_outside_the_scope_are_fetched_level_by_level(jira: Jira) -> None:
    jira_data = Hierarchy(
        {"PAY-1": "EPIC-1", "PAY-2": "PAY-1", "EPIC-1": "INIT-1", "INIT-1": None, "X-1": None}
    )
    site, _ = jira("cloud", jira_data)
    items = {item.key: item for item in records(read(site)) if isinstance(item, WorkItem)}
    assert list(items) == ["PAY-1", "PAY-2", "EPIC-1", "INIT-1"]
    assert [key for key, item in items.items() if not item.in_scope] == ["EPIC-1", "INIT-1"]
    assert jira_data.fetched == [["EPIC-1"], ["INIT-1"]]


def test_hidden_parents_and_cycles_end_the_climb(jira: Jira) -> None:
    jira_data = Hierarchy(
        {"PAY-1": "A-1", "A-1": "B-1", "B-1": "A-1", "PAY-2": "GONE-1", "PAY-3": "no key at all"}
    )
    site, _ = jira("cloud", jira_data)
    assert sorted(keys(read(site))) == ["A-1", "B-1", "PAY-1", "PAY-2", "PAY-3"]
    assert jira_data.fetched == [["A-1", "GONE-1"], ["B-1"]]


def test_many_parents_are_fetched_a_hundred_at_a_time(jira: Jira) -> None:
    parents: dict[str, str | None] = {f"PAY-{n}": f"TOP-{n}" for n in range(250)}
    jira_data = Hierarchy(parents | dict.fromkeys([f"TOP-{n}" for n in range(250)]))
    site, _ = jira("cloud", jira_data)
    assert len(set(keys(read(site)))) == 500
    assert [len(asked) for asked in jira_data.fetched] == [100, 100, 50]


def test_a_parent_jira_could_not_give_makes_the_read_incomplete(jira: Jira) -> None:
    def script(asked: Asked) -> Answer:
        if asked.path.endswith("bulkfetch"):
            return Answer({"issues": [], "issueErrors": [{"id": "TOP-1", "errorMessage": "timed out"}]})
        return found([issue(1, parent={"key": "TOP-1"})])

    site, scripted = jira("cloud", script)
    with pytest.raises(IncompleteRead, match="could not give 1 parent issues, TOP-1 among them: timed out"):
        read(site)
    assert len(scripted.asked("bulkfetch")) == 2


def test_after_an_interruption_a_parent_in_scope_is_not_taken_for_one_outside(jira: Jira) -> None:
    def script(asked: Asked) -> Answer:
        if asked.path.endswith("bulkfetch"):
            return Answer({"issues": [issue(9) | {"key": "TOP-9"}], "issueErrors": []})
        first = found([issue(1)], "a")
        second = found([issue(2, parent={"key": "PAY-1"}), issue(3, parent={"key": "TOP-9"})])
        return second if asked.body.get("nextPageToken") else first

    site, scripted = jira("cloud", script)
    cursor = next(JiraIssues(site, "align-").pages()).cursor
    items = [item for item in records(read(site, cursor)) if isinstance(item, WorkItem)]
    assert [(item.key, item.in_scope) for item in items] == [
        ("PAY-2", True),
        ("PAY-3", True),
        ("TOP-9", False),
    ]
    assert [asked.body["issueIdsOrKeys"] for asked in scripted.asked("bulkfetch")] == [["TOP-9"]]


# --- Data Center ---


class DataCenter:
    """`POST search` as Data Center does it: offset, total, clamped pages, times in the account's zone."""

    def __init__(self, issues: Sequence[dict[str, Any]], clamp: int = 1000, zone: ZoneInfo = BERLIN) -> None:
        self.issues = list(issues)
        self.clamp = clamp
        self.zone = zone
        self.searches = 0
        self.before_search: dict[int, Any] = {}

    def __call__(self, asked: Asked) -> Answer:
        if not asked.path.endswith("/search"):
            return self.one(asked.path.rpartition("/")[2])
        self.searches += 1
        self.before_search.pop(self.searches, lambda: None)()
        jql = asked.body["jql"]
        if jql.startswith("key in"):
            return self.listed(re.findall(r"[\w-]+", jql.removeprefix("key in")))
        matching = sorted(self.matching(jql), key=lambda raw: (raw["fields"]["created"], int(raw["id"])))
        size = min(self.clamp, asked.body["maxResults"])
        page = matching[asked.body["startAt"] :][:size]
        return Answer(
            {"issues": page, "total": len(matching), "startAt": asked.body["startAt"], "maxResults": size}
        )

    def matching(self, jql: str) -> list[dict[str, Any]]:
        bound = re.search(r'created >= "([^"]+)"', jql)
        scope = [raw for raw in self.issues if raw["key"].startswith("PAY")]
        if not bound:
            return scope
        since = datetime.strptime(bound[1], "%Y-%m-%d %H:%M").replace(tzinfo=self.zone)
        return [raw for raw in scope if (moment_of(raw["fields"]["created"]) or since) >= since]

    def listed(self, wanted: list[str]) -> Answer:
        hit = [raw for raw in self.issues if raw["key"] in wanted or raw["id"] in wanted]
        if len(hit) < len(wanted):
            return Answer(
                {"errorMessages": ["An issue with key 'X' does not exist for field 'key'."]}, status=400
            )
        return Answer({"issues": hit, "total": len(hit)})

    def one(self, name: str) -> Answer:
        hit = [raw for raw in self.issues if name in {raw["key"], raw["id"]}]
        return Answer(hit[0]) if hit else Answer({"errorMessages": ["Issue Does Not Exist"]}, status=404)

    def remove(self, *numbers: int) -> Any:
        gone = {f"PAY-{number}" for number in numbers}
        return lambda: self.issues.__setitem__(
            slice(None), [raw for raw in self.issues if raw["key"] not in gone]
        )


def minutes(count: int, per_minute: int = 1) -> list[dict[str, Any]]:
    """Issues created `per_minute` to each minute, through the night in which Berlin repeats an hour."""
    start = datetime(2026, 10, 24, 22, 0, 30, tzinfo=UTC)
    return [
        issue(n, created=(start + timedelta(minutes=n // per_minute)).strftime("%Y-%m-%dT%H:%M:%S.000+0000"))
        for n in range(count)
    ]


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
        batches = unknown.batches("project = PAY", "JIRA_JQL", ["created"], set(), None)
        assert [raw["key"] for batch in batches for raw in batch.issues] == [
            raw["key"] for raw in jira_data.issues
        ]


@pytest.mark.parametrize("per_minute", [1, 5, 200])
def test_issues_deleted_while_reading_take_no_other_with_them(jira: Jira, per_minute: int) -> None:
    jira_data = DataCenter(minutes(200, per_minute), clamp=20)
    kept = {raw["key"] for raw in jira_data.issues} - {f"PAY-{n}" for n in (3, 19, 39, 40, 41)}
    jira_data.before_search = {3: jira_data.remove(3, 19), 5: jira_data.remove(39, 40, 41)}
    site, _ = jira("datacenter", jira_data)
    got = keys(read(site))
    assert kept <= set(got)
    assert len(got) == len(set(got))


def test_data_center_goes_on_from_a_cursor(jira: Jira) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    days = [issue(n, created=(start + timedelta(days=n)).isoformat()) for n in range(100)]
    jira_data = DataCenter(days, clamp=20, zone=ZoneInfo("Pacific/Kiritimati"))
    site, _ = jira("datacenter", jira_data)
    pages = JiraIssues(site, "align-").pages()
    first, second = next(pages), next(pages)
    rest = keys(read(site, second.cursor))
    assert set(keys([first, second])) | set(rest) == {raw["key"] for raw in jira_data.issues}
    assert len(rest) < 70
    assert first.expected == 100


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
    assert read(site) == [Page()]


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


def test_objectives_are_read_from_their_own_jql(jira: Jira) -> None:
    script: Script = in_turn(found([issue(1, summary="Grow"), issue(2, summary="Save")]))
    site, scripted = jira("cloud", script)
    source = JiraObjectives(site, "project = OBJ order by rank", "align-")
    read_objectives = [record for record in records(source.pages()) if isinstance(record, Objective)]
    assert [(o.id, o.title, o.issue_id) for o in read_objectives] == [
        ("PAY-1", "Grow", "10001"),
        ("PAY-2", "Save", "10002"),
    ]
    assert scripted.asked("search/jql")[0].body["jql"].startswith("(project = OBJ) ORDER BY")
    assert source.name == "jira-objectives"


def test_a_jql_for_objectives_that_cannot_be_bracketed_is_refused(jira: Jira) -> None:
    site, _ = jira("cloud", lambda _: found([]))
    with pytest.raises(BadInput, match="JIRA_OBJECTIVE_JQL: the JQL opens a bracket it never closes"):
        JiraObjectives(site, "(project = OBJ", "align-")
