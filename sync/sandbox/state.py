"""The site: raw Jira issues and the edits people make to them, as one thread-safe whole.

Values inside an issue are replaced, never changed in place, so that an answer being written stays whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import RLock
from typing import Any
from zoneinfo import ZoneInfo

from sync.sandbox.defaults import EPIC_LABEL, EPIC_LINK, Deployment, JsonObject
from sync.sandbox.index import SearchIndex
from sync.sandbox.mischief import Mischief
from sync.sandbox.permissions import Permissions
from sync.sandbox.registry import Registry, SandboxError
from sync.sandbox.timestamps import to_timestamp

EMPTY_FIELDS: JsonObject = {
    "resolution": None,
    "resolutiondate": None,
    "assignee": None,
    "reporter": None,
    "description": None,
    "environment": None,
    "duedate": None,
    "labels": [],
    "components": [],
    "fixVersions": [],
    "versions": [],
    "issuelinks": [],
    "subtasks": [],
}


@dataclass(slots=True)
class Issue:
    """One issue: `fields` as Jira's JSON has them, `more` what the loaded line held beside them."""

    id: str
    key: str
    fields: JsonObject
    more: JsonObject = field(default_factory=dict)
    properties: JsonObject = field(default_factory=dict)
    remote_links: list[JsonObject] = field(default_factory=list)

    @property
    def project_key(self) -> str:
        return self.key.rpartition("-")[0]

    @property
    def number(self) -> int:
        return int(self.key.rpartition("-")[2])

    def level(self) -> int:
        """-1 sub-task, 0 base, 1 epic, …: told by Cloud, read from the name on Data Center."""
        kind = self.fields.get("issuetype") or {}
        if "hierarchyLevel" in kind:
            return int(kind["hierarchyLevel"])
        return -1 if kind.get("subtask") else {"Epic": 1, "Initiative": 2}.get(str(kind.get("name")), 0)


