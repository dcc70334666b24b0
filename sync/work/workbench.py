"""Hold a claim while its shard is read: signs of life meanwhile, and a fence before each transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event, Thread

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from sync.frame.faults import fault
from sync.frame.log import log
from sync.settings import Queue, Settings
from sync.work.local import LocalQueue
from sync.work.postgresql import PostgresQueue
from sync.work.queue import Claim, ClaimLost, WorkQueue

# Of as many signs of life one must come through.
BEATS = 6


def nothing() -> None:
    """Do nothing."""


@dataclass(slots=True)
class Workbench:
    """A queue, and the engine through which what is claimed from it is read.

    Where others share the queue, every transaction on that engine asks first whether the claim still stands,
    whoever begins it. A worker that stays `silent` for so many seconds is taken for dead.
    """

    engine: Engine
    queue: WorkQueue = field(default_factory=LocalQueue)
    silent: float = 30.0
    claim: Claim | None = None

    def __post_init__(self) -> None:
        if self.queue.shared:
            self.engine = self.engine.execution_options()  # one of its own, over the same connections
            event.listen(self.engine, "begin", self._ask)

    def _ask(self, connection: Connection) -> None:
        if self.claim is not None:
            self.queue.keep(self.claim, connection)

    @contextmanager
    def holding(self, claim: Claim, lost: Callable[[], None] = nothing) -> Iterator[None]:
        """Keep a claim for as long as the context lasts; `lost` is called, in a thread, when that fails."""
        if not self.queue.shared:
            yield
            return
        ended = Event()
        beating = Thread(target=self._beat, args=(claim, ended, lost), name="signs of life", daemon=True)
        self.claim = claim
        beating.start()
        try:
            yield
        finally:
            self.claim = None
            ended.set()
            beating.join(timeout=self.silent)

    def _beat(self, claim: Claim, ended: Event, lost: Callable[[], None]) -> None:
        while not ended.wait(self.silent / BEATS):
            try:
                self.queue.keep(claim)
            except ClaimLost:
                lost()
                return
            except DBAPIError as error:
                log.warning("no sign of life", source=claim.shard.source, why=fault(error))


def workbench_for(settings: Settings, engine: Engine, clock: Callable[[], datetime]) -> Workbench:
    """Give the place where sources are read: in this process alone, or by machines that share a queue."""
    shared = settings.queue is Queue.POSTGRESQL
    queue: WorkQueue = PostgresQueue(engine, clock) if shared else LocalQueue()
    return Workbench(engine, queue, settings.worker_timeout.total_seconds())
