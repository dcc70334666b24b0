"""`tieline sandbox`: says how to enter it, holds the sample or issues of one's own, and stops on Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.sandbox import Call, Deployment
from tests.sync.cli.desk import ROOT, Desk


@contextmanager
def started(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command running in a process of its own; stopped at the end, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "sync", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def first_document(process: subprocess.Popen[str]) -> dict[str, dict[str, str]]:
    """The JSON document a command prints before it goes on running."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            break
    document: dict[str, dict[str, str]] = json.loads(text)
    return document


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_the_settings_it_prints_open_it_and_ctrl_c_stops_it(desk: Desk, deployment: Deployment) -> None:
    issue = {"id": "7", "key": "OWN-1", "fields": {"summary": "Mine", "issuetype": {"name": "Epic"}}}
    file = desk.write("own.jsonl", json.dumps(issue) + "\n")
    arguments = ("sandbox", "--port", "0", "--deployment", deployment.value, "--load", str(file), "--json")
    with started(desk.folder, *arguments) as process:
        settings = first_document(process)["settings"]
        desk.write(".env", "".join(f"{key}={value}\n" for key, value in settings.items()))
        said = desk.say("doctor", "--json")
        assert said.code == 0
        seen = {found["check"]: found["seen"] for found in said.document}
        assert seen["issues in scope"] == "1"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_a_port_that_is_taken_is_told(desk: Desk) -> None:
    port = desk.jira.url.rpartition(":")[2]
    said = desk.say("sandbox", "--port", port, "--json")
    assert said.code == 2
    (problem,) = said.document["problems"]
    assert problem.startswith(f"--port {port}: Address already in use")
    assert problem.endswith("Choose another, or 0 for a free one.")


def test_every_bad_line_of_a_file_to_load_is_a_problem_of_its_own(desk: Desk) -> None:
    file = desk.write("own.jsonl", '{"id": 1}\nnot json\n')
    said = desk.say("sandbox", "--load", str(file), "--json")
    assert said.code == 2
    assert [problem.partition(": ")[0] for problem in said.document["problems"]] == [f"{file}:1", f"{file}:2"]


def test_ctrl_c_ends_a_run_in_one_line_and_the_next_run_goes_on(desk: Desk) -> None:
    running: list[subprocess.Popen[str]] = []

    def press_ctrl_c(call: Call) -> None:
        running[0].send_signal(signal.SIGINT)
        running[0].wait(timeout=60)

    desk.jira.before("GET", r"/myself$", press_ctrl_c, times=1)
    with started(desk.folder, "run") as process:
        running.append(process)
        _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (
        1,
        "Interrupted. What was done so far is kept; the next run goes on from there.\n",
    )
    assert desk.writes() == 0
    assert desk.say("run").code == 0
    assert desk.writes() == 2
