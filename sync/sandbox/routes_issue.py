"""The endpoints of one issue: read, edit, its remote links and properties, and links between issues."""

from __future__ import annotations

import json
from typing import Any

from sync.sandbox.answers import Answer, Call, Operation, Refusal
from sync.sandbox.defaults import JsonObject
from sync.sandbox.edits import read_edit
from sync.sandbox.state import Issue
from sync.sandbox.views import choose, issue_view

NOT_ADMIN = "To discard the user notification either admin or project admin permissions are required."
_ON_SCREEN: JsonObject = {
    "summary": {
        "required": True,
        "schema": {"type": "string", "system": "summary"},
        "name": "Summary",
        "key": "summary",
        "operations": ["set"],
    },
    "labels": {
        "required": False,
        "schema": {"type": "array", "items": "string", "system": "labels"},
        "name": "Labels",
        "key": "labels",
        "operations": ["add", "set", "remove"],
    },
}
_LINK_PARTS = ("globalId", "application", "relationship", "object")
_MAX_GLOBAL_ID, _MAX_TITLE, _MAX_PROPERTY_KEY, _MAX_PROPERTY = 255, 255, 255, 32768


def get_issue(call: Call) -> Answer:
    choice, expand = choose(call.words("fields"), "*all"), call.words("expand") or []
    return Answer(body=issue_view(call, call.issue(), choice, expand, call.words("properties") or []))


def get_edit_meta(call: Call) -> Answer:
    """The fields on the edit screen: of all that real Jira has there, those that somebody here asks about."""
    issue, site = call.issue(), call.site
    fields = ["summary"]
    if issue.project_key not in site.permissions.labels_off_screen:
        fields.append("labels")
    return Answer(body={"fields": {name: _ON_SCREEN[name] for name in fields if site.may_edit(issue)}})


def put_issue(call: Call) -> Answer:
    issue = call.issue()
    quiet = not call.flag("notifyUsers", default=True)
    if quiet and not call.site.permissions.may_administer(issue.project_key):
        raise Refusal(403, NOT_ADMIN)
    changes = read_edit(call, issue)
    properties = _given_properties(call)
    call.site.change(issue, changes)
    issue.properties = issue.properties | properties
    if call.on_cloud and call.flag("returnIssue", default=False):
        return Answer(body=issue_view(call, issue, choose(None, "*all"), call.words("expand") or []))
    return Answer(204)


def _given_properties(call: Call) -> JsonObject:
    given = call.object().get("properties") or []
    if not isinstance(given, list) or not all(isinstance(entry, dict) and "key" in entry for entry in given):
        raise Refusal(400, "Each property needs a key and a value.")
    for entry in given:
        _check_property(str(entry.get("key")), entry.get("value"))
    return {str(entry["key"]): entry.get("value") for entry in given}


# --- remote links


def get_remote_links(call: Call) -> Answer:
    issue, global_id = call.issue(), call.one("globalId")
    if global_id is None:
        return Answer(body=[_remote_view(call, issue, link) for link in issue.remote_links])
    for link in issue.remote_links:
        if link["globalId"] == global_id:
            return Answer(body=_remote_view(call, issue, link))
    raise Refusal(404, f"The remote link with globalId '{global_id}' could not be found.")


def post_remote_link(call: Call) -> Answer:
    """Create, or update the one with the same `globalId`: what is left out then becomes null."""
    issue, asked = _issue_to_link(call), call.object()
    target = asked.get("object")
    problems = _remote_problems(asked, target if isinstance(target, dict) else {})
    if problems:
        raise Refusal(400, errors=problems)
    global_id = asked.get("globalId")
    old = next((x for x in issue.remote_links if global_id and x["globalId"] == global_id), None)
    link = {name: asked.get(name) for name in _LINK_PARTS}
    link["id"] = old["id"] if old else _next_link_id(call)
    call.site.link_remotely(issue, [*(x for x in issue.remote_links if x is not old), link])
    view = _remote_view(call, issue, link)
    return Answer(200 if old else 201, {"id": link["id"], "self": view["self"]})


