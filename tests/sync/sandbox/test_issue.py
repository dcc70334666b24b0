"""One issue: reading, editing, refusals, remote links, properties and links to other issues."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sync.sandbox import Deployment, Sandbox
from tests.sync.sandbox.clients import Client

NOT_ON_SCREEN = "It is not on the appropriate screen, or unknown."


def add(client: Client, **fields: Any) -> str:
    return client.jira.site.add_issue({"project": "PAY", "summary": "A"} | fields)


def labels(client: Client, key: str) -> list[str]:
    found: list[str] = client.get(f"issue/{key}", fields="labels")["fields"]["labels"]
    return found


def relabel(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"update": {"labels": list(steps)}}


def test_labels_are_added_and_removed_and_the_others_keep_their_order(client: Client) -> None:
    key = add(client, labels=["b", "a,x", 'say "hi"'])
    answer = client.put(f"issue/{key}", relabel({"add": "new"}, {"remove": "b"}, {"add": "a,x"}))
    assert (answer.status_code, answer.content) == (204, b"")
    assert labels(client, key) == ["a,x", 'say "hi"', "new"]


def test_an_edit_that_changes_nothing_leaves_updated_alone() -> None:
    clock = [datetime(2026, 1, 1, tzinfo=UTC)]
    with Sandbox(Deployment.CLOUD, now=lambda: clock[0]) as jira:
        jira.site.add_project("PAY", "Payments")
        client = Client(jira)
        key = add(client, labels=["a"])

        def updated(body: dict[str, Any]) -> str:
            clock[0] += timedelta(minutes=1)
            assert client.put(f"issue/{key}", body).status_code == 204
            return str(client.get(f"issue/{key}")["fields"]["updated"])

        assert updated(relabel({"add": "a"}, {"remove": "b"})) == "2026-01-01T00:00:00.000+0000"
        assert updated(relabel({"add": "b"})) == "2026-01-01T00:02:00.000+0000"
        client.close()


@pytest.mark.parametrize("label", ["a b", "", "tab\there", "x" * 256])
def test_a_label_with_spaces_or_too_long_refuses_the_whole_edit(client: Client, label: str) -> None:
    key = add(client, labels=["old"])
    body = relabel({"add": "good"}, {"add": label})
    body["update"]["summary"] = [{"set": "changed"}]
    answer = client.put(f"issue/{key}", body)
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["labels"]
    fields = client.get(f"issue/{key}")["fields"]
    assert (fields["labels"], fields["summary"]) == (["old"], "A")


def test_a_label_of_255_characters_is_kept(client: Client) -> None:
    key = add(client)
    assert client.put(f"issue/{key}", relabel({"add": "x" * 255})).status_code == 204
    assert labels(client, key) == ["x" * 255]


def test_setting_labels_replaces_them(client: Client) -> None:
    key = add(client, labels=["old"])
    assert client.put(f"issue/{key}", {"fields": {"labels": ["a", "b", "a"]}}).status_code == 204
    assert labels(client, key) == ["a", "b"]


def test_a_field_in_both_fields_and_update_is_refused(client: Client) -> None:
    key = add(client)
    body = {"fields": {"labels": ["a"]}} | relabel({"add": "b"})
    assert client.put(f"issue/{key}", body).status_code == 400
    assert labels(client, key) == []


BAD_FIELDS = [
    ({"fields": {"nonsense": 1}}, "nonsense", NOT_ON_SCREEN),
    ({"fields": {"status": {"name": "Done"}}}, "status", NOT_ON_SCREEN),
    ({"fields": {"summary": " "}}, "summary", "You must specify a summary"),
    ({"fields": {"summary": "x" * 256}}, "summary", "255"),
    ({"fields": {"summary": "a\nb"}}, "summary", "newline"),
    ({"fields": {"duedate": "soon"}}, "duedate", "date"),
    ({"fields": {"priority": {"name": "Urgent!"}}}, "priority", "invalid"),
    ({"fields": {"assignee": {"name": "ghost", "accountId": "ghost"}}}, "assignee", "ghost"),
    ({"fields": {"labels": "a"}}, "labels", "array"),
    ({"update": {"labels": {"add": "a"}}}, "labels", "operations"),
    ({"update": {"labels": [{"edit": "a"}]}}, "labels", "operation 'edit'"),
    ({"update": {"summary": [{"add": "a"}]}}, "summary", "operation 'add'"),
]


@pytest.mark.parametrize(("body", "field", "message"), BAD_FIELDS)
def test_a_bad_value_is_refused_naming_its_field(
    client: Client, body: dict[str, Any], field: str, message: str
) -> None:
    answer = client.put(f"issue/{add(client)}", body)
    assert answer.status_code == 400
    assert message in answer.json()["errors"][field]


def test_custom_and_system_fields_are_set_and_cleared(client: Client) -> None:
    site = client.jira.site
    text, number = site.add_field("Objective"), site.add_field("Budget", {"type": "number"})
    key = add(client)
    wanted = {text: "OBJ-1", number: 7.5, "duedate": "2026-09-30", "priority": {"name": "High"}}
    assert client.put(f"issue/{key}", {"fields": wanted}).status_code == 204
    fields = client.get(f"issue/{key}", fields=f"{text},{number},duedate,priority")["fields"]
    assert (fields[text], fields[number], fields["duedate"]) == ("OBJ-1", 7.5, "2026-09-30")
    assert fields["priority"]["name"] == "High"
    assert client.put(f"issue/{key}", {"update": {text: [{"set": None}]}}).status_code == 204
    assert client.get(f"issue/{key}", fields=text)["fields"] == {text: None}


def test_notifications_are_suppressed_by_administrators_only(client: Client) -> None:
    key, site = add(client), client.jira.site
    refused = client.put(f"issue/{key}", relabel({"add": "a"}), notifyUsers="false")
    assert refused.status_code == 403
    assert refused.json()["errorMessages"][0].startswith("To discard the user notification")
    assert labels(client, key) == []
    site.permissions.project_admin.add("PAY")
    assert client.put(f"issue/{key}", relabel({"add": "a"}), notifyUsers="false").status_code == 204


def test_an_issue_that_may_not_be_edited_refuses_each_field(client: Client) -> None:
    key = add(client)
    client.jira.site.permissions.read_only_projects.add("PAY")
    answer = client.put(f"issue/{key}", relabel({"add": "a"}))
    assert answer.status_code == 400
    assert NOT_ON_SCREEN in answer.json()["errors"]["labels"]


def test_hidden_and_missing_issues_are_answered_alike(client: Client) -> None:
    key = add(client)
    client.jira.site.permissions.hidden_issues.add("10001")
    hidden, missing = client.ask("GET", f"issue/{key}"), client.ask("GET", "issue/PAY-99")
    assert (hidden.status_code, hidden.json()) == (missing.status_code, missing.json())
    assert hidden.status_code == 404
    assert client.put(f"issue/{key}", relabel({"add": "a"})).status_code == 404


def test_a_moved_issue_keeps_its_id_and_answers_to_its_old_key(client: Client) -> None:
    site = client.jira.site
    site.add_project("NEW", "New home")
    key = add(client)
    assert site.move(key, "NEW") == "NEW-1"
    found = client.get(f"issue/{key}")
    assert (found["key"], found["id"]) == ("NEW-1", "10001")
    assert found["fields"]["project"]["key"] == "NEW"
    assert client.keys("project = NEW") == ["NEW-1"]
    assert add(client) == "PAY-2"  # the old number is not given again


def test_a_deleted_issue_is_gone_under_every_key(client: Client) -> None:
    site = client.jira.site
    site.add_project("NEW", "New home")
    site.move(add(client), "NEW")
    site.delete("NEW-1")
    assert {client.ask("GET", f"issue/{name}").status_code for name in ("PAY-1", "NEW-1", "10001")} == {404}


def test_cloud_sets_and_clears_the_parent_and_checks_its_level(cloud: Client) -> None:
    epic, story, task = add(cloud, issuetype="Epic"), add(cloud, issuetype="Story"), add(cloud)
    assert cloud.put(f"issue/{story}", {"fields": {"parent": {"key": epic}}}).status_code == 204
    parent = cloud.get(f"issue/{story}", fields="parent")["fields"]["parent"]
    assert (parent["key"], parent["fields"]["issuetype"]["hierarchyLevel"]) == (epic, 1)
    assert cloud.put(f"issue/{story}", {"fields": {"parent": {"key": task}}}).status_code == 400
    cleared = {"update": {"parent": [{"set": {"none": True}}]}}
    assert cloud.put(f"issue/{story}", cleared).status_code == 204
    assert cloud.keys(f"parent = {epic}") == []


def test_data_center_ignores_a_parent_and_takes_an_epic_link(server: Client) -> None:
    epic, story = add(server, issuetype="Epic"), add(server, issuetype="Story")
    link = next(f["id"] for f in server.get("field") if f["name"] == "Epic Link")
    assert server.put(f"issue/{story}", {"fields": {"parent": {"key": epic}}}).status_code == 204
    assert "parent" not in server.get(f"issue/{story}")["fields"]
    assert server.put(f"issue/{story}", {"fields": {link: epic}}).status_code == 204
    assert server.get(f"issue/{story}")["fields"][link] == epic
    assert server.put(f"issue/{epic}", {"fields": {link: story}}).status_code == 400
    server.jira.site.add_project("NEW", "New home")
    server.jira.site.move(epic, "NEW")
    assert server.get(f"issue/{story}")["fields"][link] == "NEW-1"
    assert server.put(f"issue/{story}", {"fields": {link: None}}).status_code == 204
    assert server.get(f"issue/{story}")["fields"][link] is None


def test_only_cloud_returns_the_edited_issue_when_asked(client: Client) -> None:
    answer = client.put(f"issue/{add(client)}", relabel({"add": "a"}), returnIssue="true")
    if client.jira.deployment is Deployment.CLOUD:
        assert (answer.status_code, answer.json()["fields"]["labels"]) == (200, ["a"])
    else:
        assert answer.status_code == 204


def test_names_and_schema_are_expanded_for_the_fields_shown(client: Client) -> None:
    found = client.get(f"issue/{add(client)}", fields="labels,summary", expand="names,schema")
    assert found["names"] == {"labels": "Labels", "summary": "Summary"}
    assert found["schema"]["labels"] == {"type": "array", "items": "string", "system": "labels"}


def test_long_text_is_a_document_in_version_3_and_text_in_version_2(cloud: Client) -> None:
    key = add(cloud, description="One\n\nTwo")
    document = cloud.get(f"issue/{key}")["fields"]["description"]
    assert (document["type"], len(document["content"])) == ("doc", 3)
    refused = cloud.put(f"issue/{key}", {"fields": {"description": "text"}})
    assert "Atlassian Document" in refused.json()["errors"]["description"]
    assert cloud.put(f"issue/{key}", {"fields": {"description": document}}).status_code == 204
    cloud.version = "2"
    assert cloud.get(f"issue/{key}")["fields"]["description"] == "One\n\nTwo"


def test_a_description_of_a_megabyte_is_served_whole(client: Client) -> None:
    client.version = "2"
    text = "äöü " * 250_000
    key = add(client, description=text)
    assert client.get(f"issue/{key}", fields="description")["fields"]["description"] == text


def test_a_remote_link_is_created_once_and_updated_by_its_global_id(client: Client) -> None:
    path = f"issue/{add(client)}/remotelink"
    target = {"url": "https://example.com/o", "title": "Objective"}
    link = {"globalId": "system=x&id=1", "relationship": "serves", "object": target}
    made, again = client.post(path, link), client.post(path, {k: link[k] for k in ("globalId", "object")})
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json() == again.json()
    found = client.get(path, globalId="system=x&id=1")
    assert found["object"]["title"] == "Objective"
    assert "relationship" not in found  # what an update leaves out is gone
    assert len(client.get(path)) == 1
    assert client.ask("GET", path, globalId="other").status_code == 404


@pytest.mark.parametrize(
    "body", [{"object": {"title": "t"}}, {"object": {"url": "u"}}, {}, {"globalId": "x" * 256}]
)
def test_a_remote_link_without_address_or_title_is_refused(client: Client, body: dict[str, Any]) -> None:
    assert client.post(f"issue/{add(client)}/remotelink", body).status_code == 400


def test_properties_are_put_read_and_deleted_without_touching_updated(client: Client) -> None:
    key = add(client)
    before = client.get(f"issue/{key}")["fields"]["updated"]
    path = f"issue/{key}/properties/tieline.note"
    codes = [client.put(path, {"a": n}).status_code for n in (1, 2)]
    assert codes == [201, 200]
    assert client.get(path) == {"key": "tieline.note", "value": {"a": 2}}
    assert [entry["key"] for entry in client.get(f"issue/{key}/properties")["keys"]] == ["tieline.note"]
    shown = client.get(f"issue/{key}", properties="tieline.note")
    assert (shown["properties"], shown["fields"]["updated"]) == ({"tieline.note": {"a": 2}}, before)
    assert client.ask("DELETE", path).status_code == 204
    assert client.ask("GET", path).status_code == 404
    assert client.put(path, "x" * 32768).status_code == 400


def test_linking_twice_makes_one_link_seen_from_both_ends(client: Client) -> None:
    a, b = add(client), add(client)
    body = {"type": {"name": "Blocks"}, "inwardIssue": {"key": a}, "outwardIssue": {"key": b}}
    answers = [client.post("issueLink", body) for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(201, b"")] * 2
    (blocks,) = client.get(f"issue/{a}")["fields"]["issuelinks"]
    (blocked,) = client.get(f"issue/{b}")["fields"]["issuelinks"]
    assert (blocks["outwardIssue"]["key"], blocked["inwardIssue"]["key"]) == (b, a)
    assert blocks["outwardIssue"]["fields"]["status"]["name"] == "To Do"
    assert client.post("issueLink", body | {"type": {"name": "Nonsense"}}).status_code == 404
    assert client.post("issueLink", body | {"outwardIssue": {"key": "PAY-99"}}).status_code == 404


def test_a_body_that_is_no_json_is_refused(client: Client) -> None:
    url = f"{client.jira.url}/rest/api/2/issue/{add(client)}"
    broken = client.http.put(url, data="{", headers={"Content-Type": "application/json"}, timeout=30)
    assert broken.status_code == 400
    assert client.http.put(url, data="a=b", headers={"Content-Type": "text/plain"}).status_code == 415
