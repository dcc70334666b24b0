"""Turn the records of a finance API into pages of budget lines, by the same mapping as a file's rows."""

from __future__ import annotations

import json
import shutil
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from connectors.base import Terms, TokenStore
from connectors.declared import DeclaredTable
from connectors.errors import BadInput, IncompleteRead
from connectors.finance.reading import Reading
from connectors.finance.recordings import record, replay
from connectors.finance.rest_client import RestClient
from connectors.finance.rest_config import RestFinanceConfig
from connectors.finance.rest_files import fetch_file
from connectors.finance.rest_pages import read_records, refuse_few
from connectors.finance.rest_rows import explode, to_row, value_at
from connectors.finance.rest_session import MISSING
from connectors.finance.source import PAGE_ROWS
from connectors.headers import Header
from connectors.http import RetryPolicy
from connectors.pages import Page
from connectors.tables import open_tables
from connectors.textfiles import File, fingerprint


class RestFinanceSource:
    """An API read whole in one go; `line` of a budget line counts the records from 1.

    All its answers are fetched into one file before the first of them counts: an archive of them as they
    came, or the table. So a read that breaks off brings nothing, and what was read can be kept. It cannot go
    on from a cursor: rows may have moved between pages since. It is read anew.
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
        return (self._fetched,)

    def look(self) -> Page:
        """The first page, and no more than is needed for it: to see whether the source can be read."""
        if self._config.csv is not None:
            return next(self.pages())
        client = RestClient(self._config, self._policy, self._store)
        try:
            return next(self._pages(read_records(client)))
        finally:
            client.close()

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        if cursor is not None:
            raise IncompleteRead(f"{self.name}: an API cannot be read from the middle. Read it anew.")
        file, table = self._fetched, self._config.csv
        found = self._table_pages(table) if table else self._pages(replay(self._config, file.path))
        for page in found:
            yield replace(page, artifact=file.sha256)

    @cached_property
    def _fetched(self) -> File:
        folder = Path(mkdtemp(prefix="tieline-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = folder / f"{self.name.replace('/', '_')}{'.json.zip' if self._config.csv is None else '.csv'}"
        if self._config.csv is None:
            record(self._config, self._policy, self._store, path)
        else:
            client = RestClient(self._config, self._policy, self._store)
            try:
                fetch_file(client, path, self._policy)
            finally:
                client.close()
        return fingerprint(path)

    def _pages(self, answers: Iterable[list[Any]]) -> Iterator[Page]:
        config, reading = self._config, Reading(self._config, repeats=True)
        columns = [column.name for column in config.needed()]
        count = repeated = 0
        for number, found in enumerate(answers, 1):
            records = [part for whole in found for part in explode(whole, config.explode)]
            if not count and records:
                families = self._families(records)
                reading.open(self.name, families)
                columns += [title for titles in families.values() for title in titles]
            for part in records:
                count += 1
                reading.take(to_row(part, columns, count, self.name))
            page = reading.turn()
            repeated += page.repeated
            yield replace(page, cursor=json.dumps({"page": number}))
        if repeated and config.expect.total is not None:
            raise IncompleteRead(
                f"{config.name}: {repeated} rows came twice, so as many others are missing of those it says "
                "it holds: its pages moved while they were read. Order the request by a unique key."
            )
        yield reading.finish()

    def _table_pages(self, form: DeclaredTable) -> Iterator[Page]:
        config, reading, file = self._config, Reading(self._config), self._fetched.path
        rows = 0
        try:
            tables = open_tables(file, config.needed(), config.families(), layout=form.layout())
        except BadInput as error:
            raise BadInput(*(told.replace(f"{file.parent}/", "") for told in error.problems)) from None
        for table in tables:
            reading.open(table.name, table.families)
            for row in table.rows(blanks=True):
                rows += 1
                reading.take(row)
                if reading.rows == PAGE_ROWS:
                    yield replace(reading.turn(), cursor=json.dumps({"row": rows}))
            reading.end()
        refuse_few(rows, config.expect.min_rows, config.name)
        yield reading.finish()

    def _families(self, records: Sequence[Any]) -> Mapping[str, tuple[str, ...]]:
        """Which columns of months the first page has; `BadInput` where a column is nowhere in it."""
        config = self._config
        titles = dict.fromkeys(key for record in records if isinstance(record, dict) for key in record)
        ways = [column.name for column in config.needed() if column.name not in titles]
        there = [way for way in ways if any(value_at(record, way) is not MISSING for record in records)]
        header = Header(1, (*titles, *there))
        problems = header.problems(config.needed(), config.families())
        if problems:
            told = (
                problem.replace("the header has no column", "no record has the key") for problem in problems
            )
            raise BadInput(*(f"{config.name}: {problem}" for problem in told))
        return {family.name: tuple(header.members(family)) for family in config.families()}
