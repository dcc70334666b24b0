"""Divide the money of each work item among the objectives it serves, so that every amount counts once.

The live objectives of an item share each of its amounts equally; where none is live, all it serves do. Minor
units that are left over go to the first of them, one each, by the names of their sources and their own.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    case,
    cast,
    delete,
    func,
    insert,
    select,
    union_all,
)

from sync.store import tables
from sync.store.bulk import analyze
from sync.store.coverage import objective_is_live
from sync.store.links import objective, objective_link
from sync.store.money.shares import budget_link, remainder
from sync.store.schema import table_of

objective_share = table_of(tables.ObjectiveShare)


def divide(connection: Connection, today: date) -> None:
    """Say of each item that money falls to which objectives share it."""
    connection.execute(delete(objective_share))
    item = objective_link.c.work_item_id
    live = case((objective_is_live(today), 1), else_=0)
    served = (
        select(
            item,
            objective_link.c.objective_id,
            objective.c.source,
            objective.c.source_id,
            live.label("live"),
            func.max(live).over(partition_by=item).label("any_live"),
        )
        .join(objective, objective.c.id == objective_link.c.objective_id)
        .where(objective_link.c.counts, item.in_(select(budget_link.c.work_item_id)))
        .subquery()
    )
    mine = served.c.work_item_id
    shared = select(
        mine,
        served.c.objective_id,
        func.row_number().over(partition_by=mine, order_by=(served.c.source, served.c.source_id)),
        func.count().over(partition_by=mine),
    ).where(served.c.live == served.c.any_live)
    columns = ["work_item_id", "objective_id", "place", "sharers"]
    connection.execute(insert(objective_share).from_select(columns, shared))
    analyze(connection, objective_share)


def part_of(amount: ColumnElement[int]) -> ColumnElement[int]:
    """Give the part of an amount that falls to one of the objectives that share it.

    `/` and `%` truncate towards zero on both databases, so the parts sum to the amount, whatever its sign.
    """
    sharers = objective_share.c.sharers
    over = amount.op("%")(sharers)
    unit = case((amount < 0, -1), else_=1)
    part: ColumnElement[int] = cast(
        amount.op("/")(sharers) + case((objective_share.c.place <= func.abs(over), unit), else_=0), BigInteger
    )
    return part


def served_money() -> Select[Any]:
    """Select (line, objective, amount): through the work it pays for, or as an allocation table says."""
    by_work = select(
        budget_link.c.budget_line_id.label("line"),
        objective_share.c.objective_id.label("objective"),
        part_of(budget_link.c.amount_minor).label("amount"),
    ).join(objective_share, objective_share.c.work_item_id == budget_link.c.work_item_id)
    by_table = select(remainder.c.budget_line_id, remainder.c.objective_id, remainder.c.amount_minor).where(
        remainder.c.objective_id.is_not(None)
    )
    return select(union_all(by_work, by_table).subquery())


def unserved_money() -> Select[Any]:
    """Select (line, amount): of what falls to no objective, through work or without any."""
    serving = select(objective_share.c.work_item_id)
    by_work = select(
        budget_link.c.budget_line_id.label("line"), budget_link.c.amount_minor.label("amount")
    ).where(budget_link.c.work_item_id.not_in(serving))
    without_work = select(remainder.c.budget_line_id, remainder.c.amount_minor).where(
        remainder.c.objective_id.is_(None)
    )
    return select(union_all(by_work, without_work).subquery())
