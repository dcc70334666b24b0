"""The endpoints that describe the site: server, account, permissions, fields, types, statuses, projects."""

from __future__ import annotations

from datetime import timedelta

from sync.sandbox.answers import Answer, Call, Operation, Refusal
from sync.sandbox.defaults import CATEGORIES, Deployment, JsonObject
from sync.sandbox.timestamps import to_timestamp
from sync.sandbox.views import addressed, user_view

_PROJECT_PERMISSIONS = {
    "BROWSE_PROJECTS": (10, "Browse Projects"),
    "EDIT_ISSUES": (12, "Edit Issues"),
    "ADD_COMMENTS": (15, "Add Comments"),
    "LINK_ISSUES": (21, "Link Issues"),
    "ADMINISTER_PROJECTS": (23, "Administer Projects"),
}
_GLOBAL_PERMISSIONS = {"ADMINISTER": (0, "Administer Jira"), "BULK_CHANGE": (33, "Make bulk changes")}
_PERMISSIONS = _PROJECT_PERMISSIONS | _GLOBAL_PERMISSIONS
_BUILT = timedelta(days=30)
_MAX_PROJECTS = 100


def get_server_info(call: Call) -> Answer:
    now, zone = call.site.now(), call.site.site_zone
    info: JsonObject = {
        "baseUrl": call.base,
        "buildDate": to_timestamp(now - _BUILT, zone),
        "serverTime": to_timestamp(now, zone),
        "scmInfo": "0000000000000000000000000000000000000000",
        "serverTitle": "Tieline sandbox",
    }
    if call.on_cloud:
        info |= {"version": "1001.0.0-SNAPSHOT", "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud"}
        info |= {"buildNumber": 100300, "displayUrl": call.base, "serverTimeZone": str(zone)}
    else:
        info |= {"version": "10.3.24", "versionNumbers": [10, 3, 24], "deploymentType": "Server"}
        info |= {"buildNumber": 10030024}
    return Answer(body=info)


def get_myself(call: Call) -> Answer:
    call.login()
    more = {"locale": "en_US", "emailAddress": "tieline@example.com"}
    return Answer(body=user_view(call, call.site.account) | more)


def get_my_permissions(call: Call) -> Answer:
    asked = call.words("permissions")
    if call.on_cloud and not asked:
        raise Refusal(400, "The 'permissions' query parameter is required.")
    unknown = [name for name in asked or () if name not in _PERMISSIONS]
    if unknown and call.on_cloud:
        raise Refusal(400, f"Unrecognized permission: {', '.join(unknown)}")
    chosen = [name for name in asked or _PERMISSIONS if name in _PERMISSIONS]
    return Answer(body={"permissions": {name: _permission(call, name) for name in chosen}})


def _permission(call: Call, name: str) -> JsonObject:
    number, title = _PERMISSIONS[name]
    kind = "PROJECT" if name in _PROJECT_PERMISSIONS else "GLOBAL"
    has = not call.anonymous and _allowed(call, name)
    told = {"id": str(number), "key": name, "name": title, "type": kind, "description": title}
    return told | {"havePermission": has}


def _allowed(call: Call, name: str) -> bool:
    permissions = call.site.permissions
    if name == "ADMINISTER":
        return permissions.admin
    if name == "BULK_CHANGE":
        return permissions.bulk_change
    issue_name = call.one("issueKey") or call.one("issueId")
    if issue_name is not None:
        issue = call.site.visible(issue_name)
        if issue is None:
            raise Refusal(404, f"Could not find issue '{issue_name}'.")
        return _allowed_in(call, name, issue.project_key, issue.id)
    project_name = call.one("projectKey") or call.one("projectId")
    if project_name is not None:
        return _allowed_in(call, name, _project(call, project_name)["key"])
    # Without a place the answer is yes where at least one project allows it.
    return any(_allowed_in(call, name, key) for key in call.site.registry.projects)


