"""Remember the keys that issues had before they were moved: money is booked on them for years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, tuple_

from connectors.pages import FormerKey
from sync.store import tables
from sync.store.bulk import among, insert_rows
from sync.store.rows import Row, match_key
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
    put(connection, moved)


def note_former_keys(connection: Connection, source: str, until: datetime, told: Sequence[FormerKey]) -> None:
    """Keep the former keys a source told of: of an issue that was hidden then, the store never saw them."""
    if not told:
        return
    ids = {former.id for former in told}
    stored = connection.execute(
        select(work_item.c.id, work_item.c.source_id, work_item.c.key_folded).where(
            work_item.c.source == source, among(connection, work_item.c.source_id, ids)
        )
    )
    rows = {row.source_id: row for row in stored}
    moved = {}
    for former in told:
        row, folded = rows.get(former.id), match_key(former.key)
        if row is not None and row.key_folded != folded:
            moved[row.id, folded] = {
                "work_item_id": row.id,
                "key_folded": folded,
                "key": former.key,
                "until": until,
            }
    put(connection, list(moved.values()))


def put(connection: Connection, moved: Sequence[Row]) -> None:
    """Insert former keys, in place of those that are kept already."""
    known = tuple_(former_key.c.work_item_id, former_key.c.key_folded)
    if moved:
        same = [(row["work_item_id"], row["key_folded"]) for row in moved]
        connection.execute(delete(former_key).where(known.in_(same)))
        insert_rows(connection, former_key, moved)
