"""What `doctor` learns about a Jira: everything a night needs, whatever is refused, in few requests."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.jira import Diagnosis, IssueType, diagnose
from tests.connectors.jira.conftest import FIELDS, Jira, issue
from tests.connectors.jira.deployments import found
from tests.fakes.scripted_http import Answer, Asked

NOW = datetime(2026, 11, 23, 2, 0, 0, tzinfo=UTC)
CLOUD_TYPES = [
    {"id": "10001", "name": "Story", "subtask": False, "hierarchyLevel": 0},
    {"id": "10000", "name": "Epos", "subtask": False, "hierarchyLevel": 1},
    {
        "id": "10100",
        "name": "Epic",
        "hierarchyLevel": 1,
        "scope": {"type": "PROJECT", "project": {"id": "10200"}},
    },
    {"id": "10002", "name": "Sub-task", "subtask": True, "hierarchyLevel": -1},
    {"id": "10003", "name": "Initiative", "hierarchyLevel": 2},
]
SERVER_TYPES: list[dict[str, Any]] = [
    {"id": "1", "name": "Story", "subtask": False},
    {"id": "2", "name": "Epic", "subtask": False},
    {"id": "3", "name": "Sub-task", "subtask": True},
]


class Answers:
    """A Jira with issues in some projects; `may` are the permissions held in each, and somewhere."""

    def __init__(self, types: Any, projects: dict[str, str] | None = None, somewhere: str = "BE") -> None:
        self.types = types
        self.projects = {"PAY": "EA"} if projects is None else projects
        self.somewhere = somewhere
        self.searches = 0
        self.asked_projects: list[str] = []
        self.screens: list[str] = []
        self.off_screen: set[str] = set()
        self.headers: dict[str, str] = {}

    def __call__(self, asked: Asked) -> Answer:
        if asked.path.endswith("issuetype"):
            return Answer(self.types, headers=self.headers)
        if asked.path.endswith("editmeta"):
            return Answer(
                {"fields": {"summary": {}} if self.screens[-1] in self.off_screen else {"labels": {}}}
            )
        if asked.path.endswith("mypermissions"):
            return self.permissions(asked)
        if asked.path.rpartition("/")[2] in {"search", "jql"}:
            return self.search(asked.body)
        return Answer({"errorMessages": ["gone"]}, status=410)

    def permissions(self, asked: Asked) -> Answer:
        project = asked.query.get("projectKey")
        held = self.projects[project] if project else self.somewhere
        self.asked_projects += [project] if project else []
        names = asked.query["permissions"].split(",")
        return Answer({"permissions": {name: {"havePermission": name[0] in held} for name in names}})

    def search(self, body: Any) -> Answer:
        if body["maxResults"] == 0:  # Data Center counts this way
            return Answer({"issues": [], "total": len(self.projects)})
        one = re.search(r' AND project = "(\w+)"', body["jql"])
        if one:
            self.screens.append(one[1])
            return found([issue(1) | {"key": f"{one[1]}-1"}], isLast=True, total=1, token=None)
        self.searches += 1
        without = re.findall(r'"(\w+)"', body["jql"])
        rest = [key for key in self.projects if key not in without]
        page = [issue(n) | {"key": f"{key}-{n}"} for n, key in enumerate(rest[:3])]
        return found(page, isLast=len(rest) <= 3, total=len(rest), token="more" if len(rest) > 3 else None)


def test_a_diagnosis_tells_everything_a_night_needs(jira: Jira) -> None:
    answers = Answers(CLOUD_TYPES, {"PAY": "EA", "WEB": "E", "OPS": ""})
    site, scripted = jira("cloud", answers, objective_field="objective IDS", cost_code_field="Budget")
    seen = diagnose(site, NOW)
    assert (seen.deployment, seen.account, seen.clock_skew, seen.issues) == ("cloud", "Night Sync", 5.0, 1)
    assert seen.permissions == {"BROWSE_PROJECTS": True, "EDIT_ISSUES": True, "BULK_CHANGE": True}
    assert (seen.access.projects, seen.access.unwritable, seen.access.loud) == (
        ("PAY", "WEB", "OPS"),
        ("OPS",),
        ("WEB", "OPS"),
    )
    unknown, unwritable = seen.problems
    assert unknown.startswith("cost_code_fields: this Jira shows the account no field called 'Budget'.")
    assert unwritable == (
        "Night Sync lacks EDIT_ISSUES in OPS: no label can be written there. Grant it, or leave these "
        "projects out of JIRA_JQL."
    )
    assert {asked.method for asked in scripted.server.asked} == {"GET", "POST"}
    assert not [asked for asked in scripted.server.asked if asked.path.endswith(("10001", "PAY-1"))]
    assert answers.screens == ["PAY", "WEB"]


def test_issue_types_come_with_their_levels_also_those_of_one_project(jira: Jira) -> None:
    site, _ = jira("cloud", Answers(CLOUD_TYPES))
    seen = diagnose(site, NOW)
    assert seen.issue_types == (
        IssueType("10003", "Initiative", 2),
        IssueType("10100", "Epic", 1, "10200"),
        IssueType("10000", "Epos", 1),
        IssueType("10001", "Story", 0),
        IssueType("10002", "Sub-task", -1),
    )
    assert str(seen.issue_types[0]) == "Initiative (level 2)"


def test_data_center_says_which_types_it_took_for_epics_and_which_fields_it_lacks(jira: Jira) -> None:
    site, _ = jira("datacenter", Answers(SERVER_TYPES))
    seen = diagnose(site, NOW)
    assert [(one.name, one.level) for one in seen.issue_types] == [
        ("Epic", 1),
        ("Story", 0),
        ("Sub-task", -1),
    ]
    assert seen.hierarchy_fields == {
        "epic link": ("Epos (customfield_10014: gh-epic-link)",),
        "parent link": (),
        "goals": (),
    }
    assert (
        "Data Center does not tell which issue types are epics: Epic is taken to be (epic_types)."
        in seen.notes
    )
    assert any(note.startswith("No Parent Link field") for note in seen.notes)
    assert not any("Epic Link" in note for note in seen.notes)


def test_what_is_missing_is_said_with_what_it_is_for(jira: Jira, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FIELDS[-1], "schema", {"custom": "other"})
    site, _ = jira("datacenter", Answers(SERVER_TYPES))
    assert any("stories are not tied to their epics" in note for note in diagnose(site, NOW).notes)
    site, _ = jira("cloud", Answers(CLOUD_TYPES))
    no_field, no_goals = diagnose(site, NOW).notes
    assert no_field == (
        "No field holds objectives (JIRA_OBJECTIVE_FIELD): work is tied to them by parents, issue links, "
        "goals, labels and mapping files only."
    )
    assert no_goals == "No Goals field is visible: links to goals of Atlassian Home are not read."


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_a_site_without_epics_is_a_problem_with_its_remedy(jira: Jira, deployment: str) -> None:
    site, _ = jira(deployment, Answers([{"id": "7", "name": "Épopée"}, {"id": "8", "name": "Story"}]))
    (problem,) = diagnose(site, NOW).problems
    remedy = "" if deployment == "cloud" else " Name it in epic_types."
    assert problem == f"No issue type of jira is an epic; there are Story, Épopée.{remedy}"


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_projects_are_found_in_few_requests_and_each_is_asked_once(jira: Jira, deployment: str) -> None:
    answers = Answers(CLOUD_TYPES, dict.fromkeys((f"P{n}" for n in range(10)), "EA"))
    site, _ = jira(deployment, answers)
    access = diagnose(site, NOW).access
    assert (access.projects, access.complete) == (tuple(answers.projects), True)
    assert answers.searches == 5
    assert answers.asked_projects == answers.screens == list(answers.projects)


def test_of_very_many_projects_only_some_are_looked_at_and_that_is_said(jira: Jira) -> None:
    answers = Answers(CLOUD_TYPES, dict.fromkeys((f"P{n}" for n in range(99)), "EA"))
    site, _ = jira("cloud", answers)
    seen = diagnose(site, NOW)
    assert (len(answers.asked_projects), answers.searches, seen.access.complete) == (50, 20, False)
    assert len(answers.screens) == 20
    assert seen.notes[-1].endswith("permissions were read in 50 of them.")


def everything_refused(jira: Jira, deployment: str) -> Diagnosis:
    site, _ = jira(deployment, lambda _: Answer({"errorMessages": ["no such project PAY"]}, status=400))
    return diagnose(site, NOW)


def test_a_diagnosis_goes_on_where_one_look_is_refused(jira: Jira) -> None:
    seen = everything_refused(jira, "datacenter")
    assert (seen.issues, seen.clock_skew, dict(seen.permissions)) == (None, None, {})
    assert any("did not accept the JQL in JIRA_JQL: no such project PAY" in text for text in seen.problems)
    assert len(everything_refused(jira, "cloud").problems) == 3


def test_lacking_a_permission_everywhere_is_told_once(jira: Jira) -> None:
    site, _ = jira("cloud", Answers(CLOUD_TYPES, {"PAY": ""}, somewhere="B"))
    assert diagnose(site, NOW).problems == ("Night Sync lacks EDIT_ISSUES in every project.",)


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_projects_without_labels_on_their_edit_screen_are_named(jira: Jira, deployment: str) -> None:
    answers = Answers(CLOUD_TYPES, dict.fromkeys(("PAY", "WEB", "OPS"), "EA"))
    answers.off_screen = {"WEB", "OPS"}
    seen = diagnose(jira(deployment, answers)[0], NOW)
    told = seen.notes if deployment == "cloud" else seen.problems
    assert told[-1].startswith("The field Labels is not on the edit screen of WEB, OPS: ")


def test_how_fast_a_site_may_be_asked_is_told_with_who_says_so(jira: Jira) -> None:
    answers = Answers(SERVER_TYPES)
    assert diagnose(jira("datacenter", answers)[0], NOW).limits.startswith("its answers say nothing; kept to")
    answers.headers = {
        "X-RateLimit-Limit": "200",
        "X-RateLimit-Remaining": "199",
        "X-RateLimit-FillRate": "10",
        "X-RateLimit-Interval-Seconds": "1",
    }
    seen = diagnose(jira("datacenter", answers)[0], NOW)
    assert seen.limits == "10 requests a second, 200 at once, as its answers say"
