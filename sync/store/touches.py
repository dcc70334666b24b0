"""Tell the changes people make from the echo of our own writes, which Jira counts as changes too."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import Connection, and_, select, union_all, update

from sync.store import tables
from sync.store.bulk import among
from sync.store.schema import table_of

ledger = table_of(tables.LabelWrite)
marker_ledger = table_of(tables.MarkerWrite)
work_item = table_of(tables.WorkItem)

# Jira stamps the change a moment before we note its answer, by a clock that may be a little off ours.
ECHO_WITHIN = timedelta(minutes=2)


def note_touches(connection: Connection, source: str, source_ids: Collection[str]) -> None:
    """Take over `updated_at` as `touched_at` where it does not stem from our own writing.

    Where people change a ticket in the very minutes of our write, theirs is taken for ours: until its next
    change the ticket looks as if nobody had touched it since.
    """
    if not source_ids:
        return
    moved = and_(
        work_item.c.source == source,
        among(connection, work_item.c.source_id, source_ids),
        work_item.c.touched_at.is_distinct_from(work_item.c.updated_at),
    )
    writes = connection.execute(
        union_all(
            *(
                select(work_item.c.id, work_item.c.updated_at, book.c.answered_at)
                .join_from(work_item, book, book.c.work_item_id == work_item.c.id)
                .where(
                    moved,
                    work_item.c.touched_at.is_not(None),
                    work_item.c.updated_at.is_not(None),
                    book.c.state == "done",
                )
                for book in (ledger, marker_ledger)
            )
        )
    )
    echoes = {row.id for row in writes if abs(row.updated_at - row.answered_at) <= ECHO_WITHIN}
    connection.execute(
        update(work_item)
        .where(moved, work_item.c.id.not_in(echoes))
        .values(touched_at=work_item.c.updated_at)
    )
