"""SIGTERM ends a run at once and cleanly: it says so, gives its lease back, and the next run goes on."""

from __future__ import annotations

import signal
import subprocess
import sys
from threading import Event

import pytest

from sync.sandbox import Call
from sync.stopping import Stopped, stop_on, undisturbed
from sync.store import history
from tests.sync.cli.desk import Desk


def test_a_run_that_waits_for_jira_stops_at_once_and_the_next_one_is_let_in(desk: Desk) -> None:
    over, started = Event(), Event()

    def hang(_: Call) -> None:
        started.set()
        over.wait(60)

    desk.jira.before("*", r"/rest/api/", hang, 1)
    process = subprocess.Popen(
        [sys.executable, "-m", "sync", "run"],
        cwd=desk.folder,
        env=desk.environ({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert started.wait(60)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert not over.is_set(), "it ended while Jira still kept it waiting"
    over.set()
    assert (process.returncode, err) == (
        5,
        "The run was asked to stop. What was done so far is kept; the next run goes on from there.\n",
    )
    store = desk.store()
    with store.connect() as connection:
        assert history.newest_runs(connection, 1)[0].status == "stopped"
    store.dispose()
    assert desk.say("run").code == 0


def test_the_books_of_a_run_are_closed_before_it_stops() -> None:
    said = []

    def close() -> None:
        with undisturbed():
            signal.raise_signal(signal.SIGTERM)
            said.append("closed")
        said.append("not said")

    with stop_on(signal.SIGTERM), pytest.raises(Stopped):
        close()
    assert said == ["closed"]


def test_asking_twice_does_not_disturb_the_tidying_up() -> None:
    said = []

    def tidy() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            signal.raise_signal(signal.SIGTERM)
            said.append("tidied")

    with stop_on(signal.SIGTERM), pytest.raises(Stopped):
        tidy()
    assert said == ["tidied"]
