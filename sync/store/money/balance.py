"""Share the money out and prove it: what falls to work and to none is all there is, and so for objectives.

Where a sum is off, nothing of it counts: what was shared out before stands, and the source has failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Select,
    case,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    union_all,
)

from sync.store import tables
from sync.store.money.candidates import budget_line
from sync.store.money.matching import rematch
from sync.store.money.purposes import divide, served_money, unserved_money
from sync.store.money.shares import budget_link, remainder
from sync.store.presence import kept
from sync.store.schema import AnyRow, table_of

money_balance = table_of(tables.Balance)

SERIES = ("source", "version", "fiscal_year", "period", "currency")
# What the lines fall to; the first is the lines themselves.
SIDES = ("lines", "work", "workless", "served", "unserved")


def share_money(
    connection: Connection, run_id: int, today: date, drivers: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Match money with work, divide it among objectives; say of a source whose sums are off by how much."""
    trial = connection.begin_nested()
    rematch(connection, drivers)
    divide(connection, today)
    off = save_balance(connection, run_id)
    if off:
        trial.rollback()
    else:
        trial.commit()
    return off


def save_balance(connection: Connection, run_id: int) -> dict[str, str]:
    """Keep what the lines of each series fall to; say of a source that does not come out by how much."""
    columns = ["run_id", *SERIES, *(f"{side}_minor" for side in SIDES)]
    connection.execute(insert(money_balance).from_select(columns, balances(run_id)))
    table = money_balance.c
    uneven = or_(
        table.lines_minor != table.work_minor + table.workless_minor,
        table.lines_minor != table.served_minor + table.unserved_minor,
    )
    rows = connection.execute(
        select(money_balance)
        .where(table.run_id == run_id, uneven)
        .order_by(*(table[name] for name in SERIES))
    ).all()
    said: dict[str, list[str]] = {}
    for row in rows:
        said.setdefault(row.source, []).append(difference(row))
    return {source: "; ".join(parts) for source, parts in said.items()}


def balances(run_id: int) -> Select[Any]:
    """Select the sums of each series, one column for each side."""
    by_line = {
        "lines": select(budget_line.c.id.label("line"), budget_line.c.amount_minor.label("amount")).where(
            kept(budget_line)
        ),
        "work": select(budget_link.c.budget_line_id, budget_link.c.amount_minor),
        "workless": select(remainder.c.budget_line_id, remainder.c.amount_minor),
        "served": money_of(served_money().subquery()),
        "unserved": money_of(unserved_money().subquery()),
    }
    sums = union_all(*(by_line[side].add_columns(literal(side).label("side")) for side in SIDES)).subquery()
    parts = [
        cast(func.sum(case((sums.c.side == side, sums.c.amount), else_=0)), BigInteger) for side in SIDES
    ]
    series = [budget_line.c[name] for name in SERIES]
    return (
        select(literal(run_id), *series, *parts)
        .join_from(sums, budget_line, budget_line.c.id == sums.c.line)
        .group_by(*series)
    )


def money_of(found: FromClause) -> Select[Any]:
    """Select the line and the amount of what is found."""
    return select(found.c.line, found.c.amount)


def difference(row: AnyRow) -> str:
    """Say by what the sums of a series are off, in minor units."""
    return (
        f"{row.version} {row.period} {row.currency}: in minor units, the lines sum to {row.lines_minor}, "
        f"what falls to work and to none to {row.work_minor + row.workless_minor}, "
        f"what falls to objectives and to none to {row.served_minor + row.unserved_minor}"
    )
