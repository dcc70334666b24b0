"""One run at a time: the lease, what a killed run leaves behind, and the nights already run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from sync.errors import LeaseHeld
from sync.store import history, runs
from tests.clock import NOW
from tests.sync.making import begin_run

QUARTER = timedelta(minutes=15)


def test_nobody_takes_a_lease_that_is_held_by_their_own_name(engine: Engine) -> None:
    with engine.begin() as connection:
        runs.take_lease(connection, "host:1", NOW, QUARTER)
    with engine.begin() as connection, pytest.raises(LeaseHeld, match="host:1"):
        runs.take_lease(connection, "host:1", NOW + QUARTER / 2, QUARTER)


def test_a_lease_is_taken_by_one_holder_until_it_is_freed_or_runs_out(engine: Engine) -> None:
    with engine.begin() as connection:
        fence = runs.take_lease(connection, "one", NOW, QUARTER)
    with engine.begin() as connection, pytest.raises(LeaseHeld, match="Another run") as held:
        runs.take_lease(connection, "two", NOW + QUARTER / 2, QUARTER)
    assert "(one)" in str(held.value)
    assert f"{NOW + QUARTER:%Y-%m-%d %H:%M} UTC" in str(held.value)
    with engine.begin() as connection:
        runs.free_lease(connection, "one", fence, NOW + QUARTER / 2)
        second = runs.take_lease(connection, "two", NOW + QUARTER / 2, QUARTER)
        third = runs.take_lease(connection, "three", NOW + 2 * QUARTER, QUARTER)
    assert fence < second < third


def test_a_holder_whose_lease_was_taken_over_learns_it_and_frees_nothing(engine: Engine) -> None:
    with engine.begin() as connection:
        old = runs.take_lease(connection, "one", NOW, QUARTER)
        runs.keep_lease(connection, "one", old, NOW + QUARTER / 2, QUARTER)
        new = runs.take_lease(connection, "two", NOW + 2 * QUARTER, QUARTER)
    with engine.begin() as connection, pytest.raises(LeaseHeld, match="lost its lease"):
        runs.keep_lease(connection, "one", old, NOW + 2 * QUARTER, QUARTER)
    with engine.begin() as connection:
        runs.free_lease(connection, "one", old, NOW + 2 * QUARTER)
        runs.keep_lease(connection, "two", new, NOW + 2 * QUARTER, QUARTER)


def test_a_run_that_was_killed_is_said_to_be_by_the_next_one(engine: Engine) -> None:
    first, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        runs.finish(connection, second, NOW, status="done", exit_code=0, message=None)
        begin = runs.begin(connection, "test", NOW, dry_run=True)
        told = {row.id: (row.status, row.message) for row in history.newest_runs(connection, 5)}
    assert told[first] == ("killed", "the process ended before the run did")
    assert told[second] == ("done", None)
    assert told[begin] == ("running", None)


def test_only_the_newest_read_says_whether_a_source_is_complete(engine: Engine) -> None:
    first, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        for run_id, source, status in (
            (first, "a", "complete"),
            (first, "b", "failed"),
            (second, "b", "complete"),
        ):
            runs.begin_source(connection, run_id, source, "work items", NOW)
            runs.finish_source(connection, run_id, source, NOW, status=status, message=None)
        assert runs.complete_sources(connection) == {"a", "b"}
        third = runs.begin(connection, "test", NOW, dry_run=False)
        runs.begin_source(connection, third, "a", "work items", NOW)
        assert runs.complete_sources(connection) == {"b"}, "a read under way, or killed, is not complete"
