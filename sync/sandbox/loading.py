"""Turn files of raw Jira issues, one JSON object a line, into issues of the site.

Every field of a line is kept. Added is what a real Jira of this deployment could not leave out: the project,
the status category, the parent (Cloud) or epic link (Data Center) of an agile `epic` object, and users in the
words of the deployment. Instants are written in the site's zone. A file with a bad line is refused whole.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from connectors.errors import BadInput
from sync.sandbox.defaults import CATEGORIES, EPIC_LABEL, EPIC_LINK, Deployment, JsonObject
from sync.sandbox.registry import Registry, is_user
from sync.sandbox.state import Issue, Site
from sync.sandbox.timestamps import in_zone

_KEY = re.compile(r"[A-Z][A-Z0-9_]*-[1-9]\d*$")
_CUSTOM = re.compile(r"customfield_\d+$")
_OPTIONS = ("issuetype", "status", "priority", "resolution")
_SHOWN_PROBLEMS = 20


def load_issues(site: Site, paths: Iterable[Path], fields: Iterable[JsonObject] = ()) -> int:
    """Put the issues of all files into the site; `fields` are field descriptions as `GET /field` tells them.

    Raises `BadInput` with one sentence for each bad line, before anything is put in.
    """
    with site.lock:
        read = _read_all(site, paths)
        for described in fields:
            site.registry.replace_field(described)
        for raw in read:
            _note_parts(site.registry, raw["key"], raw["fields"])
        for raw in read:
            site.insert(_to_issue(site, raw))
        return len(read)


def _read_all(site: Site, paths: Iterable[Path]) -> list[JsonObject]:
    read: list[JsonObject] = []
    problems: list[str] = []
    taken: dict[str, str] = {}
    for path in paths:
        for place, line in _lines(path):
            raw, problem = _read_line(site, line, taken)
            if problem:
                problems.append(f"{place}: {problem}")
            else:
                taken[raw["id"]] = taken[raw["key"]] = place
                read.append(raw)
    if problems:
        hidden = len(problems) - _SHOWN_PROBLEMS
        tail = [f"… and {hidden} more bad lines"] if hidden > 0 else []
        raise BadInput(*problems[:_SHOWN_PROBLEMS], *tail)
    return read


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each non-empty line with its place, `file:line`."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield f"{path}:{number}", line
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadInput(f"{path}: cannot be read ({reason}); give a file of raw Jira issues") from error


def _read_line(site: Site, line: bytes, taken: dict[str, str]) -> tuple[JsonObject, str | None]:
    try:
        raw = json.loads(line)
    except ValueError as error:
        return {}, f"not JSON ({error}); each line must be one whole issue"
    if not isinstance(raw, dict):
        return {}, "not a JSON object; each line must be one whole issue"
    raw["id"] = str(raw.get("id", ""))
    if not raw["id"].isascii() or not raw["id"].isdigit():
        return {}, "the issue has no numeric `id`"
    if not isinstance(raw.get("key"), str) or not _KEY.match(raw["key"]):
        return {}, f"the issue's `key` is {raw.get('key')!r}; a key looks like ABC-123"
    problem = _problem_in_fields(raw.get("fields"))
    for name in (raw["id"], raw["key"]):
        if name in taken:
            problem = problem or f"issue {name} already stands at {taken[name]}"
        elif site.find(name):
            problem = problem or f"issue {name} is already in the sandbox"
    return raw, problem


def _problem_in_fields(fields: object) -> str | None:
    if not isinstance(fields, dict):
        return "the issue has no `fields` object"
    for name in (*_OPTIONS, "project", "parent", "epic"):
        if not isinstance(fields.get(name), dict | None):
            return f"`fields.{name}` is {fields[name]!r:.60}, not an object"
    labels = fields.get("labels")
    if labels is not None and not (isinstance(labels, list) and all(isinstance(x, str) for x in labels)):
        return f"`fields.labels` is {labels!r:.60}, not a list of texts"
    return None


def _note_parts(registry: Registry, key: str, fields: JsonObject) -> None:
    """Learn the issue's project, option values and custom fields."""
    project_key = key.rpartition("-")[0]
    if project_key not in registry.projects:
        raw = fields.get("project") or {}
        if raw.get("key") != project_key:  # the issue's own words are older than its key
            raw = {}
        registry.add_project(project_key, str(raw.get("name", project_key)), raw)
    for name in _OPTIONS:
        if fields.get(name):
            registry.note(name, fields[name])
    for name in fields:
        if _CUSTOM.match(name) and name not in registry.fields:
            registry.add_field(name, {"type": "any"}, name)


def _to_issue(site: Site, raw: JsonObject) -> Issue:
    fields = _localised(site, raw["fields"])
    project_key = raw["key"].rpartition("-")[0]
    fields["project"] = (fields.get("project") or {}) | site.registry.project_of(project_key)
    for name in ("issuetype", "status"):
        if fields.get(name):
            fields[name] = site.registry.note(name, fields[name])
    _tie_to_parent(site, fields)
    label = site.registry.special_field(EPIC_LABEL)
    if label and (fields.get("issuetype") or {}).get("name") == "Epic" and fields.get(label) is None:
        fields[label] = fields.get("summary")
    more = {k: v for k, v in raw.items() if k not in {"id", "key", "fields", "self"}}
    return Issue(raw["id"], raw["key"], fields, more)


def _tie_to_parent(site: Site, fields: JsonObject) -> None:
    """An `epic` object (agile API) or the other deployment's words become this deployment's tie."""
    epic_link = site.registry.special_field(EPIC_LINK)
    epic, parent = fields.get("epic"), fields.get("parent")
    is_subtask = bool((fields.get("issuetype") or {}).get("subtask"))
    if site.deployment is Deployment.CLOUD:
        linked = fields.get(epic_link) if epic_link else None
        if parent is None and epic:
            fields["parent"] = _epic_stub(epic)
        elif parent is None and isinstance(linked, str):
            fields["parent"] = {"key": linked}
    elif epic_link is not None:
        if epic and epic.get("key"):
            fields[epic_link] = epic["key"]
        elif parent and not is_subtask:
            fields[epic_link] = parent.get("key")
            del fields["parent"]


def _epic_stub(epic: JsonObject) -> JsonObject:
    """What Cloud tells of a parent; the epic may be outside the file, so its own words must do."""
    category = CATEGORIES["done" if epic.get("done") else "undefined"]
    return {
        "id": str(epic.get("id", "")),
        "key": epic.get("key"),
        "fields": {
            "summary": epic.get("summary") or epic.get("name"),
            "status": {"name": category["name"], "id": str(category["id"]), "statusCategory": category},
            "issuetype": {"id": "10000", "name": "Epic", "subtask": False, "hierarchyLevel": 1},
        },
    }


def _localised(site: Site, value: Any) -> Any:
    """The value with users in the deployment's words and instants in the site's zone, all the way down."""
    if isinstance(value, dict):
        inner = {name: _localised(site, part) for name, part in value.items()}
        return site.registry.user(inner) if is_user(inner) else inner
    if isinstance(value, list):
        return [_localised(site, part) for part in value]
    return in_zone(value, site.site_zone) if isinstance(value, str) and len(value) < 32 else value
