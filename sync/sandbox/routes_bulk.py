"""The bulk edits of Cloud: tasks that change the labels of many issues, and the queue that tells of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sync.sandbox.answers import Answer, Call, Operation, Refusal
from sync.sandbox.defaults import Deployment, JsonObject
from sync.sandbox.edits import FieldProblem, check_labels
from sync.sandbox.state import Issue, relabelled

_MOST_ISSUES = 1000
_OPTIONS = {"ADD", "REMOVE", "REPLACE", "REMOVE_ALL"}


@dataclass(slots=True)
class Task:
    """A bulk edit: what became of each issue, and how many polls still find it under way."""

    total: int
    polls: int
    made: list[int] = field(default_factory=list)
    failed: dict[str, list[str]] = field(default_factory=dict)
    unseen: int = 0


class BulkEdits:
    """The tasks of one sandbox. An edit is made when it is submitted; `polls` answers say RUNNING first."""

    def __init__(self, polls: int = 1) -> None:
        self.polls = polls
        self.tasks: dict[str, Task] = {}
        self._numbers = count(10641)

    def operations(self) -> list[Operation]:
        cloud = Deployment.CLOUD
        return [
            Operation("POST", "/bulk/issues/fields", self.submit, only=cloud, writes=True),
            Operation("GET", "/bulk/queue/{task}", self.progress, only=cloud),
        ]

    def submit(self, call: Call) -> Answer:
        self._check_permission(call)
        names, edit = _asked(call)
        task = Task(len(names), self.polls)
        for name in names:
            issue = call.site.visible(name)
            if issue is None:
                task.unseen += 1
            elif not call.site.may_edit(issue):
                task.failed[issue.id] = ["You do not have permission to edit this issue."]
            else:
                _edit(call, issue, edit)
                task.made.append(int(issue.id))
        number = str(next(self._numbers))
        self.tasks[number] = task
        return Answer(201, {"taskId": number})

    def progress(self, call: Call) -> Answer:
        self._check_permission(call)
        number = call.args["task"]
        task = self.tasks.get(number)
        if task is None:
            raise Refusal(400, "The task associated with this taskId is not a bulk operation task")
        stamp = int(call.site.now().timestamp() * 1000)
        said: JsonObject = {
            "taskId": number,
            "submittedBy": {"accountId": call.site.account["accountId"]},
            "created": stamp,
            "started": stamp,
            "updated": stamp,
        }
        if task.polls:
            task.polls -= 1
            return Answer(body=said | {"status": "RUNNING", "progressPercent": 50})
        return Answer(
            body=said
            | {
                "status": "COMPLETE",
                "progressPercent": 100,
                "processedAccessibleIssues": task.made,
                "failedAccessibleIssues": task.failed,
                "invalidOrInaccessibleIssueCount": task.unseen,
                "totalIssueCount": task.total,
            }
        )

    def _check_permission(self, call: Call) -> None:
        call.login()
        if not call.site.permissions.bulk_change:
            raise Refusal(403, "You do not have the global permission to make bulk changes.")


def _asked(call: Call) -> tuple[list[str], JsonObject]:
    """The issues named and the edit of their labels, the only field that the sandbox edits in bulk."""
    asked = call.object()
    names, actions = asked.get("selectedIssueIdsOrKeys"), asked.get("selectedActions")
    edits = (asked.get("editedFieldsInput") or {}).get("labelsFields")
    if not isinstance(names, list) or not names or actions != ["labels"]:
        raise _invalid("selectedIssueIdsOrKeys and selectedActions are needed; the sandbox edits labels only")
    if len(names) > _MOST_ISSUES:
        raise _invalid(f"No more than {_MOST_ISSUES} issues can be edited at once")
    if not isinstance(edits, list) or len(edits) != 1 or edits[0].get("fieldId") != "labels":
        raise _invalid("editedFieldsInput must hold one entry for labels")
    if edits[0].get("bulkEditMultiSelectFieldOption") not in _OPTIONS:
        raise _invalid("bulkEditMultiSelectFieldOption must be ADD, REMOVE, REPLACE or REMOVE_ALL")
    return [str(name) for name in dict.fromkeys(names)], edits[0]


def _invalid(message: str) -> Refusal:
    return Refusal(400, message)


def _edit(call: Call, issue: Issue, edit: JsonObject) -> None:
    names = _label_names(call, edit.get("labels"))
    present = issue.fields.get("labels") or []
    after = {
        "ADD": relabelled(present, names, []),
        "REMOVE": relabelled(present, [], names),
        "REPLACE": names,
        "REMOVE_ALL": [],
    }
    call.site.change(issue, {"labels": after[edit["bulkEditMultiSelectFieldOption"]]})


def _label_names(call: Call, labels: Any) -> list[str]:
    try:
        return check_labels(call, [str(label["name"]) for label in labels or []])
    except (FieldProblem, KeyError, TypeError) as problem:
        raise _invalid(str(problem)) from None
