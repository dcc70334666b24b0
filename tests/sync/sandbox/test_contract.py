"""The sandbox held to Jira's published contracts, and driven by the real `jira` package."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from jira import JIRA
from jira import client as package_client
from jira import resources as package_resources
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError

from sync.sandbox import Deployment, Sandbox
from tests import jira_contract
from tests.jira_calls import Asked, asked_in, asked_of
from tests.sync.sandbox.clients import SHARED, Client

FILES = {Deployment.CLOUD: "cloud-openapi.json", Deployment.DATA_CENTER: "datacenter-openapi.json"}
LINK = {"globalId": "g", "object": {"url": "https://example.com", "title": "t"}}
PARAGRAPH = {"type": "paragraph", "content": [{"type": "text", "text": "Text"}]}
DOCUMENT = {"type": "doc", "version": 1, "content": [PARAGRAPH]}
ISSUE_LINK = {"type": {"name": "Blocks"}, "inwardIssue": {"key": "PAY-1"}, "outwardIssue": {"key": "PAY-2"}}
BULK_EDIT = {
    "selectedIssueIdsOrKeys": ["PAY-1", "10002"],
    "selectedActions": ["labels"],
    "sendBulkNotification": False,
    "editedFieldsInput": {
        "labelsFields": [
            {"fieldId": "labels", "bulkEditMultiSelectFieldOption": "ADD", "labels": [{"name": "x"}]}
        ]
    },
}
COMMON: list[tuple[str, str, Any]] = [
    ("GET", "serverInfo", None),
    ("GET", "myself", None),
    ("GET", "mypermissions?permissions=BROWSE_PROJECTS,EDIT_ISSUES", None),
    ("GET", "field", None),
    ("GET", "issuetype", None),
    ("GET", "status", None),
    ("GET", "statuscategory", None),
    ("GET", "issueLinkType", None),
    ("GET", "project/PAY", None),
    ("PUT", "issue/PAY-1", {"update": {"labels": [{"add": "x"}, {"remove": "y"}]}}),
    ("POST", "issueLink", ISSUE_LINK),
    ("POST", "issue/PAY-1/remotelink", LINK),
    ("GET", "issue/PAY-1/remotelink", None),
    ("GET", "issue/PAY-1/editmeta", None),
    ("GET", "issue/PAY-1/remotelink/10000", None),
    ("PUT", "issue/PAY-1/remotelink/10000", LINK),
    ("DELETE", "issue/PAY-1/remotelink?globalId=g", None),
    ("POST", "issue/PAY-1/remotelink", LINK),
    ("DELETE", "issue/PAY-1/remotelink/10000", None),
    ("GET", "issue/PAY-1/comment?startAt=0&maxResults=100&orderBy=created", None),
    ("PUT", "issue/PAY-1/properties/note", {"a": 1}),
    ("GET", "issue/PAY-1/properties", None),
    ("GET", "issue/PAY-1/properties/note", None),
    ("DELETE", "issue/PAY-1/properties/note", None),
    ("GET", "issue/PAY-1", None),
    ("GET", "issue/PAY-2?fields=labels,parent&expand=names,schema", None),
]
OWN: dict[Deployment, list[tuple[str, str, Any]]] = {
    Deployment.CLOUD: [
        ("POST", "search/jql", {"jql": "project = PAY", "fields": ["labels", "parent"], "maxResults": 1}),
        ("GET", "search/jql?jql=project%20%3D%20PAY&fields=id&maxResults=5000", None),
        ("POST", "search/approximate-count", {"jql": "project = PAY"}),
        ("POST", "issue/bulkfetch", {"issueIdsOrKeys": ["PAY-1", "10002"], "fields": ["labels"]}),
        ("GET", "project/search", None),
        ("GET", "priority/search", None),
        ("POST", "issue/PAY-1/comment", {"body": DOCUMENT}),
        ("PUT", "issue/PAY-1/comment/10000", {"body": DOCUMENT}),
        ("GET", "issue/PAY-1/comment", None),
        ("DELETE", "issue/PAY-1/comment/10000", None),
        ("POST", "bulk/issues/fields", BULK_EDIT),
        ("GET", "bulk/queue/10641", None),
        ("GET", "bulk/queue/10641", None),
    ],
    Deployment.DATA_CENTER: [
        ("GET", "search?jql=project%20%3D%20PAY&maxResults=1", None),
        ("POST", "search", {"jql": "project = PAY", "fields": ["labels"], "startAt": 1}),
        ("GET", "project", None),
        ("GET", "priority", None),
        ("POST", "issue/PAY-1/comment", {"body": "Text"}),
        ("PUT", "issue/PAY-1/comment/10000", {"body": "Other text"}),
        ("GET", "issue/PAY-1/comment", None),
        ("DELETE", "issue/PAY-1/comment/10000", None),
    ],
}


def relaxed(node: Any) -> Any:
    """The contract without what real Jira breaks itself: closed objects, and times that are epoch numbers."""
    if isinstance(node, list):
        return [relaxed(part) for part in node]
    if not isinstance(node, dict):
        return node
    if node.get("format") == "date-time":
        return {}
    return {k: relaxed(v) for k, v in node.items() if (k, v) != ("additionalProperties", False)}


@pytest.fixture(params=list(Deployment), scope="module")
def contract(request: pytest.FixtureRequest) -> Iterator[tuple[Client, OpenAPI, OpenAPI]]:
    """A sandbox with the contract for requests, strict, and for responses, relaxed."""
    path = SHARED / "jira" / FILES[request.param]
    if not path.exists():
        pytest.skip("needs the OpenAPI files in ../shared/jira")
    with Sandbox(request.param) as jira:
        jira.site.add_project("PAY", "Payments")
        jira.site.add_issue({"project": "PAY", "summary": "A", "issuetype": "Epic", "description": "Text"})
        jira.site.add_issue({"project": "PAY", "summary": "B", "issuetype": "Story", "parent": "PAY-1"})
        raw = json.loads(path.read_text())
        raw |= {"servers": [{"url": jira.url}], "security": []}
        client = Client(jira)
        yield client, OpenAPI.from_dict(raw), OpenAPI.from_dict(relaxed(raw))
        client.close()


def test_requests_and_answers_keep_jiras_contract(contract: tuple[Client, OpenAPI, OpenAPI]) -> None:
    client, strict, lenient = contract
    for method, path, body in COMMON + OWN[client.jira.deployment]:
        answer = client.ask(method, path, body)
        assert answer.ok, (path, answer.text)
        request = RequestsOpenAPIRequest(answer.request)
        strict.validate_request(request)
        if answer.content:
            lenient.validate_response(request, RequestsOpenAPIResponse(answer))


def test_the_contract_would_notice_a_wrong_request(contract: tuple[Client, OpenAPI, OpenAPI]) -> None:
    client, strict, _ = contract
    answer = client.put("issue/PAY-1", {"update": "labels"})
    assert answer.status_code == 400
    with pytest.raises(OpenAPIError):
        strict.validate_request(RequestsOpenAPIRequest(answer.request))


def connect(jira: Sandbox) -> JIRA:
    known = jira.credentials
    if jira.deployment is Deployment.CLOUD:
        return JIRA(server=jira.url, basic_auth=(known.email, known.token), max_retries=0)
    return JIRA(server=jira.url, token_auth=known.pat, max_retries=0)


@pytest.mark.parametrize("deployment", list(Deployment))
@pytest.mark.parametrize("context_path", ["", "/jira"])
def test_the_jira_package_works_against_it(deployment: Deployment, context_path: str) -> None:
    with Sandbox(deployment, context_path=context_path) as jira:
        site = jira.site
        site.add_project("PAY", "Payments")
        keys = [site.add_issue({"project": "PAY", "summary": f"Issue {n}"}) for n in range(130)]
        package = connect(jira)
        assert package.myself()["displayName"] == "Tieline Sync"
        assert {"summary", "labels"} <= {field["id"] for field in package.fields()}
        found = package.search_issues("project = PAY ORDER BY key", maxResults=0, fields="labels")
        assert [issue.key for issue in found] == keys
        issue = package.issue("PAY-7")
        issue.update(update={"labels": [{"add": "seen"}]})
        assert issue.fields.labels == ["seen"]
        assert [project.key for project in package.projects()] == ["PAY"]
        assert package.my_permissions(permissions="EDIT_ISSUES")["permissions"]["EDIT_ISSUES"][
            "havePermission"
        ]
        assert next(kind.name for kind in package.issue_link_types()) == "Blocks"
        assert {status.statusCategory.key for status in package.statuses()} == {
            "new",
            "indeterminate",
            "done",
        }
        assert len(package.priorities()) == 5
        package.close()  # type: ignore[no-untyped-call]


# What we ask and the package has no call for, with what we would lose without it.
LACKING = {
    Asked("POST", "issue/bulkfetch"): "a hundred issues by their ids in one request, past the index",
    Asked("POST", "bulk/issues/fields"): "labels on many issues in one request",
    Asked("GET", "bulk/queue/{}"): "how far such a request has come",
}
PACKAGE = "".join(map(inspect.getsource, (package_client, package_resources)))


def is_in_package(asked: Asked) -> bool:
    """Whether the last words of a path, with no id between them, stand anywhere in the package."""
    words = [part.strip("/") for part in asked.path.split("{}")]
    return [word for word in words if word][-1] in PACKAGE


SOURCE = """
def plain(client):
    client.get("field")
    self.client.request("POST", f"issue/{issue['id']}/comment", body={})
