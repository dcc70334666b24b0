"""What every queue must do, whether one process has it for itself or machines share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from sync.errors import Exit
from sync.frame.lease import LASTS, Lease, take_lease
from sync.store import runs
from sync.store.database import open_store
from sync.work.local import LocalQueue
from sync.work.postgresql import PostgresQueue
from sync.work.queue import MOST_ATTEMPTS, Claim, ClaimLost, Outcome, Shard, State, WorkQueue
from tests.clock import NOW

FORMS = {("a", "f"), ("b", "f"), ("c", "f")}
DONE = Outcome("complete", None, Exit.OK, NOW, 1.5, 40, Counter({("a", "GET", "/search", 200): 3}))
A_LONG_TIME = 3600.0


@dataclass
class Place:
    """A queue with three shards of a night; `a` and `a too` are of one site."""

    queue: WorkQueue
    run_id: int = 1
    fence: int = 1
    lease: Lease | None = None

    def fill(self) -> Place:
        self.queue.put([self.shard("a"), self.shard("b"), replace(self.shard("c"), site="a")])
        return self

    def shard(self, source: str) -> Shard:
        return Shard(self.run_id, source, source, self.fence, "f", whole=True, shrink=0.2)

    def claim(self, worker: str = "w1") -> Claim:
        claim = self.queue.claim(worker, FORMS)
        assert claim is not None
        return claim

    def states(self) -> dict[str, tuple[State, str | None, int]]:
        return {
            one.source: (one.state, one.worker, one.attempts) for one in self.queue.standings(self.run_id)
        }


@pytest.fixture
def shared(postgresql_url: str) -> Iterator[Engine]:
    engine = open_store(postgresql_url)
    yield engine
    engine.dispose()


def at_night(engine: Engine) -> Place:
    with engine.begin() as connection:
        lease = take_lease(engine, connection, "night", lambda: NOW)
        run_id = runs.begin(connection, "cli", NOW, dry_run=False)
    return Place(PostgresQueue(engine, lambda: NOW), run_id, lease.fence, lease)


@pytest.fixture(params=["local", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "local":
        return Place(LocalQueue()).fill()
    return at_night(request.getfixturevalue("shared")).fill()


def test_shards_are_given_in_order_each_to_one_and_one_of_a_site_at_a_time(place: Place) -> None:
    first, second = place.claim("w1"), place.claim("w2")
    assert (first.shard, second.shard) == (place.shard("a"), place.shard("b"))
    assert place.queue.claim("w3", FORMS) is None, "site a is being read"
    place.queue.finish(first, DONE)
    assert place.claim("w3").shard.source == "c"


def test_a_process_that_lives_for_long_forgets_the_shards_of_earlier_runs() -> None:
    queue = LocalQueue()
    for run_id in range(1, 4):
        place = Place(queue, run_id).fill()
        place.queue.finish(place.claim(), DONE)
        place.queue.withdraw(run_id)
    assert [queue.standings(run_id) != [] for run_id in range(1, 4)] == [False, False, True]


def test_nobody_is_given_what_they_do_not_know_or_know_otherwise(place: Place) -> None:
    assert place.queue.claim("w1", []) is None
    assert place.queue.claim("w1", [("a", "another form"), ("d", "f")]) is None
    found = place.queue.claim("w1", [("b", "f")])
    assert found is not None
    assert found.shard.source == "b"


def test_what_it_came_to_is_told_as_it_was_said(place: Place) -> None:
    failed = Outcome("failed", "The site\nis away.", Exit.ACCESS)
    place.queue.finish(place.claim(), DONE)
    place.queue.finish(place.claim(), failed)
    told = {one.source: one.outcome for one in place.queue.standings(place.run_id)}
    assert told == {"a": DONE, "b": failed, "c": None}
    assert place.queue.standings(place.run_id + 1) == []


def test_a_shard_that_is_given_back_is_given_again_and_its_first_claim_is_worth_nothing(place: Place) -> None:
    first = place.claim("w1")
    place.queue.give_back(first)
    assert place.states()["a"] == (State.WAITING, None, 1)
    second = place.claim("w2")
    assert (second.shard, second.attempt) == (first.shard, 2)
    with pytest.raises(ClaimLost, match="a is no longer w1's"):
        place.queue.keep(first)
    with pytest.raises(ClaimLost, match="a is no longer w1's"):
        place.queue.finish(first, DONE)
    place.queue.give_back(first)
    place.queue.keep(second)
    assert place.states()["a"] == (State.RUNNING, "w2", 2)


def test_the_silent_lose_their_shards_and_those_that_give_signs_of_life_do_not(place: Place) -> None:
    claim = place.claim("dead")
    assert place.queue.reap(A_LONG_TIME) == 0
    place.queue.keep(claim)
    assert place.queue.reap(0) == 1
    assert place.claim("w2").attempt == 2
    with pytest.raises(ClaimLost):
        place.queue.keep(claim)
    assert {one.source: one.silent < 600 for one in place.queue.standings(place.run_id)}["a"]


def test_what_everybody_dies_of_is_given_up(place: Place) -> None:
    for _ in range(MOST_ATTEMPTS):
        assert place.queue.claim("w", [("b", "f")]) is not None
        assert place.queue.reap(0) == 1
    assert place.queue.claim("w", [("b", "f")]) is None
    told = {one.source: one.outcome for one in place.queue.standings(place.run_id)}["b"]
    assert told is not None
    assert (told.status, told.exit_code) == ("failed", Exit.INCOMPLETE)
    assert "10 workers broke off while they read it" in str(told.message)


def test_what_is_withdrawn_is_lost_to_everybody_and_what_is_done_stays(place: Place) -> None:
    place.queue.finish(place.claim(), DONE)
    claim = place.claim()
    place.queue.withdraw(place.run_id)
    assert place.states() == {"a": (State.DONE, "w1", 1)}
    assert place.queue.claim("w2", FORMS) is None
    with pytest.raises(ClaimLost):
        place.queue.finish(claim, DONE)


@pytest.mark.postgresql
def test_of_many_who_ask_at_once_each_gets_a_site_of_its_own(shared: Engine) -> None:
    place = at_night(shared)
    names = [f"s{number:02}" for number in range(40)]
    forms = [(name, "f") for name in names]
    place.queue.put([replace(place.shard(name), site=name[:2]) for name in names])
    given: list[str] = []

    def work(worker: str) -> None:
        while any(one.state is not State.DONE for one in place.queue.standings(place.run_id)):
            claim = place.queue.claim(worker, forms)
            if claim is not None:
                given.append(claim.shard.source)
                place.queue.finish(claim, DONE)

    with ThreadPoolExecutor(8) as crew:
        list(crew.map(work, [f"w{number}" for number in range(8)]))
    assert sorted(given) == names


@pytest.mark.postgresql
def test_nobody_takes_a_shard_away_in_the_middle_of_a_transaction(shared: Engine) -> None:
    place = at_night(shared).fill()
    claim = place.claim()
    with shared.begin() as connection:
        place.queue.keep(claim, connection)
        assert place.queue.reap(0) == 0
    assert place.queue.reap(0) == 1


@pytest.mark.postgresql
def test_a_night_that_has_lost_its_lease_lets_nobody_go_on(shared: Engine) -> None:
    place = at_night(shared).fill()
    claim = place.claim()
    late = PostgresQueue(shared, lambda: NOW + LASTS)
    with pytest.raises(ClaimLost):
        late.keep(claim)
    assert late.claim("w2", FORMS) is None


@pytest.mark.postgresql
def test_a_run_that_begins_waits_for_the_page_of_a_dead_one_and_takes_the_rest(shared: Engine) -> None:
    place = at_night(shared).fill()
    claim = place.claim()
    later = NOW + LASTS + timedelta(minutes=1)
    with ThreadPoolExecutor(1) as other:
        with shared.begin() as connection:
            place.queue.keep(claim, connection)
            begun = other.submit(begin_run, shared, later)
            assert not begun.done()
        begun.result(timeout=30)
    with pytest.raises(ClaimLost):
        place.queue.keep(claim)


def begin_run(engine: Engine, now: datetime) -> None:
    with engine.begin() as connection:
        runs.begin(connection, "cli", now, dry_run=False)
