"""Open a run under its lease and close it however it ends: its row, journal, log and observers."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime

from sqlalchemy import Connection
from structlog.contextvars import bound_contextvars

from sync.errors import Exit, LeaseHeld, UserError
from sync.frame.journal import Journal
from sync.frame.lease import Lease, take_lease
from sync.frame.log import log
from sync.frame.milestones import Milestone, reach
from sync.frame.observers import Ending, tell
from sync.frame.progress import Progress
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.frame.stopping import STOPPED, Stopped, undisturbed
from sync.service.cron import Slot
from sync.store import audit, runs, schedules, traces


@contextmanager
def open_run(
    service: Service, options: Options, progress: Progress
) -> Iterator[tuple[RunResult, Lease, Journal]]:
    """Hold the lease and the run's row for as long as the run lasts, and close both however it ends.

    The progress that is given keeps the run's journal.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}"
    with service.engine.begin() as connection:
        lease = take_lease(service.engine, connection, holder, service.clock)
        reach(Milestone.LEASE_TAKEN)
        started = lease.kept_at
        run_id = runs.begin(connection, options.trigger, started, dry_run=options.dry_run)
        audit.append(connection, run_id, "began", [asked_for(options)], started)
        if options.slot is not None:
            claim_slot(connection, options.slot, run_id, started)
    service.deadline.begin(started, options.time_limit or service.settings.time_limit)
    result = RunResult(run_id, started, options.dry_run)
    journal, before = Journal(progress, service.clock), service.requests()
    ending = Ending()
    with bound_contextvars(run=run_id):
        log.info("run began", trigger=options.trigger, dry_run=options.dry_run)
        tell(service.observers, lambda one: one.began(run_id, night=options.is_night))
        try:
            reach(Milestone.RUN_BEGUN)
            yield result, lease, journal
            ending = Ending(result.status, result.exit_code, "\n".join(result.said))
        except UserError as error:
            ending = Ending("failed", error.exit_code, str(error))
            raise
        except (Stopped, KeyboardInterrupt):
            ending = Ending("interrupted", Exit.INCOMPLETE, STOPPED)
            raise
        finally:
            with undisturbed(), service.engine.begin() as connection:
                traces.save_steps(connection, run_id, journal.steps)
                traces.save_requests(connection, run_id, service.requests() - before + result.asked)
                close_run(connection, service, lease, run_id, ending)
            reach(Milestone.RUN_ENDED)
            tell(service.observers, lambda one: one.ended(run_id, ending, night=options.is_night))


def goes_on(service: Service, result: RunResult) -> bool:
    """Say whether the run may begin another step; what keeps it from doing so is kept in the result."""
    result.halted = result.halted or service.deadline.why()
    result.interrupted = service.deadline.stop.is_set()
    return not result.halted


def close_run(connection: Connection, service: Service, lease: Lease, run_id: int, ending: Ending) -> None:
    """Close the row of a run, give the lease back, and say so."""
    now = service.clock()
    runs.finish(
        connection,
        run_id,
        now,
        status=ending.status,
        exit_code=int(ending.code),
        message=ending.message or None,
    )
    lease.free(connection, now)
    tell = log.info if ending.code is Exit.OK else log.warning
    tell("run ended", status=ending.status, exit_code=int(ending.code), message=ending.message)


def asked_for(options: Options) -> dict[str, object]:
    """Give what the audit keeps of how a run was asked for: above all, which guards it may pass."""
    apart = {"slot", "expected", "time_limit"}
    said = {field.name: getattr(options, field.name) for field in fields(options) if field.name not in apart}
    kept = {name: value for name, value in said.items() if value}
    return kept | ({} if options.expected is None else {"reviewed": len(options.expected.changes)})


def claim_slot(connection: Connection, slot: tuple[str, Slot], run_id: int, now: datetime) -> None:
    """Make the slot of a schedule ours, or raise `LeaseHeld` when another process has run it just now."""
    schedule, due = slot
    if not schedules.claim(connection, schedule, due, run_id, now):
        raise LeaseHeld(f"{schedule} of {due.name} has been run already. There is nothing to do.")
