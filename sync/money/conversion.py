"""Turn sums of other currencies into the reporting currency by exact rates; what has no rate stays as it is.

Nothing here is a float: rates are fractions made of decimal text. Each sum (of one currency, version, period
and standing) is rounded once, half to even, to the minor unit of the reporting currency.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from operator import itemgetter
from typing import NamedTuple

from connectors.finance.currencies import EXPONENTS
from connectors.records import RateType
from sync.money.places import Place

ROUNDING = "half to even, each sum of a period and standing"

_PERIOD = re.compile(r"FY(?P<year>[0-9]{4})(?:-(?:Q(?P<quarter>[1-4])|(?P<number>[0-9]{2})))?", re.ASCII)


class Quote(NamedTuple):
    """What one unit of a currency is worth in another, and the rows of rates which that rests on."""

    worth: Fraction
    places: tuple[Place, ...] = ()


# What looks up the rate of a pair of currencies.
Quoted = Callable[[str, str], Quote | None]


class FxType(StrEnum):
    """Which rates convert: those of a type that their source declares, or means of its spot rates of days."""

    SPOT = RateType.SPOT.value
    AVERAGE = RateType.AVERAGE.value
    CLOSING = RateType.CLOSING.value
    BUDGET = RateType.BUDGET.value
    DAILY_AVERAGE = "daily-average"

    @property
    def declared(self) -> RateType:
        """Give the type that these rates have at their source."""
        return RateType.SPOT if self is FxType.DAILY_AVERAGE else RateType(self.value)


@dataclass(frozen=True, slots=True)
class Rate:
    """One unit of `base` is worth `rate` units of `quote`, on a day or over a fiscal period."""

    base: str
    quote: str
    rate: str
    on: date | None
    period: str | None
    file: str | None = None
    sheet: str | None = None
    line: int | None = None

    @property
    def quotation(self) -> Quote:
        """Give the rate as it is quoted, with its place where that is known."""
        known = self.file is not None and self.line is not None
        places = (Place(self.file or "", self.sheet, self.line or 0),) if known else ()
        return Quote(Fraction(Decimal(self.rate)), places)


@dataclass(frozen=True, slots=True)
class Sum:
    """Money of one currency, version, fiscal period and standing, in its own minor units."""

    currency: str
    version: str
    fiscal_year: int
    period: str
    state: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Converted:
    """What a sum is worth in the reporting currency, by which quote; `sum` is what it was before."""

    sum: Sum
    amount_minor: int
    quote: Quote


@dataclass(slots=True)
class RateBook:
    """The rates of one set and type. `starts` is the month in which fiscal years start, for rates of days.

    Of rates of days the last one in a period is taken, its closing rate, or the plain mean of all in it where
    it is to be `averaged`: of the pair as it is quoted, exact.
    """

    rates: Iterable[Rate]
    starts: int = 1
    averaged: bool = False
    periods: dict[tuple[str, str], dict[str, Quote]] = field(default_factory=lambda: defaultdict(dict))
    days: dict[tuple[str, str], list[tuple[date, Quote]]] = field(default_factory=lambda: defaultdict(list))
    bases: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for rate in self.rates:
            pair, quote = (rate.base, rate.quote), rate.quotation
            self.bases.add(rate.base)
            if rate.period is not None:
                self.periods[pair][rate.period] = quote
            if rate.on is not None:
                self.days[pair].append((rate.on, quote))
        for listed in self.days.values():
            listed.sort(key=itemgetter(0))

    def find(self, currency: str, target: str, period: str) -> Quote | None:
        """Give what one unit of a currency is worth in the target: directly, turned round, through one base.

        A period without a rate of its own takes the one that is declared for its year, if there is one.
        """
        year = period[:6]
        looked_up = (
            lambda *pair: self.periods.get(pair, {}).get(period),
            lambda *pair: self._of_days(pair, period),
            lambda *pair: self.periods.get(pair, {}).get(year),
        )
        return next((found for quoted in looked_up for found in self._ways(currency, target, quoted)), None)

    def _ways(self, currency: str, target: str, quoted: Quoted) -> Iterator[Quote]:
        direct, turned = quoted(currency, target), quoted(target, currency)
        if direct is not None:
            yield direct
        if turned is not None:
            yield Quote(1 / turned.worth, turned.places)
        for base in sorted(self.bases):
            ours, theirs = quoted(base, target), quoted(base, currency)
            if ours is not None and theirs is not None:
                yield Quote(ours.worth / theirs.worth, (*ours.places, *theirs.places))

    def _of_days(self, pair: tuple[str, str], period: str) -> Quote | None:
        listed = self.days.get(pair)
        span = days_of(period, self.starts) if listed else None
        if not listed or span is None:
            return None
        first = bisect_left(listed, span[0], key=lambda it: it[0])
        inside = listed[first : bisect_right(listed, span[1], key=lambda it: it[0])]
        quotes = [quote for _, quote in inside]
        if not quotes or not self.averaged:
            return quotes[-1] if quotes else None
        mean = sum((quote.worth for quote in quotes), Fraction()) / len(quotes)
        return Quote(mean, tuple(place for quote in quotes for place in quote.places))


def days_of(period: str, starts: int) -> tuple[date, date] | None:
    """Give the first and the last day of a fiscal period of months; the 13th and later end with the year."""
    match = _PERIOD.fullmatch(period)
    if match is None:
        return None
    first, last = 1, 12
    if match["quarter"]:
        last = int(match["quarter"]) * 3
        first = last - 2
    elif match["number"]:
        first = last = min(int(match["number"]), 12)
    year = int(match["year"]) - (starts > 1)
    begin, end = (divmod(year * 12 + starts - 1 + number, 12) for number in (first - 1, last))
    return date(begin[0], begin[1] + 1, 1), date.fromordinal(date(end[0], end[1] + 1, 1).toordinal() - 1)


def convert(sums: Iterable[Sum], book: RateBook, target: str) -> tuple[list[Converted], list[Sum]]:
    """Convert each sum, or give it back where the book has no rate for it; never one by a rate of 1."""
    done: list[Converted] = []
    missing: dict[tuple[str, str, str], Sum] = {}
    for it in sums:
        quote = book.find(it.currency, target, it.period)
        if quote is not None:
            worth = exchanged(it.amount_minor, it.currency, target, quote.worth)
            done.append(Converted(it, worth, quote))
            continue
        key = (it.currency, it.version, it.period)
        whole = missing.get(key, replace(it, state="", amount_minor=0))
        missing[key] = replace(whole, amount_minor=whole.amount_minor + it.amount_minor)
    return done, list(missing.values())


def exchanged(amount_minor: int, currency: str, target: str, rate: Fraction) -> int:
    """Give an amount in the minor units of the target, rounded half to even."""
    exact = amount_minor * rate * Fraction(10) ** (EXPONENTS[target] - EXPONENTS[currency])
    return round(exact)
