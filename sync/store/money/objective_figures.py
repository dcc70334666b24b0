"""Keep what money each objective gets in a run, by standing, and read it back for the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from sqlalchemy import BigInteger, Connection, case, cast, func, insert, literal, select, union_all

from sync.figures.coverage import Purpose, Series, Split
from sync.store import tables
from sync.store.coverage import idle_state, standing
from sync.store.links import objective, work_item
from sync.store.money.candidates import budget_line
from sync.store.money.purposes import objective_share, part_of
from sync.store.money.shares import budget_link, remainder
from sync.store.schema import AnyRow, table_of

objective_coverage = table_of(tables.ObjectiveCoverage)

# Stands for an objective where money falls to none.
NONE = 0


def save_objectives(
    connection: Connection, run_id: int, today: date, *, certain: bool, dark: Collection[str] = ()
) -> None:
    """Save the money of a run by objective and standing; what is unknown falls to no objective."""
    state = standing(today, certain=certain, dark=dark)
    idle = idle_state(today, certain=certain and not dark)
    by_work = (
        select(
            budget_link.c.budget_line_id.label("line"),
            objective_share.c.objective_id.label("objective"),
            state.label("state"),
            case(
                (objective_share.c.sharers.is_(None), budget_link.c.amount_minor),
                else_=part_of(budget_link.c.amount_minor),
            ).label("amount"),
        )
        .join_from(budget_link, work_item, work_item.c.id == budget_link.c.work_item_id)
        .outerjoin(objective_share, objective_share.c.work_item_id == work_item.c.id)
    )
    without_work = select(
        remainder.c.budget_line_id, remainder.c.objective_id, idle, remainder.c.amount_minor
    ).outerjoin(objective, objective.c.id == remainder.c.objective_id)
    fact = union_all(by_work, without_work).subquery()
    known = case((fact.c.state != "unknown", func.coalesce(fact.c.objective, NONE)), else_=NONE)
    named = select(fact.c.line, known.label("objective"), fact.c.state, fact.c.amount).subquery()
    keys = [
        named.c.objective,
        budget_line.c.currency,
        budget_line.c.version,
        budget_line.c.fiscal_year,
        named.c.state,
    ]
    summed = (
        select(literal(run_id), *keys, cast(func.sum(named.c.amount), BigInteger))
        .join_from(named, budget_line, budget_line.c.id == named.c.line)
        .group_by(*keys)
    )
    columns = ["run_id", "objective_id", "currency", "version", "fiscal_year", "state", "amount_minor"]
    connection.execute(insert(objective_coverage).from_select(columns, summed))


def read_purposes(connection: Connection, run_id: int, series: Series | None) -> tuple[Purpose, ...]:
    """Read the money of a run by objective, the most of one series first, and last what falls to none."""
    rows = connection.execute(
        select(objective_coverage, objective.c.source_id, objective.c.title)
        .add_columns(objective.c.owner, objective.c.target_share)
        .outerjoin(objective, objective.c.id == objective_coverage.c.objective_id)
        .where(objective_coverage.c.run_id == run_id)
    ).all()
    named: dict[int, AnyRow] = {}
    amounts: defaultdict[int, defaultdict[Series, Split]] = defaultdict(lambda: defaultdict(Split))
    for row in rows:
        named[row.objective_id] = row
        money = Series(row.currency, row.fiscal_year, row.version)
        amounts[row.objective_id][money] += Split(**{row.state: int(row.amount_minor)})
    found = [
        Purpose(
            row.source_id or "", row.title or "", row.owner or "", row.target_share, dict(amounts[number])
        )
        for number, row in named.items()
    ]
    return tuple(sorted(found, key=lambda it: (not it.id, -it.money(series).total, it.id)))
