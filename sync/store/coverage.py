"""Turn links and money into the figures of a run: aligned + unaligned + waived + unknown = total."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    distinct,
    exists,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    union_all,
)

from connectors.records import ObjectiveState
from sync.life import CLOSED
from sync.store import tables
from sync.store.findings import WORK_ITEM, finding
from sync.store.links import budget_line, budget_link, objective, objective_link, work_item
from sync.store.money.shares import remainder
from sync.store.presence import kept, live
from sync.store.schema import table_of

coverage = table_of(tables.Coverage)

WHOLE = ""
NO_WORK = "-"
NO_WORK_NAME = "no matching work"


def objective_is_live(today: date) -> ColumnElement[bool]:
    """Give the condition that an objective counts today: active, started and not yet over."""
    return and_(
        kept(objective),
        objective.c.state == ObjectiveState.ACTIVE.value,
        or_(objective.c.starts_on.is_(None), objective.c.starts_on <= today),
        or_(objective.c.ends_on.is_(None), objective.c.ends_on >= today),
    )


def is_aligned(today: date) -> ColumnElement[bool]:
    """Give the condition that a work item serves at least one live objective."""
    return exists(
        select(objective_link.c.id)
        .join(objective, objective.c.id == objective_link.c.objective_id)
        .where(objective_link.c.work_item_id == work_item.c.id, objective_is_live(today))
    ).correlate(work_item)


def is_waived() -> ColumnElement[bool]:
    """Give the condition that somebody accepts a work item as it stands.

    It is under a waiver for each finding on it that asks for an objective. Meant for items that are not
    aligned: a waiver takes nothing from one that is.
    """
    asked = and_(finding.c.entity == WORK_ITEM, finding.c.alignment, finding.c.state != CLOSED)
    on = select(finding.c.subject_id).where(asked)
    return and_(
        work_item.c.id.in_(on.where(finding.c.waiver_id.is_not(None))),
        work_item.c.id.not_in(on.where(finding.c.waiver_id.is_(None))),
    )


def save_coverage(
    connection: Connection, run_id: int, today: date, *, certain: bool, dark: Collection[str] = ()
) -> None:
    """Save the figures of a run.

    Where it is not `certain` (work items or objectives could not be read whole), every state is unknown; so
    is that of a work item which the newest complete read did not bring, or on a site that was not read whole.
    """
    state = standing(today, certain=certain, dark=dark)
    facts = union_all(counted(state), money(state), idle_money(today, certain=certain and not dark)).cte(
        "facts"
    )
    keys = [facts.c.currency, facts.c.version, facts.c.fiscal_year, facts.c.state]
    figures = [func.sum(facts.c.amount), func.count(distinct(facts.c.item))]
    columns = ["run_id", "site", "project_key", "project_name", "currency", "version", "fiscal_year", "state"]
    project = [facts.c.site, facts.c.project_key]
    by_project = select(literal(run_id), *project, func.max(facts.c.project_name), *keys, *figures).group_by(
        *project, *keys
    )
    whole = select(literal(run_id), *[literal(WHOLE)] * 3, *keys, *figures).group_by(*keys)
    for figures_of in (by_project, whole):
        connection.execute(insert(coverage).from_select([*columns, "amount_minor", "items"], figures_of))


def standing(today: date, *, certain: bool, dark: Collection[str] = ()) -> ColumnElement[str]:
    """Give how a work item stands; on a `dark` site, which was not read whole, nobody knows."""
    known = case(
        (or_(~live(work_item), work_item.c.source.in_(dark)), "unknown"),
        (is_aligned(today), "aligned"),
        (is_waived(), "waived"),
        else_="unaligned",
    )
    return known if certain else literal("unknown")


def counted(state: ColumnElement[str]) -> Select[Any]:
    """Select the work items in scope, one row each, without money."""
    return select(
        work_item.c.source.label("site"),
        work_item.c.project_key,
        work_item.c.project_name,
        literal("").label("currency"),
        literal("").label("version"),
        literal(0).label("fiscal_year"),
        state.label("state"),
        literal(0).label("amount"),
        work_item.c.id.label("item"),
    ).where(kept(work_item), work_item.c.in_scope)


def money(state: ColumnElement[str]) -> Select[Any]:
    """Select the shares of budget lines that fall to work items."""
    return (
        select(
            work_item.c.source,
            work_item.c.project_key,
            work_item.c.project_name,
            budget_line.c.currency,
            budget_line.c.version,
            budget_line.c.fiscal_year,
            state.label("state"),
            budget_link.c.amount_minor,
            work_item.c.id,
        )
        .join_from(budget_link, budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .join(work_item, work_item.c.id == budget_link.c.work_item_id)
    )


def idle_money(today: date, *, certain: bool) -> Select[Any]:
    """Select the money that falls to no work item."""
    return (
        select(
            literal(WHOLE),
            literal(NO_WORK),
            literal(NO_WORK_NAME),
            budget_line.c.currency,
            budget_line.c.version,
            budget_line.c.fiscal_year,
            idle_state(today, certain=certain),
            remainder.c.amount_minor,
            null(),
        )
        .join_from(remainder, budget_line, budget_line.c.id == remainder.c.budget_line_id)
        .outerjoin(objective, objective.c.id == remainder.c.objective_id)
    )


def idle_state(today: date, *, certain: bool) -> ColumnElement[str]:
    """Give how money that falls to no work item stands.

    Nobody can say what it serves, unless an allocation table names the objective.
    """
    serves = case(
        (remainder.c.objective_id.is_(None), "unknown"),
        (objective_is_live(today), "aligned"),
        else_="unaligned",
    )
    return serves if certain else literal("unknown")
