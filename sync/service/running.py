"""Find which schedules are due, and run what they ask for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Engine

from sync.frame.progress import Progress
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.night import run_night, run_pull
from sync.service.cron import Slot
from sync.service.due import is_due
from sync.service.schedules import Schedule, What
from sync.store import schedules as ledger


def find_due(engine: Engine, schedule: Schedule, now: datetime) -> Slot | None:
    """Give the slot of a schedule that should be run now, if there is one."""
    with engine.connect() as connection:
        since = ledger.known_since(connection, schedule.name)
        return None if since is None else due_on(connection, schedule, now, since)


def find_asked(engine: Engine, schedule: Schedule, now: datetime) -> Slot | None:
    """Give the newest slot of a schedule unless it is done: somebody else's clock says that it is time."""
    with engine.begin() as connection:
        ledger.note_schedules(connection, [schedule.name], now)
        return due_on(connection, schedule, now, None)


def due_on(connection: Connection, schedule: Schedule, now: datetime, since: datetime | None) -> Slot | None:
    """Give the newest slot, if the ledger says that it should be run."""
    slot = schedule.times.last_until(now)
    if slot is None:
        return None
    attempt = ledger.attempt_at(connection, schedule.name, slot.name)
    return slot if is_due(slot, now, since, attempt) else None


def run_slot(service: Service, schedule: Schedule, slot: Slot, progress: Progress) -> RunResult:
    """Run what a schedule asks for, as the run of this slot."""
    options = options_for(schedule, slot)
    run = run_pull if schedule.what is What.PULL else run_night
    return run(service, options, progress)


def options_for(schedule: Schedule, slot: Slot) -> Options:
    """Give the options of the run of a slot."""
    return Options(
        f"schedule {schedule.name}",
        dry_run=schedule.what is What.PULL,
        whole=schedule.full,
        sources=schedule.sources,
        slot=(schedule.name, slot),
        time_limit=schedule.time_limit,
    )
