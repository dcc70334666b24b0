"""The sandbox as nasty as a real Jira: a lagging index, an archive, odd pages and odd bulk fetches."""

from __future__ import annotations

import pytest

from sync.sandbox import Deployment
from tests.sync.sandbox.clients import Client

ALL = [f"PAY-{number}" for number in range(1, 10)]


@pytest.fixture(autouse=True)
def issues(request: pytest.FixtureRequest) -> None:
    for name in ("client", "cloud", "server"):
        if name in request.fixturenames:
            client: Client = request.getfixturevalue(name)
            for number in range(9):
                client.jira.site.add_issue({"project": "PAY", "summary": f"Issue {number}"})


def mischief(client: Client, **switches: object) -> None:
    assert client.control("PUT", "/mischief", switches).status_code == 200


def test_a_lagging_index_knows_nothing_of_edits_until_it_catches_up(client: Client) -> None:
    site = client.jira.site
    mischief(client, lagging=True)
    site.delete("PAY-1")
    site.edit("PAY-2", {"summary": "New"})
    born = site.add_issue({"project": "PAY", "summary": "Born"})
    assert client.keys("project = PAY ORDER BY key ASC") == ALL
    assert client.keys("project = PAY AND summary ~ New") == []
    assert client.get(f"issue/{born}")["key"] == born, "asked for by its key, it is there"
    assert client.control("POST", "/reindex").status_code == 200
    assert client.keys("project = PAY ORDER BY key ASC") == [*ALL[1:], born]
    assert client.keys("project = PAY AND summary ~ New") == ["PAY-2"]


def test_reconciled_issues_are_found_as_they_are_though_the_index_lags(cloud: Client) -> None:
    site = cloud.jira.site
    mischief(cloud, lagging=True)
    for key in ("PAY-1", "PAY-2"):
        site.edit(key, {"status": "Done"})
    asked = {"jql": "project = PAY AND status = Done", "fields": ["key"]}
    assert cloud.post("search/jql", asked).json()["issues"] == []
    reconciled = cloud.post("search/jql", asked | {"reconcileIssues": [int(site.get("PAY-1").id)]}).json()
    assert [issue["key"] for issue in reconciled["issues"]] == ["PAY-1"]


def test_an_archived_issue_is_not_found_and_data_center_still_gives_it(client: Client) -> None:
    assert client.control("POST", "/issues/PAY-1/archive", {}).status_code == 200
    assert client.keys("project = PAY ORDER BY key ASC") == ALL[1:]
    answer = client.ask("GET", "issue/PAY-1")
    if client.jira.deployment is Deployment.CLOUD:
        assert answer.status_code == 404
    else:
        assert answer.json()["fields"]["archiveddate"]


def test_short_and_empty_pages_still_add_up_to_all(cloud: Client) -> None:
    for seed in range(10):
        mischief(cloud, short_pages=True, seed=seed)
        found = [issue["key"] for issue in cloud.by_token("project = PAY ORDER BY key ASC", ["key"], 4)]
        assert found == ALL


def test_a_token_repeats_itself_as_often_as_told(cloud: Client) -> None:
    mischief(cloud, repeat_tokens=1)
    asked = {"jql": "project = PAY", "fields": ["key"], "maxResults": 3}
    token = cloud.post("search/jql", asked).json()["nextPageToken"]
    again = [cloud.post("search/jql", asked | {"nextPageToken": token}).json() for _ in range(2)]
    assert again[0]["nextPageToken"] == token
    assert again[1]["nextPageToken"] != token


def test_bulk_fetch_withholds_some_and_calls_others_failed(cloud: Client) -> None:
    ids = [cloud.jira.site.get(key).id for key in ALL[:3]]
    mischief(cloud, withheld=[ids[0]], failing={ids[1]: 1})
    first, second = (
        cloud.post("issue/bulkfetch", {"issueIdsOrKeys": ids, "fields": ["summary"]}).json() for _ in range(2)
    )
    assert [issue["id"] for issue in first["issues"]] == [ids[2]]
    assert [error["id"] for error in first["issueErrors"]] == [ids[1]]
    assert [issue["id"] for issue in second["issues"]] == ids[1:]


def test_a_misspelt_switch_is_refused(client: Client) -> None:
    answer = client.control("PUT", "/mischief", {"short": True})
    assert answer.status_code == 400
    assert "no such mischief: short" in answer.json()["error"]
