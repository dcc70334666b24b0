"""The comments of one issue: read page by page, written, edited and deleted, in both of Jira's text forms."""

from __future__ import annotations

from typing import Any

from sync.sandbox.answers import Answer, Call, Operation, Refusal, to_number
from sync.sandbox.defaults import JsonObject
from sync.sandbox.documents import as_version, is_document, to_text
from sync.sandbox.state import Issue
from sync.sandbox.views import user_view

_MAX_TEXT, _MAX_PAGE = 32_767, 5000
_NEEDS_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
_NO_COMMENT = "Can not find a comment for the id: {}."


def get_comments(call: Call) -> Answer:
    found = _comments(call.issue())
    if (call.one("orderBy") or "").startswith("-"):
        found = found[::-1]
    start = max(0, to_number("startAt", call.one("startAt"), 0))
    # Data Center gives all of them unless it is told how many.
    most = min(_MAX_PAGE, max(0, to_number("maxResults", call.one("maxResults"), _MAX_PAGE)))
    page = [_view(call, call.issue(), comment) for comment in found[start : start + most]]
    return Answer(body={"startAt": start, "maxResults": most, "total": len(found), "comments": page})


def get_comment(call: Call) -> Answer:
    issue = call.issue()
    return Answer(body=_view(call, issue, _comment(call, issue)))


def post_comment(call: Call) -> Answer:
    issue = call.issue()
    call.login()
    if not call.site.permissions.add_comments:
        raise _forbidden("you do not have the permission to comment on this issue.")
    stamp = call.site.timestamp()
    comment = {
        "id": str(_next_id(call)),
        "author": call.site.account,
        "updateAuthor": call.site.account,
        "body": _body(call),
        "created": stamp,
        "updated": stamp,
    }
    _keep(call, issue, [*_comments(issue), comment])
    return Answer(201, _view(call, issue, comment))


def put_comment(call: Call) -> Answer:
    issue = call.issue()
    old = _comment(call, issue)
    if not _is_ours(call, old) or not call.site.permissions.edit_own_comments:
        raise _forbidden(f"You do not have permission to edit comment with id: {old['id']}.")
    new = old | {"body": _body(call), "updated": call.site.timestamp()}
    _keep(call, issue, [new if comment is old else comment for comment in _comments(issue)])
    return Answer(200, _view(call, issue, new))


def delete_comment(call: Call) -> Answer:
    issue = call.issue()
    old = _comment(call, issue)
    if not _is_ours(call, old) or not call.site.permissions.delete_own_comments:
        raise _forbidden(f"You do not have permission to delete comment with id: {old['id']}.")
    _keep(call, issue, [comment for comment in _comments(issue) if comment is not old])
    return Answer(204)


def _comments(issue: Issue) -> list[JsonObject]:
    held = issue.fields.get("comment")
    found = held.get("comments") if isinstance(held, dict) else None
    return list(found or [])


def _keep(call: Call, issue: Issue, comments: list[JsonObject]) -> None:
    """A comment moves `updated`, as any change does."""
    whole = {"comments": comments, "total": len(comments), "maxResults": len(comments), "startAt": 0}
    call.site.change(issue, {"comment": whole})


def _comment(call: Call, issue: Issue) -> JsonObject:
    wanted = call.args["comment"]
    for comment in _comments(issue):
        if str(comment.get("id")) == wanted:
            return comment
    raise Refusal(404, _NO_COMMENT.format(wanted))


def _is_ours(call: Call, comment: JsonObject) -> bool:
    author = comment.get("author")
    name = "accountId" if call.on_cloud else "name"
    return isinstance(author, dict) and author.get(name) == call.site.account.get(name)


def _forbidden(text: str) -> Refusal:
    return Refusal(400, errors={"comment": text})


def _body(call: Call) -> Any:
    """The text of a request, as it was sent; what no text is, or too long, is refused in Jira's words."""
    body = call.object().get("body")
    if call.version == "3" and not is_document(body):
        raise Refusal(400, errors={"comment": _NEEDS_DOCUMENT})
    if call.version != "3" and not isinstance(body, str):
        raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
    text = to_text(body) if isinstance(body, dict) else str(body)
    if not text.strip():
        raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
    if len(text) > _MAX_TEXT:
        told = f"The entered text is too long. It exceeds the allowed limit of {_MAX_TEXT:,} characters."
        raise Refusal(400, errors={"comment": told})
    return body


def _next_id(call: Call) -> int:
    taken = [str(c.get("id")) for issue in call.site.issues.values() for c in _comments(issue)]
    return max([9999, *(int(name) for name in taken if name.isdigit())]) + 1


def _view(call: Call, issue: Issue, comment: JsonObject) -> JsonObject:
    path = f"{call.base}/rest/api/{call.version}/issue/{issue.id}/comment/{comment['id']}"
    people = {
        name: user_view(call, comment[name])
        for name in ("author", "updateAuthor")
        if isinstance(comment.get(name), dict)
    }
    return {"self": path} | comment | people | {"body": as_version(comment.get("body"), call.version)}


_ALL, _ONE = "/issue/{issue}/comment", "/issue/{issue}/comment/{comment}"
OPERATIONS = [
    Operation("GET", _ALL, get_comments),
    Operation("POST", _ALL, post_comment, writes=True),
    Operation("GET", _ONE, get_comment),
    Operation("PUT", _ONE, put_comment, writes=True),
    Operation("DELETE", _ONE, delete_comment, writes=True),
]
