"""Work for nights that run elsewhere: claim a shard, read it into the store, tell what it came to, again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event

from connectors.errors import Halted
from sync.errors import Exit
from sync.feeds import Feed
from sync.frame.faults import fault
from sync.frame.log import log
from sync.frame.service import Service
from sync.store.money.guards import Allowed
from sync.work.queue import MOST_ATTEMPTS, Claim, ClaimLost, Outcome
from sync.work.reading import Reader

# A worker without work asks so often whether there is some.
LOOK_SECONDS = 1.0
HALTED = "The worker was told to stop, or the shard is somebody else's by now."


@dataclass(slots=True)
class Watchful:
    """A step that ends where the worker is told to stop, or has lost what it reads."""

    stop: Event
    ending: Event

    def advance(self, done: int, total: int | None = None) -> None:  # noqa: ARG002
        """Go on, or raise `Halted`."""
        if self.stop.is_set() or self.ending.is_set():
            raise Halted(HALTED)


@dataclass(slots=True)
class Worker:
    """Reads shards until `ending` is set. `say` tells whoever runs it; `leave` closes the sites entered.

    `complaint` is what kept it from asking for work, until that works again.
    """

    service: Service
    name: str
    say: Callable[[str], None]
    leave: Callable[[], None]
    ending: Event = field(default_factory=Event)
    holds: Claim | None = None
    complaint: str = ""
    read: Counter[str] = field(default_factory=Counter)

    @property
    def feeds(self) -> dict[tuple[str, str], Feed]:
        """What this machine can read for others, by name and form."""
        return {(feed.name, feed.form): feed for feed in self.service.feeds if feed.site is not None}

    def work(self, *, once: bool) -> None:
        """Read what there is to read, and wait for more; `once` ends where nothing waits."""
        while not self.ending.is_set():
            try:
                found = self._read_next()
                self.complaint = ""
            except Exception as error:  # noqa: BLE001 - the worker outlives whatever its store or a shard does
                found = False
                self._complain(fault(error))
            if not found and once:
                return
            if not found:
                self.ending.wait(LOOK_SECONDS)

    def _read_next(self) -> bool:
        """Read a shard, if one waits that this machine can read."""
        bench, feeds = self.service.bench, self.feeds
        bench.queue.reap(bench.silent)
        claim = bench.queue.claim(self.name, feeds)
        if claim is not None:
            self._read(claim, feeds[claim.shard.source, claim.shard.form])
        return claim is not None

    def _complain(self, complaint: str) -> None:
        if self.complaint != complaint:
            log.error("no work to be had", why=complaint)
            self.say(f"No work is to be had: {complaint}")
        self.complaint = complaint

    def stop(self) -> None:
        """End the read under way at its next page, and take no other."""
        self.ending.set()
        self.service.deadline.stop.set()

    def give_back(self) -> None:
        """Let others have what is being read: what of it is stored stays."""
        if self.holds is not None:
            self.service.bench.queue.give_back(self.holds)

    def _read(self, claim: Claim, feed: Feed) -> None:
        """Read one shard; whatever goes wrong with it, the worker goes on."""
        bench, shard = self.service.bench, claim.shard
        stop = self.service.deadline.stop
        self.holds = claim
        log.info("shard begun", run=shard.run_id, source=shard.source, attempt=claim.attempt)
        try:
            with bench.holding(claim, stop.set):
                outcome = self._outcome(claim, feed)
            if self.ending.is_set() and outcome.status != "complete":
                bench.queue.give_back(claim)
                self._tell(claim, "given back")
            else:
                bench.queue.finish(claim, outcome)
                self._tell(claim, f"{outcome.status}, {outcome.records} records in {outcome.seconds:.1f} s")
                self.read[outcome.status] += 1
        except ClaimLost as error:
            self._tell(claim, f"lost: {error}")
        finally:
            self.holds = None
            self.leave()
            if not self.ending.is_set():
                stop.clear()

    def _outcome(self, claim: Claim, feed: Feed) -> Outcome:
        """Read, and give what it came to; a fault that is met each time ends the shard as failed."""
        service, shard = self.service, claim.shard
        reader = Reader(service.bench.engine, service.clock, service.requests)
        step = Watchful(service.deadline.stop, self.ending)
        try:
            return reader.read(shard, feed, Allowed(shard.shrink), step)
        except ClaimLost:
            raise
        except Exception as error:
            log.error("shard broke off", run=shard.run_id, source=shard.source, why=fault(error))
            failed = Outcome("failed", f"{self.name} broke off: {fault(error)}", Exit.INCOMPLETE)
            if claim.attempt >= MOST_ATTEMPTS:
                return failed
            service.bench.queue.give_back(claim)
            raise ClaimLost(fault(error)) from error

    def _tell(self, claim: Claim, what: str) -> None:
        log.info("shard ended", run=claim.shard.run_id, source=claim.shard.source, how=what)
        self.say(f"Run {claim.shard.run_id}, {claim.shard.source}: {what}.")