class Site:
    """Everything the sandbox knows. `site_zone` writes timestamps; `account_zone` reads dates in JQL."""

    def __init__(
        self,
        deployment: Deployment,
        now: Callable[[], datetime],
        site_zone: str = "Etc/UTC",
        account_zone: str = "Etc/UTC",
    ) -> None:
        self.deployment = deployment
        self.now = now
        self.site_zone = ZoneInfo(site_zone)
        self.account_zone = ZoneInfo(account_zone)
        self.lock = RLock()
        self.registry = Registry(deployment)
        self.permissions = Permissions()
        self.account = self.registry.add_user("tieline", "Tieline Sync", account_zone)
        self.issues: dict[str, Issue] = {}
        self.index = SearchIndex(self.issues)
        self.mischief = Mischief()
        self.revision = 0
        self._ids_by_key: dict[str, str] = {}
        self._last_number: dict[str, int] = {}
        self._last_id = 10000

    # --- looking

    def find(self, id_or_key: str) -> Issue | None:
        """By id, key or former key, whatever the account may see."""
        issue_id = self._ids_by_key.get(id_or_key.upper(), id_or_key)
        return self.issues.get(issue_id)

    def visible(self, id_or_key: str) -> Issue | None:
        """By id, key or former key, if the account may see it; Cloud no longer gives what is archived."""
        issue = self.find(id_or_key)
        if issue is None or not self.may_browse(issue):
            return None
        return issue if self.may_find(issue) or self.deployment is Deployment.DATA_CENTER else None

    def get(self, id_or_key: str) -> Issue:
        issue = self.find(id_or_key)
        if issue is None:
            raise SandboxError(f"the sandbox has no issue {id_or_key!r}")
        return issue

    def may_browse(self, issue: Issue) -> bool:
        return self.permissions.may_browse(issue.id, issue.project_key)

    def may_find(self, issue: Issue) -> bool:
        """Whether searches give this issue: not once it is archived."""
        return self.may_browse(issue) and not issue.fields.get("archiveddate")

    def may_edit(self, issue: Issue) -> bool:
        return self.permissions.may_edit(issue.id, issue.project_key)

    def timestamp(self) -> str:
        return to_timestamp(self.now(), self.site_zone)

    # --- furnishing

    def load(self, paths: Iterable[Path], fields: Iterable[JsonObject] = ()) -> int:
        """Read raw issues (JSON lines, plain or .gz); returns their number. See `sync.sandbox.loading`."""
        from sync.sandbox.loading import load_issues  # noqa: PLC0415  # loading needs Site: import on use

        return load_issues(self, paths, fields)

    def add_project(self, key: str, name: str, raw: JsonObject | None = None) -> str:
        with self.lock:
            self.revision += 1
            return str(self.registry.add_project(key, name, raw)["key"])

    def add_field(self, name: str, schema: JsonObject | None = None, field_id: str | None = None) -> str:
        with self.lock:
            self.revision += 1
            return self.registry.add_field(name, schema, field_id)

    def add_user(self, name: str, display_name: str | None = None) -> JsonObject:
        with self.lock:
            return self.registry.add_user(name, display_name)

    def add_issue(self, fields: Mapping[str, Any]) -> str:
        """Create an issue; returns its key.

        `fields` are Jira's own, with short forms: `project` a key; `issuetype` (default Task), `status`
        (default To Do) and `priority` a name; `parent` a key, which on Data Center becomes the epic link
        unless the issue is a sub-task; custom fields by id. `key` and `id` may be given.
        """
        with self.lock:
            given = dict(fields)
            project_key = _key_of(given.pop("project", None))
            if project_key not in self.registry.projects:
                raise SandboxError(
                    f"the sandbox has no project {project_key!r}; add it with add_project first"
                )
            key = given.pop("key", None) or self._next_key(project_key)
            issue_id = str(given.pop("id", None) or self._last_id + 1)
            issue = Issue(issue_id, key, self._new_fields(project_key, given))
            parent = given.get("parent")
            self.insert(issue)
            if parent is not None:
                self._adopt(issue, self.get(_key_of(parent)))
            return key

    def insert(self, issue: Issue) -> None:
        """Put in an issue as it is. Its id and key must be free; one that was moved away frees its key."""
        with self.lock:
            named = self.find(issue.key)
            moved = named is not None and named.key != issue.key
            if issue.id in self.issues or (issue.key in self._ids_by_key and not moved):
                raise SandboxError(f"issue {issue.key} (id {issue.id}) is already in the sandbox")
            self.index.note(issue, new=True)
            self.issues[issue.id] = issue
            self._ids_by_key[issue.key] = issue.id
            project = issue.project_key
            self._last_number[project] = max(self._last_number.get(project, 0), issue.number)
            self._last_id = max(self._last_id, int(issue.id))
            self.revision += 1

    # --- edits, as a person makes them

    def edit(self, id_or_key: str, fields: Mapping[str, Any]) -> None:
        """Set fields; `status`, `priority` and `issuetype` may be names and `parent` a key."""
        with self.lock:
            issue = self.get(id_or_key)
            changes = self._resolved(fields)
            parent = changes.pop("parent", None)
            self.change(issue, changes)
            if parent is not None:
                self._adopt(issue, self.get(_key_of(parent)))

    def change(self, issue: Issue, values: Mapping[str, Any]) -> bool:
        """Store new values; `updated` moves only where something did. Says whether it did."""
        with self.lock:
            changed = {k: v for k, v in values.items() if k not in issue.fields or issue.fields[k] != v}
            if changed:
                self.index.note(issue)
                issue.fields = {**issue.fields, "updated": self.timestamp(), **changed}
                self.revision += 1
            return bool(changed)

    def link_remotely(self, issue: Issue, links: list[JsonObject]) -> None:
        """Put remote links in place of those there are. Whether that moves `updated` is told nowhere: it does
        here, so that nobody can rely on the contrary.
        """
        with self.lock:
            self.index.note(issue)
            issue.remote_links = links
            issue.fields = {**issue.fields, "updated": self.timestamp()}
            self.revision += 1

    def label(self, id_or_key: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        with self.lock:
            issue = self.get(id_or_key)
            self.change(issue, {"labels": relabelled(issue.fields.get("labels") or [], add, remove)})

    def delete(self, id_or_key: str) -> None:
        with self.lock:
            issue = self.get(id_or_key)
            self.index.note(issue)
            del self.issues[issue.id]
            self._ids_by_key = {key: i for key, i in self._ids_by_key.items() if i != issue.id}
            self.revision += 1

    def move(self, id_or_key: str, project_key: str) -> str:
        """Move to another project: a new key, the same id, and the old key still finds the issue."""
        with self.lock:
            issue, old_key = self.get(id_or_key), self.get(id_or_key).key
            if project_key not in self.registry.projects:
                raise SandboxError(
                    f"the sandbox has no project {project_key!r}; add it with add_project first"
                )
            self.index.note(issue)
            issue.key = self._next_key(project_key)
            self._last_number[project_key] = issue.number
            self._ids_by_key[issue.key] = issue.id
            self.change(issue, {"project": self.registry.project_of(project_key)})
            self._repoint(old_key, issue.key)
            return issue.key

    def archive(self, id_or_key: str) -> None:
        """Put into the archive: searches no longer find it, and Data Center tells the day it went there."""
        with self.lock:
            issue = self.get(id_or_key)
            self.index.note(issue)
            issue.fields = {**issue.fields, "archiveddate": self.timestamp()}
            self.revision += 1

    def reindex(self) -> None:
        """Let search catch up with all edits, and lag no more."""
        with self.lock:
            self.index.lagging = False
            self.reconcile(None)

    def reconcile(self, ids: Iterable[str] | None) -> None:
        """Let search catch up with the edits of these issues (None: of all)."""
        with self.lock:
            self.revision += self.index.catch_up(ids)

    # --- inside

    def _repoint(self, old_key: str, new_key: str) -> None:
        """Epic links are shown by key but kept by id: they follow a move without an edit of the child."""
        epic_link = self.registry.special_field(EPIC_LINK)
        if epic_link is None:
            return
        for child in self.issues.values():
            if child.fields.get(epic_link) == old_key:
                self.index.note(child)
                child.fields = {**child.fields, epic_link: new_key}

    def _next_key(self, project_key: str) -> str:
        return f"{project_key}-{self._last_number.get(project_key, 0) + 1}"

    def _new_fields(self, project_key: str, given: Mapping[str, Any]) -> JsonObject:
        stamp = self.timestamp()
        fields = EMPTY_FIELDS | {"created": stamp, "updated": stamp, "creator": self.account}
        fields |= self._resolved({"issuetype": "Task", "status": "To Do", "priority": "Medium"} | dict(given))
        fields.pop("parent", None)
        fields["project"] = self.registry.project_of(project_key)
        label = self.registry.special_field(EPIC_LABEL)
        if label and fields["issuetype"]["name"] == "Epic":
            fields.setdefault(label, fields.get("summary"))
        return fields

    def _resolved(self, fields: Mapping[str, Any]) -> JsonObject:
        values = dict(fields)
        for name in ("issuetype", "status", "priority"):
            if values.get(name) is not None:
                values[name] = self.registry.value(name, values[name])
        unknown = [k for k in values if k.startswith("customfield_") and k not in self.registry.fields]
        if unknown:
            raise SandboxError(f"the sandbox has no field {', '.join(unknown)}; add it with add_field first")
        return values

    def _adopt(self, child: Issue, parent: Issue) -> None:
        epic_link = self.registry.special_field(EPIC_LINK)
        if epic_link and child.level() >= 0:
            self.change(child, {epic_link: parent.key})
            return
        self.change(child, {"parent": {"id": parent.id, "key": parent.key}})
        if child.level() < 0:
            entry = {"id": child.id, "key": child.key}
            parent.fields = {**parent.fields, "subtasks": [*parent.fields.get("subtasks", []), entry]}


def relabelled(labels: Iterable[str], add: Iterable[str], remove: Iterable[str]) -> list[str]:
    """The labels after taking away and adding: a set that keeps its order."""
    gone = set(remove)
    return list(dict.fromkeys([*(label for label in labels if label not in gone), *add]))


def _key_of(value: Any) -> str:
    return str(value.get("key") or value.get("id")) if isinstance(value, dict) else str(value)
