"""Turn the records of a finance API into pages of budget lines, by the same mapping as a file's rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from connectors.errors import BadInput, IncompleteRead
from connectors.figures import Figure, plain
from connectors.finance.reading import Reading
from connectors.finance.rest_client import RestClient
from connectors.finance.rest_config import RestFinanceConfig
from connectors.finance.rest_pages import MISSING, find, read_pages
from connectors.headers import Header
from connectors.http import RetryPolicy
from connectors.records import Page, Quarantined
from connectors.tables import Row

_ODATA_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RestFinanceSource:
    """An API read whole in one go; `line` of a budget line counts the records from 1.

    It cannot go on from a cursor: rows may have moved between pages since. It is read anew.
    """

    def __init__(self, config: RestFinanceConfig, policy: RetryPolicy | None = None) -> None:
        self._config = config
        self._policy = policy or RetryPolicy()

    @property
    def name(self) -> str:
        return self._config.name

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        if cursor is not None:
            raise IncompleteRead(f"{self.name}: an API cannot be read from the middle. Read it anew.")
        client = RestClient(self._config, self._policy)
        try:
            yield from self._pages(client)
        finally:
            client.close()

    def _pages(self, client: RestClient) -> Iterator[Page]:
        config, reading = self._config, Reading(self._config)
        columns = [column.name for column in config.needed()]
        count = 0
        for number, answer in enumerate(read_pages(client, config), 1):
            records = [part for record in answer.records for part in explode(record, config.explode)]
            if not count and records:
                families = self._families(records)
                reading.open(self.name, families)
                columns += [title for titles in families.values() for title in titles]
            for record in records:
                count += 1
                reading.take(_row(record, columns, count, self.name))
            yield replace(reading.turn(), cursor=json.dumps({"page": number}))
        yield replace(reading.turn(), totals=reading.tally.totals, refused=reading.tally.refused)

    def _families(self, records: Sequence[Any]) -> Mapping[str, tuple[str, ...]]:
        """Which columns of months the first page has; `BadInput` where a column is nowhere in it."""
        config = self._config
        titles = dict.fromkeys(key for record in records if isinstance(record, dict) for key in record)
        ways = [column.name for column in config.needed() if column.name not in titles]
        there = [way for way in ways if any(_value(record, way) is not MISSING for record in records)]
        header = Header(1, (*titles, *there))
        problems = header.problems(config.needed(), config.families())
        if problems:
            told = (
                problem.replace("the header has no column", "no record has the key") for problem in problems
            )
            raise BadInput(*(f"{config.name}: {problem}" for problem in told))
        return {family.name: tuple(header.members(family)) for family in config.families()}


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
    around = {f"parent.{key}": value for key, value in record.items() if not isinstance(value, list)}
    for element in nested if isinstance(nested, list) else [nested]:
        if isinstance(element, dict):
            yield from explode({**element, **around}, ways[1:])
        else:
            yield element


def _row(record: Any, columns: Sequence[str], number: int, source: str) -> Row | Quarantined:
    raw = json.dumps(record, default=str, ensure_ascii=False)
    if not isinstance(record, dict):
        return Quarantined(source, number, None, "the record is no JSON object", raw)
    cells: dict[str, str] = {}
    for column in columns:
        value = _value(record, column)
        if isinstance(value, dict | list):
            return Quarantined(source, number, column, "the value is no single text or number", raw)
        cells[column] = _cell(value)
    return Row(number, cells, raw)


def _value(record: Any, column: str) -> Any:
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
    match = _ODATA_DATE.fullmatch(text)
    return (_EPOCH + timedelta(milliseconds=int(match[1]))).date().isoformat() if match else text
