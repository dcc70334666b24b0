"""The queue of a night that reads everything by itself, in order, in this process: the default."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from time import monotonic

from sqlalchemy import Connection

from sync.errors import Exit
from sync.work.queue import MOST_ATTEMPTS, Claim, ClaimLost, Outcome, Shard, Standing, State, given_up


@dataclass(slots=True)
class Entry:
    """A shard and how it stands; `alive_at` is the last sign of life."""

    shard: Shard
    standing: Standing
    alive_at: float = 0.0


@dataclass(slots=True)
class LocalQueue:
    """Holds shards in memory. Nobody else can take one, so a claim is only ever lost to `withdraw`."""

    shared: bool = False
    clock: Callable[[], float] = monotonic
    entries: dict[int, Entry] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))

    def put(self, shards: Sequence[Shard]) -> None:
        """Add shards, to be claimed in this order. Those of earlier runs are forgotten: `serve` runs on."""
        runs = {shard.run_id for shard in shards}
        self.entries = {number: one for number, one in self.entries.items() if one.shard.run_id in runs}
        for shard in shards:
            self.entries[next(self.numbers)] = Entry(shard, Standing(shard.source, State.WAITING))

    def claim(self, worker: str, forms: Collection[tuple[str, str]]) -> Claim | None:
        """Give the first shard that waits, whose source and form are among these, and whose site is free."""
        busy = {it.shard.site for it in self.entries.values() if it.standing.state is State.RUNNING}
        for number, entry in self.entries.items():
            shard, standing = entry.shard, entry.standing
            known = (shard.source, shard.form) in forms
            if standing.state is State.WAITING and known and shard.site not in busy:
                attempt = standing.attempts + 1
                entry.standing = Standing(shard.source, State.RUNNING, worker, attempt)
                entry.alive_at = self.clock()
                return Claim(number, shard, worker, attempt)
        return None

    def keep(self, claim: Claim, connection: Connection | None = None) -> None:  # noqa: ARG002
        """Give a sign of life."""
        self._held(claim).alive_at = self.clock()

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """End the shard."""
        entry = self._held(claim)
        entry.standing = replace(entry.standing, state=State.DONE, outcome=outcome)

    def give_back(self, claim: Claim) -> None:
        """Let the shard be claimed again."""
        try:
            entry = self._held(claim)
        except ClaimLost:
            return
        entry.standing = replace(entry.standing, state=State.WAITING, worker=None)

    def reap(self, silent: float) -> int:
        """Take back the shards of those who gave no sign of life for so many seconds."""
        dead = [
            entry
            for entry in self.entries.values()
            if entry.standing.state is State.RUNNING and self.clock() - entry.alive_at >= silent
        ]
        for entry in dead:
            standing = replace(entry.standing, state=State.WAITING, worker=None)
            if standing.attempts >= MOST_ATTEMPTS:
                failed = Outcome("failed", given_up(standing.attempts), Exit.INCOMPLETE)
                standing = replace(standing, state=State.DONE, outcome=failed)
            entry.standing = standing
        return len(dead)

    def standings(self, run_id: int) -> Sequence[Standing]:
        """Say how each shard of a run stands."""
        return [
            replace(entry.standing, silent=self.clock() - entry.alive_at)
            if entry.standing.state is State.RUNNING
            else entry.standing
            for entry in self.entries.values()
            if entry.shard.run_id == run_id
        ]

    def withdraw(self, run_id: int) -> None:
        """Take away every shard of a run that is not done."""
        for number, entry in list(self.entries.items()):
            if entry.shard.run_id == run_id and entry.standing.state is not State.DONE:
                del self.entries[number]

    def _held(self, claim: Claim) -> Entry:
        entry = self.entries.get(claim.id)
        running = entry is not None and entry.standing.state is State.RUNNING
        if entry is None or not running or entry.standing.attempts != claim.attempt:
            raise ClaimLost(f"{claim.shard.source} is no longer {claim.worker}'s")
        return entry
