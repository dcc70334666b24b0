"""The rows of a run: begin and finish, source by source; cursors, the lease."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from sync.errors import LeaseHeld
from sync.labels.limits import percent
from sync.store import audit, tables
from sync.store.save import Absent, Origin, Saved
from sync.store.schema import AnyRow, table_of

cursor = table_of(tables.Cursor)
lease = table_of(tables.Lease)
ledger = table_of(tables.LabelWrite)
run = table_of(tables.Run)
shard = table_of(tables.Shard)
source_run = table_of(tables.SourceRun)

LEASE = "night"


def begin(connection: Connection, trigger: str, now: datetime, *, dry_run: bool) -> int:
    """Open a run and give its number. Only the lease's holder calls this, so older open runs are dead.

    What other machines still read for one of them is taken from them first: this waits for the transaction
    that each of them is in, and lets none begin another.
    """
    connection.execute(delete(shard))
    connection.execute(
        update(run)
        .where(run.c.status == "running")
        .values(status="killed", finished_at=now, message="the process ended before the run did")
    )
    result = connection.execute(
        insert(run)
        .values(trigger=trigger, started_at=now, dry_run=dry_run, status="running")
        .returning(run.c.id)
    )
    return int(result.scalar_one())


def status_of(connection: Connection, run_id: int) -> str | None:
    """Give how a run stands or ended; None where there is no such run."""
    status: str | None = connection.scalar(select(run.c.status).where(run.c.id == run_id))
    return status


def serial(connection: Connection) -> str:
    """Give a text that changes with every read of a source and every write to a ticket."""
    read = connection.scalar(select(func.max(source_run.c.run_id))) or 0
    written = connection.scalar(select(func.max(ledger.c.id))) or 0
    return f"{read}.{written}"


def finish(
    connection: Connection, run_id: int, now: datetime, *, status: str, exit_code: int, message: str | None
) -> None:
    """Close a run, and note where the chain of what was done ends with it."""
    head = audit.append(connection, run_id, "ended", [{"status": status, "exit_code": exit_code}], now)
    connection.execute(
        update(run)
        .where(run.c.id == run_id)
        .values(finished_at=now, status=status, exit_code=exit_code, message=message, audit_head=head)
    )


@dataclass(frozen=True, slots=True)
class Resume:
    """Where a broken-off read goes on, and the run that began it."""

    value: str
    began: int


def read_cursor(connection: Connection, source: str, newer_than: datetime) -> Resume | None:
    """Give the cursor of a broken-off read, unless that read began too long ago to speak of today."""
    row = connection.execute(
        select(cursor.c.value, cursor.c.run_id)
        .join(run, run.c.id == cursor.c.run_id)
        .where(cursor.c.source == source, run.c.started_at >= newer_than)
    ).one_or_none()
    return None if row is None else Resume(row.value, row.run_id)


def save_cursor(connection: Connection, origin: Origin, value: str | None) -> None:
    """Keep where to go on, in the transaction that saved the page before it; None ends the read."""
    connection.execute(delete(cursor).where(cursor.c.source == origin.source))
    if value is not None:
        connection.execute(
            insert(cursor).values(
                source=origin.source, run_id=origin.began, value=value, saved_at=origin.seen_at
            )
        )


def begin_source(connection: Connection, run_id: int, source: str, kind: str, now: datetime) -> bool:
    """Open the reading of one source; say whether somebody had begun it in this run and broke off."""
    again = connection.execute(
        update(source_run)
        .where(source_run.c.run_id == run_id, source_run.c.source == source)
        .values(status="running", finished_at=None, message=None)
    )
    if again.rowcount:
        return True
    connection.execute(
        insert(source_run).values(
            run_id=run_id, source=source, kind=kind, status="running", started_at=now,
            records=0, changed=0, quarantined=0,
        )
    )  # fmt: skip
    return False


def count_page(connection: Connection, origin: Origin, saved: Saved, expected: int | None) -> None:
    """Add a page to the counts of its source."""
    connection.execute(
        update(source_run)
        .where(source_run.c.run_id == origin.run_id, source_run.c.source == origin.source)
        .values(
            records=source_run.c.records + saved.records,
            changed=source_run.c.changed + saved.changed,
            quarantined=source_run.c.quarantined + saved.quarantined,
            expected=func.coalesce(expected, source_run.c.expected),
        )
    )


def count_changed(connection: Connection, origin: Origin, changed: int) -> None:
    """Say how many records of a source were new or changed."""
    connection.execute(
        update(source_run)
        .where(source_run.c.run_id == origin.run_id, source_run.c.source == origin.source)
        .values(changed=changed)
    )


def recount(connection: Connection, origin: Origin) -> None:
    """Begin to count a source anew: it is read once more from the start."""
    connection.execute(
        update(source_run)
        .where(source_run.c.run_id == origin.run_id, source_run.c.source == origin.source)
        .values(records=0, changed=0, quarantined=0)
    )


def finish_source(
    connection: Connection, run_id: int, source: str, now: datetime, *, status: str, message: str | None
) -> None:
    """Close the reading of one source: complete, held, incomplete or failed."""
    connection.execute(
        update(source_run)
        .where(source_run.c.run_id == run_id, source_run.c.source == source)
        .values(finished_at=now, status=status, message=message)
    )


def close_source(connection: Connection, run_id: int, source: str, now: datetime, why: str) -> bool:
    """Close the reading of a source that somebody broke off; say whether there was one."""
    closed = connection.execute(
        update(source_run)
        .where(source_run.c.run_id == run_id, source_run.c.source == source, source_run.c.status == "running")
        .values(finished_at=now, status="incomplete", message=why)
    )
    return closed.rowcount != 0


def fail_source(connection: Connection, source: str, message: str) -> None:
    """Say of the newest read of a source, however it ended, that it failed after all."""
    newest = select(func.max(source_run.c.run_id)).where(source_run.c.source == source).scalar_subquery()
    connection.execute(
        update(source_run)
        .where(source_run.c.source == source, source_run.c.run_id == newest)
        .values(status="failed", message=message)
    )


def sources_of(connection: Connection, run_id: int) -> Sequence[AnyRow]:
    """Read how each source of a run went."""
    return connection.execute(
        select(source_run).where(source_run.c.run_id == run_id).order_by(source_run.c.started_at)
    ).all()


def complete_sources(connection: Connection) -> set[str]:
    """Give the sources whose newest read was complete."""
    newest = select(source_run.c.source, func.max(source_run.c.run_id).label("run_id")).group_by(
        source_run.c.source
    )
    newest_run = newest.subquery()
    return set(
        connection.scalars(
            select(source_run.c.source)
            .join(
                newest_run,
                and_(newest_run.c.source == source_run.c.source, newest_run.c.run_id == source_run.c.run_id),
            )
            .where(source_run.c.status == "complete")
        )
    )


def why_incomplete(connection: Connection, sources: Iterable[str]) -> dict[str, str]:
    """Say of each of these sources how its newest read ended."""
    found = {}
    for source in sources:
        row = connection.execute(
            select(source_run.c.run_id, source_run.c.status, source_run.c.message)
            .where(source_run.c.source == source)
            .order_by(source_run.c.run_id.desc())
            .limit(1)
        ).one_or_none()
        found[source] = "it was never read" if row is None else said_of(row)
    return found


def said_of(row: AnyRow) -> str:
    """Say how a read ended that did not end well."""
    how = "was broken off" if row.status == "running" else f"ended as {row.status}"
    return f"its last read (run {row.run_id}) {how}" + (f": {row.message}" if row.message else "")


def shrank(absent: Absent, most: float) -> str | None:
    """Say that a source lost more rows than it may, or nothing."""
    if absent.gone <= 1 or absent.share <= most:
        return None
    return (
        f"{absent.gone} of {absent.known} known rows are gone; TIELINE_MAX_SHRINK allows {percent(most)}. "
        "Nothing was deleted and its findings are frozen. If this is meant, run once with --allow-shrink."
    )


def take_lease(connection: Connection, holder: str, now: datetime, lasts: timedelta) -> int:
    """Take the lease that lets one run at a time write, and give its fence; raise `LeaseHeld` if taken."""
    taken = connection.execute(
        update(lease)
        .where(lease.c.name == LEASE, lease.c.expires_at <= now)
        .values(holder=holder, expires_at=now + lasts, fence=lease.c.fence + 1)
        .returning(lease.c.fence)
    ).scalar_one_or_none()
    if taken is not None:
        return int(taken)
    current = connection.execute(select(lease).where(lease.c.name == LEASE)).one_or_none()
    if current is None:
        return first_lease(connection, holder, now, lasts)
    raise LeaseHeld(
        f"Another run ({current.holder}) is at work; its lease ends at "
        f"{current.expires_at:%Y-%m-%d %H:%M} UTC unless it goes on. "
        "Wait for it, or stop that process and try again after that time."
    )


def first_lease(connection: Connection, holder: str, now: datetime, lasts: timedelta) -> int:
    """Make the lease of a new store."""
    try:
        connection.execute(insert(lease).values(name=LEASE, holder=holder, fence=1, expires_at=now + lasts))
    except IntegrityError:
        raise LeaseHeld("Another run has just begun on this store. Wait for it and try again.") from None
    return 1


def keep_lease(connection: Connection, holder: str, fence: int, now: datetime, lasts: timedelta) -> None:
    """Prolong the lease, or raise `LeaseHeld` when somebody else has taken it meanwhile."""
    kept = connection.execute(
        update(lease)
        .where(and_(lease.c.name == LEASE, lease.c.holder == holder, lease.c.fence == fence))
        .values(expires_at=now + lasts)
    )
    if kept.rowcount != 1:
        raise LeaseHeld("This run lost its lease to another one, so it stops here. The next run goes on.")


def free_lease(connection: Connection, holder: str, fence: int, now: datetime) -> None:
    """Let the next run begin."""
    connection.execute(
        update(lease)
        .where(and_(lease.c.name == LEASE, lease.c.holder == holder, lease.c.fence == fence))
        .values(expires_at=now)
    )
