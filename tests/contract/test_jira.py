"""The Jira connector keeps both contracts against the sandbox, Cloud and Data Center, and on real issues."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.base import LabelWriter, Source
from connectors.changes import LabelChange
from connectors.errors import AuthenticationFailed, Refused
from connectors.jira import (
    JiraIssues,
    JiraLabels,
    JiraObjectives,
    JiraSite,
    JiraSiteConfig,
    connect,
    diagnose,
)
from connectors.records import How, WorkItem
from sync.sandbox import Call, Deployment, Sandbox
from tests.clock import NOW
from tests.connectors.jira.real_issues import DATA, needs_real_data
from tests.contract.contracts import Labels, LabelWriterContract, SourceContract, outcome_of

PEOPLES = ["q3", 'say-"hi"', "Python,", "not-align-x"]
START = datetime(2026, 3, 28, 20, 0, tzinfo=UTC)


def config_for(sandbox: Sandbox, **settings: Any) -> JiraSiteConfig:
    proof = sandbox.credentials
    on_cloud = sandbox.deployment is Deployment.CLOUD
    login = {"email": proof.email, "api_token": proof.token} if on_cloud else {"pat": proof.pat}
    given = {"url": sandbox.url, "jql": "project in (PAY, WEB)", "page_size": 30}
    return JiraSiteConfig.model_validate(given | login | settings)


@pytest.fixture(params=[Deployment.CLOUD, Deployment.DATA_CENTER])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """62 stories, five to a minute, and three epics in scope; two more epics are outside of it."""
    path = "" if request.param is Deployment.CLOUD else "/jira"
    with Sandbox(
        request.param,
        context_path=path,
        views_max=25,
        site_zone="America/New_York",
        account_zone="Europe/Berlin",
        now=lambda: NOW,
    ) as sandbox:
        furnish(sandbox)
        yield sandbox


def furnish(sandbox: Sandbox) -> None:
    site = sandbox.site
    for key in ("PAY", "WEB", "TOP"):
        site.add_project(key, key.title())
    objective = site.add_field("Objective ids")
    for number in range(5):
        project = "TOP" if number > 2 else "PAY"
        stamp = (START - timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        site.add_issue(
            {"project": project, "issuetype": "Epic", "summary": f"Epic {number}", "created": stamp}
        )
    epics = ["PAY-1", "PAY-2", "PAY-3", "TOP-1", "TOP-2"]
    for number in range(62):
        stamp = (START + timedelta(minutes=number // 5)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        fields = {
            "project": "WEB",
            "issuetype": "Story",
            "summary": f"Story {number}",
            "labels": PEOPLES,
            "created": stamp,
            "parent": epics[number % 5],
            objective: f"FIN-{number}, FIN-{number + 1}",
        }
        site.add_issue(fields)


@pytest.fixture
def site(sandbox: Sandbox) -> Iterator[JiraSite]:
    config = config_for(sandbox, objective_field="objective ids")
    with connect(config) as site:
        yield site


class TestIssues(SourceContract):
    @pytest.fixture
    def source(self, site: JiraSite) -> Source:
        return JiraIssues(site, "align-")

    @pytest.fixture
    def expected(self, sandbox: Sandbox) -> set[str]:
        return set(sandbox.site.issues)


class TestObjectives(SourceContract):
    @pytest.fixture
    def source(self, site: JiraSite) -> Source:
        return JiraObjectives(site, "project = WEB ORDER BY summary DESC", "align-")

    @pytest.fixture
    def expected(self, sandbox: Sandbox) -> set[str]:
        return {issue.key for issue in sandbox.site.issues.values() if issue.key.startswith("WEB-")}


class TestLabels(LabelWriterContract):
    @pytest.fixture
    def writer(self, site: JiraSite) -> LabelWriter:
        return JiraLabels(site, "align-")

    @pytest.fixture
    def issue(self, sandbox: Sandbox) -> tuple[str, str]:
        return sandbox.site.get("WEB-1").id, "WEB-1"

    @pytest.fixture
    def labels(self, sandbox: Sandbox) -> Labels:
        return lambda issue_id: list(sandbox.site.get(issue_id).fields["labels"])


def test_a_project_one_may_not_edit_and_the_types_of_issues_are_told(
    site: JiraSite, sandbox: Sandbox
) -> None:
    sandbox.site.permissions.read_only_projects.add("WEB")
    sandbox.site.permissions.project_admin.add("PAY")
    found = diagnose(site, NOW)
    assert (found.access.projects, found.access.unwritable, found.access.loud) == (
        ("PAY", "WEB"),
        ("WEB",),
        ("WEB",),
    )
    assert {one.name for one in found.issue_types if one.level == 1} == {"Epic"}
    assert [problem for problem in found.problems if "lacks EDIT_ISSUES in WEB" in problem]


def items_of(site: JiraSite) -> dict[str, WorkItem]:
    records = [record for page in JiraIssues(site, "align-").pages() for record in page.records]
    return {record.key: record for record in records if isinstance(record, WorkItem)}


def test_the_deployment_is_told_by_jira_itself(site: JiraSite, sandbox: Sandbox) -> None:
    assert site.is_cloud == (sandbox.deployment is Deployment.CLOUD)
    assert site.timezone == "Europe/Berlin"
    found = diagnose(site, NOW)
    assert (found.issues, found.problems) == (65, ())
    assert found.objective_fields[0].startswith("Objective ids (customfield_")
    assert found.permissions.keys() - {"BULK_CHANGE"} == {"BROWSE_PROJECTS", "EDIT_ISSUES"}
    assert all(found.permissions.values())


def test_items_carry_their_level_parent_objectives_and_scope(site: JiraSite) -> None:
    items = items_of(site)
    assert {item.hierarchy_level for key, item in items.items() if key.startswith(("PAY", "TOP"))} == {1}
    story = items["WEB-4"]
    assert (story.hierarchy_level, story.parent_key, story.in_scope, story.labels) == (
        0,
        "TOP-1",
        True,
        tuple(PEOPLES),
    )
    assert {key for key, item in items.items() if not item.in_scope} == {"TOP-1", "TOP-2"}
    assert [r.target for r in story.references if r.how is How.CUSTOM_FIELD] == ["FIN-3", "FIN-4"]
    assert story.created == START
    assert story.url == f"{site.config.url}/browse/WEB-4"


def test_labels_people_set_between_reading_and_writing_are_kept(site: JiraSite, sandbox: Sandbox) -> None:
    issue = sandbox.site.get("WEB-1")

    def meanwhile(_: Call) -> None:
        sandbox.site.label("WEB-1", add=["just-now"], remove=["q3"])

    sandbox.before("PUT", "/issue/", meanwhile, times=1)
    assert outcome_of(JiraLabels(site, "align-"), LabelChange(issue.id, "WEB-1", add=("align-a",))).done
    assert issue.fields["labels"] == [*PEOPLES[1:], "just-now", "align-a"]


def test_watchers_are_mailed_only_where_jira_refuses_silence(site: JiraSite, sandbox: Sandbox) -> None:
    sandbox.site.permissions.project_admin.add("WEB")
    labels = JiraLabels(site, "align-")
    for key, notified in (("WEB-1", "no"), ("PAY-1", "yes"), ("PAY-2", "yes")):
        outcome = outcome_of(labels, LabelChange(sandbox.site.get(key).id, key, add=("align-a",)))
        assert (outcome.done, outcome.detail["notified"]) == (True, notified)
    assert sandbox.write_requests() == 4


def test_an_issue_one_may_not_edit_is_an_outcome_and_unchanged(site: JiraSite, sandbox: Sandbox) -> None:
    issue = sandbox.site.get("WEB-1")
    sandbox.site.permissions.read_only_issues.add(issue.id)
    outcome = outcome_of(JiraLabels(site, "align-"), LabelChange(issue.id, "WEB-1", add=("align-a",)))
    assert not outcome.done
    assert outcome.reason
    assert issue.fields["labels"] == PEOPLES


def test_reading_makes_no_write_request(site: JiraSite, sandbox: Sandbox) -> None:
    items_of(site)
    diagnose(site, NOW)
    assert sandbox.write_requests() == 0


def test_hidden_parents_are_simply_not_there(site: JiraSite, sandbox: Sandbox) -> None:
    sandbox.site.permissions.hidden_projects.add("TOP")
    items = items_of(site)
    assert len(items) == 65
    assert items["WEB-4"].parent_key == "TOP-1"


def test_a_wrong_credential_and_a_wrong_jql_are_told_with_their_settings(sandbox: Sandbox) -> None:
    wrong = {"api_token": "wrong"} if sandbox.deployment is Deployment.CLOUD else {"pat": "wrong"}
    with pytest.raises(AuthenticationFailed, match=r"JIRA_API_TOKEN|JIRA_PAT"):
        connect(config_for(sandbox, **wrong))
    with connect(config_for(sandbox, jql="project = NOPE")) as site, pytest.raises(Refused, match="JIRA_JQL"):
        items_of(site)


@needs_real_data
@pytest.mark.parametrize(
    ("file", "count"),
    [("tidev_alloy_mod_daemon.issues.jsonl.gz", 2183), ("apache_arrow_dc.issues.jsonl.gz", 1994)],
)
@pytest.mark.parametrize("deployment", list(Deployment))
def test_every_real_issue_comes_exactly_once_with_its_labels(
    deployment: Deployment, file: str, count: int
) -> None:
    with Sandbox(deployment, account_zone="America/Los_Angeles") as sandbox:
        assert sandbox.site.load([DATA / file]) == count
        projects = ", ".join(sorted({issue.project_key for issue in sandbox.site.issues.values()}))
        with connect(config_for(sandbox, jql=f"project in ({projects})", page_size=100)) as site:
            records = [record for page in JiraIssues(site, "align-").pages() for record in page.records]
    items = [record for record in records if isinstance(record, WorkItem)]
    assert len(items) == count
    assert {item.id: list(item.labels) for item in items} == {
        issue.id: issue.fields.get("labels") or [] for issue in sandbox.site.issues.values()
    }
    assert sandbox.write_requests() == 0
