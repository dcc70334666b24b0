"""Derive figures of other currencies in the reporting one, by one set of rates; keep what has no rate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, union_all

from sync.figures.coverage import Series, Split, add_up
from sync.figures.intake import ConvertedSlice, MissingRate
from sync.money.conversion import Converted, FxType, Rate, RateBook, Sum, convert
from sync.money.places import Place, places_text
from sync.store import tables
from sync.store.coverage import idle_money, money, standing
from sync.store.money.candidates import budget_line
from sync.store.presence import kept
from sync.store.schema import table_of

converted = table_of(tables.ConvertedMoney)
fx_rate = table_of(tables.FxRate)
missing_rate = table_of(tables.MissingRate)
rate_gap = table_of(tables.RateGap)


# The columns of a `Rate`, in its order.
QUOTED = ("base", "quote", "rate", "on_day", "period", "file", "sheet", "line")


@dataclass(frozen=True, slots=True)
class Conversion:
    """What the reporting currency is and which rates count; `starts` is the first month of fiscal years."""

    target: str
    rate_set: str
    rate_type: str
    starts: int

    @property
    def fx_type(self) -> FxType:
        """Give the type of rates as what it is."""
        return FxType(self.rate_type)


def save_gaps(connection: Connection, asked: Conversion | None) -> None:
    """Keep which currencies and periods of the money that stands have no rate; none where nobody converts."""
    connection.execute(delete(rate_gap))
    if asked is None:
        return
    held = select(budget_line.c.currency, budget_line.c.period).distinct()
    pairs = connection.execute(held.where(kept(budget_line), budget_line.c.currency != asked.target)).all()
    book = rate_book(connection, asked, {row.currency for row in pairs})
    gaps = [
        {"currency": row.currency, "period": row.period}
        for row in pairs
        if book.find(row.currency, asked.target, row.period) is None
    ]
    if gaps:
        connection.execute(insert(rate_gap), gaps)


def save_conversions(
    connection: Connection,
    run_id: int,
    asked: Conversion,
    today: date,
    *,
    certain: bool,
    dark: Collection[str] = (),
) -> None:
    """Save what the money of a run in other currencies is worth, by standing, and what has no rate."""
    states = (
        standing(today, certain=certain, dark=dark),
        idle_money(today, certain=certain and not dark),
    )
    sums = read_sums(connection, asked.target, money(states[0]), states[1])
    book = rate_book(connection, asked, {it.currency for it in sums})
    done, missing = convert(sums, book, asked.target)
    named = {
        "run_id": run_id,
        "target": asked.target,
        "rate_set": asked.rate_set,
        "rate_type": asked.rate_type,
    }
    rows = [named | row for row in summed(done)]
    gaps = [
        named
        | {
            "currency": it.currency,
            "version": it.version,
            "fiscal_year": it.fiscal_year,
            "period": it.period,
            "source_minor": it.amount_minor,
        }
        for it in missing
    ]
    for table, found in ((converted, rows), (missing_rate, gaps)):
        if found:
            connection.execute(insert(table), found)


def summed(done: Sequence[Converted]) -> list[dict[str, Any]]:
    """Add up the converted sums of each series and standing: a few rows, whatever the number of periods.

    Each says where all rates of its series stand.
    """
    places: defaultdict[tuple[str, str, int], set[Place]] = defaultdict(set)
    totals: defaultdict[tuple[str, str, int, str], list[int]] = defaultdict(lambda: [0, 0])
    for it in done:
        key = (it.sum.currency, it.sum.version, it.sum.fiscal_year, it.sum.state)
        totals[key][0] += it.sum.amount_minor
        totals[key][1] += it.amount_minor
        places[key[:3]].update(it.quote.places)
    names = ("currency", "version", "fiscal_year", "state")
    return [
        dict(zip(names, key, strict=True))
        | {"source_minor": source, "amount_minor": amount, "rates_from": places_text(places[key[:3]])}
        for key, (source, amount) in sorted(totals.items())
    ]


def read_sums(connection: Connection, target: str, *parts: Select[Any]) -> list[Sum]:
    """Read the money of other currencies by version, period and standing."""
    facts = union_all(*(as_facts(part, target) for part in parts)).subquery()
    keys = [facts.c[name] for name in ("currency", "version", "fiscal_year", "period", "state")]
    rows = connection.execute(select(*keys, func.sum(facts.c.amount)).group_by(*keys).order_by(*keys))
    return [Sum(*row[:5], int(row[5])) for row in rows]


def as_facts(part: Select[Any], target: str) -> Select[Any]:
    """Name the columns of money and of what falls to no work alike, with the period, but for one currency."""
    part = part.add_columns(budget_line.c.period).where(budget_line.c.currency != target)
    *_, currency, version, fiscal_year, state, amount, _, period = part.subquery().c
    named = {"currency": currency, "version": version, "fiscal_year": fiscal_year, "period": period}
    return select(
        *(column.label(name) for name, column in (named | {"state": state, "amount": amount}).items())
    )


def rate_book(connection: Connection, asked: Conversion, currencies: set[str]) -> RateBook:
    """Give the rates that may turn these currencies into the target."""
    rates = read_rates(connection, asked, currencies)
    return RateBook(rates, asked.starts, averaged=asked.fx_type is FxType.DAILY_AVERAGE)


def read_rates(connection: Connection, asked: Conversion, currencies: set[str]) -> list[Rate]:
    """Read the rates of a set that may serve: those with our currencies on one side."""
    wanted = [*currencies, asked.target]
    rows = connection.execute(
        select(*(fx_rate.c[name] for name in QUOTED)).where(
            fx_rate.c.source == asked.rate_set,
            fx_rate.c.type == asked.fx_type.declared.value,
            kept(fx_rate),
            or_(fx_rate.c.base.in_(wanted), fx_rate.c.quote.in_(wanted)),
        )
    )
    return [Rate(*row) for row in rows]


def read_converted(connection: Connection, run_id: int) -> tuple[ConvertedSlice, ...]:
    """Read the derived figures of a run, series by series, the newest first."""
    rows = connection.execute(
        select(converted)
        .where(converted.c.run_id == run_id)
        .order_by(converted.c.currency, converted.c.fiscal_year.desc(), converted.c.version)
    ).all()
    grouped: dict[Series, list[Any]] = {}
    for row in rows:
        grouped.setdefault(Series(row.currency, row.fiscal_year, row.version), []).append(row)
    return tuple(
        ConvertedSlice(
            series=series,
            target=group[0].target,
            rate_set=group[0].rate_set,
            rate_type=group[0].rate_type,
            source_minor=sum(int(row.source_minor) for row in group),
            rates_from=group[0].rates_from or "",
            money=add_up(Split(**{row.state: int(row.amount_minor)}) for row in group),
        )
        for series, group in grouped.items()
    )


def read_missing(connection: Connection, run_id: int) -> tuple[MissingRate, ...]:
    """Read the money of a run that no rate was found for."""
    rows = connection.execute(
        select(missing_rate)
        .where(missing_rate.c.run_id == run_id)
        .order_by(missing_rate.c.currency, missing_rate.c.period, missing_rate.c.version)
    )
    return tuple(
        MissingRate(
            series=Series(row.currency, row.fiscal_year, row.version),
            period=row.period,
            target=row.target,
            rate_set=row.rate_set,
            rate_type=row.rate_type,
            source_minor=int(row.source_minor),
        )
        for row in rows
    )
