"""Pass the progress of a run on, log each of its steps, and keep how long each took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from structlog.contextvars import bound_contextvars

from sync.frame.log import log
from sync.frame.progress import Progress, Step
from sync.store.traces import StepTaken

# A long step says that it is alive.
SAID_EVERY = 30.0


@dataclass(slots=True)
class Journal:
    """A progress that takes notes."""

    progress: Progress
    clock: Callable[[], datetime]
    steps: list[StepTaken] = field(default_factory=list)

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Begin a step; it is noted when it ends, however it ends."""
        began, started = time.monotonic(), self.clock()
        with bound_contextvars(step=title), self.progress.step(title) as step:
            noted = NotedStep(step)
            log.info("step began")
            try:
                yield noted
            finally:
                seconds = time.monotonic() - began
                self.steps.append(StepTaken(title, started, seconds, noted.done))
                log.info("step ended", seconds=round(seconds, 3), records=noted.done)

    def note(self, title: str, started: datetime | None, seconds: float, records: int) -> None:
        """Note a step that another process took for this run."""
        if started is not None:
            self.steps.append(StepTaken(title, started, seconds, records))
            with self.progress.step(f"{title} ({seconds:.1f} s elsewhere)") as step:
                step.advance(records)


@dataclass(slots=True)
class NotedStep:
    """A step that counts what went through, and says so now and then."""

    step: Step
    done: int = 0
    said_at: float = field(default_factory=time.monotonic)

    def advance(self, done: int, total: int | None = None) -> None:
        """Pass the advance on."""
        self.done += done
        self.step.advance(done, total)
        if time.monotonic() - self.said_at >= SAID_EVERY:
            self.said_at = time.monotonic()
            log.info("step goes on", records=self.done, expected=total)
