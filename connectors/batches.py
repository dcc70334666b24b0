"""Read a delimited file by the batch: records that stand on one physical line each, split at once.

What is not of that kind, such as a record that runs over several lines, comes as rows, as of any table.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, starmap
from pathlib import Path
from typing import TextIO

from connectors.delimited import Record, read_records, split
from connectors.pages import Quarantined
from connectors.tables import Row, Table
from connectors.textfiles import TextFile, open_text


@dataclass(frozen=True, slots=True)
class Batch:
    """Records one after another, with their texts; the first is that of this line and of this number."""

    table: Table
    line: int
    number: int
    texts: Sequence[str]
    cells: Sequence[list[str]]

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self) -> Iterator[Row | Quarantined]:
        """The same records as rows, blank ones included."""
        raws = (text.rstrip("\r\n") for text in self.texts)
        lines = range(self.line, self.line + len(self))
        records = starmap(Record, zip(lines, self.cells, raws, strict=True))
        return self.table.read(records, self.number, blanks=True)

    def halves(self) -> Iterator[Batch]:
        middle = len(self) // 2
        for start, end in ((0, middle), (middle, len(self))):
            part = slice(start, end)
            yield Batch(
                self.table, self.line + start, self.number + start, self.texts[part], self.cells[part]
            )


def comes_in_batches(table: Table) -> bool:
    """Whether no row of the table depends on the rows above it, so that batches of them mean the same."""
    layout = table.layout
    return isinstance(table.file, TextFile) and not layout.fill_down and layout.footer is None


def read_batches(table: Table, size: int) -> Iterator[Batch | Row | Quarantined]:
    """All records below the header in file order; raises what reading them one by one does."""
    if not isinstance(table.file, TextFile):
        raise TypeError(f"{table.file.place} is no text file")
    with open_text(table.file) as stream:
        lines = _Batches(table, stream)
        lines.skip_header()
        while texts := list(islice(stream, size)):
            yield from lines.read(texts)


class _Batches:
    """One pass over a file: how many lines and records of it have been read."""

    def __init__(self, table: Table, stream: TextIO) -> None:
        layout = table.layout
        self._table, self._stream = table, stream
        self._grammar = (layout.delimiter, layout.quote, layout.escape)
        self._lines, self._number = 0, 1
        self._waiting: deque[str] = deque()

    def skip_header(self) -> None:
        for _ in islice(self._records(), self._table.header.ends):
            self._number += 1

    def read(self, texts: list[str]) -> Iterator[Batch | Row | Quarantined]:
        cells = self._split(texts)
        if cells is None:
            yield from self._one_by_one(texts)
            return
        batch = Batch(self._table, self._lines + 1, self._number, texts, cells)
        self._lines += len(texts)
        self._number += len(texts)
        yield batch

    def _split(self, texts: list[str]) -> list[list[str]] | None:
        """The cells of each line, if each is a record: every record takes a line at least."""
        try:
            cells = list(split(texts, *self._grammar))
        except csv.Error:
            return None
        return cells if len(cells) == len(texts) else None

    def _one_by_one(self, texts: list[str]) -> Iterator[Row | Quarantined]:
        """The records of these lines; the last of them may run on over the lines that follow."""
        self._waiting.extend(texts)
        for record in self._records():
            yield from self._table.read((record,), self._number, blanks=True)
            self._number += 1
            if not self._waiting:
                return

    def _records(self) -> Iterator[Record]:
        return read_records(Path(self._table.file.place), self._feed(), *self._grammar, before=self._lines)

    def _feed(self) -> Iterator[str]:
        while self._waiting:
            self._lines += 1
            yield self._waiting.popleft()
        for line in self._stream:
            self._lines += 1
            yield line
