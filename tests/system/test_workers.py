"""A night that several machines read for ends as one that reads alone, whoever dies on the way."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event

import pytest

from sync.sandbox import Answer, Call
from tests import postgres
from tests.sync.alike import Picture
from tests.system.firm import BIG, Firm, Morning, firm_of_four, heard

pytestmark = pytest.mark.postgresql
FIGURES = """
SELECT site, project_key, currency, version, fiscal_year, state, amount_minor, items FROM coverage
ORDER BY 1, 2, 3, 4, 5, 6
"""
SOURCES = """
SELECT source, kind, status, message, records, changed, quarantined, expected, seen FROM source_run
ORDER BY source
"""


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firm]:
    with firm_of_four(tmp_path_factory.mktemp("firm"), postgres.server()) as made:
        yield made


Alone = tuple[dict[str, Picture], list[object], list[object]]


@pytest.fixture(scope="module")
def alone(firm: Firm) -> Alone:
    """What one process makes of the morning."""
    with firm.morning(queue=False) as morning:
        code, _, err = morning.say("run", "--json")
        assert code == 0, err
        return morning.pictures(), morning.rows(FIGURES), morning.rows(SOURCES)


def hold(firm: Firm, site: str, path: str, nth: int) -> tuple[Event, Event]:
    """Have the n-th request to a site wait; give what is set when it has come, and what lets it go on."""
    come, go_on, left = Event(), Event(), [nth]

    def wait(_: Call) -> Answer | None:
        left[0] -= 1
        if left[0] == 0:
            come.set()
            go_on.wait(60)
        return None

    firm.sites[site].before("POST", path, wait)
    return come, go_on


def same(morning: Morning, alone: Alone) -> None:
    pictures, figures, sources = alone
    assert morning.differences(pictures) == []
    assert morning.rows(FIGURES) == figures
    assert morning.rows(SOURCES) == sources


def test_two_workers_and_the_night_bring_the_same_as_one_process(firm: Firm, alone: Alone) -> None:
    with firm.morning(queue=True) as morning:
        assert morning.say("status")[0] == 0  # the store is there: whoever opens it first makes it
        workers = [morning.start("worker", "--json") for _ in range(2)]
        morning.wait_for("SELECT 1 FROM pg_stat_activity WHERE datname = current_database()", 2)
        code, _, err = morning.say("run", "--json")
        assert code == 0, err
        same(morning, alone)
        read = {worker for (worker,) in morning.rows("SELECT DISTINCT worker FROM shard")}
        assert len(read) >= 2
        steps = [
            step["step"] for step in json.loads(morning.say("runs", "--show", "1", "--json")[1])["steps"]
        ]
        assert {f"pull s{number}" for number in range(1, 5)} <= {*steps}
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        told = [heard(worker) for worker in workers]
        assert [code for code, _, _ in told] == [0, 0]
        by_workers = sum(json.loads(out)["read"].get("complete", 0) for _, out, _ in told)
        night = f":{morning.started[3].pid}"
        by_night = [name for (name,) in morning.rows("SELECT worker FROM shard") if name.endswith(night)]
        assert by_workers + len(by_night) == 16


@dataclass
class Middle:
    """A night reads s1, a worker is in the middle of the big site, and neither goes on until it is let."""

    morning: Morning
    night: subprocess.Popen[str]
    worker: subprocess.Popen[str]
    let: tuple[Event, Event]

    def go_on(self) -> None:
        for event in self.let:
            event.set()


@pytest.fixture
def middle(firm: Firm) -> Iterator[Middle]:
    with firm.morning(queue=True) as morning:
        come_first, let_first = hold(firm, "s1", r"/search/jql", 1)
        come_big, let_big = hold(firm, BIG, r"/issue/bulkfetch", 12)
        night = morning.start("run", "--json")
        assert come_first.wait(60), "the night reads s1 itself"
        worker = morning.start("worker")
        assert come_big.wait(60), "the worker reads the big site"
        morning.wait_for(f"SELECT 1 FROM cursor WHERE source = '{BIG}'", 1)
        made = Middle(morning, night, worker, (let_first, let_big))
        try:
            yield made
        finally:
            made.go_on()


def ends_the_same(middle: Middle, alone: Alone) -> None:
    code, _, err = heard(middle.night)
    assert code == 0, err
    same(middle.morning, alone)


def test_what_a_killed_worker_was_reading_another_reads_on_where_it_stopped(
    firm: Firm, middle: Middle, alone: Alone
) -> None:
    middle.worker.send_signal(signal.SIGKILL)
    middle.go_on()
    ends_the_same(middle, alone)
    attempts = dict(middle.morning.rows("SELECT source, attempts FROM shard"))
    assert attempts == dict.fromkeys(attempts, 1) | {BIG: 2}
    asked = [one for one in firm.sites[BIG].requests() if one.path.endswith("/issue/bulkfetch")]
    assert len(asked) < 20, "what was stored is not read again"


def test_a_worker_that_was_suspended_writes_nothing_when_it_wakes_up_too_late(
    middle: Middle, alone: Alone
) -> None:
    middle.worker.send_signal(signal.SIGSTOP)
    middle.go_on()
    code, _, err = heard(middle.night)
    assert code == 0, err
    middle.worker.send_signal(signal.SIGCONT)
    said = next(line for line in middle.worker.stdout or () if BIG in line and "objectives" not in line)
    assert said == f"Run 1, {BIG}: lost: {BIG} is no longer {name_of(middle.worker)}'s, or its run is over.\n"
    same(middle.morning, alone)


@pytest.mark.parametrize("answered", [True, False])
def test_a_worker_that_is_told_to_stop_gives_back_what_it_reads(
    middle: Middle, alone: Alone, answered: bool
) -> None:
    middle.worker.send_signal(signal.SIGTERM)
    if answered:
        middle.go_on()
    code, out, _ = heard(middle.worker)
    assert code == (0 if answered else 5)
    assert (f"Run 1, {BIG}: given back." if answered else "Stopped in the middle of a request") in out
    middle.go_on()
    ends_the_same(middle, alone)
    assert middle.morning.rows(f"SELECT attempts FROM shard WHERE source = '{BIG}'") == [(2,)]


def test_a_night_that_is_told_to_stop_takes_back_what_others_read_for_it_and_the_next_goes_on(
    middle: Middle, alone: Alone
) -> None:
    morning = middle.morning
    middle.night.send_signal(signal.SIGTERM)
    assert heard(middle.night)[0] == 5
    middle.go_on()
    lost = next(line for line in middle.worker.stdout or () if "lost" in line)
    assert lost.startswith(f"Run 1, {BIG}: lost")
    code, _, err = morning.say("run", "--json")
    assert code == 0, err
    assert morning.differences(alone[0]) == []


def test_status_shows_who_reads_what(middle: Middle) -> None:
    code, out, err = middle.morning.say("status", "--json")
    assert code == 0, err
    shown = {one["source"]: one for one in json.loads(out)["shards"]}
    big = shown[BIG]
    assert (big["state"], big["attempts"], big["worker"]) == ("running", 1, name_of(middle.worker))
    assert shown["s2-objectives"]["outcome"] == "complete"
    assert shown["s1"]["state"] == "waiting"
    lines = middle.morning.say("status")[1].splitlines()
    assert any(line.split()[:3] == [BIG, "running", name_of(middle.worker)] for line in lines)


def name_of(worker: subprocess.Popen[str]) -> str:
    return f"{socket.gethostname()}:{worker.pid}"
