"""The ledger of schedules: since when each is known, and one row for each slot that was begun."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, insert, select, update

from sync.service.cron import Slot
from sync.service.due import Attempt
from sync.store import tables
from sync.store.runs import run
from sync.store.schema import AnyRow, table_of

known = table_of(tables.KnownSchedule)
slots = table_of(tables.ScheduleSlot)

# How a run ends that did not come to an end of its own.
BROKEN = frozenset({"running", "killed", "failed", "interrupted"})


def note_schedules(connection: Connection, names: Iterable[str], now: datetime) -> None:
    """Note the schedules that are heard of for the first time."""
    there = set(connection.scalars(select(known.c.name)))
    new = [{"name": name, "since": now} for name in dict.fromkeys(names) if name not in there]
    if new:
        connection.execute(insert(known), new)


def known_since(connection: Connection, schedule: str) -> datetime | None:
    """Give since when a schedule is known."""
    since: datetime | None = connection.scalar(select(known.c.since).where(known.c.name == schedule))
    return since


def attempt_at(connection: Connection, schedule: str, slot: str) -> Attempt | None:
    """Give what became of a slot; None where it was never begun."""
    row = connection.execute(
        select(slots.c.attempts, slots.c.begun_at, run.c.status)
        .join(run, run.c.id == slots.c.run_id)
        .where(slots.c.schedule == schedule, slots.c.slot == slot)
    ).one_or_none()
    return None if row is None else Attempt(row.attempts, row.begun_at, row.status not in BROKEN)


def claim(connection: Connection, schedule: str, slot: Slot, run_id: int, now: datetime) -> bool:
    """Claim a slot for a run; False where a run of it has ended. Only the lease's holder calls this."""
    attempt = attempt_at(connection, schedule, slot.name)
    if attempt is None:
        connection.execute(
            insert(slots).values(
                schedule=schedule, slot=slot.name, local_date=slot.local_date, due_at=slot.at,
                run_id=run_id, begun_at=now, attempts=1,
            )
        )  # fmt: skip
        return True
    if attempt.ended:
        return False
    connection.execute(
        update(slots)
        .where(slots.c.schedule == schedule, slots.c.slot == slot.name)
        .values(run_id=run_id, begun_at=now, attempts=slots.c.attempts + 1)
    )
    return True


def newest_slots(connection: Connection) -> dict[str, AnyRow]:
    """Read the newest slot of each schedule, with how its run ended."""
    rows = connection.execute(
        select(slots, run.c.status, run.c.finished_at)
        .join(run, run.c.id == slots.c.run_id)
        .where(~is_followed())
        .order_by(slots.c.schedule)
    )
    return {row.schedule: row for row in rows}


def is_followed() -> ColumnElement[bool]:
    """Say that there is a later slot of the same schedule."""
    later = slots.alias("later")
    return (
        select(later.c.slot)
        .where(later.c.schedule == slots.c.schedule, later.c.due_at > slots.c.due_at)
        .exists()
    )
