"""What issues refer to: the projects, issue types, statuses, fields, users and link types of a site."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from sync.sandbox import defaults
from sync.sandbox.defaults import EPIC_LABEL, EPIC_LINK, TEXT_FIELD, Deployment, JsonObject

PROJECT_KEY = re.compile(r"[A-Z][A-Z0-9_]+$")
_FIRST_CUSTOM_FIELD = 10101
_NO_CATEGORY = defaults.CATEGORIES["undefined"]


class SandboxError(ValueError):
    """The sandbox cannot do what a test or a trainer asked of it; `str()` is one clear sentence."""


class Registry:
    """What a site knows besides its issues. Values that loaded issues bring along are added as they are."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.projects: dict[str, JsonObject] = {}
        self.fields: dict[str, JsonObject] = {f["id"]: f for f in defaults.system_fields(deployment)}
        self.users: dict[str, JsonObject] = {}
        self.link_types: list[JsonObject] = defaults.link_types()
        self._values: dict[str, dict[tuple[str, str], JsonObject]] = {}
        for type_row in defaults.ISSUE_TYPES:
            self.note("issuetype", defaults.issue_type(*type_row))
        for status_row in defaults.STATUSES:
            self.note("status", defaults.status(*status_row))
        for priority_row in defaults.PRIORITIES:
            self.note("priority", defaults.priority(*priority_row))
        if deployment is Deployment.DATA_CENTER:
            self.add_field("Epic Link", {"type": "any", "custom": EPIC_LINK})
            self.add_field("Epic Name", {"type": "string", "custom": EPIC_LABEL})

    # --- option values: issue types, statuses, priorities, resolutions, components, versions

    def values(self, kind: str) -> list[JsonObject]:
        return list(self._values.get(kind, {}).values())

    def note(self, kind: str, value: JsonObject) -> JsonObject:
        """Remember a value under its id and name; returns it as this deployment tells it."""
        if kind == "issuetype":
            value = self._levelled(value)
        if kind == "status":
            value = {"statusCategory": _NO_CATEGORY} | value
        known = self._values.setdefault(kind, {})
        known.setdefault((str(value.get("id")), str(value.get("name"))), value)
        return value

    def value(self, kind: str, asked: Any) -> JsonObject:
        """The value named by `asked`: a name, `{"name": …}` or `{"id": …}`."""
        wanted = asked if isinstance(asked, dict) else {"name": asked}
        for value in self.values(kind):
            if "id" in wanted and str(wanted["id"]) == value["id"]:
                return value
            if "id" not in wanted and str(wanted.get("name", "")).casefold() == value["name"].casefold():
                return value
        raise SandboxError(f"the sandbox has no {kind} {asked!r}; it has {self._names(kind)}")

    def add_status(self, name: str, category: str) -> JsonObject:
        if category not in defaults.CATEGORIES:
            raise SandboxError(f"{category!r} is no status category; use {', '.join(defaults.CATEGORIES)}")
        return self.note("status", defaults.status(self._free_id("status"), name, category))

    def add_issue_type(self, name: str, level: int) -> JsonObject:
        return self.note("issuetype", defaults.issue_type(self._free_id("issuetype"), name, level))

    def _levelled(self, value: JsonObject) -> JsonObject:
        if self.deployment is Deployment.DATA_CENTER:
            return {k: v for k, v in value.items() if k != "hierarchyLevel"}
        return {"hierarchyLevel": _level(value)} | value

    def _names(self, kind: str) -> str:
        return ", ".join(sorted(str(v["name"]) for v in self.values(kind)))

    def _free_id(self, kind: str) -> str:
        return str(max(int(v["id"]) for v in self.values(kind) if str(v["id"]).isdigit()) + 1)

    # --- fields

    def add_field(self, name: str, schema: JsonObject | None = None, field_id: str | None = None) -> str:
        """A new custom field (a text field unless `schema` says otherwise); returns its id."""
        field_id = field_id or f"customfield_{self._free_field_number()}"
        if field_id in self.fields:
            raise SandboxError(f"the sandbox already has a field {field_id}")
        number = int(field_id.removeprefix("customfield_"))
        schema = {"type": "string", "custom": TEXT_FIELD} if schema is None else schema
        self.fields[field_id] = defaults.custom_field(self.deployment, number, name, schema)
        return field_id

    def replace_field(self, described: JsonObject) -> None:
        """Take over a field as a real `GET /field` tells it, in place of ours of the same special type."""
        special = described.get("schema", {}).get("custom")
        if special in {EPIC_LINK, EPIC_LABEL}:
            ours = self.special_field(special)
            self.fields = {i: f for i, f in self.fields.items() if i != ours}
        self.fields[described["id"]] = described

    def custom_fields(self) -> Iterator[JsonObject]:
        return (field for field in self.fields.values() if field["custom"])

    def special_field(self, custom_type: str) -> str | None:
        """The id of the custom field of this type, such as the epic link."""
        for field in self.custom_fields():
            if field.get("schema", {}).get("custom") == custom_type:
                return str(field["id"])
        return None

    def _free_field_number(self) -> int:
        taken = [int(i.removeprefix("customfield_")) for i in self.fields if i.startswith("customfield_")]
        return max([_FIRST_CUSTOM_FIELD - 1, *taken]) + 1

    # --- projects and users

    def add_project(self, key: str, name: str, raw: JsonObject | None = None) -> JsonObject:
        if not PROJECT_KEY.match(key):
            raise SandboxError(
                f"{key!r} is no project key: two or more of A-Z, 0-9, _, beginning with a letter"
            )
        if key in self.projects:
            raise SandboxError(f"the sandbox already has a project {key}")
        more: JsonObject = {"projectTypeKey": "software"}
        if self.deployment is Deployment.CLOUD:
            more |= {"simplified": False, "style": "classic", "isPrivate": False}
        default_id = str(10000 + len(self.projects))
        self.projects[key] = more | {"id": default_id} | (raw or {}) | {"key": key, "name": name}
        return self.projects[key]

    def project_of(self, key: str) -> JsonObject:
        """The project as it stands in an issue's fields."""
        project = self.projects[key]
        names = ("id", "key", "name", "projectTypeKey", "simplified", "projectCategory")
        return {name: project[name] for name in names if name in project}

    def add_user(self, name: str, display_name: str | None = None, zone: str = "Etc/UTC") -> JsonObject:
        """A user in the words of this deployment: `accountId` on Cloud, `name` and `key` on Data Center."""
        return self.user({"name": name, "displayName": display_name or name, "timeZone": zone})

    def user(self, raw: JsonObject) -> JsonObject:
        """A user from either deployment, told as this one tells it; remembered."""
        if self.deployment is Deployment.CLOUD:
            user = _cloud_user(raw)
            self.users.setdefault(user["accountId"], user)
        else:
            user = _server_user(raw)
            self.users.setdefault(user["name"], user)
        return user


def is_user(value: JsonObject) -> bool:
    return "displayName" in value and ("accountId" in value or "name" in value)


def _level(value: JsonObject) -> int:
    if value.get("subtask"):
        return -1
    return {"epic": 1, "initiative": 2}.get(str(value.get("name")).casefold(), 0)


def _cloud_user(raw: JsonObject) -> JsonObject:
    if "accountId" in raw:
        return raw
    seed = str(raw.get("key") or raw["name"])
    account_id = "557058:" + hashlib.sha256(seed.encode()).hexdigest()[:32]
    kept = {k: v for k, v in raw.items() if k not in {"name", "key", "self"}}
    return {"accountId": account_id, "accountType": "atlassian", "active": True} | kept


def _server_user(raw: JsonObject) -> JsonObject:
    if "accountId" not in raw:
        return {"key": raw["name"], "active": True} | raw
    name = "user-" + hashlib.sha256(str(raw["accountId"]).encode()).hexdigest()[:12]
    kept = {k: v for k, v in raw.items() if k not in {"accountId", "accountType", "self"}}
    return {"name": name, "key": name, "active": True} | kept
