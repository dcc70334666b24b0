"""Turn the raw value of a field that a site declares for rules into the values rules can ask about: pure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.jira.values import day_of, document_text, text_of
from connectors.records import MILLIONTHS, FieldValue, ValueType

# Enough to see whether a text says anything, and in whose words; descriptions run to megabytes.
TEXT_KEPT = 1000
LARGEST = 9 * 10**18


def declared_values(name: str, kind: ValueType, raw: Any) -> tuple[FieldValue, ...]:
    """Read a value that is there. Raises ValueError where it is not of the kind that was declared."""
    if kind.many:
        parts = raw if isinstance(raw, list) else [raw]
        found = [value for part in parts for value in one(name, kind, part)]
        return tuple(dict.fromkeys(found))
    if isinstance(raw, list):
        if len(raw) > 1:
            raise ValueError(f"it holds {len(raw)} values and not one {kind}")
        return one(name, kind, raw[0]) if raw else ()
    return one(name, kind, raw)


def one(name: str, kind: ValueType, raw: Any) -> tuple[FieldValue, ...]:
    """Read one value; blank text is no value."""
    if kind is ValueType.NUMBER:
        return (number(name, raw),)
    if kind is ValueType.DATE:
        return (day(name, raw),)
    text = (text_in(raw) or "").strip()[:TEXT_KEPT].strip()
    return (FieldValue(name, text),) if text else ()


def text_in(raw: Any) -> str | None:
    """Give the text of a string, a document, an option (of a cascading one its child) or a user."""
    if isinstance(raw, dict) and raw.get("type") == "doc":
        return document_text(raw)
    if isinstance(raw, dict) and isinstance(raw.get("child"), dict):
        return text_of(raw["child"])
    if isinstance(raw, float):
        return str(int(raw)) if raw.is_integer() else str(raw)
    return text_of(raw)


def number(name: str, raw: Any) -> FieldValue:
    """Read a number exactly, to the millionth."""
    written = raw if isinstance(raw, int | float | str) and not isinstance(raw, bool) else "?"
    try:
        value = Decimal(str(written).strip())
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or abs(value) * MILLIONTHS > LARGEST:
        raise ValueError(f"{str(raw)[:40]!r} is not a number")
    whole = int((value * MILLIONTHS).to_integral_value())
    return FieldValue(name, format(value.normalize(), "f"), number=whole)


def day(name: str, raw: Any) -> FieldValue:
    """Read a day; of a moment, the day it is written with."""
    try:
        found = day_of(raw)
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise ValueError(f"{str(raw)[:40]!r} is not a date")
    return FieldValue(name, found.isoformat(), day=found)
