"""Know when a run must end: its time is up, or somebody asked it to stop."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Event

from connectors.errors import Halted
from sync.config.durations import spoken

INTERRUPTED = "Told to stop. What was done so far is kept; the next run goes on from there."


def utc_now() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Deadline:
    """When a run must end. `stop` is set from outside, by a signal; `until` counts from the run's start."""

    clock: Callable[[], datetime] = utc_now
    stop: Event = field(default_factory=Event)
    limit: timedelta | None = None
    until: datetime | None = None

    def begin(self, now: datetime, limit: timedelta | None) -> None:
        """Begin to count the time of a run."""
        self.limit, self.until = limit, None if limit is None else now + limit

    def why(self) -> str:
        """Say why the run must end now, or nothing."""
        if self.stop.is_set():
            return INTERRUPTED
        if self.until is None or self.limit is None or self.clock() < self.until:
            return ""
        return (
            f"Out of time: the run may take {spoken(self.limit)} (TIELINE_TIME_LIMIT, or time_limit of its "
            "schedule). What was done so far is kept; the next run goes on from there."
        )

    def check(self) -> None:
        """Raise `Halted` where the run must end."""
        why = self.why()
        if why:
            raise Halted(why)

    def left(self) -> float:
        """Give the seconds that are left; endless where there is no limit."""
        return math.inf if self.until is None else max(0.0, (self.until - self.clock()).total_seconds())
