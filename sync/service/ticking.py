"""Tick in the background until told to stop, and then end what is under way within a grace period.

APScheduler is only the tick: its own cron would skip or double nights when the clocks change and drop late
ones. Which schedule is due is asked of the ledger at each tick.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Lock

from apscheduler.schedulers.background import BackgroundScheduler

TICK_SECONDS = 30


class Ticker:
    """Calls `tick` at once and then again and again; one that is late or still at work is never doubled."""

    def __init__(self, tick: Callable[[], None], seconds: float = TICK_SECONDS) -> None:
        self._tick = tick
        self._at_work = Lock()
        self._scheduler = BackgroundScheduler(timezone=UTC)
        self._scheduler.add_job(
            self._guarded,
            "interval",
            seconds=seconds,
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )

    def run_until(self, stop: Event, grace: float) -> bool:
        """Tick until `stop` is set, which also ends the tick under way; say whether it ended in time."""
        self._scheduler.start()
        stop.wait()
        self._scheduler.shutdown(wait=False)
        return self._at_work.acquire(timeout=grace)

    def _guarded(self) -> None:
        with self._at_work:
            self._tick()
