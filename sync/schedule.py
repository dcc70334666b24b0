"""Decide when a night is due, and let a tick ask: the run ledger decides, not the timer.

APScheduler is only the tick. Its own cron would skip or double nights when the clocks change and drop late
ones; here a due time is worked out by cronsim in the configured zone, and each local date is run once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.base import BaseScheduler
from cronsim import CronSim

TICK_SECONDS = 30
# Two days find the last due time of a nightly schedule, the others that of a monthly or a yearly one.
LOOK_BACK = (timedelta(days=2), timedelta(days=40), timedelta(days=400))


@dataclass(frozen=True, slots=True)
class Due:
    """A night that should run: when it fell due, and the local date it counts for."""

    at: datetime
    local_date: date


def next_due(schedule: str, zone: ZoneInfo, after: datetime) -> Due:
    """Give the first due time after a moment."""
    at = next(CronSim(schedule, after.astimezone(zone)))
    return Due(at, at.date())


def last_due(schedule: str, zone: ZoneInfo, now: datetime) -> Due | None:
    """Give the newest due time that has come."""
    for look_back in LOOK_BACK:
        newest = None
        for at in CronSim(schedule, (now - look_back).astimezone(zone)):
            if is_later(at, now):
                break
            newest = Due(at, at.date())
        if newest is not None:
            return newest
    return None


def is_later(one: datetime, other: datetime) -> bool:
    """Compare in UTC: two times of one zone compare by their wall clocks, which lie when set back."""
    return one.astimezone(UTC) > other.astimezone(UTC)


def due_night(
    schedule: str, zone: ZoneInfo, now: datetime, watching_since: datetime, last_run: date | None
) -> Due | None:
    """Say which night should run now, if any.

    A night that fell due while nobody was watching is caught up once, the newest only; a store that never ran
    one starts with the first night that falls due after `watching_since`.
    """
    due = last_due(schedule, zone, now)
    if due is None or (last_run is not None and due.local_date <= last_run):
        return None
    if last_run is None and is_later(watching_since, due.at):
        return None
    return due


def start_ticking(scheduler: BaseScheduler, tick: Callable[[], None]) -> None:
    """Have the scheduler ask again and again; a tick that is late or still at work is never doubled."""
    scheduler.add_job(
        tick,
        "interval",
        seconds=TICK_SECONDS,
        id="tick",
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
    )
