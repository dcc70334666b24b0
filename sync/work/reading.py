"""Read one shard that is claimed, and say what it came to."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from sync.feeds import Feed
from sync.frame.progress import Step
from sync.pull import Pull
from sync.store.money.guards import Allowed
from sync.store.traces import Asked
from sync.work.queue import Outcome, Shard


@dataclass(slots=True)
class Counted:
    """A step that counts what went through."""

    step: Step
    done: int = 0

    def advance(self, done: int, total: int | None = None) -> None:
        """Pass the advance on."""
        self.done += done
        self.step.advance(done, total)


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads shards into the store; `requests` counts what this process has asked of each site so far."""

    engine: Engine
    clock: Callable[[], datetime]
    requests: Callable[[], Counter[Asked]]

    def read(self, shard: Shard, feed: Feed, allowed: Allowed, step: Step) -> Outcome:
        """Read a shard from its feed."""
        started, began, before, counted = self.clock(), time.monotonic(), self.requests(), Counted(step)
        pull = Pull(self.engine, feed, shard.run_id, self.clock, allowed, counted, whole=shard.whole)
        pulled = pull.read()
        return Outcome(
            pulled.status,
            pulled.message,
            pulled.exit_code,
            started,
            time.monotonic() - began,
            counted.done,
            self.requests() - before,
        )
