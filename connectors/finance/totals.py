"""Sum the amount columns of a file on their own, so that nothing the mapping loses can go unnoticed.

A total counts every cell of a declared amount column whose year, version and currency can be read and whose
text is a whole number of minor units by a plain reading with `Decimal`, on good rows and on quarantined ones
alike. It does not go through the strict parser nor through budget lines. So, for every version, fiscal year
and currency, in minor units:

    totals = budget lines accepted + refused

where `refused` is the part that stands on quarantined rows. A cell that cannot be read at all, and a row with
the wrong number of cells, is in neither: what it is worth is not known. It is told by its quarantined row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from functools import partial
from typing import NamedTuple

from connectors.figures import Figure
from connectors.finance.cells import Cells, combine
from connectors.finance.config import FinanceMapping, Plan
from connectors.finance.frames import Frames, Key
from connectors.finance.money import Notation
from connectors.finance.vocabulary import Amount
from connectors.pages import ControlTotal
from connectors.tables import CellRefused

_EXACT = Context(prec=200)


class Loose(NamedTuple):
    """One amount by the plain reading, and what it belongs to."""

    amount: Amount
    currency: str
    minor: int
    key: Key


class Tally:
    """The running sums of one pull."""

    def __init__(self, config: FinanceMapping) -> None:
        self._config = config
        self._notation = config.number.notation()
        self._all: Counter[Key] = Counter()
        self._refused: Counter[Key] = Counter()
        self._excluded: Counter[Key] = Counter()

    def exclude(self, amounts: Iterable[Loose]) -> None:
        """Count amounts that only state the sum of others."""
        for found in amounts:
            self._excluded[found.key] += found.minor

    def add(self, amounts: Iterable[Loose], *, refused: bool) -> None:
        for found in amounts:
            self._all[found.key] += found.minor
            if refused:
                self._refused[found.key] += found.minor

    def add_sums(self, sums: Mapping[Key, int]) -> None:
        """Add the sums of rows that are good."""
        self._all.update(sums)

    @property
    def totals(self) -> tuple[ControlTotal, ...]:
        return _control_totals(self._all)

    @property
    def refused(self) -> tuple[ControlTotal, ...]:
        return _control_totals(self._refused)

    @property
    def excluded(self) -> tuple[ControlTotal, ...]:
        return _control_totals(self._excluded)

    def read(self, cells: Cells, plan: Plan, frames: Frames) -> list[Loose]:
        """The amounts of a row as far as they can be read."""
        found = []
        for place, amount in enumerate(plan.amounts):
            loose = self._read(cells, amount, frames, place)
            if loose is not None:
                found.append(loose)
        return found

    def _read(self, cells: Cells, amount: Amount, frames: Frames, place: int) -> Loose | None:
        try:
            frame = frames.read(cells, place)
            if amount.column is not None and amount.sign is None:
                minor = self._minor(cells, frame.exponent, amount.column)
            else:
                minor = combine(cells, amount, partial(self._minor, cells, frame.exponent))
        except CellRefused:
            return None
        return None if minor is None else Loose(amount, frame.currency, minor, frame.key)

    def _minor(self, cells: Cells, exponent: int, column: str) -> int | None:
        text = cells[column]
        if isinstance(text, Figure):
            return _nearest(Decimal(text), exponent, self._config.scale)
        return loose_minor(text, self._notation, exponent, self._config.scale)


def _nearest(number: Decimal, exponent: int, scale: int) -> int | None:
    """The minor units of a number that was a float, which may be a hair beside them."""
    minor = _EXACT.multiply(number, Decimal(scale * 10**exponent))
    whole = minor.to_integral_value()
    return int(whole) if abs(minor - whole) <= Decimal("0.000001") else None


def loose_minor(text: str, notation: Notation, exponent: int, scale: int) -> int | None:
    """The amount by a plain reading: any sign style, groups of any size; None where it is no whole number."""
    whole, _, fraction = text.partition(notation.decimal)
    places = exponent + len(str(scale)) - 1
    if text.isascii() and (whole + fraction).isdigit() and 0 < len(whole) < 40 and len(fraction) <= places:
        return int(whole + fraction.ljust(places, "0"))  # nothing but digits: no need of Decimal
    bare = "".join(text.split()).replace("\u2212", "-")
    if notation.negative == "1 CR":
        bare = f"-{bare[:-2]}" if bare.endswith("CR") else bare.removesuffix("DR")
    for mark in (notation.symbol, notation.group):
        bare = bare.replace("".join(mark.split()), "") if mark.strip() else bare
    negative = bare.startswith(("-", "(")) or bare.endswith("-")
    bare = bare.strip("-()").replace(notation.decimal, ".")
    if len(bare) > 100 or not re.fullmatch(r"[0-9]+\.?[0-9]*|\.[0-9]+", bare):
        return None
    minor = _EXACT.multiply(Decimal(bare), Decimal(scale * 10**exponent))
    if minor != minor.to_integral_value():
        return None
    return -int(minor) if negative else int(minor)


def _control_totals(sums: Counter[Key]) -> tuple[ControlTotal, ...]:
    return tuple(
        ControlTotal(version, year, currency, sums[year, version, currency])
        for year, version, currency in sorted(sums)
    )
