"""Turn batches of plain rows into columns of budget lines: what is asked of each cell, asked of all at once.

A batch is plain where every row is sure to be taken: cells to all columns, an id, and amounts by the strict
grammar. Of any other batch nothing is made here; its rows go the way of all rows, one by one, with the same
outcome for the good ones and a reason for the bad.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, compress
from operator import attrgetter
from typing import Any

from connectors.batches import Batch
from connectors.finance.config import FinanceMapping, Plan
from connectors.finance.frames import Frame, Frames, Key
from connectors.finance.money import AmountRefused, parse_minor
from connectors.finance.totals import loose_minor
from connectors.records import LineColumns
from connectors.tables import CellRefused

# With the decimals of any currency behind them, so many digits stay below the largest amount.
_DIGITS = 14
_SAID = attrgetter("said")
# Such a part of a key is escaped.
_MARK = re.compile(r"[|\\]")

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Plain:
    """What a batch came to: budget lines, the sums of their cells by another reading, and names to be new.

    The names are the rows' own ids or, without them, the ids of their lines.
    """

    columns: tuple[LineColumns, ...]
    sums: Mapping[Key, int]
    names: Sequence[str]


class _NotPlain(Exception):
    """A row of the batch is none that is sure to be taken."""


def speak_for_themselves(config: FinanceMapping, plan: Plan) -> bool:
    """Whether by this mapping no row says anything of another one, and codes are what their cells hold."""
    codes = config.columns
    return (
        not (config.totals or plan.sums or codes.issue or codes.parent or config.project_separator)
        and bool(plan.amounts)
        and all(amount.column is not None and amount.sign is None for amount in plan.amounts)
    )


class PlainRows:
    """The reader of one table: where its columns stand, and the frames met so far."""

    def __init__(
        self, config: FinanceMapping, plan: Plan, frames: Frames, places: Mapping[str, int | None], width: int
    ) -> None:
        self._codes, self._frames, self._places, self._width = config.columns, frames, places, width
        self._titles = [amount.column or "" for amount in plan.amounts]
        self._money = _Money(config)

    def read(self, batch: Batch) -> Plain | None:
        """The batch by the column; None where it is not plain."""
        if set(map(len, batch.cells)) != {self._width}:
            return None
        columns = tuple(zip(*batch.cells, strict=True))
        absent = ("",) * len(batch)
        cells = {name: absent if at is None else columns[at] for name, at in self._places.items()}
        try:
            return self._read(cells, range(batch.line, batch.line + len(batch)))
        except (_NotPlain, CellRefused, AmountRefused):
            return None

    def _read(self, cells: Columns, lines: range) -> Plain:
        names, count = self._codes, len(lines)
        codes = [_codes(cells, name, count) for name in (names.project, names.cost_centre, names.account)]
        own_ids = None if names.id is None else list(map(str.strip, cells[names.id]))
        keys = _keys(codes) if own_ids is None else own_ids
        if (own_ids is not None and not all(own_ids)) or _marked(codes if own_ids is None else [own_ids]):
            raise _NotPlain
        shared = (*codes, _codes(cells, names.description, count), lines)
        sums: defaultdict[Key, int] = defaultdict(int)
        columns, given = [], []
        tails: list[str] = []
        for place, title in enumerate(self._titles):
            frames = self._frames.read_all(cells, place, count)
            distinct = {id(frame): frame for frame in frames}
            minors = self._money.read(cells[title], frames, distinct, sums)
            columns.append(_lines(keys, frames, minors, shared))
            given.append(minors)
            tails += {frame.tail for frame in distinct.values()}
        if all(None in minors for minors in given) and _all_blank(given):
            raise _NotPlain
        if len(set(tails)) < len(tails):  # two amounts of a row might be of one key
            raise _NotPlain
        found = tuple(part for part in columns if len(part))
        ids = list(chain.from_iterable(part.id for part in found)) if own_ids is None else own_ids
        return Plain(found, sums, ids)


class _Money:
    """The reading of a column of amounts, strictly and, for the sums, once more by another way."""

    def __init__(self, config: FinanceMapping) -> None:
        self._scale, self._notation = config.scale, config.number.notation()
        minus = "-?" if self._notation.negative == "-1" else ""
        mark = re.escape(self._notation.decimal)
        self._forms = [
            re.compile(rf"(?:{minus}[0-9]{{1,{_DIGITS}}}{mark * bool(places)}[0-9]{{{places}}}\n)*")
            for places in range(5)
        ]

    def read(
        self,
        texts: Sequence[str],
        frames: Sequence[Frame],
        distinct: Mapping[int, Frame],
        sums: defaultdict[Key, int],
    ) -> Sequence[int | None]:
        """The minor units of each cell; their sums are added to those so far."""
        exponents = {frame.exponent for frame in distinct.values()}
        if self._scale == 1 and len(exponents) == 1:
            joined = "\n".join(texts) + "\n"
            if self._forms[min(exponents)].fullmatch(joined):  # as most are: all with the currency's decimals
                return self._alike(joined, frames, distinct, sums)
        notation, scale = self._notation, self._scale
        for text, frame in zip(texts, frames, strict=True):
            found = loose_minor(text, notation, frame.exponent, scale)
            if found is not None:
                sums[frame.key] += found
        return [
            parse_minor(text, frame.currency, notation, scale)
            for text, frame in zip(texts, frames, strict=True)
        ]

    def _alike(
        self, joined: str, frames: Sequence[Frame], distinct: Mapping[int, Frame], sums: defaultdict[Key, int]
    ) -> list[int]:
        mark = self._notation.decimal
        numbers: defaultdict[int, Decimal] = defaultdict(Decimal)
        written = map(Decimal, joined.replace(mark, ".").split())
        for frame, number in zip(map(id, frames), written, strict=True):
            numbers[frame] += number
        for place, total in numbers.items():
            sums[distinct[place].key] += int(total.scaleb(distinct[place].exponent))
        return list(map(int, joined.replace(mark, "").split()))


def _lines(
    keys: Sequence[str],
    frames: Sequence[Frame],
    minors: Sequence[int | None],
    shared: Sequence[Sequence[Any]],
) -> LineColumns:
    """The lines of one amount of each row; where its cell is blank, there is none."""
    ids = [f"{key}|{frame.tail}" for key, frame in zip(keys, frames, strict=True)]
    columns: list[Sequence[Any]] = [ids, *zip(*map(_SAID, frames), strict=True), minors, *shared]
    if None in minors:
        there = [minor is not None for minor in minors]
        columns = [list(compress(column, there)) for column in columns]
    return LineColumns(*columns)


def _keys(codes: Sequence[Sequence[str | None]]) -> list[str]:
    return ["|".join([part or "" for part in parts]) for parts in zip(*codes, strict=True)]


def _marked(codes: Sequence[Sequence[str | None]]) -> bool:
    return any(_MARK.search("\n".join(filter(None, column))) for column in codes)


def _codes(cells: Columns, column: str | None, count: int) -> Sequence[str | None]:
    if column is None:
        return [None] * count
    texts = list(map(str.strip, cells[column]))
    return [text or None for text in texts] if "" in texts else texts


def _all_blank(given: Sequence[Sequence[int | None]]) -> bool:
    """Whether there is a row without any amount."""
    return any(all(minor is None for minor in row) for row in zip(*given, strict=True))
