"""Read what changed between two runs: figures, findings that opened and closed, labels written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, case, func, or_, select

from sync.store import history
from sync.store.schema import AnyRow

Figure = tuple[str, str, int, str]


@dataclass(frozen=True, slots=True)
class Moved:
    """One figure of the whole portfolio in both runs: a number of work items, or money in minor units.

    An empty `currency` means work items; `state` is aligned, unaligned, waived or unknown.
    """

    currency: str
    version: str
    fiscal_year: int
    state: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What lies between two runs: the figures that moved, findings by rule, and label writes by operation."""

    figures: tuple[Moved, ...]
    findings: tuple[dict[str, Any], ...]
    writes: tuple[dict[str, Any], ...]


def compare(connection: Connection, before: int, after: int) -> Comparison:
    """Compare two runs that have figures; findings and writes are those after the first, up to the second."""
    return Comparison(
        moved(connection, before, after),
        turned(connection, before, after),
        written(connection, before, after),
    )


def moved(connection: Connection, before: int, after: int) -> tuple[Moved, ...]:
    """Give the figures that differ."""
    one, other = figures(connection, before), figures(connection, after)
    return tuple(
        Moved(*figure, one.get(figure, 0), other.get(figure, 0))
        for figure in sorted(one.keys() | other.keys())
        if one.get(figure, 0) != other.get(figure, 0)
    )


def figures(connection: Connection, run_id: int) -> dict[Figure, int]:
    """Give the figures of a run."""
    return {
        (row.currency, row.version, row.fiscal_year, row.state): value_of(row)
        for row in history.coverage_of(connection, run_id)
    }


def value_of(row: AnyRow) -> int:
    """Give the number that a figure is about."""
    return int(row.amount_minor if row.currency else row.items)


def turned(connection: Connection, before: int, after: int) -> tuple[dict[str, Any], ...]:
    """Count the findings that opened and closed in between, by rule."""
    finding = history.finding
    opened = and_(finding.c.opened_run > before, finding.c.opened_run <= after)
    closed = and_(finding.c.closed_run > before, finding.c.closed_run <= after)
    rows = connection.execute(
        select(
            finding.c.rule,
            func.sum(case((opened, 1), else_=0)).label("opened"),
            func.sum(case((closed, 1), else_=0)).label("closed"),
        )
        .where(or_(opened, closed))
        .group_by(finding.c.rule)
        .order_by(finding.c.rule)
    )
    return tuple({"rule": row.rule, "opened": int(row.opened), "closed": int(row.closed)} for row in rows)


def written(connection: Connection, before: int, after: int) -> tuple[dict[str, Any], ...]:
    """Count the label writes in between, by label, operation and how Jira answered."""
    ledger = history.ledger
    rows = connection.execute(
        select(ledger.c.label, ledger.c.operation, ledger.c.state, func.count().label("number"))
        .where(ledger.c.run_id > before, ledger.c.run_id <= after)
        .group_by(ledger.c.label, ledger.c.operation, ledger.c.state)
        .order_by(ledger.c.label, ledger.c.operation, ledger.c.state)
    )
    return tuple(
        {"label": row.label, "operation": row.operation, "state": row.state, "number": row.number}
        for row in rows
    )
