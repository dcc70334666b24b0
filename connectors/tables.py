"""Turn CSV files, archives of them and workbooks into rows that know their line and their raw text.

Rows stream: memory does not grow with the file. Every mistake of every header is told at once; a row that
cannot be split into the header's columns becomes a `Quarantined` and the rows beside it still count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from connectors.archives import find_members
from connectors.arrivals import BY_NAME, Arrival, arrived
from connectors.delimited import Record, read_records
from connectors.errors import BadInput
from connectors.figures import Figure
from connectors.headers import FIRST_ROW, Column, Family, Header, HeaderForm, find_header
from connectors.pages import Quarantined
from connectors.textfiles import (
    File,
    TextFile,
    examine,
    find_files,
    fingerprint,
    first_bytes,
    open_text,
    refuse_change,
)
from connectors.workbooks import SUFFIXES, ZIP, FaultyCell, is_workbook, read_sheet

_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


Outcome = TypeVar("Outcome")


class Row(NamedTuple):
    """One record: the cells of the wanted columns as written, by the names they were wanted under.

    The cell of an optional column that the file has not is ''.
    `line` is the physical line on which the record starts; `raw` is its text without the line end. `record`
    counts the table's records from 1, the header included. A `footer` row stands below the table, where cells
    may be missing: it is there to be counted, as is a `blank` one, which has no cells at all.
    """

    line: int
    cells: Mapping[str, str]
    raw: str
    footer: bool = False
    record: int | None = None
    blank: bool = False


def placed(found: Outcome, row: Row | Quarantined, sheet: str | None) -> Outcome | Quarantined:
    """Give what a row came to; one that was refused says its record and its sheet, too."""
    if isinstance(found, Quarantined) and isinstance(row, Row):
        return replace(found, record=row.record, sheet=sheet)
    return found


class CellRefused(Exception):
    """One cell cannot be used. `str()` is the reason."""

    def __init__(self, column: str, reason: str, code: str = "value") -> None:
        super().__init__(reason)
        self.column = column
        self.code = code


@dataclass(frozen=True, slots=True)
class Footer:
    """The first row with a cell of this form, in this column or (None) anywhere, ends the table."""

    pattern: re.Pattern[str]
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table stands in its file, all of it as declared.

    `encoding` is the fallback for files that are not valid UTF-8 and carry no mark. A blank cell of a column
    in `fill_down` takes the text of the cell above it. `sheet` names the sheet of a workbook; codes that it
    stores as numbers get leading zeros up to the width declared in `pad`. `arrival` is how its file shows
    that it is there in full. With an empty `quote` quotes are letters.
    """

    encoding: str = "utf-8"
    delimiter: str = ","
    header: HeaderForm = FIRST_ROW
    fill_down: tuple[str, ...] = ()
    footer: Footer | None = None
    sheet: str | None = None
    pad: Mapping[str, int] = field(default_factory=dict)
    arrival: Arrival = BY_NAME
    quote: str = '"'
    escape: str = ""


PLAIN = Layout()


@dataclass(frozen=True, slots=True)
class Table:
    """One file whose header has all required columns. `name` is the file name, for people.

    `named` counts the header's columns up to the last one with a name, `width` all of them. `families` gives
    for each wanted family the names of its columns; their cells come under these names.
    """

    file: File
    layout: Layout
    header: Header
    places: Mapping[str, int | None]
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def named(self) -> int:
        return max(place for place, title in enumerate(self.header.titles, 1) if title)

    @property
    def width(self) -> int:
        return len(self.header.titles)

    def rows(self, *, blanks: bool = False) -> Iterator[Row | Quarantined]:
        """The records in file order; blank ones are skipped, if they are not asked for."""
        with _opened(self.file, self.layout) as records:
            below = islice(records, self.header.ends, None)
            yield from self.read(below, self.header.ends + 1, blanks=blanks)

    def read(self, records: Iterable[Record], number: int, *, blanks: bool) -> Iterator[Row | Quarantined]:
        """These records as rows; the first of them is the table's record of that number."""
        return _Reading(self).rows(records, number, blanks=blanks)


def open_tables(
    path: Path | Sequence[Path],
    columns: Sequence[Column],
    families: Sequence[Family] = (),
    *,
    layout: Layout = PLAIN,
) -> tuple[Table, ...]:
    """The file, the folder's files, or these; `BadInput` with all mistakes of all headers, before any row.

    Of a folder these are the CSV files and archives of them or, where a `sheet` is declared, the workbooks.
    """
    tables: list[Table] = []
    problems: list[str] = []
    for found in table_files(path, layout) if isinstance(path, Path) else path:
        try:
            for file in _files_in(found, layout):
                tables.append(_open_table(file, columns, families, layout))  # noqa: PERF401  keeps the good ones
        except BadInput as error:
            problems.extend(error.problems)
    if problems:
        raise BadInput(*problems)
    return tuple(tables)