def _allowed_in(call: Call, name: str, project_key: str, issue_id: str = "") -> bool:
    permissions = call.site.permissions
    may_browse = permissions.may_browse(issue_id, project_key)
    may_edit = permissions.may_edit(issue_id, project_key)
    return {
        "BROWSE_PROJECTS": may_browse,
        "EDIT_ISSUES": may_edit,
        "ADD_COMMENTS": may_browse and permissions.add_comments,
        "LINK_ISSUES": may_edit and permissions.link_issues,
        "ADMINISTER_PROJECTS": may_browse and permissions.may_administer(project_key),
    }[name]


def get_fields(call: Call) -> Answer:
    return Answer(body=list(call.site.registry.fields.values()))


def get_issue_types(call: Call) -> Answer:
    return _values(call, "issuetype")


def get_statuses(call: Call) -> Answer:
    return _values(call, "status")


def get_priorities(call: Call) -> Answer:
    return _values(call, "priority")


def search_priorities(call: Call) -> Answer:
    return _page(call, [addressed(call, "priority", v) for v in call.site.registry.values("priority")])


def get_status_categories(call: Call) -> Answer:
    return Answer(body=[addressed(call, "statuscategory", value) for value in CATEGORIES.values()])


def get_link_types(call: Call) -> Answer:
    return Answer(
        body={
            "issueLinkTypes": [
                addressed(call, "issueLinkType", value) for value in call.site.registry.link_types
            ]
        }
    )


def get_projects(call: Call) -> Answer:
    return Answer(body=[addressed(call, "project", project) for project in _visible_projects(call)])


def search_projects(call: Call) -> Answer:
    keys, ids, text = call.words("keys"), call.words("id"), (call.one("query") or "").casefold()
    found = [
        addressed(call, "project", project)
        for project in sorted(_visible_projects(call), key=lambda project: str(project["key"]))
        if (keys is None or project["key"] in keys)
        and (ids is None or project["id"] in ids)
        and (text in project["key"].casefold() or text in project["name"].casefold())
    ]
    return _page(call, found)


def get_project(call: Call) -> Answer:
    project = _project(call, call.args["project"])
    types = [addressed(call, "issuetype", value) for value in call.site.registry.values("issuetype")]
    more = {"issueTypes": types, "components": [], "versions": [], "description": ""}
    return Answer(body=addressed(call, "project", project) | more)


def _values(call: Call, kind: str) -> Answer:
    return Answer(body=[addressed(call, kind, value) for value in call.site.registry.values(kind)])


def _visible_projects(call: Call) -> list[JsonObject]:
    hidden = call.site.permissions.hidden_projects
    projects = call.site.registry.projects.values()
    return [] if call.anonymous else [project for project in projects if project["key"] not in hidden]


def _project(call: Call, id_or_key: str) -> JsonObject:
    for project in _visible_projects(call):
        if id_or_key in {project["id"], project["key"]}:
            return project
    raise Refusal(404, f"No project could be found with key '{id_or_key}'.")


def _page(call: Call, values: list[JsonObject]) -> Answer:
    start = max(call.number("startAt", 0), 0)
    size = max(min(call.number("maxResults", 50), _MAX_PROJECTS), 1)
    shown = values[start : start + size]
    last = start + len(shown) >= len(values)
    page: JsonObject = {"self": f"{call.base}{call.path}", "startAt": start, "maxResults": size}
    page |= {"total": len(values), "isLast": last, "values": shown}
    if not last:
        page["nextPage"] = f"{call.base}{call.path}?startAt={start + len(shown)}&maxResults={size}"
    return Answer(body=page)


OPERATIONS = [
    Operation("GET", "/serverInfo", get_server_info),
    Operation("GET", "/myself", get_myself),
    Operation("GET", "/mypermissions", get_my_permissions),
    Operation("GET", "/field", get_fields),
    Operation("GET", "/issuetype", get_issue_types),
    Operation("GET", "/status", get_statuses),
    Operation("GET", "/statuscategory", get_status_categories),
    Operation("GET", "/priority", get_priorities),
    Operation("GET", "/priority/search", search_priorities, only=Deployment.CLOUD),
    Operation("GET", "/issueLinkType", get_link_types),
    Operation("GET", "/project", get_projects),
    Operation("GET", "/project/search", search_projects, only=Deployment.CLOUD),
    Operation("GET", "/project/{project}", get_project),
]
