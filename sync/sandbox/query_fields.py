"""Turn a field name of a JQL query into the way to read that field from a raw issue."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from typing import Any

from sync.sandbox.defaults import EPIC_LABEL, EPIC_LINK, TEXT_AREA, TEXT_FIELD, JsonObject
from sync.sandbox.state import Issue, Site
from sync.sandbox.timestamps import from_timestamp


class Kind(Enum):
    """How a field compares."""

    OPTION = auto()  # by id or name
    TEXT = auto()  # ~ only
    ANYTHING = auto()  # a loaded custom field of unknown type: by value, and ~
    NUMBER = auto()
    INSTANT = auto()
    DAY = auto()
    ISSUE = auto()  # the issue itself
    PARENT = auto()  # another issue


@dataclass(frozen=True, slots=True)
class QueryField:
    """`read` gives what the issue holds, as compared: nothing at all where it is empty.

    `table` names the registry's values against which operands are checked.
    """

    name: str
    kind: Kind
    read: Callable[[Issue], list[Any]]
    table: str | None = None


_OPTIONS = {
    "project": "project",
    "issuetype": "issuetype",
    "type": "issuetype",
    "status": "status",
    "priority": "priority",
    "resolution": "resolution",
    "labels": "labels",
    "component": "components",
    "fixversion": "fixVersions",
    "affectedversion": "versions",
    "assignee": "assignee",
    "reporter": "reporter",
    "creator": "creator",
}
_TABLES = {"project", "issuetype", "status", "priority", "resolution"}
_INSTANTS = {
    "created": "created",
    "createddate": "created",
    "updated": "updated",
    "updateddate": "updated",
    "resolved": "resolutiondate",
    "resolutiondate": "resolutiondate",
}
_TEXTS = {"summary", "description", "environment"}


def find_field(site: Site, name: str) -> QueryField | None:
    """The field a query means; custom fields of the same name are searched together, as in Jira."""
    return _system(name, name.lower()) or _custom(site, name)


def _system(name: str, lower: str) -> QueryField | None:
    if lower in _OPTIONS:
        field_id = _OPTIONS[lower]
        return QueryField(name, Kind.OPTION, _names_in([field_id]), field_id if field_id in _TABLES else None)
    if lower in _INSTANTS:
        return QueryField(name, Kind.INSTANT, _instants_in([_INSTANTS[lower]]))
    if lower in _TEXTS:
        return QueryField(name, Kind.TEXT, _texts_in([lower]))
    singular = {
        "parent": (Kind.PARENT, _names_in(["parent"]), None),
        "statuscategory": (Kind.OPTION, _category, "statuscategory"),
        "due": (Kind.DAY, _days_in(["duedate"]), None),
        "duedate": (Kind.DAY, _days_in(["duedate"]), None),
    } | dict.fromkeys(("id", "issue", "issuekey", "key"), (Kind.ISSUE, lambda issue: [issue.id], None))
    return QueryField(name, *singular[lower]) if lower in singular else None


def _custom(site: Site, name: str) -> QueryField | None:
    number = re.fullmatch(r"cf\[(\d+)\]", name.lower())
    if number:
        meant = [site.registry.fields.get(f"customfield_{number[1]}")]
    else:
        fields = site.registry.custom_fields()
        meant = [field for field in fields if field["name"].casefold() == name.casefold()]
    found = [field for field in meant if field is not None]
    if not found:
        return None
    ids = [field["id"] for field in found]
    schema: JsonObject = found[0].get("schema", {})
    if schema.get("custom") == EPIC_LINK:
        return QueryField(name, Kind.PARENT, _names_in(ids))
    if schema.get("custom") in {TEXT_FIELD, TEXT_AREA, EPIC_LABEL}:
        return QueryField(name, Kind.TEXT, _texts_in(ids))
    readers: dict[str, tuple[Kind, Callable[[Issue], list[Any]]]] = {
        "number": (Kind.NUMBER, _numbers_in(ids)),
        "datetime": (Kind.INSTANT, _instants_in(ids)),
        "date": (Kind.DAY, _days_in(ids)),
    }
    kind, read = readers.get(str(schema.get("type")), (Kind.ANYTHING, _names_in(ids)))
    return QueryField(name, kind, read)


def _held(issue: Issue, ids: Iterable[str]) -> list[Any]:
    values = [issue.fields.get(field_id) for field_id in ids]
    return [value for value in values if value not in (None, "", [])]


def _names(value: Any) -> list[str]:
    """Everything a value answers to, in lower case: its id, name, key, account or itself."""
    if value is None or value == "":
        return []
    if isinstance(value, list):
        return [name for part in value for name in _names(part)]
    if isinstance(value, dict):
        keys = ("id", "name", "key", "value", "accountId", "displayName")
        return [str(value[key]).casefold() for key in keys if value.get(key) is not None]
    return [str(value).casefold()]


def _names_in(ids: list[str]) -> Callable[[Issue], list[Any]]:
    return lambda issue: [name for value in _held(issue, ids) for name in _names(value)]


def _texts_in(ids: list[str]) -> Callable[[Issue], list[Any]]:
    return lambda issue: [str(value) for value in _held(issue, ids)]


def _numbers_in(ids: list[str]) -> Callable[[Issue], list[Any]]:
    return lambda issue: [v for v in _held(issue, ids) if isinstance(v, int | float)]


def _instants_in(ids: list[str]) -> Callable[[Issue], list[Any]]:
    def read(issue: Issue) -> list[Any]:
        moments = (from_timestamp(value) for value in _held(issue, ids))
        return [moment for moment in moments if moment is not None]

    return read


def _days_in(ids: list[str]) -> Callable[[Issue], list[Any]]:
    def read(issue: Issue) -> list[Any]:
        return [date.fromisoformat(value) for value in _held(issue, ids) if _is_day(value)]

    return read


def _is_day(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) is not None


def _category(issue: Issue) -> list[Any]:
    return _names((issue.fields.get("status") or {}).get("statusCategory"))
