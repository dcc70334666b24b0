"""The endpoints that find issues: token pages and bulk fetch on Cloud, offset pages on Data Center."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sync.sandbox.answers import Answer, Call, Operation, Refusal, to_number
from sync.sandbox.defaults import Deployment, JsonObject
from sync.sandbox.query import Found, JqlRefused, search
from sync.sandbox.state import Issue, Site
from sync.sandbox.views import choose, descriptions, issue_view

REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
STALE_PAGE = "The provided next page token is invalid or expired."
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
_TOKEN_LIFE = timedelta(days=7)
_CAP_HEADERS, _CAP_FIELDS, _CAP_BULK, _CAP_RECONCILE, _CAP_PROPERTIES = 5000, 100, 100, 50, 5
_TEXTS = ("jql", "expand", "nextPageToken")
_KEPT_TOKENS, _KEPT_SEARCHES = 20_000, 16


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a token stands: good for one query and one choice of fields, until it expires."""

    question: tuple[Any, ...]
    ids: tuple[str, ...]
    at: int
    expires: datetime


class Searches:
    """The endpoints and what they remember between pages. `views_max` is Data Center's page clamp."""

    def __init__(self, views_max: int = 1000) -> None:
        self.views_max = views_max
        self._cursors: OrderedDict[str, _Cursor] = OrderedDict()
        self._found: OrderedDict[tuple[Any, ...], Found] = OrderedDict()

    def operations(self) -> list[Operation]:
        cloud, server = Deployment.CLOUD, Deployment.DATA_CENTER
        return [
            Operation("GET", "/search/jql", self.get_by_token, only=cloud),
            Operation("POST", "/search/jql", self.post_by_token, only=cloud),
            Operation("POST", "/search/approximate-count", self.count, only=cloud),
            Operation("POST", "/issue/bulkfetch", self.bulk_fetch, only=cloud),
            Operation("GET", "/search", removed, only=cloud),
            Operation("POST", "/search", removed, only=cloud),
            Operation("GET", "/search", self.get_by_offset, only=server),
            Operation("POST", "/search", self.post_by_offset, only=server),
        ]

    # --- Cloud

    def get_by_token(self, call: Call) -> Answer:
        asked: JsonObject = {
            name: call.one(name)
            for name in ("jql", "nextPageToken", "maxResults", "expand")
            if call.one(name)
        }
        asked |= {name: call.words(name) for name in ("fields", "properties") if call.words(name)}
        ids = call.words("reconcileIssues")
        return self._by_token(call, asked | ({"reconcileIssues": ids} if ids else {}))

    def post_by_token(self, call: Call) -> Answer:
        asked = call.object()
        names = {"jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys"}
        _check_payload(asked, names | {"reconcileIssues"}, lists={"fields", "properties", "reconcileIssues"})
        return self._by_token(call, asked)

    def _by_token(self, call: Call, asked: Mapping[str, Any]) -> Answer:
        jql, choice = str(asked.get("jql") or ""), choose(_names(asked), "id")
        properties, reconcile = asked.get("properties") or [], asked.get("reconcileIssues") or []
        _check_lists(properties, reconcile)
        size = to_number("maxResults", asked.get("maxResults"), 50)
        if size < 1:
            raise Refusal(400, "The 'maxResults' parameter must be greater than zero.")
        question = (jql, choice, tuple(map(str, reconcile)))
        call.site.reconcile([str(issue_id) for issue_id in reconcile])
        ids, start = self._resume(call, asked.get("nextPageToken"), question, jql)
        size = min(size, _CAP_HEADERS if choice.only_header else _CAP_FIELDS)
        end = start + call.site.mischief.cut(min(size, len(ids) - start))
        expand = str(asked.get("expand") or "").split(",")
        shown = _still_found(call, ids[start:end])
        views = [issue_view(call, issue, choice, properties=properties) for issue in shown]
        issues = [{"id": view["id"]} for view in views] if choice.only_id else views
        page: JsonObject = {"issues": issues, "isLast": end >= len(ids)} | descriptions(call, expand)
        if asked.get("nextPageToken") and call.site.mischief.repeats():
            return Answer(body=page | {"isLast": False, "nextPageToken": asked["nextPageToken"]})
        if end < len(ids):
            page["nextPageToken"] = self._token(_Cursor(question, ids, end, call.site.now() + _TOKEN_LIFE))
        return Answer(body=page)

    def _resume(
        self, call: Call, token: str | None, question: tuple[Any, ...], jql: str
    ) -> tuple[tuple[str, ...], int]:
        if not token:
            return self._search(call, jql).ids, 0
        cursor = self._cursors.get(token)
        if cursor is None or cursor.question != question or cursor.expires < call.site.now():
            raise Refusal(400, STALE_PAGE)
        return cursor.ids, cursor.at

    def _token(self, cursor: _Cursor) -> str:
        token = uuid.uuid4().hex
        self._cursors[token] = cursor
        if len(self._cursors) > _KEPT_TOKENS:
            self._cursors.popitem(last=False)
        return token

    def count(self, call: Call) -> Answer:
        asked = call.object()
        _check_payload(asked, {"jql"})
        return Answer(body={"count": len(self._search(call, str(asked.get("jql") or "")).ids)})

    def bulk_fetch(self, call: Call) -> Answer:
        asked = call.object()
        names = {"issueIdsOrKeys", "fields", "expand", "properties", "fieldsByKeys"}
        _check_payload(asked, names, lists=names - {"fieldsByKeys"})
        wanted = asked.get("issueIdsOrKeys") or []
        if not 1 <= len(wanted) <= _CAP_BULK:
            raise Refusal(
                400, f"Between 1 and {_CAP_BULK} issue IDs or keys must be given, not {len(wanted)}."
            )
        properties = asked.get("properties") or []
        _check_lists(properties, [])
        choice, expand = choose(_names(asked), "*navigable"), asked.get("expand") or []
        mischief = call.site.mischief
        found = {i.id: i for i in _still_visible(call, map(str, wanted)) if i.id not in mischief.withheld}
        failed = [issue_id for issue_id in found if mischief.fails(issue_id)]
        found = {issue_id: issue for issue_id, issue in found.items() if issue_id not in failed}
        views = [
            issue_view(call, issue, choice, expand, properties)
            for issue in sorted(found.values(), key=lambda issue: int(issue.id))
        ]
        errors = [{"id": issue_id, "errorMessage": "Timed out."} for issue_id in failed]
        return Answer(body={"issues": views, "issueErrors": errors})

    # --- Data Center

    def get_by_offset(self, call: Call) -> Answer:
        asked = {name: call.one(name) for name in ("jql", "startAt", "maxResults") if call.one(name)}
        strict = call.flag("validateQuery", default=True)
        more = {"fields": call.words("fields"), "expand": call.words("expand"), "validateQuery": strict}
        return self._by_offset(call, asked | more)

    def post_by_offset(self, call: Call) -> Answer:
        asked = call.object()
        names = {"jql", "startAt", "maxResults", "fields", "expand", "validateQuery", "fieldsByKeys"}
        _check_payload(asked, names | {"properties"}, lists={"fields", "expand", "properties"})
        return self._by_offset(call, asked)

    def _by_offset(self, call: Call, asked: Mapping[str, Any]) -> Answer:
        start = max(to_number("startAt", asked.get("startAt"), 0), 0)
        size = to_number("maxResults", asked.get("maxResults"), 50)
        size = call.site.mischief.clamp(self.views_max if size < 0 else min(size, self.views_max))
        strict = asked.get("validateQuery") is not False
        found = self._search(call, str(asked.get("jql") or ""), strict=strict)
        choice, expand = choose(_names(asked), "*navigable"), asked.get("expand") or []
        shown = _still_found(call, found.ids[start : start + size])
        page: JsonObject = {"expand": "schema,names", "startAt": start, "maxResults": size}
        page |= {"total": len(found.ids), "issues": [issue_view(call, issue, choice) for issue in shown]}
        if found.warnings:
            page["warningMessages"] = list(found.warnings)
        return Answer(body=page | descriptions(call, expand))

    def _search(self, call: Call, jql: str, *, strict: bool = True) -> Found:
        """The result, kept while nothing changes: pages over a large set do not search it anew."""
        site = call.site
        seen = (jql, strict, site.revision, _permissions(site), call.anonymous, f"{site.now():%Y%m%d%H%M}")
        if seen not in self._found:
            try:
                found = search(site, jql, strict=strict)
            except JqlRefused as refused:
                raise Refusal(400, *refused.messages) from refused
            self._found[seen] = Found((), found.warnings) if call.anonymous else found
            if len(self._found) > _KEPT_SEARCHES:
                self._found.popitem(last=False)
        return self._found[seen]


