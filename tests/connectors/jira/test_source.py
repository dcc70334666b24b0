"""What a read of either Jira is made of: pages and cursors, parents outside the scope, objectives."""

from __future__ import annotations

import pytest

from connectors.errors import BadInput, IncompleteRead
from connectors.jira import JiraIssues, JiraObjectives
from connectors.records import Objective, WorkItem
from tests.connectors.jira.conftest import Jira, issue
from tests.connectors.jira.deployments import Cloud, DataCenter, found, keys, read, records
from tests.fakes.scripted_http import Answer, Asked, Script, in_turn


class Hierarchy(Cloud):
    """A Cloud with issues that name parents; only PAY-… are in scope."""

    def __init__(self, parents: dict[str, str | None]) -> None:
        super().__init__(
            [
                issue(number, **({"parent": {"id": None, "key": parent}} if parent else {})) | {"key": key}
                for number, (key, parent) in enumerate(parents.items(), 1)
            ]
        )
        self.asked_for: list[list[str]] = []

    def answer(self, asked: Asked) -> Answer:
        if asked.path.endswith("bulkfetch"):
            self.asked_for.append(asked.body["issueIdsOrKeys"])
        return super().answer(asked)


def test_parents_outside_the_scope_are_fetched_level_by_level(jira: Jira) -> None:
    jira_data = Hierarchy(
        {"PAY-1": "EPIC-1", "PAY-2": "PAY-1", "EPIC-1": "INIT-1", "INIT-1": None, "X-1": None}
    )
    site, _ = jira("cloud", jira_data)
    items = {item.key: item for item in records(read(site)) if isinstance(item, WorkItem)}
    assert list(items) == ["PAY-1", "PAY-2", "EPIC-1", "INIT-1"]
    assert [key for key, item in items.items() if not item.in_scope] == ["EPIC-1", "INIT-1"]
    assert jira_data.asked_for == [["EPIC-1"], ["INIT-1"]]


def test_hidden_parents_and_cycles_end_the_climb(jira: Jira) -> None:
    jira_data = Hierarchy(
        {"PAY-1": "A-1", "A-1": "B-1", "B-1": "A-1", "PAY-2": "GONE-1", "PAY-3": "no key at all"}
    )
    site, _ = jira("cloud", jira_data)
    assert sorted(keys(read(site))) == ["A-1", "B-1", "PAY-1", "PAY-2", "PAY-3"]
    assert jira_data.asked_for == [["A-1", "GONE-1"], ["B-1"]]


def test_many_parents_are_fetched_a_hundred_at_a_time(jira: Jira) -> None:
    parents: dict[str, str | None] = {f"PAY-{n}": f"TOP-{n}" for n in range(90)}
    parents |= {f"PAY-{90 + n}": f"TOP-{90 + n}" for n in range(160)}
    jira_data = Hierarchy(parents | dict.fromkeys([f"TOP-{n}" for n in range(250)]))
    site, _ = jira("cloud", jira_data)
    assert len(set(keys(read(site)))) == 500
    of_parents = [asked for asked in jira_data.asked_for if asked[0].startswith("TOP")]
    assert [len(asked) for asked in of_parents] == [100, 100, 50]


def test_a_parent_jira_failed_to_give_is_asked_for_again(jira: Jira) -> None:
    jira_data = Hierarchy({"PAY-1": "TOP-1", "TOP-1": None})
    jira_data.failing = {"TOP-1": 1}
    site, _ = jira("cloud", jira_data)
    assert keys(read(site)) == ["PAY-1", "TOP-1"]


def test_a_parent_jira_could_not_give_makes_the_read_incomplete(jira: Jira) -> None:
    jira_data = Hierarchy({"PAY-1": "TOP-1", "TOP-1": None})
    jira_data.failing = {"TOP-1": 2}
    site, scripted = jira("cloud", jira_data)
    with pytest.raises(IncompleteRead, match="could not give 1 issues, TOP-1 among them: timed out"):
        read(site)
    assert len(scripted.asked("bulkfetch")) == 2


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_after_an_interruption_a_parent_in_scope_is_not_taken_for_one_outside(
    jira: Jira, deployment: str
) -> None:
    issues = [issue(n) for n in range(150)] + [issue(900) | {"key": "TOP-9"}]
    for number, parent in ((120, "PAY-1"), (121, "PAY-140"), (122, "TOP-9")):
        issues[number]["fields"]["customfield_10014"] = parent
    site, _ = jira(deployment, Cloud(issues) if deployment == "cloud" else DataCenter(issues, clamp=60))
    whole = list(JiraIssues(site, "align-").pages())
    expected = {item.key: item for item in records(whole) if isinstance(item, WorkItem)}
    assert {key for key, item in expected.items() if not item.in_scope} == {"TOP-9"}
    for page in whole[:-1]:
        for item in records(read(site, page.cursor)):
            assert isinstance(item, WorkItem)
            assert item == expected[item.key]


@pytest.mark.parametrize("cursor", ["garbage", "[]", '["other",1,"x",[]]', "{}", "7"])
def test_a_cursor_of_another_query_starts_again(jira: Jira, cursor: str) -> None:
    site, _ = jira("cloud", Cloud([issue(1), issue(2)]))
    assert keys(read(site, cursor)) == ["PAY-1", "PAY-2"]


def test_an_issue_that_cannot_be_mapped_is_quarantined_and_the_rest_read(jira: Jira) -> None:
    site, _ = jira("cloud", lambda _: found([{"key": "PAY-1", "fields": {}}, issue(2)]))
    pages = read(site)
    assert keys(pages) == ["PAY-2"]
    assert [entry.reason for page in pages for entry in page.quarantined] == ["the issue has no id or no key"]


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
