"""Find what a staged restatement would change that a person should see first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, Table, and_, exists, func, or_, select
from sqlalchemy.sql import ColumnElement

from connectors.base import Terms
from connectors.pages import RowCounts
from sync.labels.limits import percent
from sync.store.money.promotion import BACK, GONE, RESTATED, Difference, budget_line, is_known, is_now
from sync.store.money.staging import stage, touched
from sync.store.runs import shrank
from sync.store.save import Absent

NOTHING = "Nothing was changed and its findings are frozen. If this is meant, run once with"


@dataclass(frozen=True, slots=True)
class Allowed:
    """How far sources may go in a run: the share of rows they may lose, and what a person let pass once."""

    shrink: float
    rejects: bool = False
    restatement: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """What stands between a staged restatement and what stands, for one source in one run."""

    source: str
    terms: Terms
    allowed: Allowed

    def hold(self, connection: Connection, found: Difference, counts: RowCounts) -> list[str]:
        """Give every reason why what is staged must wait for a person."""
        problems = [shrank(Absent(found.known, found.gone), self.allowed.shrink)]
        if not self.allowed.rejects:
            problems.append(too_many_rejects(counts, self.terms.max_rejects))
        if found.known and not self.allowed.restatement:
            problems += closed(connection, self.source, self.terms.closed_through)
            problems += switched(connection)
        return [problem for problem in problems if problem]


def too_many_rejects(counts: RowCounts, most: float) -> str | None:
    """Say that a source had to refuse more of its rows than it may; a single row may always be refused."""
    rows = counts.accepted + counts.refused
    if counts.refused <= 1 or counts.refused <= most * rows:
        return None
    return (
        f"{counts.refused} of {rows} rows were refused; `max_rejects` allows {percent(most)}. "
        f"`tieline quarantine list` shows them. {NOTHING} --allow-rejects."
    )


def closed(connection: Connection, source: str, through: str | None) -> Iterator[str]:
    """Say which closed periods would change."""
    if through is None:
        return
    stood = select(budget_line.c.period).where(is_now(RESTATED, GONE, BACK), is_closed(budget_line, through))
    new = select(stage.c.period).where(is_closed(stage, through), ~is_known(source))
    periods = (stood.union_all(new)).subquery()
    rows = connection.execute(
        select(periods.c.period, func.count()).group_by(periods.c.period).order_by(periods.c.period)
    ).all()
    if rows:
        said = ", ".join(f"{period} ({count})" for period, count in rows)
        yield (
            f"budget lines of closed periods would change: {said}; `closed_through` is {through}. "
            f"{NOTHING} --allow-restatement."
        )


def is_closed(table: Table, through: str) -> ColumnElement[bool]:
    """Give the condition that a row is of a closed period: FY2026-03 closes it and all before it."""
    year, _, month = through.removeprefix("FY").partition("-")
    if not month:
        return table.c.fiscal_year <= int(year)
    last = int(month)
    names = [f"FY{year}-{number:02d}" for number in range(1, last + 1)]
    names += [f"FY{year}-Q{number}" for number in range(1, 5) if number * 3 <= last]
    names += [f"FY{year}"] if last >= 12 else []
    return or_(table.c.fiscal_year < int(year), table.c.period.in_(names))


def switched(connection: Connection) -> Iterator[str]:
    """Say where lines that are gone in one currency are there in another."""
    other = select(stage.c.currency).distinct().subquery()
    key = func.replace(budget_line.c.source_id, "|" + budget_line.c.currency, "|" + other.c.currency)
    rows = connection.execute(
        select(budget_line.c.currency, other.c.currency, func.count())
        .select_from(touched)
        .join(budget_line, budget_line.c.id == touched.c.line_id)
        .join(other, other.c.currency != budget_line.c.currency)
        .where(touched.c.fate == GONE, and_(exists().where(stage.c.source_id == key)))
        .group_by(budget_line.c.currency, other.c.currency)
        .order_by(budget_line.c.currency, other.c.currency)
    ).all()
    for old, new, count in rows:
        yield (
            f"{count} budget lines were in {old} and are in {new} now; amounts of one are not amounts of the "
            f"other. Correct `currency` if that is a mistake. {NOTHING} --allow-restatement."
        )
