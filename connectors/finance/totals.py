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
from collections.abc import Iterator, Mapping
from decimal import Context, Decimal

from connectors.finance.config import FinanceSourceConfig
from connectors.finance.mapping import read_currency, read_version, read_year
from connectors.finance.money import Notation, exponent_of
from connectors.records import BudgetVersion, ControlTotal
from connectors.tables import CellRefused

_Key = tuple[int, BudgetVersion, str]
_EXACT = Context(prec=200)


class Tally:
    """The running sums of one pull."""

    def __init__(self, config: FinanceSourceConfig) -> None:
        self._config = config
        self._notation = config.number.notation()
        self._all: Counter[_Key] = Counter()
        self._refused: Counter[_Key] = Counter()

    def add(self, cells: Mapping[str, str], *, refused: bool) -> None:
        for key, amount in self._amounts(cells):
            self._all[key] += amount
            if refused:
                self._refused[key] += amount

    @property
    def totals(self) -> tuple[ControlTotal, ...]:
        return _control_totals(self._all)

    @property
    def refused(self) -> tuple[ControlTotal, ...]:
        return _control_totals(self._refused)

    def _amounts(self, cells: Mapping[str, str]) -> Iterator[tuple[_Key, int]]:
        for amount in self._config.all_amounts():
            try:
                currency = read_currency(cells, self._config)
                key = (read_year(cells, amount), read_version(cells, amount), currency)
            except CellRefused:
                continue
            minor = loose_minor(
                cells[amount.column], self._notation, exponent_of(currency), self._config.scale
            )
            if minor is not None:
                yield key, minor


def loose_minor(text: str, notation: Notation, exponent: int, scale: int) -> int | None:
    """The amount by a plain reading: any sign style, groups of any size; None where it is no whole number."""
    bare = "".join(text.split())
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


def _control_totals(sums: Counter[_Key]) -> tuple[ControlTotal, ...]:
    return tuple(
        ControlTotal(version, year, currency, sums[year, version, currency])
        for year, version, currency in sorted(sums)
    )
