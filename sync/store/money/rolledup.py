"""Sum money up the tree of work: what falls to an item and to everything below it, each amount once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select, union

from sync.store.links import ancestors
from sync.store.money.candidates import budget_line, work_item
from sync.store.money.shares import budget_link
from sync.store.presence import kept


def rolled_up() -> Select[Any]:
    """Select (item, currency, fiscal_year, version, amount) for each item with money on it or below it.

    Only direct shares are read, so a sum over all items of one level counts nothing twice. In a circle of
    parents each item has what falls to all of them.
    """
    chain = ancestors()
    below = select(chain.c.ancestor.label("top"), chain.c.item.label("item"))
    pairs = union(below, select(work_item.c.id, work_item.c.id).where(kept(work_item))).subquery()
    series = (budget_line.c.currency, budget_line.c.fiscal_year, budget_line.c.version)
    return (
        select(pairs.c.top.label("item"), *series, func.sum(budget_link.c.amount_minor).label("amount"))
        .join_from(budget_link, budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .join(pairs, pairs.c.item == budget_link.c.work_item_id)
        .group_by(pairs.c.top, *series)
    )
