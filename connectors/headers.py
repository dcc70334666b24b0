"""Turn the first records of a table into its header: where it stands and which column is which."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from connectors.delimited import Record

_NEAR = 60
_MISSPELT = 85
_NUMBERED = re.compile(r"(?P<name>.+) #(?P<ordinal>[1-9][0-9]?)")


@dataclass(frozen=True, slots=True)
class Column:
    """A column somebody wants to read, by the name in the header (case and spacing do not matter).

    Where the header has a name more than once, `Amount #2` is the second column of that name.
    """

    name: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Family:
    """Columns wanted by the form of their names (Jan-26, Feb-26 …); exactly `count` of them must be there."""

    name: str
    pattern: re.Pattern[str]
    count: int


@dataclass(frozen=True, slots=True)
class HeaderForm:
    """How a header stands in its file: somewhere within the first `within` rows that are not blank.

    A header of several `rows` is joined column by column, with a space; `spread` carries a cell of an upper
    row to the right over the blank cells beside it (merged cells). `fold` also ignores accents in names.
    """

    within: int = 1
    rows: int = 1
    spread: bool = False
    fold: bool = False


FIRST_ROW = HeaderForm()


@dataclass(frozen=True, slots=True)
class Header:
    """The column names as they stand in the file, spacing made single.

    `line` is where it starts, `ends` the number of records up to its end, blank ones and itself included.
    """

    line: int
    titles: tuple[str, ...]
    fold: bool = False
    ends: int = 0

    def key(self, name: str) -> str:
        return fold_name(name, accents=self.fold)

    def places(self, name: str) -> list[int]:
        """Where columns of this name stand; `Name #2` is the second of several."""
        found = self._named(name)
        numbered = _NUMBERED.fullmatch(" ".join(name.split()))
        if found or numbered is None:
            return found
        same = self._named(numbered["name"])
        ordinal = int(numbered["ordinal"])
        return same[ordinal - 1 : ordinal] if len(same) > 1 else []

    def members(self, family: Family) -> list[str]:
        return [title for title in self.titles if family.pattern.fullmatch(title)]

    def problems(self, columns: Sequence[Column], families: Sequence[Family] = ()) -> list[str]:
        """What is wrong with the header, one sentence for each mistake, with nearest name and remedy."""
        claimed = {place for column in columns for place in self.places(column.name)}
        unclaimed = [title for place, title in enumerate(self.titles) if title and place not in claimed]
        problems: list[str] = []
        for column in columns:
            found = len(self.places(column.name))
            if found > 1:
                problems.append(
                    f"column {column.name!r} is there {found} times. Rename all but the one that is meant, "
                    f"or declare the one by its number: '{column.name} #1'."
                )
            elif not found:
                problems.extend(_missing(column, unclaimed, self.key))
        return problems + [problem for family in families for problem in self._family_problems(family)]

    def _named(self, name: str) -> list[int]:
        key = self.key(name)
        return [place for place, title in enumerate(self.titles) if title and self.key(title) == key]

    def _family_problems(self, family: Family) -> Iterator[str]:
        members = self.members(family)
        twice = sorted({title for title in members if members.count(title) > 1})
        if twice:
            yield f"column {twice[0]!r} is there {members.count(twice[0])} times. Rename all but one."
        elif len(members) != family.count:
            there = f": {', '.join(map(repr, members))}" if members else ""
            yield (
                f"{family.count} columns named like {family.name!r} are declared and {len(members)} are there"
                f"{there}. Correct `labels`, or declare the `count` that is right."
            )


def find_header(
    records: Iterable[Record], columns: Sequence[Column], families: Sequence[Family], form: HeaderForm
) -> tuple[Header | None, list[str]]:
    """The first row (or rows) that holds all that is required, taken from `records`, and its problems.

    Where no row does, the one that comes nearest; None where there is no row at all.
    """
    required = [column for column in columns if column.required]
    nearest: Header | None = None
    fewest = 0
    for header in _candidates(records, form):
        lacking = len(header.problems(required, families))
        if not lacking:
            return header, header.problems(columns, families)
        if nearest is None or lacking < fewest:
            nearest, fewest = header, lacking
    return nearest, nearest.problems(columns, families) if nearest else []


def header_problems(titles: Iterable[str], columns: Sequence[Column]) -> list[str]:
    """What is wrong with column names that stand in no row, such as the keys of a document."""
    return Header(1, tuple(" ".join(title.split()) for title in titles)).problems(columns)


def fold_name(name: str, *, accents: bool = False) -> str:
    """The name as it is compared: case and spacing do not matter, and with `accents` neither do accents."""
    if accents:
        parts = unicodedata.normalize("NFKD", name)
        name = "".join(mark for mark in parts if not unicodedata.combining(mark))
    return " ".join(name.split()).casefold()


def _candidates(records: Iterable[Record], form: HeaderForm) -> Iterator[Header]:
    window: list[Record] = []
    seen = 0
    for number, record in enumerate(records, 1):
        if record.blank:
            continue
        seen += 1
        window = [*window, record][-form.rows :]
        if len(window) == form.rows and not any(part.fault for part in window):
            yield _joined(window, form, number)
        if seen >= form.within + form.rows - 1:
            return


def _joined(window: Sequence[Record], form: HeaderForm, ends: int) -> Header:
    width = max(len(record.cells) for record in window)
    rows = [[*record.cells, *[""] * (width - len(record.cells))] for record in window]
    upper = [_spread(row) if form.spread else row for row in rows[:-1]]
    titles = (
        " ".join(part for part in map(_single_spaced, parts) if part)
        for parts in zip(*upper, rows[-1], strict=True)
    )
    return Header(window[0].line, tuple(titles), form.fold, ends)


def _single_spaced(text: str) -> str:
    """Tabs stay: they may be the delimiter that was not declared."""
    return re.sub(r"[ \r\n\u00a0]+", " ", text).strip()


def _spread(row: list[str]) -> list[str]:
    spread: list[str] = []
    for cell in row:
        spread.append(cell if cell.strip() or not spread else spread[-1])
    return spread


def _missing(column: Column, unclaimed: list[str], key: Callable[[str], str]) -> Iterator[str]:
    cutoff = _NEAR if column.required else _MISSPELT
    near = process.extractOne(column.name, unclaimed, scorer=fuzz.ratio, processor=key, score_cutoff=cutoff)
    remedy = "Correct the mapping or the header."
    if near is not None:
        yield f"the header has no column {column.name!r}; the nearest is {near[0]!r}. {remedy}"
    elif column.required:
        listed = ", ".join(repr(name) for name in unclaimed[:8]) or "none"
        yield f"the header has no column {column.name!r}; its other columns are {listed}. {remedy}"
