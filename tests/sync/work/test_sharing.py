"""A night puts its sources into the queue, and collects what became of them, whoever has read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import Engine

from connectors.base import Source
from sync.errors import Exit
from sync.feeds import Feed, Kind
from sync.frame.deadline import INTERRUPTED
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.night import run_pull
from sync.service.metrics import StoreMetrics, exposition
from sync.store import runs, traces
from sync.store.traces import Asked
from sync.work.queue import Claim, ClaimLost, Outcome
from sync.work.sharing import waves
from tests.clock import NOW
from tests.sync.making import Pages, epic, in_pages

GONE = "Too many rows are gone."
ASKED: Counter[Asked] = Counter({("b", "GET", "/search", 200): 7})


def feed(name: str, kind: Kind = Kind.WORK, *, site: bool = True) -> Feed:
    return Feed(name, kind, lambda: pages(name), site=name if site else None, resumable=site)


def pages(name: str) -> Pages:
    return Pages(name, [*in_pages([epic(f"{name.upper()}-1")], 1)])


def test_remote_links_come_after_all_work_and_files_after_them() -> None:
    given = [
        feed("file", Kind.LINKS, site=False),
        feed("money", Kind.FINANCE, site=False),
        feed("remote", Kind.LINKS),
        feed("work"),
        feed("goals", Kind.OBJECTIVES, site=False),
    ]
    named = [[one.name for one in wave] for wave in waves(given)]
    assert named == [["goals", "work"], ["remote"], ["file", "money"]]


@dataclass
class Elsewhere:
    """A night on PostgreSQL in which something happens while source `a` is read, and a helper elsewhere."""

    engine: Engine
    service: Service
    held: list[Claim] = field(default_factory=list)

    def night(self, happens: Callable[[], None]) -> RunResult:
        def open_a() -> Source:
            happens()
            return pages("a")

        feeds = [replace(feed("a"), open=open_a), feed("b"), feed("c"), feed("own", site=False)]
        return run_pull(replace(self.service, feeds=feeds), Options(), Quiet())

    def take(self) -> Claim:
        """Begin to read b as a worker does."""
        claim = self.service.bench.queue.claim("helper", [("b", "")])
        assert claim is not None
        with self.engine.begin() as connection:
            runs.begin_source(connection, claim.shard.run_id, "b", "work items", NOW)
        self.held.append(claim)
        return claim

    def statuses(self, result: RunResult) -> dict[str, str]:
        with self.engine.connect() as connection:
            return {row.source: row.status for row in runs.sources_of(connection, result.run_id)}


@pytest.fixture
def elsewhere(service: Service) -> Elsewhere:
    return Elsewhere(service.engine, service)


@pytest.mark.postgresql
def test_what_another_has_read_counts_as_read_in_the_run(elsewhere: Elsewhere) -> None:
    def help_out() -> None:
        claim = elsewhere.take()
        with elsewhere.engine.begin() as connection:
            runs.finish_source(connection, claim.shard.run_id, "b", NOW, status="held", message=GONE)
        told = Outcome("held", GONE, Exit.INCOMPLETE, NOW, 12.5, 40, ASKED)
        elsewhere.service.bench.queue.finish(claim, told)

    result = elsewhere.night(help_out)
    assert [(one.feed.name, one.status) for one in result.pulled] == [
        ("a", "complete"),
        ("b", "held"),
        ("c", "complete"),
        ("own", "complete"),
    ]
    assert result.pulled[1].message == GONE
    assert result.exit_code is Exit.INCOMPLETE
    with elsewhere.engine.connect() as connection:
        steps = {row.step: row for row in traces.steps_of(connection, result.run_id)}
        asked = traces.requests_of(connection, result.run_id)
    metrics = exposition(StoreMetrics(elsewhere.engine, (), lambda: NOW)).decode()
    assert 'tieline_shards{state="done"} 3.0' in metrics
    assert (steps["pull b"].milliseconds, steps["pull b"].records) == (12_500, 40)
    assert [(row.site, row.endpoint, row.number) for row in asked] == [("b", "/search", 7)]


@pytest.mark.postgresql
def test_a_run_that_must_end_takes_back_what_others_have_begun(elsewhere: Elsewhere) -> None:
    def stop() -> None:
        elsewhere.take()
        elsewhere.service.deadline.stop.set()

    result = elsewhere.night(stop)
    assert [(one.feed.name, one.status) for one in result.pulled] == [
        ("a", "incomplete"),
        ("b", "incomplete"),
        ("c", "not read"),
        ("own", "complete"),
    ]
    assert {one.message for one in result.pulled[:3]} == {INTERRUPTED}
    assert elsewhere.statuses(result) == {"a": "incomplete", "b": "incomplete", "own": "complete"}
    with pytest.raises(ClaimLost):
        elsewhere.service.bench.queue.keep(elsewhere.held[0])
