"""Turn the CSV files of a finance source into pages of budget lines, closed by the files' own totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

from connectors.base import Terms
from connectors.batches import Batch, read_batches
from connectors.cursors import Cursors, Place
from connectors.finance.config import FinanceSourceConfig
from connectors.finance.reading import Reading
from connectors.pages import Page
from connectors.tables import Table, open_tables, table_files
from connectors.textfiles import File, fingerprint, refuse_difference

PAGE_ROWS = 1000
# So few rows fit into the fastest memory of a processor while they are turned into columns.
BULK_ROWS = 500


class FinanceSource:
    """A CSV file, or a folder of them in order of their names, read as one source.

    Lines are told apart by their natural key: project, cost centre, account, version, period and currency.
    A file with the content of another one, whatever it is called, is only counted.
    When rows share one, all are kept: the second is named `…#2`, and so on in file order. Where the mapping
    names an `id` column, that id takes the place of the codes and a row that repeats one is quarantined.

    The cursor names the last record of the page and the files' content. Going on from a cursor reads the
    files from the start again, in silence, because ids and control totals need every row; if a file has
    changed since, the read is refused and must begin anew (cursor None).
    """

    def __init__(self, config: FinanceSourceConfig) -> None:
        self._config = config

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
        return self._files

    @cached_property
    def _files(self) -> tuple[File, ...]:
        return tuple(fingerprint(path) for path in table_files(self._config.path, self._config.layout()))

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        config = self._config
        paths = [file.path for file in self.files()]
        tables = open_tables(paths, config.needed(), config.families(), layout=config.layout())
        cursors = Cursors(self.name, [table.file for table in tables])
        done = cursors.read(cursor)
        reading = Reading(config)
        files = {file.path: file for file in self.files()}
        file, place = None, done
        seen: set[str] = set()
        for index, table in enumerate(tables):
            if reading.rows and file is not None:
                yield replace(reading.turn(), cursor=cursors.write(place), artifact=file.sha256)
            file = files[table.file.path]
            refuse_difference(file, table.file.stamp)
            if table.file.sha256 in seen:
                reading.repeat(table.rows(blanks=True))
                continue
            seen.add(table.file.sha256)
            reading.open(table.name, table.families, config.sheet)
            for record, row in enumerate(table.rows(blanks=True), 1):
                place = Place(index, record)
                reading.take(row)
                if place <= done:
                    reading.turn()
                elif reading.rows == PAGE_ROWS:
                    yield replace(reading.turn(), cursor=cursors.write(place), artifact=file.sha256)
            reading.end()
        yield replace(reading.finish(), artifact=None if file is None else file.sha256)

    def bulk_pages(self) -> Iterator[Page]:
        config = self._config
        files = {file.path: file for file in self.files()}
        tables = open_tables(list(files), config.needed(), config.families(), layout=config.layout())
        reading = Reading(config)
        file = None
        seen: set[str] = set()
        for table in tables:
            if reading.rows and file is not None:
                yield replace(reading.turn(), artifact=file.sha256)
            file = files[table.file.path]
            refuse_difference(file, table.file.stamp)
            if table.file.sha256 in seen:
                reading.repeat(table.rows(blanks=True))
                continue
            seen.add(table.file.sha256)
            reading.open(table.name, table.families, config.sheet)
            for _ in _taken(reading, table):
                if reading.rows >= BULK_ROWS:
                    yield replace(reading.turn(), artifact=file.sha256)
            reading.end()
        yield replace(reading.finish(), artifact=None if file is None else file.sha256)


def _taken(reading: Reading, table: Table) -> Iterator[None]:
    """Have the rows of a table taken, and stop after each batch or row."""
    if not reading.open_plain(table):
        for row in table.rows(blanks=True):
            reading.take(row)
            yield
        return
    for part in read_batches(table, BULK_ROWS):
        if isinstance(part, Batch):
            reading.take_batch(part)
        else:
            reading.take(part)
        yield
