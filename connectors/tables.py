"""Turn CSV files into rows that know their physical line numbers and their raw text.

Rows stream: memory does not grow with the file. Every mistake of every header is told at once; a row that
cannot be split into the header's columns becomes a `Quarantined` and the rows beside it still count.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rapidfuzz import fuzz, process

from connectors.errors import BadInput
from connectors.records import Quarantined
from connectors.textfiles import TextFile, examine, find_files, open_text

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_NEAR = 60
_MISSPELT = 85


@dataclass(frozen=True, slots=True)
class Column:
    """A column somebody wants to read, by the name in the header (case and spacing do not matter)."""

    name: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One record: the cells of the wanted columns as written, by the names they were wanted under.

    The cell of an optional column that the file has not is ''.
    `line` is the physical line on which the record starts; `raw` is its text without the line end.
    """

    line: int
    cells: Mapping[str, str]
    raw: str


class CellRefused(Exception):
    """One cell cannot be used. `str()` is the reason."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


@dataclass(frozen=True, slots=True)
class Table:
    """One CSV file whose header has all required columns. `name` is the file name, for people.

    `named` counts the header's columns up to the last one with a name, `width` all of them.
    """

    file: TextFile
    delimiter: str
    named: int
    width: int
    places: Mapping[str, int | None]

    @property
    def name(self) -> str:
        return self.file.path.name

    def rows(self) -> Iterator[Row | Quarantined]:
        """The records in file order; blank ones are skipped."""
        with open_text(self.file) as stream:
            records = _records(self.file.path, stream, self.delimiter)
            next(records)
            for record in records:
                yield self._row(record)

    def _row(self, record: _Record) -> Row | Quarantined:
        cells, fault = record.cells, record.fault
        if fault is None and (len(cells) < self.named or any(cells[self.width :])):
            fault = f"the row has {len(cells)} cells where the header has {self.named} columns"
        if fault is not None:
            return Quarantined(self.name, record.line, None, fault, record.raw)
        wanted = {name: "" if place is None else cells[place] for name, place in self.places.items()}
        return Row(record.line, wanted, record.raw)


def open_tables(
    path: Path, columns: Sequence[Column], *, encoding: str = "utf-8", delimiter: str = ","
) -> tuple[Table, ...]:
    """The file, or every *.csv of the folder; `BadInput` with every mistake of every header, before any row.

    `encoding` is the fallback for files that are not valid UTF-8 and carry no mark.
    """
    tables: list[Table] = []
    problems: list[str] = []
    for found in find_files(path, ".csv"):
        try:
            tables.append(_open_table(found, columns, encoding, delimiter))
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(*problems)
    return tuple(tables)


@dataclass(frozen=True, slots=True)
class _Record:
    line: int
    cells: list[str]
    raw: str
    fault: str | None = None


class _Lines:
    """The lines of a text, remembering those handed out since `start`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._taken: list[str] = []
        self.count = 0

    def start(self) -> None:
        self._taken = []

    @property
    def first(self) -> int:
        return self.count - len(self._taken) + 1

    @property
    def raw(self) -> str:
        return "".join(self._taken).rstrip("\r\n")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        self.count += 1
        self._taken.append(line)
        return line


def _records(path: Path, stream: TextIO, delimiter: str) -> Iterator[_Record]:
    lines = _Lines(stream)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.start()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _broken(path, lines, str(error))
            continue
        if any(map(str.strip, cells)):
            yield _Record(lines.first, cells, lines.raw)


def _broken(path: Path, lines: _Lines, error: str) -> _Record:
    """A record the grammar refuses. One that ran over several lines may have swallowed rows: that ends it."""
    if "expected after" in error and lines.first == lines.count:
        return _Record(lines.first, [], lines.raw, "a quote inside a quoted cell is not doubled")
    raise BadInput(
        f"{path}: line {lines.first}: a quote opened in the record that starts here is not closed properly "
        f"(noticed on line {lines.count}: {error}). Mend the quotes; a quote inside a quoted cell is doubled."
    )


def _open_table(path: Path, columns: Sequence[Column], encoding: str, delimiter: str) -> Table:
    file = examine(path, encoding)
    with open_text(file) as stream:
        header = next(_records(path, stream, delimiter), None)
    if header is None or header.fault:
        fault = f"line {header.line}: {header.fault}" if header else "it holds blank rows only"
        raise BadInput(f"{path}: {fault}. It must start with a header that names the columns.")
    names = [fold_name(cell) for cell in header.cells]
    problems = list(_delimiter_problem(header.cells, delimiter) or header_problems(header.cells, columns))
    if problems:
        raise BadInput(*(f"{path}: line {header.line}: {problem}" for problem in problems))
    named = max(place for place, name in enumerate(names, 1) if name)
    places = {c.name: names.index(fold_name(c.name)) if fold_name(c.name) in names else None for c in columns}
    return Table(file, delimiter, named, len(names), places)


def header_problems(header: Sequence[str], columns: Sequence[Column]) -> list[str]:
    """What is wrong with a header, one sentence for each mistake, with the nearest name and the remedy."""
    names = [fold_name(cell) for cell in header]
    claimed = {fold_name(column.name) for column in columns}
    unclaimed = [" ".join(cell.split()) for cell in header if fold_name(cell) not in {"", *claimed}]
    problems: list[str] = []
    for column in columns:
        found = names.count(fold_name(column.name))
        if found > 1:
            problems.append(
                f"column {column.name!r} is there {found} times. Rename all but the one that is meant."
            )
        elif not found:
            problems.extend(_missing(column, unclaimed))
    return problems


def _delimiter_problem(header: Sequence[str], delimiter: str) -> list[str]:
    other = next((mark for mark in _DELIMITERS if mark != delimiter and mark in header[0]), None)
    if other is None or len(header) > 1:
        return []
    remedy = f"declare `delimiter: {other!r}` if that is what separates the columns."
    return [f"the header is one column holding {_DELIMITERS[other]}s; {remedy}"]


def _missing(column: Column, unclaimed: list[str]) -> Iterator[str]:
    cutoff = _NEAR if column.required else _MISSPELT
    near = process.extractOne(
        column.name, unclaimed, scorer=fuzz.ratio, processor=fold_name, score_cutoff=cutoff
    )
    remedy = "Correct the mapping or the header."
    if near is not None:
        yield f"the header has no column {column.name!r}; the nearest is {near[0]!r}. {remedy}"
    elif column.required:
        listed = ", ".join(repr(name) for name in unclaimed[:8]) or "none"
        yield f"the header has no column {column.name!r}; its other columns are {listed}. {remedy}"


def fold_name(name: str) -> str:
    """The name as it is compared: case and spacing do not matter."""
    return " ".join(name.split()).casefold()
