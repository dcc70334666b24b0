"""Count deliveries in memory and put what is new into the store once in a while, whoever floods the route."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from sync.frame.faults import fault
from sync.frame.log import log
from sync.store import webhooks

SECONDS = 10.0
# Anybody may call a site what they like, and must not make a series by it.
UNKNOWN = "unknown"


class Outcome(StrEnum):
    """What was made of a delivery."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    IGNORED = "ignored"
    FORGED = "forged"
    OVERSIZED = "oversized"
    REFUSED = "refused"


@dataclass(slots=True)
class Tally:
    """`with Tally(…):` keeps in the store what is counted; a killed process loses the last seconds."""

    engine: Engine
    clock: Callable[[], datetime]
    seconds: float = SECONDS
    fresh: Counter[tuple[str, str]] = field(default_factory=Counter)
    lock: Lock = field(default_factory=Lock)
    over: Event = field(default_factory=Event)
    thread: Thread | None = None

    def count(self, site: str, outcome: Outcome) -> None:
        """Count one delivery."""
        with self.lock:
            self.fresh[site, outcome.value] += 1

    def keep(self) -> None:
        """Put what is new into the store; what it does not take now is kept for the next time."""
        with self.lock:
            taken, self.fresh = self.fresh, Counter()
        if not taken:
            return
        try:
            with self.engine.begin() as connection:
                webhooks.add(connection, taken, self.clock())
        except SQLAlchemyError as error:
            log.warning("webhooks not counted yet", why=fault(error))
            with self.lock:
                self.fresh.update(taken)

    def __enter__(self) -> Self:
        self.thread = Thread(target=self._go_on, name="webhook counts", daemon=True)
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        if self.thread is not None:
            self.thread.join()
        self.keep()

    def _go_on(self) -> None:
        while not self.over.wait(self.seconds):
            self.keep()
