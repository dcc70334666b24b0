"""A run that is told to end closes its books at once, and the next one begins without waiting for a lease."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from sync.sandbox import Call
from tests.sync.cli.desk import Desk


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_frees_the_lease(desk: Desk, number: signal.Signals) -> None:
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
        1,
        "Interrupted. What was done so far is kept; the next run goes on from there.\n",
    )
    (ended,) = desk.say("runs", "--json").document
    assert ended["status"] == "failed"
    again = desk.say("run")
    assert (again.code, desk.writes() > 0) == (0, True)
