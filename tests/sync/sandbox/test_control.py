"""What people do while the product runs: the control channel, the hooks and the log of requests."""

from __future__ import annotations

import pytest
import requests

from sync.sandbox import Answer, Call, Deployment, Sandbox
from tests.sync.sandbox.clients import Client


def test_people_create_edit_relabel_move_and_delete_over_http(client: Client) -> None:
    assert client.control("POST", "/projects", {"key": "NEW", "name": "New home"}).json() == {"key": "NEW"}
    field = client.control("POST", "/fields", {"name": "Objective"}).json()["id"]
    assert client.control("POST", "/users", {"name": "jo"}).status_code == 200
    made = client.control("POST", "/issues", {"fields": {"project": "PAY", "summary": "A"}}).json()
    assert made == {"id": "10001", "key": "PAY-1"}
    edited = client.control("PATCH", "/issues/PAY-1", {"fields": {field: "OBJ-1", "status": "Done"}}).json()
    assert edited["fields"]["status"]["name"] == "Done"
    labels = client.control("POST", "/issues/PAY-1/labels", {"add": ["mine", "b"], "remove": ["b"]}).json()
    assert labels == {"labels": ["mine", "b"]}
    assert client.control("POST", "/issues/PAY-1/move", {"project": "NEW"}).json() == {"key": "NEW-1"}
    assert client.get("issue/PAY-1")["fields"]["labels"] == ["mine", "b"]
    assert client.control("DELETE", "/issues/NEW-1").status_code == 200
    assert client.control("GET", "/issues/NEW-1").status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("POST", "/issues", {}, "the body lacks 'fields'"),
        ("POST", "/issues", {"fields": {"project": "NO"}}, "no project 'NO'"),
        ("POST", "/issues", {"fields": {"project": "PAY", "customfield_9": 1}}, "no field customfield_9"),
        ("PATCH", "/issues/PAY-9", {"fields": {}}, "no issue 'PAY-9'"),
        ("POST", "/issues", {"fields": {"project": "PAY", "status": "Odd"}}, "no status 'Odd'; it has Done"),
        ("POST", "/projects", {"key": "pay", "name": "x"}, "'pay' is no project key"),
        ("POST", "/projects", {"key": "PAY", "name": "x"}, "already has a project PAY"),
        ("PUT", "/permissions", {"admn": True}, "no such permission: admn"),
        ("PUT", "/permissions", {"admin": 1}, "admin must be true or false"),
        ("PUT", "/permissions", {"hidden_projects": "PAY"}, "hidden_projects must be a list"),
        ("POST", "/issues", [], "must be a JSON object"),
    ],
)
def test_a_mistaken_control_is_answered_with_the_reason(
    client: Client, method: str, path: str, body: object, message: str
) -> None:
    answer = client.control(method, path, body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_permissions_are_set_over_http_with_issues_named_by_key(client: Client) -> None:
    client.jira.site.add_issue({"project": "PAY", "summary": "A"})
    told = client.control("PUT", "/permissions", {"hidden_issues": ["PAY-1"], "admin": True}).json()
    assert (told["hidden_issues"], told["admin"]) == (["10001"], True)
    assert client.ask("GET", "issue/PAY-1").status_code == 404


def test_the_log_tells_requests_and_counts_those_that_write(client: Client) -> None:
    client.jira.site.add_issue({"project": "PAY", "summary": "A"})
    client.get("myself")
    search = "search/jql" if client.jira.deployment is Deployment.CLOUD else "search"
    client.post(search, {"jql": "project = PAY"})
    assert client.jira.write_requests() == 0
    client.put("issue/PAY-1", {"update": {"labels": [{"add": "a"}]}}, notifyUsers="true")
    client.put("issue/PAY-9", {"update": {"labels": [{"add": "a"}]}})
    assert client.jira.write_requests() == 2
    last = client.jira.requests()[-2]
    assert (last.method, last.path, last.query) == (
        "PUT",
        f"/rest/api/{client.version}/issue/PAY-1",
        "notifyUsers=true",
    )
    assert [request.status for request in client.jira.requests()[-2:]] == [204, 404]
    told = client.control("GET", "/requests").json()
    assert (len(told["requests"]), told["write_requests"]) == (4, 2)
    client.control("DELETE", "/requests")
    assert client.jira.requests() == []
    assert client.control("GET", "/").json()["issues"] == 1


def test_a_hook_lets_a_person_edit_in_the_middle(client: Client) -> None:
    site = client.jira.site
    site.add_issue({"project": "PAY", "summary": "A", "labels": ["old"]})

    def person(_: Call) -> None:
        site.label("PAY-1", add=["mine"], remove=["old"])

    client.jira.before("PUT", r"/issue/PAY-1$", person, times=1)
    client.put("issue/PAY-1", {"update": {"labels": [{"add": "product"}]}})
    assert site.get("PAY-1").fields["labels"] == ["mine", "product"]
    site.label("PAY-1", remove=["mine"])
    client.put("issue/PAY-1", {"update": {"labels": [{"add": "again"}]}})
    assert site.get("PAY-1").fields["labels"] == ["product", "again"]


def test_a_hook_may_answer_in_place_of_jira(client: Client) -> None:
    client.jira.before("*", "/myself", lambda _: Answer(503, headers={"Retry-After": "1"}), times=1)
    assert client.ask("GET", "myself").status_code == 503
    assert client.ask("GET", "myself").status_code == 200


def test_what_breaks_inside_the_sandbox_is_raised_when_it_stops() -> None:
    def broken(_: Call) -> None:
        raise ZeroDivisionError

    jira = Sandbox().start()
    jira.before("*", "", broken)
    assert requests.get(f"{jira.url}/rest/api/2/serverInfo", timeout=30).status_code == 500
    with pytest.raises(ZeroDivisionError):
        jira.stop()


def test_the_address_is_unknown_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="no address before it is started"):
        _ = Sandbox().url
