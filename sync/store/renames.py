"""Follow issues that got another key: their children name them by it, and Jira calls no child changed.

Jira keeps such a tie by id and shows the new key, but nobody would read the child again.
"""

from __future__ import annotations

from sqlalchemy import Connection, case, exists, func, select, update

from sync.store import tables
from sync.store.schema import table_of

former_key = table_of(tables.FormerKey)
work_item = table_of(tables.WorkItem)


def name_parents(connection: Connection, source: str) -> None:
    """Give every child the key its parent has by now, also where a lagging index told an older one."""
    name_by_id(connection, source)
    name_by_former_key(connection, source)


def name_by_former_key(connection: Connection, source: str) -> None:
    """Rename the parents of children that know them by a key they once had; no key is given out twice.

    Which keys are former ones is worked out once: PostgreSQL thinks a source that is new to it a single row,
    and would go through all of its issues again for each of them.
    """
    parent = work_item.alias("parent")
    renamed = (
        select(
            former_key.c.key_folded.label("former"),
            func.min(parent.c.key).label("key"),
            func.min(parent.c.key_folded).label("folded"),
        )
        .join_from(former_key, parent, parent.c.id == former_key.c.work_item_id)
        .where(parent.c.source == source)
        .group_by(former_key.c.key_folded)
        .having(func.max(case((parent.c.key_folded != former_key.c.key_folded, 1), else_=0)) == 1)
        .cte("renamed")
        .prefix_with("MATERIALIZED")
    )
    connection.execute(
        update(work_item)
        .where(
            work_item.c.source == source,
            work_item.c.parent_source_id.is_(None),
            work_item.c.parent_folded == renamed.c.former,
        )
        .values(parent_key=renamed.c.key, parent_folded=renamed.c.folded)
    )


def name_by_id(connection: Connection, source: str) -> None:
    """Give children that name their parent by its id the key that the parent has by now."""
    child = work_item
    parent = child.alias("parent")
    renamed = exists().where(
        parent.c.source == child.c.source,
        parent.c.source_id == child.c.parent_source_id,
        parent.c.key.is_distinct_from(child.c.parent_key),
        parent.c.deleted_at.is_(None),
    )
    names = {
        name: select(column)
        .where(parent.c.source == child.c.source, parent.c.source_id == child.c.parent_source_id)
        .scalar_subquery()
        for name, column in (("parent_key", parent.c.key), ("parent_folded", parent.c.key_folded))
    }
    connection.execute(
        update(child)
        .where(child.c.source == source, child.c.parent_source_id.is_not(None), renamed)
        .values(**names)
    )
