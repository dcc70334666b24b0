"""Tell a source what the store holds of it, so that it reads what changed and accounts for what is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import Connection, Engine, and_, exists, or_, select

from connectors.base import Known
from connectors.census import Census, Entry
from sync.store import markers, tables
from sync.store.presence import kept
from sync.store.runs import source_run
from sync.store.schema import table_of

label = table_of(tables.WorkItemLabel)
ledger = table_of(tables.LabelWrite)
work_item = table_of(tables.WorkItem)

AT_ONCE = 500
STREAMED = {"yield_per": 1000}


def read_known(engine: Engine, source: str, max_shrink: float, *, whole: bool) -> Known:
    """Give what is known of a source of work items; `whole` asks for a read of everything."""
    with engine.connect() as connection:
        rows = in_scope_rows(connection, source)
        return Known(
            bookmark=None if whole else last_bookmark(connection, source),
            rows=rows,
            again=to_read_again(connection, source),
            beside=to_look_after(connection, source),
            may_lose=int(max_shrink * len(rows)),
            parents=lambda: parents_named(engine, source),
            keys=lambda ids: keys_of(engine, source, ids),
        )


def in_scope_rows(connection: Connection, source: str) -> Census:
    """Read what counts as in scope: also what went missing, until it is known to be gone."""
    rows = connection.execution_options(**STREAMED).execute(
        select(work_item.c.source_id, work_item.c.key, work_item.c.updated_at).where(
            work_item.c.source == source, kept(work_item), work_item.c.in_scope
        )
    )
    return Census(
        Entry(int(row.source_id), row.key, row.updated_at) for row in rows if row.source_id.isdecimal()
    )


def last_bookmark(connection: Connection, source: str) -> str | None:
    """Give what the newest complete read left."""
    left: str | None = connection.scalar(
        select(source_run.c.bookmark)
        .where(source_run.c.source == source, source_run.c.status == "complete")
        .order_by(source_run.c.run_id.desc())
        .limit(1)
    )
    return left


def to_read_again(connection: Connection, source: str) -> tuple[str, ...]:
    """Read which rows nobody can be sure of: missing ones, and those whose labels we wrote or meant to."""
    unanswered = exists().where(ledger.c.work_item_id == work_item.c.id, ledger.c.state == "intended")
    return tuple(
        connection.scalars(
            select(work_item.c.source_id).where(
                work_item.c.source == source,
                kept(work_item),
                work_item.c.in_scope,
                or_(work_item.c.row_hash == "", work_item.c.missing_since.is_not(None), unanswered),
            )
        )
    )


def to_look_after(connection: Connection, source: str) -> tuple[str, ...]:
    """Read which issues outside the scope still bear a label or a marker of ours, which must go."""
    ours = exists().where(
        label.c.work_item_id == work_item.c.id,
        ledger.c.work_item_id == work_item.c.id,
        ledger.c.label == label.c.label,
        ledger.c.operation == "add",
    )
    return tuple(
        connection.scalars(
            select(work_item.c.source_id).where(
                work_item.c.source == source,
                kept(work_item),
                ~work_item.c.in_scope,
                or_(ours, work_item.c.id.in_(markers.told_items())),
            )
        )
    )


def parents_named(engine: Engine, source: str) -> Iterator[str]:
    """Read the parents that rows of a source name: the immutable id, or else the key."""
    with engine.connect() as connection:
        rows = connection.execution_options(**STREAMED).execute(
            select(work_item.c.parent_source_id, work_item.c.parent_key)
            .where(
                and_(work_item.c.source == source, kept(work_item), work_item.c.missing_since.is_(None)),
                or_(work_item.c.parent_source_id.is_not(None), work_item.c.parent_key.is_not(None)),
            )
            .distinct()
        )
        yield from (row.parent_source_id or row.parent_key for row in rows)


def keys_of(engine: Engine, source: str, ids: Sequence[str]) -> Mapping[str, str]:
    """Read the last known keys of some ids."""
    found: dict[str, str] = {}
    with engine.connect() as connection:
        for start in range(0, len(ids), AT_ONCE):
            rows = connection.execute(
                select(work_item.c.source_id, work_item.c.key).where(
                    work_item.c.source == source, work_item.c.source_id.in_(ids[start : start + AT_ONCE])
                )
            )
            found |= {row.source_id: row.key for row in rows}
    return found
