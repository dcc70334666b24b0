"""The endpoints that describe the site, and who is let in."""

from __future__ import annotations

import pytest
import requests

from sync.sandbox import Deployment, Sandbox
from tests.sync.sandbox.clients import Client


def anonymous(client: Client, path: str) -> requests.Response:
    return requests.get(f"{client.jira.url}/rest/api/2/{path}", timeout=30)


def test_server_info_is_told_to_anybody_and_names_the_deployment(client: Client) -> None:
    answer = anonymous(client, "serverInfo")
    kind = "Cloud" if client.jira.deployment is Deployment.CLOUD else "Server"
    assert answer.json()["deploymentType"] == kind
    assert answer.json()["baseUrl"] == client.jira.url


def test_myself_is_refused_to_anybody_and_told_to_the_account(client: Client) -> None:
    assert anonymous(client, "myself").status_code == 401
    told = client.get("myself")
    assert ("accountId" in told) is (client.jira.deployment is Deployment.CLOUD)
    assert ("name" in told) is (client.jira.deployment is Deployment.DATA_CENTER)


@pytest.mark.parametrize("authorization", ["Basic bm9ib2R5Ondyb25n", "Bearer wrong", "Basic !", "Digest x"])
def test_a_wrong_credential_is_401_everywhere(client: Client, authorization: str) -> None:
    headers = {"Authorization": authorization}
    for path in ("myself", "field", "issue/PAY-1"):
        url = f"{client.jira.url}/rest/api/2/{path}"
        answer = requests.get(url, headers=headers, timeout=30)
        assert answer.status_code == 401
        assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"


def test_data_center_takes_a_token_or_a_password(server: Client) -> None:
    known = server.jira.credentials
    url = f"{server.jira.url}/rest/api/2/myself"
    assert requests.get(url, auth=(known.username, known.password), timeout=30).status_code == 200


def test_a_caller_without_credential_gets_empty_results_instead_of_an_error(client: Client) -> None:
    client.jira.site.add_issue({"project": "PAY", "summary": "Secret"})
    is_cloud = client.jira.deployment is Deployment.CLOUD
    found = anonymous(client, ("search/jql" if is_cloud else "search") + "?jql=summary~Secret")
    assert (found.status_code, found.json()["issues"]) == (200, [])
    assert anonymous(client, "issue/PAY-1").status_code == (404 if is_cloud else 401)
    assert anonymous(client, "project").json() == []


def test_only_cloud_levels_its_issue_types(client: Client) -> None:
    levels = {kind["name"]: kind.get("hierarchyLevel") for kind in client.get("issuetype")}
    is_cloud = client.jira.deployment is Deployment.CLOUD
    assert levels["Epic"] == (1 if is_cloud else None)
    assert levels["Sub-task"] == (-1 if is_cloud else None)


def test_only_data_center_has_the_epic_link_field(client: Client) -> None:
    types = {field.get("schema", {}).get("custom") for field in client.get("field")}
    has_it = "com.pyxis.greenhopper.jira:gh-epic-link" in types
    assert has_it is (client.jira.deployment is Deployment.DATA_CENTER)


def test_permissions_must_be_named_on_cloud_only(cloud: Client, server: Client) -> None:
    assert cloud.ask("GET", "mypermissions").status_code == 400
    assert "BROWSE_PROJECTS" in server.get("mypermissions")["permissions"]


def test_permissions_tell_what_the_account_may_do_where(client: Client) -> None:
    site = client.jira.site
    site.add_project("HR", "People")
    site.permissions.read_only_projects.add("HR")
    site.permissions.project_admin.add("PAY")
    asked = "EDIT_ISSUES,ADMINISTER_PROJECTS"

    def has(project: str) -> dict[str, bool]:
        told = client.get("mypermissions", permissions=asked, projectKey=project)["permissions"]
        return {name: permission["havePermission"] for name, permission in told.items()}

    assert has("HR") == {"EDIT_ISSUES": False, "ADMINISTER_PROJECTS": False}
    assert has("PAY") == {"EDIT_ISSUES": True, "ADMINISTER_PROJECTS": True}


def test_projects_are_paged_and_a_hidden_one_is_not_among_them(cloud: Client) -> None:
    for number in range(120):
        cloud.jira.site.add_project(f"P{number}", f"Project {number}")
    cloud.jira.site.permissions.hidden_projects.add("P7")
    first = cloud.get("project/search", maxResults=500)
    assert (first["maxResults"], first["isLast"], len(first["values"])) == (100, False, 100)
    rest = cloud.get("project/search", startAt=100)
    assert rest["isLast"] is True
    keys = {project["key"] for page in (first, rest) for project in page["values"]}
    assert len(keys) == 120
    assert "P7" not in keys
    assert cloud.ask("GET", "project/P7").status_code == 404


def test_an_unknown_path_is_404_and_a_wrong_method_405(client: Client) -> None:
    assert client.ask("GET", "nonsense").status_code == 404
    assert client.ask("DELETE", "field").status_code == 405


def test_cloud_only_endpoints_are_missing_on_data_center(server: Client) -> None:
    assert server.ask("POST", "issue/bulkfetch", {}).status_code == 405  # taken for an issue of that name
    assert server.ask("GET", "project/search").status_code == 404
    assert requests.get(f"{server.jira.url}/rest/api/3/serverInfo", timeout=30).status_code == 404


def test_a_context_path_stands_in_front_of_every_address() -> None:
    with Sandbox(Deployment.DATA_CENTER, context_path="/jira") as jira:
        assert jira.url.endswith("/jira")
        client = Client(jira)
        assert client.get("myself")["self"].startswith(jira.url + "/rest/api/2/")
        assert [request.path for request in jira.requests()] == ["/rest/api/2/myself"]
        outside = jira.url.removesuffix("/jira") + "/rest/api/2/serverInfo"
        assert requests.get(outside, timeout=30).status_code == 404
        client.close()
