"""Remember the keys that issues had before they were moved: money is booked on them for years."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select, tuple_

from sync.store import tables
from sync.store.bulk import among, insert_rows
from sync.store.schema import table_of

former_key = table_of(tables.FormerKey)
work_item = table_of(tables.WorkItem)


def keep_former_keys(connection: Connection, source: str, until: datetime, keys: Mapping[str, str]) -> None:
    """Keep the key each issue has in the store where it now comes with another; `keys` are folded, by id."""
    if not keys:
        return
    stored = connection.execute(
        select(work_item.c.id, work_item.c.source_id, work_item.c.key, work_item.c.key_folded).where(
            work_item.c.source == source, among(connection, work_item.c.source_id, keys)
        )
    )
    moved = [
        {"work_item_id": row.id, "key_folded": row.key_folded, "key": row.key, "until": until}
        for row in stored
        if row.key_folded != keys[row.source_id]
    ]
    known = tuple_(former_key.c.work_item_id, former_key.c.key_folded)
    if moved:
        same = [(row["work_item_id"], row["key_folded"]) for row in moved]
        connection.execute(delete(former_key).where(known.in_(same)))
        insert_rows(connection, former_key, moved)
