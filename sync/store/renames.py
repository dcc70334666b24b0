"""Follow issues that got another key: who names them by the old one is not called changed.

Jira keeps the tie of a child by id and shows the new key, but nobody would read the child again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, exists, func, select, update

from connectors.pages import FormerKey
from connectors.records import Objective, Record
from sync.store import tables
from sync.store.bulk import among
from sync.store.former_keys import former_key, note_former_keys, of_issue
from sync.store.presence import kept, missing
from sync.store.rows import match_key
from sync.store.schema import table_of

objective = table_of(tables.Objective)
work_item = table_of(tables.WorkItem)


def follow_goals(
    connection: Connection, source: str, site: str, now: datetime, goals: Iterable[Record]
) -> None:
    """Let objectives that are issues keep their row when they get another key, and keep the one they had.

    A row that stands under the new key already is the objective's from now on, and the old one ends.
    """
    keys = {goal.issue_id: goal.id for goal in goals if isinstance(goal, Objective) and goal.issue_id}
    if not keys:
        return
    stored = connection.execute(
        select(objective.c.id, objective.c.source_id, objective.c.issue_id)
        .where(objective.c.source == source, among(connection, objective.c.issue_id, keys), kept(objective))
        .order_by(missing(objective), objective.c.id)
    ).all()
    moved = [row for row in stored if row.source_id != keys[row.issue_id]]
    if not moved:
        return
    note_former_keys(connection, site, now, [FormerKey(row.source_id, row.issue_id) for row in moved])
    taken = set(
        connection.scalars(
            select(objective.c.source_id).where(
                objective.c.source == source,
                among(connection, objective.c.source_id, [keys[row.issue_id] for row in moved]),
            )
        )
    )
    follow, end = [], []
    for row in moved:
        key = keys[row.issue_id]
        if key in taken:
            end.append(row.id)
        else:
            follow.append({"row": row.id, "key": key, "folded": match_key(key)})
        taken.add(key)
    this = objective.c.id == bindparam("row")
    if follow:
        renamed = update(objective).where(this)
        connection.execute(renamed.values(source_id=bindparam("key"), key_folded=bindparam("folded")), follow)
    connection.execute(update(objective).where(among(connection, objective.c.id, end)).values(deleted_at=now))


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
        .join_from(former_key, parent, of_issue(parent))
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
