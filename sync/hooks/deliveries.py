"""Turn a delivery of a webhook into hints: is it signed, and which issues should be looked at again.

The body is never believed: it only says where to look. What is there is read from Jira.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any

# What may change how an issue stands. Deletions are the night's: it tells them from lost permissions.
ISSUE_EVENTS = frozenset({"jira:issue_created", "jira:issue_updated"})
LINK_EVENTS = frozenset({"issuelink_created", "issuelink_deleted"})
METHOD = "sha256="
DIGITS = 19


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Say whether whoever sent a body knows the secret; it takes as long whatever is wrong."""
    made = METHOD + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(made.encode(), signature.strip().encode())


def hints_in(body: bytes, prefix: str) -> tuple[str, ...]:
    """Give the ids of the issues that a delivery hints at; none where it says nothing of use.

    A change of nothing but labels with our prefix is most often the echo of our own writing.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(said, Mapping):
        return ()
    event = str(said.get("webhookEvent"))
    if event in ISSUE_EVENTS and not is_echo(said, prefix):
        return tuple(ids_of([part(said, "issue").get("id")]))
    if event in LINK_EVENTS:
        link = part(said, "issueLink")
        return tuple(ids_of([link.get("sourceIssueId"), link.get("destinationIssueId")]))
    return ()


def ids_of(found: list[Any]) -> Iterator[str]:
    """Give those that can be the id of an issue: a number."""
    for one in found:
        name = str(one) if isinstance(one, str | int) and not isinstance(one, bool) else ""
        if name.isascii() and name.isdecimal() and len(name) <= DIGITS:
            yield name


def is_echo(said: Mapping[str, Any], prefix: str) -> bool:
    """Say whether nothing was changed but labels of ours."""
    items = part(said, "changelog").get("items")
    if not isinstance(items, list) or not items:
        return False
    return all(isinstance(item, Mapping) and only_ours(item, prefix) for item in items)


def only_ours(item: Mapping[str, Any], prefix: str) -> bool:
    """Say whether one change put on or took off labels with our prefix, and no others."""
    if item.get("field") != "labels":
        return False
    before, after = (set(str(item.get(name) or "").split()) for name in ("fromString", "toString"))
    moved = before ^ after
    return bool(moved) and all(label.startswith(prefix) for label in moved)


def part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a part of a delivery, or nothing where it is not there."""
    found = said.get(name)
    return found if isinstance(found, Mapping) else {}
