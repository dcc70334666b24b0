"""Bulk edits of labels on Cloud: who may, what is refused, and what the queue tells of each issue."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from sync.sandbox import Deployment, Sandbox
from tests.sync.sandbox.clients import Client


@pytest.fixture
def cloud() -> Iterator[Client]:
    with Sandbox(Deployment.CLOUD) as jira:
        jira.site.add_project("PAY", "Payments")
        for _ in range(3):
            jira.site.add_issue({"project": "PAY", "summary": "A", "labels": ["people"]})
        client = Client(jira)
        yield client
        client.close()


def edit(client: Client, option: str, names: list[str], label: str = "x") -> dict[str, Any]:
    """Submit a bulk edit and poll until it is done."""
    entry = {"fieldId": "labels", "bulkEditMultiSelectFieldOption": option, "labels": [{"name": label}]}
    body = {
        "selectedIssueIdsOrKeys": names,
        "selectedActions": ["labels"],
        "editedFieldsInput": {"labelsFields": [entry]},
    }
    answer = client.post("bulk/issues/fields", body)
    if answer.status_code != 201:
        return {"refused": answer.status_code, "said": answer.text}
    statuses = []
    while True:
        progress: dict[str, Any] = client.get(f"bulk/queue/{answer.json()['taskId']}")
        statuses.append(progress["status"])
        if progress["status"] == "COMPLETE":
            return progress | {"statuses": statuses}


def labels(client: Client) -> list[list[str]]:
    return [client.jira.site.get(f"PAY-{number}").fields["labels"] for number in (1, 2, 3)]


def test_a_label_is_added_and_removed_and_the_others_stay(cloud: Client) -> None:
    done = edit(cloud, "ADD", ["PAY-1", "10002"])
    assert done["processedAccessibleIssues"] == [10001, 10002]
    assert done["statuses"] == ["RUNNING", "COMPLETE"]
    assert labels(cloud) == [["people", "x"], ["people", "x"], ["people"]]
    edit(cloud, "REMOVE", ["PAY-1"])
    assert labels(cloud) == [["people"], ["people", "x"], ["people"]]


def test_replacing_loses_peoples_labels_as_it_does_on_the_real_one(cloud: Client) -> None:
    edit(cloud, "REPLACE", ["PAY-1"])
    assert labels(cloud)[0] == ["x"]


def test_what_may_not_be_edited_fails_by_name_and_what_is_hidden_is_only_counted(cloud: Client) -> None:
    permissions = cloud.jira.site.permissions
    permissions.read_only_issues.add("10002")
    permissions.hidden_issues.add("10003")
    done = edit(cloud, "ADD", ["PAY-1", "PAY-2", "PAY-3", "PAY-99"])
    assert done["processedAccessibleIssues"] == [10001]
    assert list(done["failedAccessibleIssues"]) == ["10002"]
    assert (done["invalidOrInaccessibleIssueCount"], done["totalIssueCount"]) == (2, 4)


def test_without_the_global_permission_it_is_refused(cloud: Client) -> None:
    cloud.jira.site.permissions.bulk_change = False
    assert edit(cloud, "ADD", ["PAY-1"])["refused"] == 403
    assert labels(cloud)[0] == ["people"]


@pytest.mark.parametrize(
    ("option", "names", "label"),
    [
        ("ADD", [f"PAY-{number}" for number in range(1001)], "x"),
        ("ADD", [], "x"),
        ("SET", ["PAY-1"], "x"),
        ("ADD", ["PAY-1"], "a b"),
    ],
    ids=["too many issues", "no issue", "no such option", "no label"],
)
def test_what_jira_would_not_take_is_refused(
    cloud: Client, option: str, names: list[str], label: str
) -> None:
    assert edit(cloud, option, names, label)["refused"] == 400
    assert labels(cloud)[0] == ["people"]


def test_an_unknown_task_is_refused(cloud: Client) -> None:
    assert cloud.ask("GET", "bulk/queue/1").status_code == 400
