"""The furniture a new Jira site comes with: issue types, statuses, priorities, link types and fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

JsonObject = dict[str, Any]


class Deployment(StrEnum):
    """Which Jira the sandbox plays."""

    CLOUD = "cloud"
    DATA_CENTER = "dc"


EPIC_LINK = "com.pyxis.greenhopper.jira:gh-epic-link"
EPIC_LABEL = "com.pyxis.greenhopper.jira:gh-epic-label"
TEXT_FIELD = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
TEXT_AREA = "com.atlassian.jira.plugin.system.customfieldtypes:textarea"

CATEGORIES: dict[str, JsonObject] = {
    "undefined": {"id": 1, "key": "undefined", "colorName": "medium-gray", "name": "No Category"},
    "new": {"id": 2, "key": "new", "colorName": "blue-gray", "name": "To Do"},
    "indeterminate": {"id": 4, "key": "indeterminate", "colorName": "yellow", "name": "In Progress"},
    "done": {"id": 3, "key": "done", "colorName": "green", "name": "Done"},
}

# (id, name, hierarchy level)
ISSUE_TYPES = [
    ("10000", "Epic", 1),
    ("10001", "Story", 0),
    ("10002", "Task", 0),
    ("10003", "Bug", 0),
    ("10004", "Sub-task", -1),
    ("10005", "Initiative", 2),
]
STATUSES = [("10010", "To Do", "new"), ("10011", "In Progress", "indeterminate"), ("10012", "Done", "done")]
PRIORITIES = [("1", "Highest"), ("2", "High"), ("3", "Medium"), ("4", "Low"), ("5", "Lowest")]
LINK_TYPES = [
    ("10000", "Blocks", "is blocked by", "blocks"),
    ("10001", "Cloners", "is cloned by", "clones"),
    ("10002", "Duplicate", "is duplicated by", "duplicates"),
    ("10003", "Relates", "relates to", "relates to"),
]

# (id, name, clause names, schema type, items): what `GET /field` says about the system fields
_SYSTEM_FIELDS: list[tuple[str, str, tuple[str, ...], str | None, str | None]] = [
    ("summary", "Summary", ("summary",), "string", None),
    ("issuekey", "Key", ("id", "issue", "issuekey", "key"), None, None),
    ("issuetype", "Issue Type", ("issuetype", "type"), "issuetype", None),
    ("status", "Status", ("status",), "status", None),
    ("priority", "Priority", ("priority",), "priority", None),
    ("resolution", "Resolution", ("resolution",), "resolution", None),
    ("labels", "Labels", ("labels",), "array", "string"),
    ("project", "Project", ("project",), "project", None),
    ("assignee", "Assignee", ("assignee",), "user", None),
    ("reporter", "Reporter", ("reporter",), "user", None),
    ("creator", "Creator", ("creator",), "user", None),
    ("created", "Created", ("created", "createdDate"), "datetime", None),
    ("updated", "Updated", ("updated", "updatedDate"), "datetime", None),
    ("resolutiondate", "Resolved", ("resolutiondate", "resolved"), "datetime", None),
    ("duedate", "Due date", ("due", "duedate"), "date", None),
    ("description", "Description", ("description",), "string", None),
    ("environment", "Environment", ("environment",), "string", None),
    ("components", "Components", ("component",), "array", "component"),
    ("fixVersions", "Fix versions", ("fixVersion",), "array", "version"),
    ("versions", "Affects versions", ("affectedVersion",), "array", "version"),
    ("issuelinks", "Linked Issues", (), "array", "issuelinks"),
    ("subtasks", "Sub-tasks", ("subtasks",), "array", "issuelinks"),
    ("parent", "Parent", ("parent",), None, None),
    ("comment", "Comment", ("comment",), "comments-page", None),
    ("attachment", "Attachment", ("attachments",), "array", "attachment"),
]
# Not in the issue navigator, hence not part of `*navigable`.
OFF_NAVIGATOR = frozenset({"comment", "attachment"})
# Data Center shows a parent on sub-tasks only and does not list it as a field of its own.
_CLOUD_ONLY_FIELDS = frozenset({"parent"})


def issue_type(type_id: str, name: str, level: int) -> JsonObject:
    return {
        "id": type_id,
        "description": "",
        "iconUrl": "",
        "name": name,
        "subtask": level == -1,
        "hierarchyLevel": level,
    }


def status(status_id: str, name: str, category: str) -> JsonObject:
    return {
        "description": "",
        "iconUrl": "",
        "name": name,
        "id": status_id,
        "statusCategory": CATEGORIES[category],
    }


def priority(priority_id: str, name: str) -> JsonObject:
    return {
        "statusColor": "#ffffff",
        "description": name,
        "iconUrl": "",
        "name": name,
        "id": priority_id,
    }


def link_types() -> list[JsonObject]:
    return [{"id": i, "name": name, "inward": inw, "outward": outw} for i, name, inw, outw in LINK_TYPES]


def system_fields(deployment: Deployment) -> Iterator[JsonObject]:
    """The system fields as `GET /field` lists them; `key` is told on Cloud only."""
    for field_id, name, clauses, kind, items in _SYSTEM_FIELDS:
        if deployment is Deployment.DATA_CENTER and field_id in _CLOUD_ONLY_FIELDS:
            continue
        schema = {} if kind is None else {"schema": _schema(kind, items) | {"system": field_id}}
        yield _field(deployment, field_id, name, clauses, custom=False) | schema


def custom_field(deployment: Deployment, number: int, name: str, schema: JsonObject) -> JsonObject:
    """A custom field; its JQL names are its name and, always unambiguous, `cf[number]`."""
    field_id = f"customfield_{number}"
    clauses = (f"cf[{number}]", name)
    described = {"schema": schema | {"customId": number}}
    return _field(deployment, field_id, name, clauses, custom=True) | described


def _field(
    deployment: Deployment, field_id: str, name: str, clauses: Iterable[str], *, custom: bool
) -> JsonObject:
    key = {"key": field_id} if deployment is Deployment.CLOUD else {}
    return key | {
        "id": field_id,
        "name": name,
        "custom": custom,
        "orderable": field_id not in {"created", "updated", "issuekey", "creator"},
        "navigable": field_id not in OFF_NAVIGATOR,
        "searchable": field_id not in {"subtasks", "attachment"},
        "clauseNames": list(clauses),
    }


def _schema(kind: str, items: str | None) -> JsonObject:
    return {"type": kind} if items is None else {"type": kind, "items": items}
