"""A night that several machines read for ends as one that reads alone, whoever dies on the way."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
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
    server = postgres.server_url()
    if server is None:
        pytest.skip("no PostgreSQL")
    with firm_of_four(tmp_path_factory.mktemp("firm"), server) as made:
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
        assert by_workers + len(by_night) == 12


def test_what_a_killed_worker_was_reading_another_reads_on_where_it_stopped(firm: Firm, alone: Alone) -> None:
    with firm.morning(queue=True) as morning:
        come_first, let_first = hold(firm, "s1", r"/search/jql", 1)
        come_big, let_big = hold(firm, BIG, r"/issue/bulkfetch", 12)
        night = morning.start("run", "--json")
        assert come_first.wait(60), "the night reads s1 itself"
        victim = morning.start("worker")
        assert come_big.wait(60), "the worker reads the big site"
        morning.wait_for(f"SELECT 1 FROM cursor WHERE source = '{BIG}'", 1)
        victim.send_signal(signal.SIGKILL)
        let_first.set()
        let_big.set()
        code, _, err = heard(night)
        assert code == 0, err
        same(morning, alone)
        attempts = dict(morning.rows("SELECT source, attempts FROM shard"))
        assert attempts == dict.fromkeys(attempts, 1) | {BIG: 2}
        again = [one for one in firm.sites[BIG].requests() if one.path.endswith("/issue/bulkfetch")]
        assert len(again) < 20, "what was stored is not read again"
