"""Turn the body of an issue edit into new field values, or into Jira's objections field by field."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from sync.sandbox.answers import Call, Refusal
from sync.sandbox.defaults import EPIC_LINK, JsonObject
from sync.sandbox.documents import is_document
from sync.sandbox.registry import SandboxError
from sync.sandbox.state import Issue, relabelled

_NOT_ON_SCREEN = "Field '{}' cannot be set. It is not on the appropriate screen, or unknown."
_NEEDS_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
Reader = Callable[[Call, Any], Any]
_MAX_LABEL = 255
_MAX_TEXT = 255


class FieldProblem(ValueError):
    """What is wrong with the value of one field, in Jira's words."""


def read_edit(call: Call, issue: Issue) -> JsonObject:
    """The values to store. Raises `Refusal` (400) with all objections; then nothing may be stored."""
    body = call.object()
    fields, update = body.get("fields") or {}, body.get("update") or {}
    if not isinstance(fields, dict) or not isinstance(update, dict):
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    twice = fields.keys() & update.keys()
    if twice:
        told = {name: f"Field '{name}' cannot be set in both fields and update." for name in sorted(twice)}
        raise Refusal(400, errors=told)
    changes: JsonObject = {}
    problems: dict[str, str] = {}
    operations = {name: [{"set": value}] for name, value in fields.items()} | update
    for name, steps in operations.items():
        try:
            changes |= _changed(call, issue, name, steps)
        except FieldProblem as problem:
            problems[name] = str(problem)
    if problems:
        raise Refusal(400, errors=problems)
    return changes


def _changed(call: Call, issue: Issue, name: str, steps: Any) -> JsonObject:
    if not call.site.may_edit(issue):
        raise FieldProblem(_NOT_ON_SCREEN.format(name))
    if not isinstance(steps, list) or not all(isinstance(step, dict) and len(step) == 1 for step in steps):
        raise FieldProblem("data was not an array of operations")
    off_screen = issue.project_key in call.site.permissions.labels_off_screen
    if name == "labels" and off_screen and not call.on_cloud:
        raise FieldProblem(_NOT_ON_SCREEN.format(name))
    if name == "parent" and not call.on_cloud:
        return {}  # Data Center answers 204 and changes nothing
    value = issue.fields.get(name)
    for step in steps:
        value = _applied(call, name, value, step)
    return {name: value}


def _applied(call: Call, name: str, value: Any, step: JsonObject) -> Any:
    """The value after one operation such as `{"add": "x"}`."""
    read = _reader(call, name)
    ((verb, operand),) = step.items()
    if verb == "set":
        return read(call, operand)
    if verb in {"add", "remove"} and _is_list(call, name):
        if name == "labels" and not isinstance(operand, str):
            raise FieldProblem("data was not an array of strings")
        added = read(call, [operand] if verb == "add" else [])
        gone = [operand] if verb == "remove" else []
        return relabelled(value or [], added, gone) if name == "labels" else _items(value, added, gone)
    raise FieldProblem(f"Field does not support operation '{verb}'")


def _items(value: Any, added: list[Any], gone: list[Any]) -> list[Any]:
    kept = [item for item in value or [] if item not in gone]
    return kept + [item for item in added if item not in kept]


def _is_list(call: Call, name: str) -> bool:
    schema = call.site.registry.fields.get(name, {}).get("schema", {})
    return bool(schema.get("type") == "array")


def _reader(call: Call, name: str) -> Reader:
    """What checks the field's value; a field that cannot be edited at all has none."""
    if name in _SYSTEM_READERS:
        return _SYSTEM_READERS[name]
    field = call.site.registry.fields.get(name)
    if field is None or not field["custom"]:
        raise FieldProblem(_NOT_ON_SCREEN.format(name))
    schema = field.get("schema", {})
    if schema.get("custom") == EPIC_LINK:
        return _epic_link
    return _CUSTOM_READERS.get(schema.get("type"), _anything)


def check_labels(call: Call, value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(label, str) for label in value):
        raise FieldProblem("data was not an array of strings")
    for label in value:
        _check_label(label, cloud=call.on_cloud)
    return list(dict.fromkeys(value))


def _check_label(label: str, *, cloud: bool) -> None:
    if re.search(r"\s", label) or not label:
        raise FieldProblem(f"The label '{label}' contains spaces which is invalid.")
    if len(label) > _MAX_LABEL and cloud:
        raise FieldProblem("Labels can't have spaces or be more than 255 characters")
    if len(label) > _MAX_LABEL:
        raise FieldProblem(
            f"The label '{label}' exceeds the maximum length for a single label of 255 characters."
        )


def _summary(call: Call, value: Any) -> str:
    text = _text(call, value)
    if not text or not text.strip():
        raise FieldProblem("You must specify a summary of the issue.")
    if "\n" in text or "\r" in text:
        raise FieldProblem("The summary is invalid because it contains newline characters.")
    if len(text) > _MAX_TEXT:
        raise FieldProblem("Summary can't exceed 255 characters.")
    return text


def _rich(call: Call, value: Any) -> Any:
    if call.version == "3" and value is not None:
        if not is_document(value):
            raise FieldProblem(_NEEDS_DOCUMENT)
        return value
    return _text(call, value)


def _text(_: Call, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise FieldProblem("Operation value must be a string")
    return value


def _number(_: Call, value: Any) -> float | int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise FieldProblem("Operation value must be a number")
    return value


def _day(_: Call, value: Any) -> str | None:
    try:
        return None if value is None else date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise FieldProblem("Error parsing date string: " + str(value)) from None


def _array(_: Call, value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise FieldProblem("data was not an array")
    return list(value or [])


def _anything(_: Call, value: Any) -> Any:
    return value


def _priority(call: Call, value: Any) -> JsonObject:
    try:
        return call.site.registry.value("priority", value)
    except SandboxError:
        raise FieldProblem("The priority selected is invalid.") from None


def _user(call: Call, value: Any) -> JsonObject | None:
    if value is None:
        return None
    wanted = value.get("accountId" if call.on_cloud else "name") if isinstance(value, dict) else None
    user = call.site.registry.users.get(str(wanted))
    if user is None:
        raise FieldProblem(f"User '{wanted}' does not exist.")
    return user


def _parent(call: Call, value: Any) -> JsonObject | None:
    if value is None or value == {"none": True}:
        return None
    issue = call.issue()
    wanted = value.get("id") or value.get("key") if isinstance(value, dict) else None
    parent = call.site.visible(str(wanted))
    if parent is None:
        raise FieldProblem("Could not find issue by id or key.")
    if parent.level() <= issue.level():
        raise FieldProblem("Given parent issue does not belong to the appropriate hierarchy level.")
    return {"id": parent.id, "key": parent.key}


def _epic_link(call: Call, value: Any) -> str | None:
    if value is None:
        return None
    epic = call.site.visible(str(value))
    if epic is None or epic.level() != 1:
        raise FieldProblem("Issue is not an epic, or does not exist.")
    return epic.key


_SYSTEM_READERS: dict[str, Reader] = {
    "labels": check_labels,
    "summary": _summary,
    "description": _rich,
    "environment": _rich,
    "duedate": _day,
    "priority": _priority,
    "assignee": _user,
    "reporter": _user,
    "parent": _parent,
    "components": _array,
    "fixVersions": _array,
    "versions": _array,
}
_CUSTOM_READERS: dict[str | None, Reader] = {
    "string": _text,
    "number": _number,
    "date": _day,
    "array": _array,
}
