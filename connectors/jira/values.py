"""Turn the values Jira puts into fields (options, rich text, users, dates) into texts, dates and moments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

SEPARATORS = re.compile(r"[,;\r\n]+")
# Some fields hold the printed form of a Java object: `{summaryBean=com.…SummaryBean@9ccac4a[…`.
JAVA_OBJECT = re.compile(r"[\w$]+(?:\.[\w$]+)+@[0-9a-f]+\[")
BLOCKS = frozenset({"paragraph", "heading", "listItem", "tableCell", "tableRow", "blockquote", "codeBlock"})


def targets_of(value: Any, separators: re.Pattern[str] = SEPARATORS) -> tuple[str, ...]:
    """The ids a field value names, in order, each once.

    Text holds ids separated by commas, semicolons or line breaks (spaces belong to the id), unless other
    separators are given. Lists, options, labels, numbers, issues and goals each name one id whole; a
    cascading option names its child, then itself. A printed Java object names nothing.
    """
    return tuple(dict.fromkeys(target for target in targets_in(value, separators) if target))


def targets_in(value: Any, separators: re.Pattern[str]) -> Iterator[str]:
    if isinstance(value, str):
        yield from split_text(value, separators)
    elif isinstance(value, dict):
        yield from targets_in_object(value, separators)
    elif isinstance(value, list):
        for item in value:
            # An item of a list is one choice already: a label or an option may hold a comma.
            yield from [item.strip()] if isinstance(item, str) else targets_in(item, separators)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield number_text(value)


def groups_in(value: Any) -> frozenset[str]:
    """The options of a cascading field that only hold the one chosen below them."""
    options = value if isinstance(value, list) else [value]
    above = [one for one in options if isinstance(one, dict) and isinstance(one.get("child"), dict)]
    return frozenset(str(one["value"]).strip() for one in above if one.get("value") is not None)


def targets_in_object(value: Mapping[str, Any], separators: re.Pattern[str]) -> Iterator[str]:
    if value.get("type") == "doc":
        yield from split_text(document_text(value), separators)
        return
    if isinstance(value.get("child"), dict):
        yield from targets_in_object(value["child"], separators)
    named = next(
        (value[name] for name in ("value", "key", "name", "id") if value.get(name) is not None), None
    )
    if isinstance(named, str | int) and not isinstance(named, bool):
        yield str(named).strip()


def goal_ids(value: Any) -> tuple[str, ...]:
    """The ids in a goals field: an array of `{id: <goal ARI>}`."""
    goals = value if isinstance(value, list) else [value]
    ids = (goal.get("id") if isinstance(goal, dict) else goal for goal in goals)
    return tuple(dict.fromkeys(goal.strip() for goal in ids if isinstance(goal, str) and goal.strip()))


def split_text(text: str, separators: re.Pattern[str] = SEPARATORS) -> list[str]:
    if JAVA_OBJECT.search(text):
        return []
    if re.match(r"https?://", text.strip()) and not re.search(r"\s", text.strip()):
        return [text.strip()]
    return [part.strip() for part in separators.split(text)]


def number_text(number: float) -> str:
    """Jira sends whole numbers as 5.0; as an id that is 5."""
    return str(int(number)) if isinstance(number, float) and number.is_integer() else str(number)


def document_text(node: Any) -> str:
    """The text of an Atlassian document (rich text on Cloud), one line for each block."""
    if isinstance(node, list):
        return "".join(document_text(child) for child in node)
    if not isinstance(node, dict):
        return ""
    attributes = node.get("attrs")
    kind = node.get("type")
    if kind == "hardBreak":
        return "\n"
    if kind in {"inlineCard", "mention", "status"} and isinstance(attributes, dict):
        return str(attributes.get("url") or attributes.get("text") or "")
    own = node.get("text")
    text = (own if isinstance(own, str) else "") + document_text(node.get("content"))
    return text + "\n" if kind in BLOCKS else text


def moment_of(value: Any) -> datetime | None:
    """A point in time, in UTC: ISO text with its offset (`2026-09-27T10:03:11.123+0200`) or an epoch number.

    Epoch numbers are milliseconds in Jira's answers; smaller ones are seconds. Raises ValueError or TypeError
    for anything else.
    """
    if value is None or value == "":
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value / 1000 if abs(value) > 10**11 else value
        return datetime.fromtimestamp(seconds, UTC)
    if not isinstance(value, str):
        raise TypeError(f"not a time: {value!r}")
    moment = datetime.fromisoformat(value)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def day_of(value: Any) -> date | None:
    """A calendar day: the first ten characters of ISO text, so that a date-time keeps its site's day."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise TypeError(f"not a date: {value!r}")
    if len(value) > 10 and value[10] not in "T ":
        raise ValueError(f"not a date: {value!r}")
    return date.fromisoformat(value[:10])


def text_of(value: Any) -> str | None:
    """The text to show for a value: itself, or the display name, value or name of an object; None if none."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, dict):
        for name in ("displayName", "value", "name", "key"):
            if named := value.get(name):
                return None if isinstance(named, dict) else text_of(named)
        return None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
