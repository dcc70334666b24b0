"""Have the sources of a run read: put them into the queue, help with them, wait for the helpers, collect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync.errors import Exit
from sync.feeds import Feed, Kind
from sync.frame.journal import Journal
from sync.frame.lease import KEPT_EVERY, Heartbeat, Lease
from sync.frame.log import log
from sync.frame.result import RunResult
from sync.frame.service import Service
from sync.pull import Pulled
from sync.store import runs
from sync.store.money.guards import Allowed
from sync.work.queue import Claim, ClaimLost, Outcome, Shard, Standing, State
from sync.work.reading import Reader

# While others read, the night looks so often whether they are done.
LOOK_SECONDS = 0.5
ORDER = list(Kind)


def waves(feeds: Sequence[Feed]) -> list[list[Feed]]:
    """Order feeds by kind, and cut them where what comes later builds on all that came before.

    Remote links are asked for only where nothing else ties an issue, so all work and objectives come first;
    files of links after them, as ever; and what all of these name as objectives in vain at the end. Within
    what a Jira is asked for at once, nothing builds on anything.
    """
    ordered = sorted(feeds, key=lambda feed: ORDER.index(feed.kind))
    first = [feed for feed in ordered if feed.kind in {Kind.OBJECTIVES, Kind.WORK}]
    remote = [feed for feed in ordered if feed.kind is Kind.LINKS and feed.site is not None]
    outside = [feed for feed in ordered if feed.kind is Kind.OUTSIDE]
    rest = [feed for feed in ordered if feed not in (*first, *remote, *outside)]
    return [wave for wave in (first, remote, rest, outside) if wave]


@dataclass(frozen=True, slots=True)
class Sharing:
    """The reading of one run's sources."""

    service: Service
    result: RunResult
    lease: Lease
    journal: Journal
    allowed: Allowed
    whole: bool

    def read(self, wave: Sequence[Feed]) -> None:
        """Read these sources, with whoever helps; each ends up in the result, in order.

        Only what is read over the network from a Jira is shared: files and kept tokens are on this machine.
        """
        queue = self.service.bench.queue
        given = [feed for feed in wave if not queue.shared or feed.site is not None]
        queue.put([self._shard(feed) for feed in given])
        own = {feed.name: self._read_own(feed) for feed in wave if feed not in given}
        self._work_off(given)
        why = self.service.deadline.why()
        queue.withdraw(self.result.run_id)
        standings = {one.source: one for one in queue.standings(self.result.run_id)}
        for feed in wave:
            pulled = own.get(feed.name) or self._collect(feed, standings.get(feed.name), why)
            self.result.pulled.append(pulled)
            if not pulled.complete and pulled.status != "not read":
                warn(pulled)

    def _shard(self, feed: Feed) -> Shard:
        site, run_id = feed.site or feed.name, self.result.run_id
        return Shard(run_id, feed.name, site, self.lease.fence, feed.form, self.whole, self.allowed.shrink)

    def _work_off(self, feeds: Sequence[Feed]) -> None:
        """Read what nobody else has taken, until all is done or the run must end."""
        bench, run_id = self.service.bench, self.result.run_id
        known = {(feed.name, feed.form): feed for feed in feeds}
        while known and not self.service.deadline.why():
            if bench.queue.shared:
                bench.queue.reap(bench.silent)
            claim = bench.queue.claim(self.lease.holder, known)
            if claim is not None:
                self._read_claimed(claim, known[claim.shard.source, claim.shard.form])
            elif all(one.state is State.DONE for one in bench.queue.standings(run_id)):
                return
            else:
                self._wait()

    def _wait(self) -> None:
        self.service.deadline.stop.wait(LOOK_SECONDS)
        if self.service.clock() - self.lease.kept_at >= KEPT_EVERY:
            self.lease.keep()

    def _read_claimed(self, claim: Claim, feed: Feed) -> None:
        bench = self.service.bench
        try:
            with bench.holding(claim):
                outcome = self._read(claim.shard, feed)
            bench.queue.finish(claim, outcome)
        except ClaimLost as error:
            log.warning("shard lost", source=feed.name, why=str(error))
        self.lease.keep()

    def _read(self, shard: Shard, feed: Feed) -> Outcome:
        service = self.service
        reader = Reader(service.bench.engine, service.clock, service.requests)
        with self.journal.step(f"pull {feed.name}") as step:
            beating = Heartbeat(step, self.lease, service.deadline)
            return reader.read(shard, feed, self.allowed, beating)

    def _read_own(self, feed: Feed) -> Pulled:
        """Read what nobody else can."""
        why = self.service.deadline.why()
        if why:
            return Pulled(feed, "not read", why, Exit.INCOMPLETE)
        outcome = self._read(self._shard(feed), feed)
        self.lease.keep()
        return Pulled(feed, outcome.status, outcome.message, outcome.exit_code)

    def _collect(self, feed: Feed, standing: Standing | None, why: str) -> Pulled:
        """Say how a shard went; what others did for it counts as done in this run."""
        outcome = None if standing is None else standing.outcome
        with self.service.engine.begin() as connection:
            message = why if outcome is None else outcome.message
            begun = runs.close_source(
                connection, self.result.run_id, feed.name, self.service.clock(), message or "broken off"
            )
        if standing is None or outcome is None:
            return Pulled(feed, "incomplete" if begun else "not read", why, Exit.INCOMPLETE)
        if standing.worker != self.lease.holder:
            self.result.asked.update(outcome.asked)
            self.journal.note(f"pull {feed.name}", outcome.started_at, outcome.seconds, outcome.records)
        return Pulled(feed, outcome.status, outcome.message, outcome.exit_code)


def warn(pulled: Pulled) -> None:
    """Log that a source was not read whole."""
    feed = pulled.feed
    log.warning(
        "source incomplete", source=feed.name, site=feed.site, status=pulled.status, why=pulled.message
    )
