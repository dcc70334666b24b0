"""Hold the right to write while a run goes on: taken once, prolonged as it works, given back at its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from sync.errors import LeaseHeld
from sync.frame.deadline import Deadline
from sync.frame.milestones import Milestone, reach
from sync.frame.progress import Step
from sync.store import runs

LASTS = timedelta(minutes=15)
KEPT_EVERY = timedelta(minutes=1)


@dataclass(slots=True)
class Lease:
    """The lease of one run. `fence` grows with each holder, so that a late one cannot prolong another's."""

    engine: Engine
    holder: str
    clock: Callable[[], datetime]
    fence: int
    kept_at: datetime

    def keep(self) -> None:
        """Prolong it, or raise `LeaseHeld` when somebody else has taken it meanwhile."""
        now = self.clock()
        with self.engine.begin() as connection:
            runs.keep_lease(connection, self.holder, self.fence, now, LASTS)
        self.kept_at = now

    def check(self) -> None:
        """Raise `LeaseHeld` where it may have run out, without asking the store: called before each write.

        A process that slept through its lease (a suspended machine) must not finish its sentence on waking.
        """
        if self.clock() >= self.kept_at + LASTS:
            raise LeaseHeld("This run slept through its lease, so it writes no more. The next run goes on.")
        reach(Milestone.WRITE_PERMITTED)

    def free(self, connection: Connection, now: datetime) -> None:
        """Let the next run begin."""
        runs.free_lease(connection, self.holder, self.fence, now)


def take_lease(engine: Engine, connection: Connection, holder: str, clock: Callable[[], datetime]) -> Lease:
    """Take the lease in a transaction, or raise `LeaseHeld` when another run is at work."""
    now = clock()
    return Lease(engine, holder, clock, runs.take_lease(connection, holder, now, LASTS), now)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A step that keeps the lease for as long as it goes on; it ends when that is lost or time is up."""

    step: Step
    lease: Lease
    deadline: Deadline = field(default_factory=Deadline)

    def advance(self, done: int, total: int | None = None) -> None:
        """Pass the advance on, and prolong the lease once in a while."""
        self.step.advance(done, total)
        if self.lease.clock() - self.lease.kept_at >= KEPT_EVERY:
            self.lease.keep()
        self.deadline.check()
