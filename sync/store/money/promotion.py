"""Make staged budget lines count: compare them with what stands, close what they replace, prove the sums.

Everything is set-wise and of one transaction. What says the same as before is not written at all; what is
restated keeps its row, and what it said goes into `budget_line_past` with the runs between which it stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    String,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)

from sync.store import tables
from sync.store.money.staging import NAMES, stage, touched
from sync.store.presence import live
from sync.store.save import Origin
from sync.store.schema import table_of

budget_line = table_of(tables.BudgetLine)
past = table_of(tables.BudgetLinePast)
promotion = table_of(tables.Promotion)

# What a line says; where it stands in which file is not part of it.
SAID = (
    "version", "fiscal_year", "period", "currency", "amount_minor", "project", "cost_centre", "account",
    "description",
)  # fmt: skip
KEPT_IN_PAST = (*SAID, "line", "sheet", "artifact_id", "valid_from_run")
RESTATED, BACK, GONE = "restated", "back", "gone"

Series = tuple[str, int, str, str]
# Minor units by version, fiscal year, period and currency.
Sums = Mapping[Series, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """How many staged lines are new, restated or the same, and how many that stood are gone.

    `known` counts the lines that stood in the scope of what is staged.
    """

    known: int
    staged: int
    restated: int
    back: int
    gone: int

    @property
    def same(self) -> int:
        """Count the lines that say what they said."""
        return self.known - self.restated - self.gone

    @property
    def added(self) -> int:
        """Count the lines that did not stand before."""
        return self.staged - self.same - self.restated


def keep_newest(connection: Connection) -> None:
    """Of the files that hold one version and period, keep the lines of the one that arrived last."""
    newer = stage.alias("newer")
    newest = (
        select(func.max(newer.c.artifact_id))
        .where(newer.c.version == stage.c.version, newer.c.period == stage.c.period)
        .correlate(stage)
        .scalar_subquery()
    )
    connection.execute(delete(stage).where(stage.c.artifact_id < newest))


def compare(connection: Connection, source: str, *, by_period: bool = False) -> Difference:
    """Find the rows of the store that the stage restates, brings back or no longer has."""
    connection.execute(delete(touched))
    scope = and_(of(source), live(budget_line), in_scope() if by_period else literal(value=True))
    known = connection.scalar(select(func.count()).select_from(budget_line).where(scope)) or 0
    if is_held(connection, source):
        connection.execute(insert(touched).from_select(["line_id", "fate"], differing(source)))
        there = exists().where(stage.c.source_id == budget_line.c.source_id).correlate(budget_line)
        gone = select(budget_line.c.id, literal(GONE)).where(scope, ~there)
        connection.execute(insert(touched).from_select(["line_id", "fate"], gone))
    counted = select(touched.c.fate, func.count().label("lines")).group_by(touched.c.fate)
    fates: dict[str, int] = {row.fate: row.lines for row in connection.execute(counted)}
    staged = connection.scalar(select(func.count()).select_from(stage)) or 0
    return Difference(known, staged, *(fates.get(fate, 0) for fate in (RESTATED, BACK, GONE)))


def is_held(connection: Connection, source: str) -> bool:
    """Say whether the store holds any line of a source, deleted or not."""
    return bool(connection.scalar(select(exists().where(of(source)))))


def of(source: str) -> ColumnElement[bool]:
    """Give the condition that a budget line is of a source."""
    return budget_line.c.source == source


def in_scope() -> ColumnElement[bool]:
    """Give the condition that a budget line is of a version and period that the stage speaks of."""
    spoken = select(stage.c.version, stage.c.period).distinct().subquery()
    return (
        exists()
        .where(spoken.c.version == budget_line.c.version, spoken.c.period == budget_line.c.period)
        .correlate(budget_line)
    )


def differing(source: str) -> Any:
    """Select the rows that say something else than their staged line, or that were deleted."""
    said = (*SAID, "issues_folded", "parents_folded")
    told = or_(*(budget_line.c[name].is_distinct_from(stage.c[name]) for name in said))
    restated = (
        select(budget_line.c.id, literal(RESTATED))
        .join_from(stage, budget_line, same_key(source))
        .where(live(budget_line), told)
    )
    back = (
        select(budget_line.c.id, literal(BACK))
        .join_from(stage, budget_line, same_key(source))
        .where(~live(budget_line))
    )
    return restated.union_all(back)


def same_key(source: str) -> ColumnElement[bool]:
    """Give the condition that a row of the store and a staged line are the same budget line."""
    return and_(of(source), budget_line.c.source_id == stage.c.source_id)


def is_known(source: str) -> ColumnElement[bool]:
    """Give the condition that a staged line has a row in the store, deleted or not."""
    return exists().where(same_key(source)).correlate(stage)


def is_now(*fates: str) -> ColumnElement[bool]:
    """Give the condition that a row of the store has one of these fates."""
    return budget_line.c.id.in_(select(touched.c.line_id).where(touched.c.fate.in_(fates)))


def promote(connection: Connection, origin: Origin, sheet: str | None = None) -> None:
    """Carry the difference out; `sheet` is where all that is staged stands in its workbooks."""
    columns = ["budget_line_id", "valid_to_run", *KEPT_IN_PAST]
    closed = select(budget_line.c.id, literal(origin.run_id), *(budget_line.c[name] for name in KEPT_IN_PAST))
    connection.execute(insert(past).from_select(columns, closed.where(is_now(RESTATED, GONE))))
    connection.execute(update(budget_line).where(is_now(GONE)).values(deleted_at=origin.seen_at))
    connection.execute(
        update(budget_line)
        .where(same_key(origin.source), is_now(RESTATED, BACK))
        .values({name: stage.c[name] for name in NAMES if name != "source_id"})
        .values(valid_from_run=origin.run_id, deleted_at=null(), sheet=sheet)
    )
    ours = literal(origin.source), literal(origin.run_id), literal(sheet, String)
    new = select(*ours, *(stage.c[name] for name in NAMES)).where(~is_known(origin.source))
    columns = ["source", "valid_from_run", "sheet", *NAMES]
    connection.execute(insert(budget_line).from_select(columns, new.order_by(stage.c.source_id)))


def sums_of(connection: Connection, table: FromClause, *conditions: ColumnElement[bool]) -> Sums:
    """Sum a table's amounts for each version, fiscal year, period and currency."""
    key = (table.c.version, table.c.fiscal_year, table.c.period, table.c.currency)
    summed = select(*key, func.sum(table.c.amount_minor)).where(*conditions).group_by(*key)
    return {
        (version, year, period, currency): int(total)
        for version, year, period, currency, total in connection.execute(summed)
    }


def standing(connection: Connection, source: str) -> Sums:
    """Sum what stands of a source."""
    return sums_of(connection, budget_line, of(source), live(budget_line))


def newest_identity(connection: Connection, source: str) -> str | None:
    """Give what the lines that stand were read from, and by which mapping."""
    found: str | None = connection.scalar(
        select(promotion.c.identity)
        .where(promotion.c.source == source)
        .order_by(promotion.c.id.desc())
        .limit(1)
    )
    return found


def note(connection: Connection, source: str, run_id: int, identity: str, found: Difference) -> None:
    """Keep that a promotion took place."""
    connection.execute(
        insert(promotion).values(
            run_id=run_id,
            source=source,
            identity=identity,
            added=found.added,
            changed=found.restated,
            removed=found.gone,
            same=found.same,
        )
    )
