"""Turn many equal label changes into bulk edits of Jira Cloud: tasks of up to a thousand issues each.

Adding and removing are tasks of their own, never `REPLACE`. A task answers issue by issue; whatever it does
not answer for (hidden, gone, a task that died) is left to be written singly, where Jira gives the reason.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.changes import Answered, LabelChange, Outcome
from connectors.errors import ConnectorError, NotFound, PermissionDenied, Refused, Unreachable
from connectors.http import clean
from connectors.jira.client import JiraClient, NotJira

ISSUES_IN_A_TASK = 1000
# Jira takes five bulk operations at a time from all users of a site; one is left to them.
TASKS_AT_ONCE = 4
# A task takes some seconds to be scheduled: for fewer equal changes than this, single edits are as quick.
WORTH_A_TASK = 100
FIRST_POLL, LONGEST_POLL, POLLS = 0.5, 15.0, 60
DONE = frozenset({"COMPLETE", "FAILED", "CANCELLED", "DEAD"})


@dataclass(frozen=True, slots=True)
class BulkTask:
    """One label to add to (`ADD`) or to remove from (`REMOVE`) many issues; every change holds it alone."""

    option: str
    label: str
    changes: tuple[LabelChange, ...]

    @property
    def body(self) -> dict[str, Any]:
        """The request: notifications are off, for the default would mail everybody who watches."""
        edit = {
            "fieldId": "labels",
            "bulkEditMultiSelectFieldOption": self.option,
            "labels": [{"name": self.label}],
        }
        return {
            "selectedIssueIdsOrKeys": [change.issue_id for change in self.changes],
            "selectedActions": ["labels"],
            "sendBulkNotification": False,
            "editedFieldsInput": {"labelsFields": [edit]},
        }


def split(
    changes: Iterable[LabelChange], worth: int = WORTH_A_TASK
) -> tuple[list[BulkTask], list[LabelChange]]:
    """Part the changes into bulk tasks and what is left to be written issue by issue."""
    groups: defaultdict[tuple[str, str], list[LabelChange]] = defaultdict(list)
    changes = list(changes)
    for change in changes:
        for name in change.add:
            groups["ADD", name].append(LabelChange(change.issue_id, change.issue_key, add=(name,)))
        for name in change.remove:
            groups["REMOVE", name].append(LabelChange(change.issue_id, change.issue_key, remove=(name,)))
    large = {key: group for key, group in groups.items() if len(group) >= worth}
    tasks = [
        BulkTask(option, label, tuple(group[start : start + ISSUES_IN_A_TASK]))
        for (option, label), group in sorted(large.items())
        for start in range(0, len(group), ISSUES_IN_A_TASK)
    ]
    rest = [
        LabelChange(
            change.issue_id,
            change.issue_key,
            tuple(name for name in change.add if ("ADD", name) not in large),
            tuple(name for name in change.remove if ("REMOVE", name) not in large),
        )
        for change in changes
    ]
    return tasks, [change for change in rest if change.add or change.remove]


class BulkEdits:
    """Carries tasks out, a few at a time. `left` are the changes no task answered for.

    `unsure` are those of them that one may have made all the same: its answer was lost, or it died under way.
    """

    def __init__(self, client: JiraClient) -> None:
        self.client = client
        self.left: list[LabelChange] = []
        self.unsure: set[LabelChange] = set()

    def carry_out(self, tasks: Sequence[BulkTask]) -> Iterator[Sequence[Answered]]:
        waiting = deque(tasks)
        under_way: deque[tuple[BulkTask, str]] = deque()
        try:
            while waiting or under_way:
                while waiting and len(under_way) < TASKS_AT_ONCE:
                    task = waiting[0]
                    number = self._submit(task)
                    waiting.popleft()
                    if number is None:
                        self._leave([task, *waiting])
                        waiting.clear()
                    else:
                        under_way.append((task, number))
                if under_way:
                    answered = self._answers(*under_way[0])
                    under_way.popleft()
                    yield answered
        except ConnectorError as error:
            sent = [task for task, _ in under_way] + list(waiting)[:1]
            yield [lost(change, str(error)) for task in sent for change in task.changes]
            raise

    def _leave(self, tasks: Iterable[BulkTask]) -> None:
        self.left += [change for task in tasks for change in task.changes]

    def _submit(self, task: BulkTask) -> str | None:
        """The number of the task; None where Jira refuses it, as it does without the permission for it.

        Sent again after a lost answer: adding or removing a label twice is like doing it once.
        """
        try:
            answer = self.client.request(
                "POST", "bulk/issues/fields", body=task.body, resend=True, subject="the bulk edit"
            )
        except NotJira:
            raise
        except (Refused, PermissionDenied, NotFound) as error:
            if error.unsure:
                self.unsure.update(task.changes)
            return None
        number = answer.get("taskId") if isinstance(answer, Mapping) else None
        return str(number) if number else None

    def _answers(self, task: BulkTask, number: str) -> list[Answered]:
        """Wait for a task and give what it says of each issue; what it does not speak of is left."""
        progress = self._await(number)
        made = {str(name) for name in progress.get("processedAccessibleIssues") or ()}
        failed = progress.get("failedAccessibleIssues")
        refused = failed if isinstance(failed, Mapping) else {}
        ended = progress.get("status") == "COMPLETE"
        answered = []
        for change in task.changes:
            if change.issue_id in refused:
                answered.append(Answered(change, Outcome(False, words(refused[change.issue_id]))))
            elif change.issue_id in made:
                answered.append(Answered(change, Outcome(True, detail={"notified": "no"})))
            else:
                self.left.append(change)
                if not ended:
                    self.unsure.add(change)
        return answered

    def _await(self, number: str) -> Mapping[str, Any]:
        wait = FIRST_POLL
        for _ in range(POLLS):
            progress = self.client.get(f"bulk/queue/{number}")
            if isinstance(progress, Mapping) and progress.get("status") in DONE:
                return progress
            self.client.policy.sleep(wait)
            wait = min(2 * wait, LONGEST_POLL)
        raise Unreachable(
            f"{self.client.place.host} has not finished bulk edit {number} in time. The next run looks at "
            "what became of it."
        )


def words(reasons: object) -> str:
    given = reasons if isinstance(reasons, list) else [reasons]
    return clean("; ".join(str(reason) for reason in given)) or "Jira gave no reason"


def lost(change: LabelChange, reason: str) -> Answered:
    return Answered(change, Outcome(False, reason, lost=True))
