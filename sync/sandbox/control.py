"""The control channel `/__sandbox__/`, no part of Jira: what people do there while the product runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from sync.sandbox.answers import Answer
from sync.sandbox.defaults import JsonObject
from sync.sandbox.mischief import Mischief
from sync.sandbox.permissions import Permissions
from sync.sandbox.registry import SandboxError
from sync.sandbox.requestlog import RequestLog
from sync.sandbox.state import Site

Control = Callable[["ControlRoom", dict[str, str], JsonObject], Any]


@dataclasses.dataclass(frozen=True, slots=True)
class ControlRoom:
    """What the control channel acts upon."""

    site: Site
    log: RequestLog


def answer_control(room: ControlRoom, control: Control, args: dict[str, str], body: Any) -> Answer:
    """Run one control; a mistake of the caller is answered 400 with one sentence."""
    if not isinstance(body, dict):
        return Answer(400, {"error": "the body must be a JSON object"})
    try:
        with room.site.lock:
            return Answer(body=control(room, args, body))
    except SandboxError as error:
        return Answer(400, {"error": str(error)})
    except KeyError as error:
        return Answer(400, {"error": f"the body lacks {error}"})


def overview(room: ControlRoom, _: dict[str, str], __: JsonObject) -> JsonObject:
    site = room.site
    return {
        "deployment": site.deployment.value,
        "projects": len(site.registry.projects),
        "issues": len(site.issues),
        "requests": len(room.log.requests()),
        "write_requests": room.log.write_requests(),
    }


def list_requests(room: ControlRoom, _: dict[str, str], __: JsonObject) -> JsonObject:
    made = [dataclasses.asdict(request) for request in room.log.requests()]
    return {"requests": made, "write_requests": room.log.write_requests()}


def clear_requests(room: ControlRoom, _: dict[str, str], __: JsonObject) -> JsonObject:
    room.log.clear()
    return {}


def show_issue(room: ControlRoom, args: dict[str, str], _: JsonObject) -> JsonObject:
    issue = room.site.get(args["issue"])
    return {"id": issue.id, "key": issue.key, "fields": issue.fields}


def create_issue(room: ControlRoom, _: dict[str, str], body: JsonObject) -> JsonObject:
    key = room.site.add_issue(body["fields"])
    return {"id": room.site.get(key).id, "key": key}


def edit_issue(room: ControlRoom, args: dict[str, str], body: JsonObject) -> JsonObject:
    room.site.edit(args["issue"], body["fields"])
    return show_issue(room, args, body)


def relabel_issue(room: ControlRoom, args: dict[str, str], body: JsonObject) -> JsonObject:
    room.site.label(args["issue"], body.get("add", []), body.get("remove", []))
    return {"labels": room.site.get(args["issue"]).fields["labels"]}


def move_issue(room: ControlRoom, args: dict[str, str], body: JsonObject) -> JsonObject:
    return {"key": room.site.move(args["issue"], body["project"])}


def delete_issue(room: ControlRoom, args: dict[str, str], _: JsonObject) -> JsonObject:
    room.site.delete(args["issue"])
    return {}


def create_project(room: ControlRoom, _: dict[str, str], body: JsonObject) -> JsonObject:
    return {"key": room.site.add_project(body["key"], body["name"])}


def create_field(room: ControlRoom, _: dict[str, str], body: JsonObject) -> JsonObject:
    return {"id": room.site.add_field(body["name"], body.get("schema"))}


def create_user(room: ControlRoom, _: dict[str, str], body: JsonObject) -> JsonObject:
    return room.site.add_user(body["name"], body.get("displayName"))


def show_permissions(room: ControlRoom, _: dict[str, str], __: JsonObject) -> JsonObject:
    told = dataclasses.asdict(room.site.permissions)
    return {name: sorted(value) if isinstance(value, set) else value for name, value in told.items()}


def set_permissions(room: ControlRoom, args: dict[str, str], body: JsonObject) -> JsonObject:
    """Set the switches named in the body, sets as lists; issues may be named by key."""
    permissions = room.site.permissions
    known = {field.name for field in dataclasses.fields(Permissions)}
    unknown = body.keys() - known
    if unknown:
        raise SandboxError(f"no such permission: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    for name, value in body.items():
        setattr(permissions, name, _permission(room.site, name, value))
    return show_permissions(room, args, body)


def _permission(site: Site, name: str, value: Any) -> bool | set[str]:
    if isinstance(getattr(Permissions(), name), bool):
        if isinstance(value, bool):
            return value
        raise SandboxError(f"{name} must be true or false")
    if not isinstance(value, list):
        raise SandboxError(f"{name} must be a list")
    return {site.get(str(issue)).id for issue in value} if name.endswith("_issues") else set(map(str, value))


def set_mischief(room: ControlRoom, _: dict[str, str], body: JsonObject) -> JsonObject:
    """Switch on what the body names; `seed` sets chance anew, `lagging` keeps edits from the search index."""
    site = room.site
    known = {"seed", "lagging", *(field.name for field in dataclasses.fields(Mischief))} - {"random"}
    if unknown := body.keys() - known:
        raise SandboxError(
            f"no such mischief: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}"
        )
    site.index.lagging = body.get("lagging", site.index.lagging) is True
    if "seed" in body:
        site.mischief.random.seed(body["seed"])
    for name, value in body.items():
        if name not in {"seed", "lagging"}:
            setattr(site.mischief, name, set(map(str, value)) if name == "withheld" else value)
    told = {name: getattr(site.mischief, name) for name in known - {"seed", "lagging"}}
    return told | {"withheld": sorted(site.mischief.withheld), "lagging": site.index.lagging}


def reindex(room: ControlRoom, _: dict[str, str], __: JsonObject) -> JsonObject:
    room.site.reindex()
    return {}


def archive_issue(room: ControlRoom, args: dict[str, str], _: JsonObject) -> JsonObject:
    room.site.archive(args["issue"])
    return {}


# (method, path below /__sandbox__, control)
CONTROLS: list[tuple[str, str, Control]] = [
    ("GET", "/", overview),
    ("GET", "/requests", list_requests),
    ("DELETE", "/requests", clear_requests),
    ("POST", "/issues", create_issue),
    ("GET", "/issues/{issue}", show_issue),
    ("PATCH", "/issues/{issue}", edit_issue),
    ("DELETE", "/issues/{issue}", delete_issue),
    ("POST", "/issues/{issue}/labels", relabel_issue),
    ("POST", "/issues/{issue}/move", move_issue),
    ("POST", "/projects", create_project),
    ("POST", "/fields", create_field),
    ("POST", "/users", create_user),
    ("POST", "/issues/{issue}/archive", archive_issue),
    ("PUT", "/mischief", set_mischief),
    ("POST", "/reindex", reindex),
    ("GET", "/permissions", show_permissions),
    ("PUT", "/permissions", set_permissions),
]
