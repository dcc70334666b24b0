"""A run that is out of time, or is told to stop, ends cleanly, and the next one goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.errors import Halted
from connectors.naps import Nap
from sync.errors import Exit
from sync.frame.deadline import Deadline
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.night import run_night
from sync.sandbox import Deployment, Sandbox
from sync.store import history
from tests.clock import NOW
from tests.sync.house import NO_OBJECTIVE, House
from tests.sync.office import Clock, Office

HOUR = timedelta(hours=1)
# More than are written at the same time.
EPICS = 12


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.DATA_CENTER) as jira:
        furnished = House(jira, tmp_path, engine, {"TIELINE_MAX_SHARE": "100%"}).furnish()
        for _ in range(EPICS):
            furnished.add_epic()
        yield furnished


def told(house: House, result: RunResult) -> tuple[str, int | None, str | None]:
    with house.engine.connect() as connection:
        row = history.run_with(connection, result.run_id)
    assert row is not None
    return row.status, row.exit_code, row.message


def test_a_run_that_is_out_of_time_while_it_reads_judges_and_writes_nothing(house: House) -> None:
    def linger(call: Any) -> None:
        house.now += 2 * HOUR

    house.jira.before("*", "search", linger, times=1)
    result = house.night(time_limit=HOUR)
    assert (result.exit_code, result.written, house.writes()) == (Exit.INCOMPLETE, None, 0)
    status, code, message = told(house, result)
    assert (status, code) == ("incomplete", 5)
    assert message is not None
    assert message.startswith(
        "Out of time: the run may take 1h (TIELINE_TIME_LIMIT, or time_limit of its sch"
    )
    assert house.findings() == []
    after = house.night()
    assert after.exit_code is Exit.OK
    assert [house.labels(f"PAY-{number}") for number in range(1, EPICS + 1)] == [[NO_OBJECTIVE]] * EPICS


def test_what_was_not_reached_counts_as_it_was_read_before(house: House) -> None:
    assert house.night().exit_code is Exit.OK
    house.add_epic()

    def linger(call: Any) -> None:
        house.now += 2 * HOUR

    (house.folder / "objectives.csv").write_text("id,title\nO1,Grow more\n", encoding="utf-8")
    house.jira.before("*", "search", linger, times=1)
    result = house.night(time_limit=HOUR)
    assert [(pulled.feed.name, pulled.status) for pulled in result.pulled][-1][1] != "complete"
    assert house.night().exit_code is Exit.OK
    assert house.labels(f"PAY-{EPICS + 1}") == [NO_OBJECTIVE]


def test_a_run_that_is_out_of_time_while_it_writes_leaves_the_rest_to_the_next_one(house: House) -> None:
    def linger(call: Any) -> None:
        house.now += 2 * HOUR

    house.jira.before("PUT", "/issue/", linger, times=1)
    result = house.night(time_limit=HOUR)
    assert result.exit_code is Exit.INCOMPLETE
    assert 0 < house.writes() < EPICS
    assert told(house, result)[0] == "incomplete"
    assert house.night().exit_code is Exit.OK
    assert [house.labels(f"PAY-{number}") for number in range(1, EPICS + 1)] == [[NO_OBJECTIVE]] * EPICS
    assert house.night().written is not None
    assert house.writes() == 0


@pytest.mark.parametrize("where", ["search", "issue/"])
def test_a_run_that_is_told_to_stop_is_interrupted_and_the_next_one_ends_as_if_nothing_had_been(
    house: House, where: str
) -> None:
    service, sites = house.service()

    def stop(call: Any) -> None:
        service.deadline.stop.set()

    house.jira.before("*" if "search" in where else "PUT", where, stop, times=1)
    result = run_night(service, Options(), Quiet())
    sites.close()
    status, code, message = told(house, result)
    assert (status, code) == ("interrupted", 5)
    assert message == "Told to stop. What was done so far is kept; the next run goes on from there."
    assert result.report is None
    assert house.night().exit_code is Exit.OK
    assert [house.labels(f"PAY-{number}") for number in range(1, EPICS + 1)] == [[NO_OBJECTIVE]] * EPICS


class OutOfTime:
    """A step after which there is no time left for another page."""

    def __init__(self, pages: int) -> None:
        self.left = pages

    def advance(self, done: int, total: int | None = None) -> None:
        self.left -= 1
        if self.left < 0:
            raise Halted("out of time")


@pytest.mark.parametrize("deployment", list(Deployment))
def test_a_long_first_read_goes_on_night_after_night_and_knows_what_changed_meanwhile(
    engine: Engine, deployment: Deployment
) -> None:
    clock = Clock()
    with Sandbox(deployment, now=clock) as jira:
        office = Office(jira, engine, clock).furnish(40)
        first = office.pull(OutOfTime(2))
        assert (first.status, first.message) == ("incomplete", "out of time")
        held = len(office.held())
        assert 0 < held < 40
        early = next(key for key, *_ in office.held().values())
        jira.site.edit(early, {"summary": "Changed between the nights"})
        second = office.pull(OutOfTime(6))
        assert second.status == "incomplete"
        assert len(office.held()) > held
        assert office.pull().status == "complete"
        assert office.held() == office.there()
        assert office.row(early).summary == "Changed between the nights"


def test_time_is_counted_from_the_start_and_a_stop_comes_first() -> None:
    clock = Clock(NOW)
    deadline = Deadline(clock)
    assert (deadline.why(), deadline.left()) == ("", float("inf"))
    deadline.begin(NOW, HOUR)
    clock.now += HOUR - timedelta(seconds=1)
    assert (deadline.why(), deadline.left()) == ("", 1.0)
    clock.now += timedelta(seconds=1)
    assert deadline.why().startswith("Out of time")
    with pytest.raises(Halted, match="Out of time"):
        deadline.check()
    deadline.begin(clock.now, None)
    assert deadline.why() == ""
    deadline.stop.set()
    assert deadline.why().startswith("Told to stop")


def test_a_pause_ends_with_any_of_the_events_it_watches() -> None:
    ours, theirs = Event(), Event()
    Nap(ours, theirs)(0.01)
    theirs.set()
    with pytest.raises(Halted):
        Nap(ours).until(theirs)(1800)
    with pytest.raises(Halted):
        Nap(theirs)(0)
    Nap(ours)(0)
