"""Turn the JSON of Jira's answers into plain values; of lists of issues, only what is asked for.

Most of a page of issues is what nobody asked for: each issue that another is linked to comes with its title,
status, priority and type. Past all that a decoder runs that knows what is wanted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from types import new_class
from typing import Any, TypedDict

import msgspec

PLAIN: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


class Named(TypedDict, total=False):
    """An issue as a link names it."""

    id: Any
    key: Any


class Link(TypedDict, total=False):
    """A link from one issue to another."""

    type: Any
    inwardIssue: Named | None
    outwardIssue: Named | None


SHAPED: dict[str, Any] = {"issuelinks": list[Link] | None}


@lru_cache(maxsize=32)
def issues_with(fields: tuple[str, ...]) -> msgspec.json.Decoder[Any]:
    """The decoder of an answer that lists issues with these fields: of an issue it gives no others."""
    named = record({name: SHAPED.get(name, Any) for name in fields})
    issue = record({"id": Any, "key": Any, "fields": named | None})
    about = ("issueErrors", "nextPageToken", "isLast", "total", "warnings", "warningMessages")
    return msgspec.json.Decoder(record({"issues": list[issue], **dict.fromkeys(about, Any)}))  # type: ignore[valid-type]


def record(kinds: dict[str, Any]) -> Any:
    """A type of objects that may hold these; others that they hold are passed over."""
    return new_class(
        "Wanted", (TypedDict,), {"total": False}, lambda body: body.update(__annotations__=kinds)
    )


def decode(content: bytes, fields: Sequence[str] | None = None) -> Any:
    """The value of a JSON text; None where it is none (a web page, a proxy's error).

    `fields`: it lists issues and these of their fields are wanted. One that is built otherwise comes whole.
    """
    decoders = [PLAIN] if fields is None else [issues_with(tuple(fields)), PLAIN]
    for decoder in decoders:
        try:
            return decoder.decode(content)
        except (msgspec.MsgspecError, ValueError):
            continue
    try:
        return json.loads(content)  # to those above, half of a surrogate pair (a text cut short) is no JSON
    except ValueError:
        return None
