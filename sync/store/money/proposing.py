"""Read what proposals are made from: codes whose money found no work, and what work is called."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, case, func, select

from connectors.finance.money import format_minor
from connectors.records import CodeField, How
from sync.money.proposals import LooseCode, Name
from sync.store.money.candidates import budget_line, work_item
from sync.store.money.levels import ITEM, REJECTED, decision, reference, stands
from sync.store.money.shares import NO_MATCH, remainder
from sync.store.presence import live


def loose_codes(connection: Connection, limit: int) -> list[LooseCode]:
    """Read the codes with the most unmatched money: the project, or the cost centre where there is none.

    Amounts of different currencies cannot be compared: the number of lines decides between equals.
    """
    project = budget_line.c.project
    field = case((project.is_not(None), CodeField.PROJECT.value), else_=CodeField.COST_CENTRE.value)
    loose = (
        select(
            field.label("field"),
            func.coalesce(project, budget_line.c.cost_centre).label("code"),
            budget_line.c.description,
            remainder.c.amount_minor,
        )
        .join_from(remainder, budget_line, budget_line.c.id == remainder.c.budget_line_id)
        .where(remainder.c.reason == NO_MATCH)
        .subquery()
    )
    size = func.sum(func.abs(loose.c.amount_minor))
    codes = connection.execute(
        select(loose.c.field, loose.c.code, func.min(loose.c.description).label("name"))
        .where(loose.c.code.is_not(None))
        .group_by(loose.c.field, loose.c.code)
        .order_by(size.desc(), func.count().desc(), loose.c.code)
        .limit(limit)
    ).all()
    amounts = amounts_of(connection, [row.code for row in codes])
    return [LooseCode(row.field, row.code, row.name, tuple(amounts.get(row.code, ()))) for row in codes]


def amounts_of(connection: Connection, codes: Sequence[str]) -> dict[str, list[str]]:
    """Say how much unmatched money stands on each code, series by series."""
    code = func.coalesce(budget_line.c.project, budget_line.c.cost_centre)
    series = (budget_line.c.fiscal_year, budget_line.c.version, budget_line.c.currency)
    rows = connection.execute(
        select(code.label("code"), *series, func.sum(remainder.c.amount_minor).label("amount"))
        .join_from(remainder, budget_line, budget_line.c.id == remainder.c.budget_line_id)
        .where(remainder.c.reason == NO_MATCH, code.in_(codes))
        .group_by(code, *series)
        .order_by(code, budget_line.c.fiscal_year.desc(), budget_line.c.version, budget_line.c.currency)
    )
    said: dict[str, list[str]] = {}
    for row in rows:
        amount = format_minor(int(row.amount), row.currency)
        said.setdefault(row.code, []).append(f"{row.version} {row.fiscal_year}: {amount} {row.currency}")
    return said


def item_names(connection: Connection) -> list[Name]:
    """Read what the work items in scope are called, and the codes they carry."""
    codes: dict[int, list[str]] = {}
    carried = select(reference.c.work_item_id, reference.c.target).where(
        reference.c.how == How.COST_CODE.value
    )
    for row in connection.execute(carried):
        codes.setdefault(row.work_item_id, []).append(row.target)
    items = select(work_item.c.id, work_item.c.key, work_item.c.summary).where(
        live(work_item), work_item.c.in_scope
    )
    return [
        Name(row.key, row.summary, tuple(codes.get(row.id, ())))
        for row in connection.execute(items.order_by(work_item.c.key))
    ]


def rejected_pairs(connection: Connection) -> list[tuple[str, str, str]]:
    """Read which work items somebody said a code is not for, as (field, code, key)."""
    rows = connection.execute(
        select(decision.c.field, decision.c.code, work_item.c.key)
        .join(
            work_item,
            (work_item.c.source == decision.c.target_source)
            & (work_item.c.source_id == decision.c.target_id),
        )
        .where(stands(REJECTED), decision.c.target == ITEM)
    )
    return [(row.field, row.code, row.key) for row in rows]