def table_files(path: Path, layout: Layout = PLAIN) -> tuple[Path, ...]:
    """The file, or those of a folder's files that are read; an archive is one of them."""
    found = find_files(path, *((".csv", ".tsv", ".zip") if layout.sheet is None else SUFFIXES))
    return arrived(found, layout.arrival)


class _Reading:
    """One pass over the records below the header: what was filled down, and whether the footer began."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._above = dict.fromkeys(table.layout.fill_down, "")
        self._in_footer = False
        self._named, self._width = table.named, table.width
        self._of_workbook = table.layout.sheet is not None

    def rows(self, records: Iterable[Record], first: int, *, blanks: bool) -> Iterator[Row | Quarantined]:
        for number, record in enumerate(records, first):
            if record.blank:
                if blanks:
                    yield Row(record.line, {}, "", record=number, blank=True)
                continue
            self._in_footer = self._in_footer or self._ends_table(record.cells)
            yield self._footer_row(record, number) if self._in_footer else self._row(record, number)

    def _row(self, record: Record, number: int) -> Row | Quarantined:
        table, cells, fault = self._table, record.cells, record.fault
        if fault is None and (len(cells) < self._named or any(cells[self._width :])):
            fault = f"the row has {len(cells)} cells where the header has {self._named} columns"
        if fault is not None:
            return self._refused(record, number, None, fault, "width")
        wanted = {name: "" if place is None else cells[place] for name, place in table.places.items()}
        fault_at = _faulty(wanted) if self._of_workbook else None
        if fault_at is not None:
            reason = f"the cell holds {wanted[fault_at]}. Mend the workbook"
            return self._refused(record, number, fault_at, reason, "cell")
        for name, width in table.layout.pad.items():
            if isinstance(wanted[name], Figure):
                wanted[name] = wanted[name].zfill(width)
        for name, above in self._above.items():
            self._above[name] = wanted[name] = wanted[name] if wanted[name].strip() else above
        return Row(record.line, wanted, record.raw, record=number)

    def _refused(
        self, record: Record, number: int, column: str | None, reason: str, code: str
    ) -> Quarantined:
        table = self._table
        return Quarantined(
            table.name, record.line, column, reason, record.raw, code, number, table.layout.sheet
        )

    def _footer_row(self, record: Record, number: int) -> Row:
        wanted = {name: _cell(record.cells, place) for name, place in self._table.places.items()}
        return Row(record.line, wanted, record.raw, footer=True, record=number)

    def _ends_table(self, cells: Sequence[str]) -> bool:
        footer = self._table.layout.footer
        if footer is None:
            return False
        looked = cells if footer.column is None else [_cell(cells, self._table.places[footer.column])]
        return any(footer.pattern.fullmatch(cell.strip()) for cell in looked)


def _faulty(wanted: Mapping[str, str]) -> str | None:
    return next((name for name, cell in wanted.items() if isinstance(cell, FaultyCell)), None)


def _cell(cells: Sequence[str], place: int | None) -> str:
    return cells[place] if place is not None and place < len(cells) else ""


def _files_in(path: Path, layout: Layout) -> Iterator[File]:
    """The tables of one path: the file itself, or each member of an archive."""
    head = first_bytes(path)
    if is_workbook(path, head):
        yield fingerprint(path)
    elif head.startswith(ZIP):
        for member in find_members(path):
            yield examine(path, layout.encoding, member)
    else:
        yield examine(path, layout.encoding)


@contextmanager
def _opened(file: File, layout: Layout) -> Iterator[Iterator[Record]]:
    if isinstance(file, TextFile):
        with open_text(file) as stream:
            yield read_records(Path(file.place), stream, layout.delimiter, layout.quote, layout.escape)
        return
    refuse_change(file)
    yield read_sheet(file.path, layout.sheet)
    refuse_change(file)


def _open_table(file: File, columns: Sequence[Column], families: Sequence[Family], layout: Layout) -> Table:
    path = file.place
    with _opened(file, layout) as records:
        header, problems = find_header(records, columns, families, layout.header)
    if header is None or not any(header.titles):
        raise BadInput(
            f"{path}: it holds blank rows only, or its header cannot be split into cells. "
            "It must start with a header that names the columns."
        )
    problems = _delimiter_problem(header.titles, layout.delimiter) or problems
    if problems:
        raise BadInput(*(f"{path}: line {header.line}: {problem}" for problem in problems))
    places = {column.name: next(iter(header.places(column.name)), None) for column in columns}
    members = {family.name: tuple(header.members(family)) for family in families}
    for title in chain.from_iterable(members.values()):
        places[title] = header.titles.index(title)
    return Table(file, layout, header, places, members)


def _delimiter_problem(titles: Sequence[str], delimiter: str) -> list[str]:
    other = next((mark for mark in _DELIMITERS if mark != delimiter and mark in titles[0]), None)
    if other is None or len(titles) > 1:
        return []
    remedy = f"declare `delimiter: {other!r}` if that is what separates the columns."
    return [f"the header is one column holding {_DELIMITERS[other]}s; {remedy}"]
