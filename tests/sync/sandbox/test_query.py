"""JQL as the sandbox answers it: fields, operators, empties, dates and objections."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from sync.sandbox import Deployment, Sandbox, Site
from sync.sandbox.query import JqlRefused, search

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


@pytest.fixture(params=list(Deployment))
def site(request: pytest.FixtureRequest) -> Site:
    """PAY-1 epic (To Do, labelled, due), PAY-2 story below it (Done), PAY-3 task without anything, HR-1."""
    site = Site(request.param, lambda: NOW, account_zone="America/New_York")
    site.add_project("PAY", "Payments")
    site.add_project("HR", "People")
    site.add_field("Objective")
    site.add_field("Budget", {"type": "number"})
    epic = {
        "project": "PAY",
        "issuetype": "Epic",
        "summary": "Instant payments",
        "labels": ["Align-x", "a,b"],
    }
    dates = {"created": "2026-01-05T09:00:00.000+0000", "duedate": "2026-06-30"}
    site.add_issue(epic | dates | {objective(site): "OBJ-1", budget(site): 10.5})
    site.add_issue({"project": "PAY", "issuetype": "Story", "summary": "Payee name check", "parent": "PAY-1"})
    site.edit("PAY-2", {"status": "Done", "created": "2026-02-01T03:00:00.000+0000"})
    site.add_issue({"project": "PAY", "summary": "Clean up"})
    site.add_issue({"project": "HR", "summary": "Pay slips", "priority": "High", budget(site): 7})
    return site


def objective(site: Site) -> str:
    return next(str(f["id"]) for f in site.registry.custom_fields() if f["name"] == "Objective")


def budget(site: Site) -> str:
    return next(str(f["id"]) for f in site.registry.custom_fields() if f["name"] == "Budget")


def keys(site: Site, jql: str) -> list[str]:
    return [site.issues[issue_id].key for issue_id in search(site, jql).ids]


CASES = [
    ("project = PAY", "PAY-1 PAY-2 PAY-3"),
    ("project = payments", "PAY-1 PAY-2 PAY-3"),
    ("project in (HR, PAY)", "HR-1 PAY-1 PAY-2 PAY-3"),
    ("project != PAY", "HR-1"),
    ("issuetype = Epic", "PAY-1"),
    ("type in (Epic, Story)", "PAY-1 PAY-2"),
    ("status = Done", "PAY-2"),
    ("statusCategory = Done", "PAY-2"),
    ("statusCategory != Done AND project = PAY", "PAY-1 PAY-3"),
    ("statusCategory = new AND project = HR", "HR-1"),
    ("key = PAY-2", "PAY-2"),
    ("key in (PAY-2, HR-1)", "HR-1 PAY-2"),
    ("id = 10001", "PAY-1"),
    ("issue = pay-3", "PAY-3"),
    ("key != PAY-2 AND project = PAY", "PAY-1 PAY-3"),
    ("labels = align-x", "PAY-1"),
    ('labels = "a,b"', "PAY-1"),
    ("labels != other", "PAY-1"),
    ("labels IS EMPTY", "HR-1 PAY-2 PAY-3"),
    ("labels IS NOT EMPTY", "PAY-1"),
    ("labels = EMPTY", "HR-1 PAY-2 PAY-3"),
    ("labels in (align-x, EMPTY) AND project = PAY", "PAY-1 PAY-2 PAY-3"),
    ("labels NOT IN (other)", "PAY-1"),
    ("NOT labels = align-x", ""),
    ("NOT labels IS EMPTY", "PAY-1"),
    ("NOT (project = PAY OR labels = x)", ""),
    ("NOT (project = HR AND priority = Medium)", "HR-1 PAY-1 PAY-2 PAY-3"),
    ("priority = High OR key = PAY-1", "HR-1 PAY-1"),
    ("summary ~ pay", "HR-1"),
    ('summary ~ "pay*"', "HR-1 PAY-1 PAY-2"),
    ('summary ~ "check name"', "PAY-2"),
    ('summary ~ "\\"check name\\""', ""),
    ("summary !~ pay", "PAY-1 PAY-2 PAY-3"),
    ("objective ~ OBJ-1", "PAY-1"),
    ("objective IS EMPTY AND project = PAY", "PAY-2 PAY-3"),
    ("budget > 7", "PAY-1"),
    ("budget >= 7", "HR-1 PAY-1"),
    ("NOT budget > 7", "HR-1"),
    ("budget = 10.5", "PAY-1"),
    ("due <= 2026-06-30", "PAY-1"),
    ("due < 2026-06-30", ""),
    ("due IS EMPTY AND project = HR", "HR-1"),
    ("resolution = Unresolved AND project = HR", "HR-1"),
    ("assignee IS EMPTY AND key = PAY-3", "PAY-3"),
    ("creator = currentUser() AND key = PAY-3", "PAY-3"),
    ("id > 10001", "PAY-2 PAY-3"),  # within the project of that issue: not HR-1
    ("key <= PAY-2", "PAY-1 PAY-2"),
]


@pytest.mark.parametrize(("jql", "expected"), CASES)
def test_a_query_finds_what_jira_would_find(site: Site, jql: str, expected: str) -> None:
    assert " ".join(keys(site, f"{jql} ORDER BY key")) == expected


def test_a_custom_field_is_found_by_its_number(site: Site) -> None:
    number = objective(site).removeprefix("customfield_")
    assert keys(site, f"cf[{number}] IS NOT EMPTY") == ["PAY-1"]


def test_children_are_found_by_parent_on_cloud_and_epic_link_on_data_center(site: Site) -> None:
    name = "parent" if site.deployment is Deployment.CLOUD else '"Epic Link"'
    assert keys(site, f"{name} = PAY-1") == ["PAY-2"]
    assert keys(site, f"{name} IN (PAY-1, 10003)") == ["PAY-2"]
    assert keys(site, f"{name} IS EMPTY AND project = PAY ORDER BY key") == ["PAY-1", "PAY-3"]


DATES = [
    ('created >= "2026-01-05 04:00" AND created < -1d', "PAY-1 PAY-2"),  # 04:00 in New York is 09:00 UTC
    ('created >= "2026-01-05 04:01" AND created < -1d', "PAY-2"),
    ('created = "2026-01-05 04:00"', "PAY-1"),
    ("created <= 2026-02-01", "PAY-1 PAY-2"),  # 03:00 UTC on 1 February is still January there
    ("created >= 2026-02-01", "HR-1 PAY-3"),
    ('created >= "2026/02/01"', "HR-1 PAY-3"),
    ("created >= -1h", "HR-1 PAY-3"),
    ('created >= "-4w 2d"', "HR-1 PAY-3"),
    ("created < startOfMonth(-1)", "PAY-1 PAY-2"),
    ("created >= startOfYear() AND created <= endOfMonth(-2)", "PAY-1 PAY-2"),
    ("created >= startOfDay()", "HR-1 PAY-3"),
    ("created < now()", "PAY-1 PAY-2"),
    ("due < endOfYear()", "PAY-1"),
]


@pytest.mark.parametrize(("jql", "expected"), DATES)
def test_dates_are_read_in_the_zone_of_the_account(site: Site, jql: str, expected: str) -> None:
    assert " ".join(keys(site, f"{jql} ORDER BY key")) == expected


REFUSALS = [
    ("nonsense = 1", "Field 'nonsense' does not exist or you do not have permission to view it."),
    ("project = PAY ORDER BY nonsense", "Field 'nonsense' does not exist"),
    ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
    ("status = Finished", "The value 'Finished' does not exist for the field 'status'."),
    ("key = PAY-99", "An issue with key 'PAY-99' does not exist for field 'key'."),
    ("id in (10001, 999)", "An issue with ID '999' does not exist for field 'id'."),
    ("id > 999", "An issue with ID '999' does not exist for field 'id'."),
    ("created > soon", "Date value 'soon' for field 'created' is invalid."),
    ("created > 2026-13-01", "Date value '2026-13-01' for field 'created' is invalid."),
    ("budget > much", "Value 'much' is invalid for the 'budget' field."),
    ("summary = Pay", "The operator '=' is not supported by the 'summary' field."),
    ("labels ~ x", "The operator '~' is not supported by the 'labels' field."),
    ("status > Done", "The operator '>' is not supported by the 'status' field."),
    ("assignee = membersOf(x)", "Unable to find JQL function 'membersOf(x)'."),
    ("created > startOfDay(soon)", "Unable to find JQL function 'startOfDay(soon)'."),
    ("status WAS Done", "The sandbox keeps no history"),
    ("project = ", "Error in the JQL Query: "),
    ("project = PAY AND\n  (status", "(line 2, "),
]


@pytest.mark.parametrize(("jql", "message"), REFUSALS)
def test_a_wrong_query_is_refused_in_jiras_words(site: Site, jql: str, message: str) -> None:
    with pytest.raises(JqlRefused) as refused:
        search(site, jql)
    assert message in refused.value.messages[0]


SORTS = [
    ("project = PAY ORDER BY key DESC", "PAY-3 PAY-2 PAY-1"),
    ("project = PAY ORDER BY created", "PAY-1 PAY-2 PAY-3"),
    ("project = PAY", "PAY-3 PAY-2 PAY-1"),
    ("key in (HR-1, PAY-1) ORDER BY priority", "HR-1 PAY-1"),
    ("project in (PAY, HR) ORDER BY budget, key DESC", "HR-1 PAY-1 PAY-3 PAY-2"),
    ("project in (PAY, HR) ORDER BY statusCategory DESC, id", "PAY-2 PAY-1 PAY-3 HR-1"),
]


@pytest.mark.parametrize(("jql", "expected"), SORTS)
def test_results_are_sorted_as_asked(site: Site, jql: str, expected: str) -> None:
    assert " ".join(keys(site, jql)) == expected


def test_the_keys_of_a_project_sort_by_number(site: Site) -> None:
    for n in range(9):
        site.add_issue({"project": "HR", "summary": f"More {n}"})
    assert keys(site, "project = HR ORDER BY key")[-2:] == ["HR-9", "HR-10"]


@pytest.fixture
def berlin() -> Iterator[Sandbox]:
    with Sandbox(Deployment.CLOUD, site_zone="Europe/Berlin", now=lambda: NOW) as jira:
        jira.site.add_project("PAY", "Payments")
        yield jira


def test_timestamps_are_written_in_the_zone_of_the_site(berlin: Sandbox) -> None:
    key = berlin.site.add_issue({"project": "PAY", "summary": "A"})
    assert berlin.site.get(key).fields["created"] == "2026-03-10T13:30:00.000+0100"
    assert berlin.site.account_zone == ZoneInfo("Etc/UTC")
