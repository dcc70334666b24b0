"""Many equal label changes as bulk edits: which, how they are sent, and what their answers become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.changes import Answered, LabelChange, Outcome
from connectors.errors import AuthenticationFailed, Unreachable
from connectors.jira import JiraLabels
from connectors.jira.bulk_edits import ISSUES_IN_A_TASK, split
from tests.connectors.jira.conftest import Jira
from tests.fakes.scripted_http import Answer, Asked, in_turn

MANY = [LabelChange(str(10000 + n), f"PAY-{n}", add=("align-a",)) for n in range(120)]
IDS = [change.issue_id for change in MANY]
DONE = Answer(status=204)
Script = Callable[[Asked], Answer]


def task_of(*statuses: dict[str, Any]) -> Script:
    """A Jira whose bulk edits are answered with these statuses, one a poll, the last for ever."""
    left = list(statuses)

    def script(asked: Asked) -> Answer:
        if asked.path.endswith("bulk/issues/fields"):
            return Answer({"taskId": "7"}, status=201)
        if "bulk/queue" in asked.path:
            return Answer(left.pop(0) if len(left) > 1 else left[0])
        return DONE

    return script


def complete(ids: list[str], **more: Any) -> dict[str, Any]:
    return {"status": "COMPLETE", "processedAccessibleIssues": [int(name) for name in ids], **more}


def answers_of(labels: JiraLabels, changes: list[LabelChange]) -> list[Answered]:
    return [entry for batch in labels.apply(changes) for entry in batch]


def outcomes_of(labels: JiraLabels) -> dict[str, Outcome]:
    return {entry.change.issue_id: entry.outcome for entry in answers_of(labels, MANY)}


label_sets = st.sets(st.sampled_from(["align-a", "align-b", "align-c"]), max_size=3)


@given(st.lists(st.tuples(label_sets, label_sets), max_size=40), st.integers(1, 12))
def test_splitting_loses_nothing_and_says_nothing_twice(
    given_labels: list[tuple[set[str], set[str]]], worth: int
) -> None:
    changes = [
        LabelChange(str(number), f"PAY-{number}", tuple(sorted(add)), tuple(sorted(remove - add)))
        for number, (add, remove) in enumerate(given_labels)
    ]
    tasks, rest = split(changes, worth)
    parts = [change for task in tasks for change in task.changes] + rest

    def operations(all_changes: list[LabelChange]) -> list[tuple[str, str, str]]:
        added = [(change.issue_id, "add", name) for change in all_changes for name in change.add]
        removed = [(change.issue_id, "remove", name) for change in all_changes for name in change.remove]
        return sorted(added + removed)

    assert operations(parts) == operations(changes)
    assert all(len(task.changes) >= worth for task in tasks)
    assert {task.option for task in tasks} <= {"ADD", "REMOVE"}, "never a set as a whole"


def test_a_task_holds_a_thousand_issues_at_the_most() -> None:
    changes = [LabelChange(str(n), f"PAY-{n}", add=("align-a",)) for n in range(2500)]
    tasks, rest = split(changes)
    assert [len(task.changes) for task in tasks] == [ISSUES_IN_A_TASK, ISSUES_IN_A_TASK, 500]
    assert rest == []


def test_many_equal_changes_are_one_task_that_mails_nobody(jira: Jira) -> None:
    site, scripted = jira("cloud", task_of({"status": "ENQUEUED"}, {"status": "RUNNING"}, complete(IDS)))
    answered = answers_of(JiraLabels(site, "align-"), MANY)
    assert [entry.change for entry in answered] == MANY
    assert all(entry.outcome.done for entry in answered)
    (asked,) = scripted.asked("bulk/issues/fields")
    assert asked.body == {
        "selectedIssueIdsOrKeys": IDS,
        "selectedActions": ["labels"],
        "sendBulkNotification": False,
        "editedFieldsInput": {
            "labelsFields": [
                {
                    "fieldId": "labels",
                    "bulkEditMultiSelectFieldOption": "ADD",
                    "labels": [{"name": "align-a"}],
                }
            ]
        },
    }
    assert scripted.naps.seconds == [0.5, 1.0]


def test_a_few_changes_and_data_center_go_one_request_an_issue(jira: Jira) -> None:
    for deployment, changes in (("cloud", MANY[:99]), ("datacenter", MANY)):
        site, scripted = jira(deployment, task_of(complete(IDS)))
        assert all(entry.outcome.done for entry in answers_of(JiraLabels(site, "align-"), changes))
        assert scripted.asked("bulk/issues/fields") == []


def test_bulk_edits_can_be_turned_off(jira: Jira) -> None:
    site, scripted = jira("cloud", task_of(complete(IDS)), bulk_edits=False)
    assert all(entry.outcome.done for entry in answers_of(JiraLabels(site, "align-"), MANY))
    assert scripted.asked("bulk/issues/fields") == []


def test_an_issue_that_a_task_refuses_is_an_outcome_in_jiras_words(jira: Jira) -> None:
    refused = {"10003": ["The field is not on the screen.", "Ask\nan admin."]}
    site, _ = jira("cloud", task_of(complete(IDS[:3] + IDS[4:], failedAccessibleIssues=refused)))
    answered = {
        entry.change.issue_id: entry.outcome for entry in answers_of(JiraLabels(site, "align-"), MANY)
    }
    assert sorted(answered) == sorted(IDS)
    assert (answered["10003"].done, answered["10003"].reason) == (
        False,
        "The field is not on the screen.; Ask an admin.",
    )
    assert sum(outcome.done for outcome in answered.values()) == 119


def test_what_a_task_does_not_speak_of_is_written_singly_which_gives_the_reason(jira: Jira) -> None:
    gone = Answer({"errorMessages": ["Issue does not exist or you do not have permission."]}, status=404)
    bulk = task_of(complete(IDS[1:], invalidOrInaccessibleIssueCount=1))
    site, _ = jira("cloud", lambda asked: gone if asked.path.endswith("issue/10000") else bulk(asked))
    answered = {
        entry.change.issue_id: entry.outcome for entry in answers_of(JiraLabels(site, "align-"), MANY)
    }
    assert "does not exist" in answered["10000"].reason
    assert sum(outcome.done for outcome in answered.values()) == 119


@pytest.mark.parametrize("status", ["FAILED", "DEAD", "CANCELLED"])
def test_what_a_task_that_died_had_not_done_is_written_singly(jira: Jira, status: str) -> None:
    site, scripted = jira(
        "cloud", task_of({"status": status, "processedAccessibleIssues": [int(name) for name in IDS[:50]]})
    )
    answered = answers_of(JiraLabels(site, "align-"), MANY)
    assert len(answered) == 120
    assert all(entry.outcome.done for entry in answered)
    puts = {asked.path.rpartition("/")[2] for asked in scripted.server.asked if asked.method == "PUT"}
    assert puts == set(IDS[50:])


@pytest.mark.parametrize("status", [400, 403, 404])
def test_where_bulk_edits_are_refused_every_change_goes_singly(jira: Jira, status: int) -> None:
    said = Answer({"errors": [{"message": "You do not have the global permission"}]}, status=status)
    site, scripted = jira("cloud", lambda asked: said if asked.path.endswith("bulk/issues/fields") else DONE)
    assert all(entry.outcome.done for entry in answers_of(JiraLabels(site, "align-"), MANY))
    assert len(scripted.asked("bulk/issues/fields")) == 1, "asked once, not once a task"


def test_a_task_that_never_ends_leaves_its_changes_open(jira: Jira) -> None:
    site, _ = jira("cloud", task_of({"status": "RUNNING", "progressPercent": 99}))
    answers: list[Answered] = []

    def collect() -> None:
        for batch in JiraLabels(site, "align-").apply(MANY):
            answers.extend(batch)

    with pytest.raises(Unreachable, match="has not finished bulk edit 7 in time"):
        collect()
    assert [entry.change for entry in answers] == MANY
    assert all(entry.outcome.lost for entry in answers)


def test_what_a_task_that_died_may_have_done_stays_open_when_the_site_goes_away(jira: Jira) -> None:
    """Nobody knows what the task had made before it died, so none of it may count as never sent."""
    dead = task_of({"status": "DEAD"})
    gone = Answer(status=401)
    site, _ = jira("cloud", lambda asked: gone if asked.method == "PUT" else dead(asked), parallel=1)
    answers: list[Answered] = []

    def collect() -> None:
        for batch in JiraLabels(site, "align-").apply(MANY):
            answers.extend(batch)

    with pytest.raises(AuthenticationFailed):
        collect()
    assert {entry.change for entry in answers if entry.outcome.lost} == set(MANY)


@pytest.mark.parametrize("lost", [True, False], ids=["its answer was lost before", "it was refused at once"])
def test_what_a_refused_bulk_edit_may_have_done_is_not_parked_where_it_is_refused_singly(
    jira: Jira, lost: bool
) -> None:
    refused = Answer({}, status=403)
    bulk = in_turn(*[Answer(status=504)] * lost, refused)

    def script(asked: Asked) -> Answer:
        return bulk(asked) if asked.path.endswith("fields") else refused

    site, _ = jira("cloud", script, parallel=1)
    answers = answers_of(JiraLabels(site, "align-"), MANY)
    assert {entry.change for entry in answers} == set(MANY)
    assert {(entry.outcome.done, entry.outcome.lost) for entry in answers} == {(False, lost)}


@pytest.mark.parametrize("status", ["DEAD", "COMPLETE"])
def test_what_a_task_that_died_may_have_done_is_not_parked_where_it_is_refused_singly(
    jira: Jira, status: str
) -> None:
    task, refused = task_of({"status": status}), Answer({}, status=403)
    site, _ = jira("cloud", lambda asked: refused if asked.method == "PUT" else task(asked), parallel=1)
    answers = answers_of(JiraLabels(site, "align-"), MANY)
    assert {(entry.outcome.done, entry.outcome.lost) for entry in answers} == {(False, status == "DEAD")}
