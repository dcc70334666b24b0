"""Turn one record of a finance API into rows like those of a table: made flat, with exact numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.figures import Figure, plain
from connectors.finance.rest_pages import inherited
from connectors.finance.rest_session import MISSING, find
from connectors.pages import Quarantined
from connectors.tables import Row

_ODATA_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(?:\.0+)?Z?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def explode(record: Any, ways: Sequence[Sequence[str]]) -> Iterator[Any]:
    """A record for each element of its nested list, level by level; what stood around it is `parent.…`."""
    if not ways:
        yield record
        return
    nested = find(record, ways[0])
    if nested is MISSING:
        yield f"the record has nothing at {' > '.join(ways[0])}: {json.dumps(record, default=str)}"
        return
    if nested is None:
        return
    around = inherited(record)
    for element in nested if isinstance(nested, list) else [nested]:
        if isinstance(element, dict):
            yield from explode({**element, **around}, ways[1:])
        else:
            yield element


def to_row(record: Any, columns: Sequence[str], number: int, source: str) -> Row | Quarantined:
    raw = json.dumps(record, default=str, ensure_ascii=False)
    if not isinstance(record, dict):
        return Quarantined(source, number, None, "the record is no JSON object", raw)
    cells: dict[str, str] = {}
    for column in columns:
        value = value_at(record, column)
        if isinstance(value, dict | list):
            return Quarantined(source, number, column, "the value is no single text or number", raw)
        cells[column] = _cell(value)
    return Row(number, cells, raw)


def value_at(record: Any, column: str) -> Any:
    """By the key itself or, where there is none, by the way down with dots."""
    if isinstance(record, dict) and column in record:
        return record[column]
    return find(record, _way(column))


def _way(column: str) -> tuple[str, ...]:
    prefix = ""
    parts = column.split(".")
    while len(parts) > 1 and parts[0] == "parent":
        prefix, parts = f"{prefix}parent.", parts[1:]
    return (f"{prefix}{parts[0]}", *parts[1:])


def _cell(value: Any) -> str:
    if value is MISSING or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return Figure(plain(value if isinstance(value, Decimal) else Decimal(value)))
    text = str(value)
    if match := _ODATA_DATE.fullmatch(text):
        return (_EPOCH + timedelta(milliseconds=int(match[1]))).date().isoformat()
    return match[1] if (match := _MIDNIGHT.fullmatch(text)) else text
