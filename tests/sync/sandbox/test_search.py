"""Finding issues: token pages and bulk fetch on Cloud, offset pages on Data Center, and their refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.sandbox import Deployment, Sandbox
from tests.sync.sandbox.clients import Client


def fill(client: Client, number: int) -> None:
    for n in range(number):
        client.jira.site.add_issue({"project": "PAY", "summary": f"Issue {n}", "labels": ["old"]})


# --- Cloud


def test_fields_default_to_the_id_alone(cloud: Client) -> None:
    fill(cloud, 1)
    page = cloud.get("search/jql", jql="project = PAY")
    assert page == {"issues": [{"id": "10001"}], "isLast": True}


def test_a_page_holds_a_hundred_issues_with_fields_and_thousands_without(cloud: Client) -> None:
    fill(cloud, 250)
    asked = {"jql": "project = PAY", "maxResults": 5000, "fields": ["summary"]}
    page = cloud.post("search/jql", asked).json()
    assert (len(page["issues"]), page["isLast"]) == (100, False)
    whole = cloud.post("search/jql", asked | {"fields": ["key"]}).json()
    assert (len(whole["issues"]), whole["isLast"]) == (250, True)
    assert "nextPageToken" not in whole


def test_pages_by_token_give_every_issue_once_in_order(cloud: Client) -> None:
    fill(cloud, 123)
    found = cloud.by_token("project = PAY ORDER BY key", ["summary"], 50)
    assert [issue["key"] for issue in found] == [f"PAY-{n}" for n in range(1, 124)]


def test_a_page_may_be_asked_for_again_with_the_same_token(cloud: Client) -> None:
    fill(cloud, 30)
    asked: dict[str, Any] = {"jql": "project = PAY ORDER BY key", "fields": ["key"], "maxResults": 10}
    asked["nextPageToken"] = cloud.post("search/jql", asked).json()["nextPageToken"]
    again = [cloud.post("search/jql", asked).json()["issues"] for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize("change", [{"jql": "project = PAY"}, {"fields": ["labels"]}])
def test_a_token_is_good_for_its_own_query_and_fields_alone(cloud: Client, change: dict[str, Any]) -> None:
    fill(cloud, 3)
    asked: dict[str, Any] = {"jql": "project = PAY ORDER BY key", "fields": ["key"], "maxResults": 1}
    token = cloud.post("search/jql", asked).json()["nextPageToken"]
    answer = cloud.post("search/jql", asked | change | {"nextPageToken": token})
    assert answer.status_code == 400
    assert answer.json()["errorMessages"] == ["The provided next page token is invalid or expired."]


def test_a_token_expires_after_seven_days() -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    with Sandbox(Deployment.CLOUD, now=lambda: clock[0]) as jira:
        jira.site.add_project("PAY", "Payments")
        client = Client(jira)
        fill(client, 3)
        asked: dict[str, Any] = {"jql": "project = PAY", "maxResults": 1}
        asked["nextPageToken"] = client.post("search/jql", asked).json()["nextPageToken"]
        clock[0] += timedelta(days=7)
        assert client.post("search/jql", asked).status_code == 200
        clock[0] += timedelta(minutes=1)
        assert client.post("search/jql", asked).status_code == 400
        client.close()


def test_an_issue_deleted_between_pages_makes_a_short_page(cloud: Client) -> None:
    fill(cloud, 20)
    asked: dict[str, Any] = {"jql": "project = PAY ORDER BY key", "fields": ["key"], "maxResults": 10}
    asked["nextPageToken"] = cloud.post("search/jql", asked).json()["nextPageToken"]
    cloud.jira.site.delete("PAY-15")
    assert len(cloud.post("search/jql", asked).json()["issues"]) == 9


@pytest.mark.parametrize("jql", ["", "ORDER BY created"])
def test_an_unbounded_query_is_refused(cloud: Client, jql: str) -> None:
    answer = cloud.post("search/jql", {"jql": jql})
    assert answer.status_code == 400
    assert answer.json()["errorMessages"][0].startswith("Unbounded JQL queries are not allowed here.")
    assert cloud.post("search/approximate-count", {"jql": jql}).status_code == 400


def test_eight_sort_fields_are_refused(cloud: Client) -> None:
    sorts = "created, updated, key, id, summary, status, priority"
    assert cloud.ask("GET", "search/jql", jql=f"project = PAY ORDER BY {sorts}").status_code == 200
    answer = cloud.ask("GET", "search/jql", jql=f"project = PAY ORDER BY {sorts}, due")
    assert answer.json()["errorMessages"] == ["JQL can be ordered by at most 7 fields."]


@pytest.mark.parametrize(
    "body",
    [
        {"startAt": 0},
        {"fields": "summary"},
        {"expand": ["names"]},
        {"maxResults": "many"},
        {"maxResults": 0},
        {"reconcileIssues": list(range(51))},
        {"reconcileIssues": ["PAY-1"]},
        {"properties": list("abcdef")},
    ],
)
def test_a_malformed_search_body_is_refused(cloud: Client, body: dict[str, Any]) -> None:
    assert cloud.post("search/jql", {"jql": "project = PAY"} | body).status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_old_search_is_gone(cloud: Client, method: str) -> None:
    answer = cloud.ask(method, "search", {"jql": "project = PAY"} if method == "POST" else None)
    assert answer.status_code == 410
    assert "/rest/api/3/search/jql" in answer.json()["errorMessages"][0]


def test_the_count_is_the_number_of_issues_found(cloud: Client) -> None:
    fill(cloud, 7)
    assert cloud.post("search/approximate-count", {"jql": "labels = old"}).json() == {"count": 7}


def test_bulk_fetch_sorts_by_id_and_leaves_out_what_is_missing_or_hidden(cloud: Client) -> None:
    fill(cloud, 4)
    cloud.jira.site.permissions.hidden_issues.add("10002")
    wanted = ["PAY-4", "PAY-2", "10001", "PAY-1", "PAY-99"]
    answer = cloud.post("issue/bulkfetch", {"issueIdsOrKeys": wanted, "fields": ["labels"]}).json()
    assert [issue["key"] for issue in answer["issues"]] == ["PAY-1", "PAY-4"]
    assert answer["issues"][0]["fields"] == {"labels": ["old"]}
    assert answer["issueErrors"] == []


@pytest.mark.parametrize("number", [0, 101])
def test_bulk_fetch_takes_one_to_a_hundred_issues(cloud: Client, number: int) -> None:
    wanted = [str(n) for n in range(number)]
    assert cloud.post("issue/bulkfetch", {"issueIdsOrKeys": wanted}).status_code == 400


# --- Data Center


def test_the_page_is_clamped_and_the_clamp_is_echoed() -> None:
    with Sandbox(Deployment.DATA_CENTER, views_max=20) as jira:
        jira.site.add_project("PAY", "Payments")
        client = Client(jira)
        fill(client, 50)
        page = client.get("search", jql="project = PAY", maxResults=250)
        assert (page["maxResults"], page["startAt"], page["total"], len(page["issues"])) == (20, 0, 50, 20)
        assert len(client.by_offset("project = PAY", ["labels"], 250)) == 50
        client.close()


def test_pages_by_offset_give_every_issue_once_in_order(server: Client) -> None:
    fill(server, 123)
    found = server.by_offset("ORDER BY key", ["labels"], 50)
    assert [issue["key"] for issue in found] == [f"PAY-{n}" for n in range(1, 124)]
    assert found[0]["fields"] == {"labels": ["old"]}


def test_unknown_field_names_are_ignored(server: Client) -> None:
    fill(server, 1)
    page = server.get("search", jql="", fields="labels,nonsense")
    assert page["issues"][0]["fields"] == {"labels": ["old"]}


def test_navigable_fields_are_the_default_and_leave_out_comments(server: Client) -> None:
    key = server.jira.site.add_issue({"project": "PAY", "summary": "A", "comment": {"comments": []}})
    fields = server.get("search", jql="")["issues"][0]["fields"]
    assert fields["summary"] == "A"
    assert "comment" not in fields
    assert "comment" in server.get(f"issue/{key}")["fields"]


def test_an_unknown_value_is_refused_or_warned_of_when_not_validating(server: Client) -> None:
    answer = server.ask("GET", "search", jql="project = NOPE")
    assert answer.status_code == 400
    assert answer.json()["errorMessages"] == ["The value 'NOPE' does not exist for the field 'project'."]
    page = server.get("search", jql="project = NOPE", validateQuery="false")
    assert (page["total"], len(page["warningMessages"])) == (0, 1)


# --- both


def test_a_hidden_project_is_silently_left_out_of_results(client: Client) -> None:
    fill(client, 2)
    client.jira.site.add_project("HR", "People")
    client.jira.site.add_issue({"project": "HR", "summary": "Raise"})
    assert len(client.keys("created > -1d")) == 3
    client.jira.site.permissions.hidden_projects.add("HR")
    assert client.keys("created > -1d ORDER BY key") == ["PAY-1", "PAY-2"]


def test_twenty_thousand_issues_are_searched_once_and_paged(cloud: Client) -> None:
    fill(cloud, 20_000)
    found = cloud.by_token("labels = old ORDER BY key DESC", ["id"], 5000)
    assert len({issue["id"] for issue in found}) == 20_000
    first = cloud.post("search/jql", {"jql": "labels = old ORDER BY key", "fields": ["summary"]}).json()
    assert first["issues"][0]["fields"] == {"summary": "Issue 0"}
