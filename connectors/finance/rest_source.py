"""Turn the records of a finance API into pages of budget lines, by the same mapping as a file's rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from connectors.base import Terms, TokenStore
from connectors.declared import DeclaredTable
from connectors.errors import BadInput, IncompleteRead
from connectors.figures import Figure, plain
from connectors.finance.reading import Reading
from connectors.finance.rest_client import RestClient
from connectors.finance.rest_config import RestFinanceConfig
from connectors.finance.rest_files import fetch_file
from connectors.finance.rest_pages import inherited, read_records
from connectors.finance.rest_session import MISSING, find
from connectors.finance.source import PAGE_ROWS
from connectors.headers import Header
from connectors.http import RetryPolicy
from connectors.records import Page, Quarantined
from connectors.tables import Row, open_tables
from connectors.textfiles import File

_ODATA_DATE = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(?:\.0+)?Z?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RestFinanceSource:
    """An API read whole in one go; `line` of a budget line counts the records from 1.

    It cannot go on from a cursor: rows may have moved between pages since. It is read anew.
    """

    def __init__(
        self,
        config: RestFinanceConfig,
        policy: RetryPolicy | None = None,
        store: TokenStore | None = None,
    ) -> None:
        self._config = config
        self._policy = policy or RetryPolicy()
        self._store = store

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def parser(self) -> str:
        return self._config.parser()

    @property
    def terms(self) -> Terms:
        return self._config.terms()

    def files(self) -> tuple[File, ...]:
        return ()

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        if cursor is not None:
            raise IncompleteRead(f"{self.name}: an API cannot be read from the middle. Read it anew.")
        client = RestClient(self._config, self._policy, self._store)
        table = self._config.csv
        try:
            yield from self._pages(client) if table is None else self._table_pages(client, table)
        finally:
            client.close()

    def _pages(self, client: RestClient) -> Iterator[Page]:
        config, reading = self._config, Reading(self._config, repeats=True)
        columns = [column.name for column in config.needed()]
        count = repeated = 0
        for number, found in enumerate(read_records(client), 1):
            records = [part for record in found for part in explode(record, config.explode)]
            if not count and records:
                families = self._families(records)
                reading.open(self.name, families)
                columns += [title for titles in families.values() for title in titles]
            for record in records:
                count += 1
                reading.take(_row(record, columns, count, self.name))
            page = reading.turn()
            repeated += page.repeated
            yield replace(page, cursor=json.dumps({"page": number}))
        if repeated and config.expect.total is not None:
            raise IncompleteRead(
                f"{config.name}: {repeated} rows came twice, so as many others are missing of those it says "
                "it holds: its pages moved while they were read. Order the request by a unique key."
            )
        yield reading.finish()

    def _table_pages(self, client: RestClient, form: DeclaredTable) -> Iterator[Page]:
        """The rows of a table, fetched whole before the first of them counts."""
        config, reading = self._config, Reading(self._config)
        rows = 0
        with TemporaryDirectory() as folder:
            file = Path(folder) / f"{config.name.replace('/', '_')}.csv"
            fetch_file(client, file, self._policy)
            try:
                tables = open_tables(file, config.needed(), config.families(), layout=form.layout())
            except BadInput as error:
                raise BadInput(*(told.replace(f"{folder}/", "") for told in error.problems)) from None
            for table in tables:
                reading.open(table.name, table.families)
                for row in table.rows(blanks=True):
                    rows += 1
                    reading.take(row)
                    if reading.rows == PAGE_ROWS:
                        yield replace(reading.turn(), cursor=json.dumps({"row": rows}))
                reading.end()
        if rows < config.expect.min_rows:
            raise IncompleteRead(
                f"{config.name}: it gave {rows} rows, fewer than `expect.min_rows` "
                f"({config.expect.min_rows}). If that is right, lower it."
            )
        yield reading.finish()

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
    around = inherited(record)
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
    if match := _ODATA_DATE.fullmatch(text):
        return (_EPOCH + timedelta(milliseconds=int(match[1]))).date().isoformat()
    return match[1] if (match := _MIDNIGHT.fullmatch(text)) else text