def delete_remote_links(call: Call) -> Answer:
    """Delete by `globalId`; Jira wants to be told which."""
    issue, global_id = _issue_to_link(call), call.one("globalId")
    if not global_id:
        raise Refusal(400, "The 'globalId' query parameter is required.")
    left = [link for link in issue.remote_links if link["globalId"] != global_id]
    if len(left) == len(issue.remote_links):
        raise Refusal(404, f"The remote link with globalId '{global_id}' could not be found.")
    call.site.link_remotely(issue, left)
    return Answer(204)


def _remote_link(call: Call, issue: Issue) -> JsonObject:
    for link in issue.remote_links:
        if str(link["id"]) == call.args["link"]:
            return link
    raise Refusal(404, f"The remote link with id '{call.args['link']}' could not be found.")


def get_remote_link(call: Call) -> Answer:
    issue = call.issue()
    return Answer(body=_remote_view(call, issue, _remote_link(call, issue)))


def put_remote_link(call: Call) -> Answer:
    """What is left out becomes null."""
    issue, asked = _issue_to_link(call), call.object()
    link, target = _remote_link(call, issue), asked.get("object")
    problems = _remote_problems(asked, target if isinstance(target, dict) else {})
    if problems:
        raise Refusal(400, errors=problems)
    new = {name: asked.get(name) for name in _LINK_PARTS} | {"id": link["id"]}
    call.site.link_remotely(issue, [new if one is link else one for one in issue.remote_links])
    return Answer(204)


def delete_remote_link(call: Call) -> Answer:
    issue = _issue_to_link(call)
    link = _remote_link(call, issue)
    call.site.link_remotely(issue, [one for one in issue.remote_links if one is not link])
    return Answer(204)


def _remote_problems(asked: JsonObject, target: JsonObject) -> dict[str, str]:
    problems = {name: f"'{name}' is required." for name in ("url", "title") if not target.get(name)}
    if len(str(target.get("title") or "").encode("utf-16-le", "surrogatepass")) > 2 * _MAX_TITLE:
        problems["title"] = f"'title' is longer than {_MAX_TITLE} characters."
    if target.get("url") and not str(target["url"]).startswith(("http://", "https://")):
        problems["url"] = "'url' is not a valid address."
    if len(str(asked.get("globalId") or "")) > _MAX_GLOBAL_ID:
        problems["globalId"] = f"'globalId' is longer than {_MAX_GLOBAL_ID} characters."
    return problems


def _remote_view(call: Call, issue: Issue, link: JsonObject) -> JsonObject:
    path = f"{call.base}/rest/api/{call.version}/issue/{issue.id}/remotelink/{link['id']}"
    return {"self": path} | {name: value for name, value in link.items() if value is not None}


def _next_link_id(call: Call) -> int:
    taken = [int(link["id"]) for issue in call.site.issues.values() for link in issue.remote_links]
    return max([9999, *taken]) + 1


# --- properties


def get_properties(call: Call) -> Answer:
    issue = call.issue()
    base = f"{call.base}/rest/api/{call.version}/issue/{issue.id}/properties"
    return Answer(body={"keys": [{"self": f"{base}/{key}", "key": key} for key in issue.properties]})


def get_property(call: Call) -> Answer:
    issue, key = call.issue(), call.args["property"]
    if key not in issue.properties:
        raise Refusal(404, f"The property {key} does not exist.")
    return Answer(body={"key": key, "value": issue.properties[key]})


def put_property(call: Call) -> Answer:
    issue, key = _editable(call), call.args["property"]
    _check_property(key, call.body)
    known = key in issue.properties
    issue.properties = issue.properties | {key: call.body}
    return Answer(200 if known else 201, {})


def delete_property(call: Call) -> Answer:
    issue, key = _editable(call), call.args["property"]
    if key not in issue.properties:
        raise Refusal(404, f"The property {key} does not exist.")
    issue.properties = {name: value for name, value in issue.properties.items() if name != key}
    return Answer(204)


