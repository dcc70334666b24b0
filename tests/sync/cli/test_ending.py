"""A run that is told to end closes its books at once, and the next one begins without waiting for a lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from sync.frame.stopping import Stopped, stop_on, undisturbed
from sync.sandbox import Call
from tests.sync.cli.desk import Desk


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 5), (signal.SIGINT, 1)])
def test_a_run_that_is_told_to_end_frees_the_lease(desk: Desk, number: signal.Signals, code: int) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def keep_waiting(_: Call) -> None:
        asked.set()
        go_on.wait(60)

    desk.jira.before("*", r"/search", keep_waiting, times=1)
    process = subprocess.Popen(
        [sys.executable, "-m", "sync", "run"],
        cwd=desk.folder,
        env=desk.environ({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert asked.wait(60)
    os.kill(process.pid, number)
    _, said = process.communicate(timeout=60)
    go_on.set()
    assert (process.returncode, said) == (
        code,
        "Interrupted. What was done so far is kept; the next run goes on from there.\n",
    )
    (ended,) = desk.say("runs", "--json").document
    assert ended["status"] == "interrupted"
    again = desk.say("run")
    assert (again.code, desk.writes() > 0) == (0, True)


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
