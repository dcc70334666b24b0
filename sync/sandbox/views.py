"""Turn stored issues into the JSON that was asked for: chosen fields, fresh mentions of other issues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sync.sandbox.answers import Call
from sync.sandbox.defaults import OFF_NAVIGATOR, TEXT_AREA, JsonObject
from sync.sandbox.documents import as_version
from sync.sandbox.state import Issue

EXPANDABLE = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"
_HEADER_ONLY = {"id", "key"}
# The parts of an issue that have an address of their own: field → path under the REST root.
_ADDRESSED = {
    "issuetype": "issuetype",
    "status": "status",
    "priority": "priority",
    "resolution": "resolution",
    "project": "project",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """Which fields to show. Unknown names are ignored, as Jira does."""

    names: frozenset[str]
    everything: bool
    navigable: bool
    without: frozenset[str]

    def picks(self, field_id: str) -> bool:
        if field_id in self.without:
            return False
        in_group = self.everything or (self.navigable and field_id not in OFF_NAVIGATOR)
        return in_group or field_id in self.names

    @property
    def only_header(self) -> bool:
        return not self.everything and not self.navigable and self.names <= _HEADER_ONLY

    @property
    def only_id(self) -> bool:
        return self.only_header and self.names <= {"id"}


def choose(asked: Iterable[str] | None, default: str) -> Choice:
    """Read `fields`: names, `*all`, `*navigable` and `-name`; only exclusions mean all the rest."""
    words = [word for word in asked or () if word] or [default]
    without = frozenset(word[1:] for word in words if word.startswith("-"))
    names = frozenset(word for word in words if word[0] not in "-*")
    only_exclusions = len(without) == len(words)
    everything = "*all" in words or (only_exclusions and default == "*all")
    navigable = "*navigable" in words or (only_exclusions and not everything)
    return Choice(names, everything, navigable, without)


def issue_view(
    call: Call, issue: Issue, choice: Choice, expand: Iterable[str] = (), properties: Iterable[str] = ()
) -> JsonObject:
    view: JsonObject = {"expand": EXPANDABLE, "id": issue.id, "self": _address(call, f"issue/{issue.id}")}
    view |= {k: v for k, v in issue.more.items() if k != "expand"} | {"key": issue.key}
    if not choice.only_header:
        view["fields"] = _fields(call, issue, choice)
    wanted = list(properties)
    if wanted:
        every = "*all" in wanted
        view["properties"] = {k: v for k, v in issue.properties.items() if every or k in wanted}
    described = descriptions(call, expand)
    return view | {name: {k: d[k] for k in view.get("fields", {}) if k in d} for name, d in described.items()}


def descriptions(call: Call, expand: Iterable[str]) -> JsonObject:
    """The `names` and `schema` of all fields, as far as `expand` asks for them."""
    fields = call.site.registry.fields
    found: JsonObject = {}
    if "names" in expand:
        found["names"] = {i: field["name"] for i, field in fields.items()}
    if "schema" in expand:
        found["schema"] = {i: field["schema"] for i, field in fields.items() if "schema" in field}
    return found


def stub(call: Call, issue: Issue) -> JsonObject:
    """An issue as another one mentions it."""
    shown = ("summary", "status", "priority", "issuetype")
    fields = {k: _rendered(call, k, issue.fields[k]) for k in shown if k in issue.fields}
    return {
        "id": issue.id,
        "key": issue.key,
        "self": _address(call, f"issue/{issue.id}"),
        "fields": fields,
    }


def addressed(call: Call, kind: str, value: JsonObject) -> JsonObject:
    """A status, type, project … with its `self`; one that was loaded keeps the address it came with."""
    return {"self": _address(call, f"{kind}/{value.get('id')}")} | value


def user_view(call: Call, user: JsonObject) -> JsonObject:
    name, value = ("accountId", user["accountId"]) if call.on_cloud else ("username", user["name"])
    return {"self": _address(call, f"user?{name}={value}")} | user


def _fields(call: Call, issue: Issue, choice: Choice) -> JsonObject:
    known = [field["id"] for field in call.site.registry.custom_fields()]
    held = {k: _rendered(call, k, v) for k, v in issue.fields.items() if choice.picks(k)}
    return held | {k: None for k in known if k not in issue.fields and choice.picks(k)}


def _rendered(call: Call, field_id: str, value: Any) -> Any:
    if value is None:
        return None
    if field_id in _ADDRESSED and isinstance(value, dict):
        return addressed(call, _ADDRESSED[field_id], value)
    if field_id in _MENTIONS and isinstance(value, list | dict):
        tell = _MENTIONS[field_id]
        return [tell(call, entry) for entry in value] if isinstance(value, list) else tell(call, value)
    if field_id in {"assignee", "reporter", "creator"} and isinstance(value, dict):
        return user_view(call, value)
    return _text(call, field_id, value) if call.on_cloud else value


def _text(call: Call, field_id: str, value: Any) -> Any:
    if field_id == "comment" and isinstance(value, dict):
        comments = [c | {"body": as_version(c.get("body"), call.version)} for c in value.get("comments", [])]
        return value | {"comments": comments}
    schema = call.site.registry.fields.get(field_id, {}).get("schema", {})
    is_rich = field_id in {"description", "environment"} or schema.get("custom") == TEXT_AREA
    return as_version(value, call.version) if is_rich else value


def _mention(call: Call, raw: JsonObject) -> JsonObject:
    """Another issue as it stands now; one outside the sandbox keeps the words it was loaded with."""
    issue = call.site.find(str(raw.get("id") or raw.get("key")))
    if issue is not None:
        return stub(call, issue)
    return {"self": _address(call, f"issue/{raw.get('id')}")} | raw


def _link(call: Call, entry: JsonObject) -> JsonObject:
    ends = {k: _mention(call, entry[k]) for k in ("inwardIssue", "outwardIssue") if entry.get(k)}
    return {"self": _address(call, f"issueLink/{entry.get('id')}")} | entry | ends


def _address(call: Call, path: str) -> str:
    return f"{call.base}/rest/api/{call.version}/{path}"


_MENTIONS = {"parent": _mention, "subtasks": _mention, "issuelinks": _link}
