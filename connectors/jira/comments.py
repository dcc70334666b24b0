"""Turn a verdict into a comment that is never doubled: it is looked for by its mark before one is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

from connectors.errors import NotFound, PermissionDenied, RateLimited, Refused
from connectors.http import pause
from connectors.jira.client import Conflict, JiraClient, NotJira
from connectors.verdicts import Verdict, line_of

# Stands in each comment of ours: Jira has no key by which a comment could be written only once.
MARK = "[tieline:alignment]"
PAGE = 100
TRIES = 3


class Comments:
    """The comment of ours on an issue. `account` is how Jira names us as the author of a comment."""

    def __init__(self, account: str, *, rich: bool) -> None:
        self.account = account
        self.rich = rich

    def put(self, client: JiraClient, issue: str, verdict: Verdict) -> None:
        """Write it, or bring the one that is there up to date; any more of them go.

        Raises as requests do. After a lost answer it must not be written again before it was looked for.
        """
        for attempt in count(1):
            first, *others = [*self.find(client, issue), ""]
            try:
                if first:
                    self._edit(client, issue, first, lines_of(verdict))
                else:
                    body = {"body": self._body(lines_of(verdict))}
                    client.request("POST", f"issue/{issue}/comment", body=body, subject="the comment")
                break
            except RateLimited as error:
                if first or attempt == TRIES:
                    raise
                client.policy.sleep(pause(attempt, error.retry_after, client.policy))
        for comment in filter(None, others):
            delete(client, issue, comment)

    def remove(self, client: JiraClient, issue: str) -> None:
        """Take it away; where Jira lets nobody delete comments, say in it that the matter is settled."""
        for comment in self.find(client, issue):
            try:
                delete(client, issue, comment)
            except (NotJira, Conflict):
                raise
            except (Refused, PermissionDenied):
                self._edit(client, issue, comment, ["This has been put right; the label is gone.", MARK])

    def find(self, client: JiraClient, issue: str) -> list[str]:
        """The ids of the comments that are ours by mark and author, the oldest first."""
        return [
            str(comment.get("id"))
            for comment in comments_of(client, issue)
            if self._is_ours(comment.get("author")) and MARK in words_of(comment.get("body"))
        ]

    def _is_ours(self, author: object) -> bool:
        names = author if isinstance(author, Mapping) else {}
        return self.account in {names.get("accountId"), names.get("name"), names.get("key")}

    def _edit(self, client: JiraClient, issue: str, comment: str, lines: list[str]) -> None:
        client.request(
            "PUT",
            f"issue/{issue}/comment/{comment}",
            body={"body": self._body(lines)},
            resend=True,
            subject="the comment",
        )

    def _body(self, lines: list[str]) -> object:
        return document_of(lines) if self.rich else wiki_of(lines)


def comments_of(client: JiraClient, issue: str) -> Iterator[Mapping[str, Any]]:
    """Every comment of an issue, page by page."""
    start = 0
    while True:
        path, window = f"issue/{issue}/comment", {"startAt": str(start), "maxResults": str(PAGE)}
        answer = client.get(path, orderBy="created", **window)
        found = answer.get("comments") if isinstance(answer, Mapping) else None
        if not isinstance(found, list):
            raise NotJira(client.not_jira("an odd list of comments"))
        yield from (comment for comment in found if isinstance(comment, Mapping))
        start += len(found)
        if not found or start >= int(answer.get("total") or 0):
            return


def delete(client: JiraClient, issue: str, comment: str) -> None:
    with suppress(NotFound):  # somebody else was quicker
        client.request("DELETE", f"issue/{issue}/comment/{comment}", resend=True, subject="the comment")


def lines_of(verdict: Verdict) -> list[str]:
    """What the comment says, line by line, with the mark as the last one."""
    said = [f"{one.label} (since {one.since}): {line_of(one)}" for one in verdict.reasons]
    more = [f"And {verdict.more} more."] if verdict.more else []
    return [*said, *more, *([verdict.url] if verdict.url else []), verdict.removal, MARK]


def document_of(lines: list[str]) -> dict[str, Any]:
    """An Atlassian document: text in its nodes is text, whatever it holds."""
    content = [{"type": "paragraph", "content": [{"type": "text", "text": line}]} for line in lines]
    return {"type": "doc", "version": 1, "content": content}


def wiki_of(lines: list[str]) -> str:
    """Wiki text in which nothing is markup: the block that shows it as it stands cannot be left early.

    A mention is looked for in the raw text, so it is broken up here as well.
    """
    inner = "\n".join(lines).replace("{", "{ ").replace("[~", "[ ~")
    return "{noformat}\n" + inner + "\n{noformat}"


def words_of(body: object) -> str:
    """The text of a comment, wiki or document."""
    if isinstance(body, Mapping):
        inner = body.get("content")
        below = "".join(words_of(child) for child in inner) if isinstance(inner, list) else ""
        return str(body.get("text") or "") + below
    return body if isinstance(body, str) else ""
