"""Follow issues that got another key: their children name them by it, and Jira calls no child changed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, exists, select, update

from connectors.records import Record, WorkItem
from rules.catalogue import fold
from sync.store import tables
from sync.store.schema import table_of

work_item = table_of(tables.WorkItem)


def follow_renamed(
    connection: Connection, source: str, old_keys: Mapping[str, str], items: dict[str, Record]
) -> None:
    """Let children that name their parent by its key follow when it gets another.

    Jira keeps such a tie by id and shows the new key, but does not count that as a change of the child:
    nobody would read it again. Hashes that no longer tell what the rows hold make the next read look at them.
    """
    for source_id, item in items.items():
        old = old_keys.get(source_id)
        if isinstance(item, WorkItem) and old is not None and old != item.key:
            connection.execute(
                update(work_item)
                .where(work_item.c.source == source, work_item.c.parent_key == old)
                .values(parent_key=item.key, parent_folded=fold(item.key), row_hash="")
            )


def name_parents(connection: Connection, source: str) -> None:
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