def handed_on(client):
    retrying(client.request, "PUT", f"issue/{change.issue_id}", body={})
def by_name(twin):
    path, params = (f"issue/{a}/remotelink", {}) if link else (f"issue/{a}/properties/{KEY}", None)
    twin.request("DELETE", path, params=params)
"""


def test_whatever_the_product_asks_is_read_from_its_source_or_the_reading_fails() -> None:
    assert sorted(asked_in(SOURCE)) == [
        ("DELETE", "issue/{}/properties/{}"),
        ("DELETE", "issue/{}/remotelink"),
        ("GET", "field"),
        ("POST", "issue/{}/comment"),
        ("PUT", "issue/{}"),
    ]
    with pytest.raises(AssertionError, match="does not tell what path may be"):
        list(asked_in("def from_elsewhere(client, path):\n    client.get(path)\n"))


@pytest.mark.parametrize("deployment", list(Deployment))
def test_the_jira_package_lacks_what_we_say_and_nothing_else(deployment: Deployment) -> None:
    assert {asked for asked in asked_of(deployment) if not is_in_package(asked)} == {
        asked for asked in LACKING if deployment is Deployment.CLOUD
    }


@pytest.mark.parametrize("deployment", list(Deployment))
def test_every_call_that_we_share_with_the_jira_package_works_by_it(deployment: Deployment) -> None:
    with Sandbox(deployment) as jira:
        jira.site.permissions.admin = True
        jira.site.add_project("PAY", "Payments")
        jira.site.add_issue({"project": "PAY", "key": "PAY-1", "summary": "One", "issuetype": "Epic"})
        package = connect(jira)
        read_what_we_do(package)
        write_what_we_do(package)
        find_what_we_do(package)
        package.close()  # type: ignore[no-untyped-call]
        sent = [
            (one.method, one.path.partition("/rest/api/")[2].partition("/")[2]) for one in jira.requests()
        ]
    shared = asked_of(deployment) - LACKING.keys()
    assert [asked for asked in sorted(shared) if not any(asked.is_meant(*one) for one in sent)] == []


def read_what_we_do(package: JIRA) -> None:
    assert package.server_info()["deploymentType"] == ("Cloud" if package._is_cloud else "Server")
    assert package.myself()["displayName"] == "Tieline Sync"
    assert {"summary", "labels"} <= {field["id"] for field in package.fields()}
    permission = package.my_permissions(permissions="EDIT_ISSUES")["permissions"]["EDIT_ISSUES"]
    assert permission["havePermission"]
    assert next(kind.name for kind in package.issue_link_types()) == "Blocks"
    assert package.project("PAY").name == "Payments"
    assert {kind.name for kind in package.issue_types()} >= {"Epic", "Story"}
    assert "labels" in package.editmeta("PAY-1")["fields"]


def write_what_we_do(package: JIRA) -> None:
    issue = package.issue("PAY-1")
    issue.update(update={"labels": [{"add": "seen"}]})
    assert package.issue("PAY-1").fields.labels == ["seen"]
    said = package.add_comment("PAY-1", "first")
    said.update(body="second")
    assert [comment.id for comment in package.comments("PAY-1")] == [said.id]
    said.delete()
    assert package.comments("PAY-1") == []
    write_links(package)
    package.add_issue_property("PAY-1", "tieline", {"verdict": 1})
    assert package.issue_property("PAY-1", "tieline").value.verdict == 1
    package.issue_property("PAY-1", "tieline").delete()
    assert package.issue_properties("PAY-1") == []


def write_links(package: JIRA) -> None:
    """By their global ids as we do, and by their own ids, as the package knows them best."""
    for number in (1, 2):
        package.add_simple_link("PAY-1", {"url": f"https://example.com/{number}", "title": f"Why {number}"})
    first, second = package.remote_links("PAY-1")
    assert (first.object.title, second.object.title) == ("Why 1", "Why 2")
    one = package.remote_link("PAY-1", second.id)
    one.update({"url": "https://example.com/3", "title": "Why 3"}, globalId="tieline=3")
    assert package.remote_link("PAY-1", second.id).object.title == "Why 3"
    package.remote_link("PAY-1", first.id).delete()
    assert [link.globalId for link in package.remote_links("PAY-1")] == ["tieline=3"]
    assert package.delete_remote_link("PAY-1", global_id="tieline=3").ok
    assert package.remote_links("PAY-1") == []


def find_what_we_do(package: JIRA) -> None:
    if package._is_cloud:
        assert package.approximate_issue_count("project = PAY") == 1
        found = package.enhanced_search_issues("project = PAY", use_post=True)
    else:
        found = package.search_issues("project = PAY", use_post=True)
    assert [one.key for one in found] == ["PAY-1"]


WRONG = [
    ("3", "POST", "search/jql", {"jql": "project = PAY", "maxResults": "many"}),
    ("3", "POST", "issue/bulkfetch", {"issueIdsOrKeys": "PAY-1"}),
    ("3", "GET", "serchInfo", None),
    ("2", "DELETE", "myself", None),
    ("2", "GET", "priority", None),  # Jira knows it, and it stands nowhere in our source
]


@pytest.mark.parametrize(("version", "method", "path", "body"), WRONG)
def test_a_request_of_the_product_that_breaks_the_contract_is_noticed_whoever_sends_it(
    version: str, method: str, path: str, body: Any, breaches_of_contract: list[str]
) -> None:
    if jira_contract.contract(version) is None:
        pytest.skip("needs the OpenAPI files in ../shared/jira")
    with Sandbox(Deployment.CLOUD) as jira:
        url = f"{jira.url}/rest/api/{version}/{path}"
        requests.request(method, url, json=body, headers={"User-Agent": "tieline"}, timeout=30)
    assert len(breaches_of_contract) == 1
    breaches_of_contract.clear()
