"""A worker outlives what shards and stores do to it, and reads only what it would read in the same way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Event

import pytest
from sqlalchemy import Engine, create_engine, text

from connectors.base import Source
from connectors.jira import JiraSiteConfig
from sync.errors import Exit
from sync.feeds import Feed, Kind
from sync.frame.lease import take_lease
from sync.frame.service import Service
from sync.store import runs
from sync.work.forms import form_of
from sync.work.queue import MOST_ATTEMPTS, Claim, ClaimLost, Shard, Standing
from sync.work.worker import Worker
from tests.clock import NOW

pytestmark = pytest.mark.postgresql


def broken() -> Source:
    raise RuntimeError("what nobody expected")


@dataclass
class Room:
    """A store on PostgreSQL with a night at work, and a worker of it."""

    url: str
    engine: Engine
    service: Service
    said: list[str] = field(default_factory=list)

    def begin(self) -> tuple[int, int]:
        with self.engine.begin() as connection:
            lease = take_lease(self.engine, connection, "night", lambda: NOW)
            return runs.begin(connection, "cli", NOW, dry_run=False), lease.fence

    def put(self, source: str, form: str = "") -> int:
        run_id, fence = self.begin()
        self.service.bench.queue.put([Shard(run_id, source, source, fence, form)])
        return run_id

    def worker(self, *feeds: Feed) -> Worker:
        return Worker(replace(self.service, feeds=feeds), "w", self.said.append, lambda: None)

    def standing(self, run_id: int) -> Standing:
        (one,) = self.service.bench.queue.standings(run_id)
        return one


@pytest.fixture
def room(postgresql_url: str, service: Service) -> Room:
    return Room(postgresql_url, service.engine, service)


def test_what_breaks_off_each_time_is_given_up_and_the_worker_goes_on(room: Room) -> None:
    run_id = room.put("a")
    worker = room.worker(Feed("a", Kind.WORK, broken, site="a"))
    worker.work(once=True)
    standing = room.standing(run_id)
    assert standing.attempts == MOST_ATTEMPTS
    assert standing.outcome is not None
    assert standing.outcome.exit_code is Exit.INCOMPLETE
    assert standing.outcome.message == "w broke off: RuntimeError: what nobody expected"
    assert room.said[0] == "Run 1, a: lost: RuntimeError: what nobody expected."
    assert worker.complaint == ""


def test_a_store_that_is_gone_is_told_once_and_asked_again(room: Room) -> None:
    worker = room.worker(Feed("a", Kind.WORK, broken, site="a"))
    with room.engine.begin() as connection:
        connection.execute(text("ALTER TABLE shard RENAME TO elsewhere"))
    worker.work(once=True)
    worker.work(once=True)
    assert len(room.said) == 1
    assert room.said[0].startswith("No work is to be had: ")
    with room.engine.begin() as connection:
        connection.execute(text("ALTER TABLE elsewhere RENAME TO shard"))
    worker.work(once=True)
    assert worker.complaint == ""


def test_no_transaction_of_a_read_passes_once_the_shard_is_somebody_elses(room: Room) -> None:
    bench = room.service.bench
    room.put("a")
    claim = bench.queue.claim("w", [("a", "")])
    assert claim is not None
    with bench.holding(claim):
        note(bench.engine, "one")
        assert bench.queue.reap(0) == 1
        with pytest.raises(ClaimLost):
            note(bench.engine, "two")
        note(room.engine, "three: the store")
    note(bench.engine, "four: nothing is held")
    assert holders(room.url) == [
        "four: nothing is held",
        "night",
        "one",
        "three: the store",
    ]


def test_no_transaction_of_a_read_passes_once_another_run_has_begun(room: Room) -> None:
    bench = room.service.bench
    room.put("a")
    claim = bench.queue.claim("w", [("a", "")])
    assert claim is not None
    with room.engine.begin() as connection:
        runs.begin(connection, "cli", NOW, dry_run=False)
    with bench.holding(claim), pytest.raises(ClaimLost):
        note(bench.engine, "late")
    assert holders(room.url) == ["night"]


def test_a_claim_is_kept_alive_while_it_is_held_and_its_loss_is_told(room: Room) -> None:
    bench = room.service.bench
    bench.silent = 0.3
    room.put("a")
    claim = bench.queue.claim("w", [("a", "")])
    assert claim is not None
    lost = wait_until_lost(room, claim)
    assert lost == ["lost"]


def wait_until_lost(room: Room, claim: Claim) -> list[str]:
    heard, told = Event(), list[str]()

    def lose() -> None:
        told.append("lost")
        heard.set()

    with room.service.bench.holding(claim, lose):
        assert not heard.wait(0.5), "signs of life keep it"
        room.service.bench.queue.withdraw(claim.shard.run_id)
        assert heard.wait(30)
    return told


def test_a_worker_leaves_what_it_would_read_otherwise_to_others(room: Room) -> None:
    run_id = room.put("a", form="theirs")
    room.worker(Feed("a", Kind.WORK, broken, site="a", form="ours")).work(once=True)
    assert room.standing(run_id).attempts == 0
    room.worker(Feed("a", Kind.FINANCE, broken, form="theirs")).work(once=True)
    assert room.standing(run_id).attempts == 0, "files are on the machine of the night"


def test_machines_read_alike_whose_secrets_differ_and_not_those_whose_scopes_do() -> None:
    one = JiraSiteConfig(url="https://j.invalid", jql="project = A", pat="x")
    same = one.model_copy(update={"pat": "y", "page_size": 20})
    other = one.model_copy(update={"jql": "project = B"})
    assert form_of(one, "align-") == form_of(same, "align-")
    assert len({form_of(one, "align-"), form_of(other, "align-"), form_of(one, "x-")}) == 3


def note(engine: Engine, holder: str) -> None:
    with engine.begin() as connection:
        values = {"name": holder, "holder": holder, "at": NOW}
        connection.execute(text("INSERT INTO lease VALUES (:name, :holder, 1, :at)"), values)


def holders(url: str) -> list[str]:
    engine = create_engine(url)
    with engine.connect() as connection:
        found = list(connection.scalars(text("SELECT holder FROM lease ORDER BY holder")))
    engine.dispose()
    return found