def _check_property(key: str, value: Any) -> None:
    if len(key) > _MAX_PROPERTY_KEY:
        raise Refusal(400, f"The property key cannot be longer than {_MAX_PROPERTY_KEY} characters.")
    if value is None or len(json.dumps(value)) > _MAX_PROPERTY:
        raise Refusal(400, f"The property value must be valid JSON of 1 to {_MAX_PROPERTY} characters.")


def _editable(call: Call) -> Issue:
    issue = call.issue()
    if not call.site.may_edit(issue):
        raise Refusal(403, "You do not have the permission to edit the specified issue.")
    return issue


# --- links between issues


def post_issue_link(call: Call) -> Answer:
    """`inwardIssue` is the source: `{inward: A, outward: B, Blocks}` reads "A blocks B". Twice is once."""
    call.login()
    asked = call.object()
    kind = _link_type(call, asked.get("type"))
    source, target = (_end(call, asked.get(name)) for name in ("inwardIssue", "outwardIssue"))
    if any(_same(entry, kind, target) for entry in source.fields.get("issuelinks") or []):
        return Answer(201)
    link = {"id": str(_next_issue_link(call)), "type": kind}
    ends = {"outwardIssue": (source, target), "inwardIssue": (target, source)}
    for end, (issue, other) in ends.items():
        entry = link | {end: {"id": other.id, "key": other.key}}
        call.site.change(issue, {"issuelinks": [*(issue.fields.get("issuelinks") or []), entry]})
    return Answer(201)


def _link_type(call: Call, named: Any) -> JsonObject:
    asked = named if isinstance(named, dict) else {}
    for kind in call.site.registry.link_types:
        by_id = "id" in asked and str(asked["id"]) == kind["id"]
        if by_id or str(asked.get("name", "")).casefold() == kind["name"].casefold():
            return kind
    raise Refusal(404, f"No issue link type with name '{asked.get('name') or asked.get('id')}' found.")


def _end(call: Call, asked: Any) -> Issue:
    named = asked if isinstance(asked, dict) else {}
    issue = call.site.visible(str(named.get("id") or named.get("key")))
    if issue is None:
        raise Refusal(404, "Issue does not exist or you do not have permission to see it.")
    return _linkable(call, issue)


def _issue_to_link(call: Call) -> Issue:
    return _linkable(call, call.issue())


def _linkable(call: Call, issue: Issue) -> Issue:
    if not call.site.permissions.link_issues or not call.site.may_edit(issue):
        raise Refusal(403, "You do not have permission to link issues in this project.")
    return issue


def _same(entry: JsonObject, kind: JsonObject, target: Issue) -> bool:
    outward = entry.get("outwardIssue") or {}
    return bool(entry["type"]["name"] == kind["name"] and outward.get("id") == target.id)


def _next_issue_link(call: Call) -> int:
    entries = (entry for issue in call.site.issues.values() for entry in issue.fields.get("issuelinks") or [])
    return max([9999, *(int(entry["id"]) for entry in entries if str(entry.get("id")).isdigit())]) + 1


_ONE = "/issue/{issue}"
OPERATIONS = [
    Operation("GET", _ONE, get_issue),
    Operation("PUT", _ONE, put_issue, writes=True),
    Operation("GET", _ONE + "/editmeta", get_edit_meta),
    Operation("GET", _ONE + "/remotelink", get_remote_links),
    Operation("POST", _ONE + "/remotelink", post_remote_link, writes=True),
    Operation("DELETE", _ONE + "/remotelink", delete_remote_links, writes=True),
    Operation("GET", _ONE + "/remotelink/{link}", get_remote_link),
    Operation("PUT", _ONE + "/remotelink/{link}", put_remote_link, writes=True),
    Operation("DELETE", _ONE + "/remotelink/{link}", delete_remote_link, writes=True),
    Operation("GET", _ONE + "/properties", get_properties),
    Operation("GET", _ONE + "/properties/{property:path}", get_property),
    Operation("PUT", _ONE + "/properties/{property:path}", put_property, writes=True),
    Operation("DELETE", _ONE + "/properties/{property:path}", delete_property, writes=True),
    Operation("POST", "/issueLink", post_issue_link, writes=True),
]