def removed(_: Call) -> Answer:
    raise Refusal(410, REMOVED)


def _names(asked: Mapping[str, Any]) -> list[str]:
    return [str(name) for name in asked.get("fields") or ()]


def _permissions(site: Site) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(site.permissions.hidden_projects), frozenset(site.permissions.hidden_issues)


def _still_visible(call: Call, ids: Any) -> list[Issue]:
    if call.anonymous:
        return []
    found = (call.site.visible(issue_id) for issue_id in ids)
    return [issue for issue in found if issue is not None]


def _still_found(call: Call, ids: Any) -> list[Issue]:
    """The issues of a search as the index has them, which may lag."""
    if call.anonymous:
        return []
    found = (call.site.index.get(issue_id) for issue_id in ids)
    return [issue for issue in found if issue is not None and call.site.may_find(issue)]


def _check_payload(asked: JsonObject, names: set[str], lists: Container[str] = ()) -> None:
    told = {name: value for name, value in asked.items() if value is not None}
    wrong = [name for name in told if name in lists and not _is_list_of_names(told[name])]
    wrong += [
        name for name in _TEXTS if name in told and name not in lists and not isinstance(told[name], str)
    ]
    if wrong or asked.keys() - names:
        raise Refusal(400, BAD_PAYLOAD)


def _is_list_of_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str | int) for item in value)


def _check_lists(properties: list[Any], reconcile: list[Any]) -> None:
    if len(properties) > _CAP_PROPERTIES:
        raise Refusal(400, f"At most {_CAP_PROPERTIES} properties can be requested.")
    if len(reconcile) > _CAP_RECONCILE:
        raise Refusal(400, f"At most {_CAP_RECONCILE} issues can be reconciled.")
    if not all(str(issue_id).isdigit() for issue_id in reconcile):
        raise Refusal(400, "The issues to reconcile must be given by their numeric ids.")
