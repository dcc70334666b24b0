"""The words of shared work, and what a queue of it must do; `tests/contract` holds every queue to it.

A shard is one source to be read in one run. Whoever claims one keeps it by signs of life and ends it with an
outcome. A claim is numbered: one that was taken back can do nothing more, however late it wakes up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import Connection

from sync.errors import Exit
from sync.store.traces import Asked

# Whoever was given a shard so often and fell silent each time was killed by what is in it.
MOST_ATTEMPTS = 10


class ClaimLost(Exception):
    """The shard is somebody else's by now, or its run is over: nothing more may be written for it."""


class State(StrEnum):
    """How far a shard is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Shard:
    """A source to be read in a run; of one site only one shard is read at a time.

    `fence` is that of the run's lease. `form` stands for how the source is configured: who has it otherwise
    must not read it. `whole` and `shrink` are what was asked of the run.
    """

    run_id: int
    source: str
    site: str
    fence: int = 0
    form: str = ""
    whole: bool = False
    shrink: float = 1.0


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to read a shard; `attempt` counts how often it was given to somebody."""

    id: int
    shard: Shard
    worker: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reading a shard came to: as `Pulled` says it, with what it took."""

    status: str
    message: str | None = None
    exit_code: Exit = Exit.OK
    started_at: datetime | None = None
    seconds: float = 0.0
    records: int = 0
    asked: Counter[Asked] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a shard stands; `silent` is for how many seconds whoever reads it has given no sign of life."""

    source: str
    state: State
    worker: str | None = None
    attempts: int = 0
    silent: float = 0.0
    outcome: Outcome | None = None


class WorkQueue(Protocol):
    """Where a night puts shards, and where those who read them find them."""

    @property
    def shared(self) -> bool:
        """Say whether others than this process can claim from it."""
        ...

    def put(self, shards: Sequence[Shard]) -> None:
        """Add shards, to be claimed in this order."""
        ...

    def claim(self, worker: str, forms: Collection[tuple[str, str]]) -> Claim | None:
        """Give the first shard that waits, whose source and form are among these, and whose site is free."""
        ...

    def keep(self, claim: Claim, connection: Connection | None = None) -> None:
        """Give a sign of life; raise `ClaimLost` where the shard is no longer ours.

        In a transaction that is given: nobody takes the shard away before that has ended.
        """
        ...

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """End the shard; raise `ClaimLost` where it is no longer ours."""
        ...

    def give_back(self, claim: Claim) -> None:
        """Let somebody else have the shard; nothing happens where it is no longer ours."""
        ...

    def reap(self, silent: float) -> int:
        """Take back the shards of those who gave no sign of life for so many seconds; say how many.

        One that was given out `MOST_ATTEMPTS` times is ended as failed instead.
        """
        ...

    def standings(self, run_id: int) -> Sequence[Standing]:
        """Say how each shard of a run stands, in order."""
        ...

    def withdraw(self, run_id: int) -> None:
        """Take away every shard of a run that is not done; whoever reads one has lost it."""
        ...


def given_up(attempts: int) -> str:
    """Say why a shard is given to nobody any more."""
    return (
        f"{attempts} workers broke off while they read it, and nobody is given it any more. The logs of the "
        "machines say why. The next run tries again."
    )
