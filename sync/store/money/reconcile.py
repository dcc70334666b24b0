"""Prove that the money of a source came from what stood to what stands by the changes made alone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, case, func, insert, select

from sync.store import tables
from sync.store.money.promotion import (
    GONE,
    RESTATED,
    Series,
    Sums,
    budget_line,
    is_now,
    of,
    standing,
    sums_of,
)
from sync.store.presence import live
from sync.store.save import Origin
from sync.store.schema import table_of

reconciliation = table_of(tables.Reconciliation)


class NotReconciled(Exception):
    """The sums do not add up. `str()` says which, in minor units."""


@dataclass(frozen=True, slots=True)
class Before:
    """The sums that stand before a promotion, and those parts of them that it will restate or remove."""

    standing: Sums
    restated: Sums
    gone: Sums


NOTHING = Before({}, {}, {})


def take_sums(connection: Connection, source: str) -> Before:
    """Take the sums before a promotion."""
    restated, gone = (sums_of(connection, budget_line, is_now(fate)) for fate in (RESTATED, GONE))
    return Before(standing(connection, source), restated, gone)


def reconcile(
    connection: Connection, origin: Origin, was: Before, staged: Sums, *, by_period: bool = False
) -> None:
    """Keep how each sum came about; raise `NotReconciled` where the changes do not explain it.

    What stands now must be what was staged, and nothing else; `by_period` in what the stage speaks of.
    """
    now, opened = after(connection, origin)
    restated = sums_of(connection, budget_line, is_now(RESTATED))
    spoken = {key[:3] for key in staged}
    rows = []
    for key in sorted(was.standing.keys() | now.keys() | staged.keys()):
        changed = restated.get(key, 0) - was.restated.get(key, 0)
        added = opened.get(key, 0) - restated.get(key, 0)
        previous, gone, current = was.standing.get(key, 0), was.gone.get(key, 0), now.get(key, 0)
        expected = staged.get(key, 0) if not by_period or key[:3] in spoken else current
        if not previous + added + changed - gone == current == expected:
            raise NotReconciled(
                f"{' '.join(map(str, key))}: in minor units, {previous} stood, {added} were added, {changed} "
                f"changed and {gone} removed, which leaves {current} where the source holds {expected}"
            )
        rows.append(to_row(origin, key, (previous, added, changed, gone, current)))
    if rows:
        connection.execute(insert(reconciliation), rows)


def after(connection: Connection, origin: Origin) -> tuple[Sums, Sums]:
    """Sum what stands of a source now, and the part of it that this run wrote."""
    table = budget_line
    key = (table.c.version, table.c.fiscal_year, table.c.period, table.c.currency)
    ours = case((table.c.valid_from_run == origin.run_id, table.c.amount_minor), else_=0)
    rows = connection.execute(
        select(*key, func.sum(table.c.amount_minor), func.sum(ours))
        .where(of(origin.source), live(table))
        .group_by(*key)
    ).all()
    named: list[tuple[Series, int, int]] = [
        ((version, year, period, currency), int(total), int(part))
        for version, year, period, currency, total, part in rows
    ]
    return {key: total for key, total, _ in named}, {key: part for key, _, part in named}


def to_row(origin: Origin, key: Series, minor: tuple[int, int, int, int, int]) -> dict[str, object]:
    """Give the row of one sum."""
    names = ("version", "fiscal_year", "period", "currency")
    sums = ("previous_minor", "added_minor", "changed_minor", "removed_minor", "current_minor")
    return (
        {"run_id": origin.run_id, "source": origin.source}
        | dict(zip(names, key, strict=True))
        | dict(zip(sums, minor, strict=True))
    )
