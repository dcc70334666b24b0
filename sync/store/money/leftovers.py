"""Read what matching left on both sides: money with no work, work with no money, rules that lead nowhere."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, or_, select, union

from connectors.records import CodeField
from sync.figures.coverage import Series
from sync.figures.intake import IdleRule, IdleWork, Leftovers, LooseMoney
from sync.store.former_keys import former_key, of_issue
from sync.store.links import ancestors
from sync.store.money.candidates import (
    budget_line,
    project_above,
    set_up,
    tear_down,
    work_item,
)
from sync.store.money.levels import COLUMNS, allocation, forms, objective
from sync.store.money.shares import budget_link, remainder
from sync.store.presence import kept, live

# Why a rule leads nowhere.
NO_CODE = "no budget line has such a code"
NO_NAME = "nothing in the store is called so"


def read_leftovers(connection: Connection) -> Leftovers:
    """Read all that is left; where the store holds no money at all, nothing was to be matched."""
    if connection.scalar(select(budget_line.c.id).where(kept(budget_line)).limit(1)) is None:
        return Leftovers()
    return Leftovers(loose_money(connection), idle_work(connection), idle_rules(connection))


def loose_money(connection: Connection, limit: int | None = None) -> tuple[LooseMoney, ...]:
    """Read the money that falls to no work item by its codes, the largest amounts first."""
    codes = (budget_line.c.project, budget_line.c.cost_centre, budget_line.c.account)
    series = (budget_line.c.currency, budget_line.c.fiscal_year, budget_line.c.version)
    amount = func.sum(remainder.c.amount_minor)
    rows = connection.execute(
        select(
            *series,
            *codes,
            budget_line.c.source,
            remainder.c.reason,
            objective.c.source_id.label("objective"),
            func.min(budget_line.c.description).label("description"),
            func.min(remainder.c.evidence).label("evidence"),
            func.count().label("lines"),
            amount.label("amount"),
        )
        .join_from(remainder, budget_line, budget_line.c.id == remainder.c.budget_line_id)
        .outerjoin(objective, objective.c.id == remainder.c.objective_id)
        .group_by(*series, *codes, budget_line.c.source, remainder.c.reason, objective.c.source_id)
        .order_by(func.abs(amount).desc(), *series, *codes, budget_line.c.source, remainder.c.reason)
        .limit(limit)
    )
    return tuple(
        LooseMoney(
            series=Series(row.currency, row.fiscal_year, row.version),
            source=row.source,
            project=row.project,
            cost_centre=row.cost_centre,
            account=row.account,
            description=row.description,
            reason=row.reason,
            objective=row.objective,
            evidence=row.evidence,
            lines=row.lines,
            amount_minor=int(row.amount),
        )
        for row in rows
    )


def idle_work(connection: Connection, limit: int | None = None) -> tuple[IdleWork, ...]:
    """Read the work items in scope that no money falls to, neither to them nor to anything below them.

    `funded_above` is the nearest ancestor that has money, which may be meant for them, too.
    """
    funded = select(budget_link.c.work_item_id.label("item")).distinct().subquery("funded")
    chain = ancestors()
    below = select(chain.c.ancestor).join(funded, funded.c.item == chain.c.item).distinct()
    steps = (
        select(chain.c.item, func.min(chain.c.depth).label("depth"))
        .join(funded, funded.c.item == chain.c.ancestor)
        .group_by(chain.c.item)
        .subquery("steps")
    )
    above = work_item.alias("above")
    nearest = (
        select(chain.c.item, func.min(above.c.key).label("key"))
        .join(steps, and_(steps.c.item == chain.c.item, steps.c.depth == chain.c.depth))
        .join(funded, funded.c.item == chain.c.ancestor)
        .join(above, above.c.id == chain.c.ancestor)
        .group_by(chain.c.item)
        .subquery("nearest")
    )
    rows = connection.execute(
        select(work_item, nearest.c.key.label("funded_above"))
        .outerjoin(nearest, nearest.c.item == work_item.c.id)
        .where(
            live(work_item),
            work_item.c.in_scope,
            work_item.c.id.not_in(select(funded.c.item)),
            work_item.c.id.not_in(below),
        )
        .order_by(case((nearest.c.key.is_(None), 0), else_=1), work_item.c.key, work_item.c.id)
        .limit(limit)
    )
    return tuple(
        IdleWork(row.key, row.summary, row.project_key, row.status, row.url, row.funded_above) for row in rows
    )


def idle_rules(connection: Connection) -> tuple[IdleRule, ...]:
    """Read the rows of allocation tables that name nothing known, or speak of codes that no line carries."""
    if not forms(connection):
        return ()
    set_up(connection)
    above = select(allocation.c.id).where(
        allocation.c.field == CodeField.PROJECT,
        ~allocation.c.prefix,
        allocation.c.code_folded.in_(select(project_above.c.above)),
    )
    found = union(*(speaking_of_lines(*form) for form in forms(connection)), above)
    unknown = naming_nothing().subquery()
    rows = connection.execute(
        select(allocation, unknown.c.id.label("unknown"))
        .outerjoin(unknown, unknown.c.id == allocation.c.id)
        .where(kept(allocation), or_(unknown.c.id.is_not(None), allocation.c.id.not_in(found)))
        .order_by(allocation.c.source, allocation.c.id)
    ).all()
    tear_down(connection)
    return tuple(
        IdleRule(
            source=row.source,
            evidence=row.evidence,
            target=row.issue or row.objective,
            why="no budget line has such a code"
            if row.unknown is None
            else "nothing in the store is called so",
        )
        for row in rows
    )


def naming_nothing() -> Select[Any]:
    """Select the rules whose issue or objective is not known."""
    keys = select(work_item.c.key_folded).where(kept(work_item))
    former = select(former_key.c.key_folded).join(work_item, of_issue(work_item))
    ids = select(work_item.c.source_id).where(kept(work_item))
    issue, goal = allocation.c.issue_folded, allocation.c.objective_folded
    no_issue = and_(
        issue.is_not(None), issue.not_in(keys), issue.not_in(former), allocation.c.issue.not_in(ids)
    )
    goals = select(objective.c.key_folded).where(kept(objective))
    return select(allocation.c.id).where(or_(no_issue, and_(goal.is_not(None), goal.not_in(goals))))


def speaking_of_lines(field: str, size: int) -> Select[Any]:
    """Select the rules of one form whose code, or beginning of codes, stands on a line."""
    code = func.substr(COLUMNS[field], 1, size) if size else COLUMNS[field]
    codes = select(code).where(kept(budget_line), COLUMNS[field].is_not(None)).distinct()
    form = (allocation.c.field == field, allocation.c.prefix == bool(size))
    length = func.length(allocation.c.code_folded)
    return select(allocation.c.id).where(
        *form, *([length == size] if size else []), allocation.c.code_folded.in_(codes)
    )
