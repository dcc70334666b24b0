"""Remember the keys that issues had before they were moved: money and work go on to name them by these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, FromClause, and_, select

from connectors.pages import FormerKey
from sync.store import tables
from sync.store.bulk import among, insert_rows
from sync.store.rows import match_key
from sync.store.schema import table_of

former_key = table_of(tables.FormerKey)
work_item = table_of(tables.WorkItem)


def of_issue(item: FromClause) -> ColumnElement[bool]:
    """Give the condition that a former key is one of this work item."""
    return and_(former_key.c.site == item.c.source, former_key.c.issue_id == item.c.source_id)


def keep_former_keys(connection: Connection, source: str, until: datetime, keys: Mapping[str, str]) -> None:
    """Keep the key each issue has in the store where it now comes with another; `keys` are folded, by id."""
    if not keys:
        return
    stored = connection.execute(
        select(work_item.c.source_id, work_item.c.key, work_item.c.key_folded).where(
            work_item.c.source == source, among(connection, work_item.c.source_id, keys)
        )
    )
    moved = [FormerKey(row.key, row.source_id) for row in stored if row.key_folded != keys[row.source_id]]
    note_former_keys(connection, source, until, moved)


def note_former_keys(connection: Connection, site: str, until: datetime, told: Iterable[FormerKey]) -> None:
    """Keep these former keys of issues of a site, each once."""
    moved = {(former.id, match_key(former.key)): former.key for former in told}
    if not moved:
        return
    ids = {issue_id for issue_id, _ in moved}
    known = connection.execute(
        select(former_key.c.issue_id, former_key.c.key_folded).where(
            former_key.c.site == site, among(connection, former_key.c.issue_id, ids)
        )
    )
    for row in known:
        moved.pop((row.issue_id, row.key_folded), None)
    insert_rows(
        connection,
        former_key,
        [
            {"site": site, "issue_id": issue_id, "key_folded": folded, "key": key, "until": until}
            for (issue_id, folded), key in moved.items()
        ],
    )
