from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.report.renderer import COMMAND, ChartFailed, Renderer

BARS: dict[str, Any] = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "data": {"values": [{"name": "Zürich", "amount": 3}]},
    "mark": "bar",
    "encoding": {"y": {"field": "name"}, "x": {"field": "amount", "type": "quantitative"}},
}
# Draws once, says by which process, and waits to be ended with the one that began it.
DRAWING = f"""
import sys
from sync.report.renderer import RENDERER
RENDERER.draw({BARS!r})
print(RENDERER.process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    made = Renderer()
    yield made
    made.end()


def child(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def is_gone(pid: int) -> bool:
    """Wait until there is no such process; a dead one that nobody asked for is one no more."""
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_charts_are_drawn_by_one_process_that_is_not_ours(renderer: Renderer) -> None:
    first = renderer.draw(BARS)
    assert first.startswith("<svg")
    assert "Zürich" in first
    drawing = renderer.process
    assert renderer.draw(BARS) == first
    assert renderer.process is drawing
    assert drawing is not None
    assert drawing.pid != os.getpid()


def test_a_process_that_has_ended_is_begun_anew(renderer: Renderer) -> None:
    first = renderer.draw(BARS)
    drawing = renderer.process
    assert drawing is not None
    os.kill(drawing.pid, signal.SIGKILL)
    assert renderer.draw(BARS) == first
    assert renderer.process is not drawing


def test_a_process_ends_after_so_many_charts_and_the_next_goes_on(tmp_path: Path) -> None:
    shortlived = tmp_path / "renderer_process.py"
    shortlived.write_text(
        Path(COMMAND[-1]).read_text(encoding="utf-8").replace("MOST_CHARTS = 100", "MOST_CHARTS = 2")
    )
    renderer = Renderer((*COMMAND[:-1], str(shortlived)))
    processes = set()
    for _ in range(5):
        assert renderer.draw(BARS).startswith("<svg")
        assert renderer.process is not None
        processes.add(renderer.process.pid)
    renderer.end()
    assert len(processes) == 3


def test_a_process_without_work_ends_by_itself(tmp_path: Path) -> None:
    impatient = tmp_path / "renderer_process.py"
    impatient.write_text(
        Path(COMMAND[-1]).read_text(encoding="utf-8").replace("IDLE_SECONDS = 10", "IDLE_SECONDS = 0.1")
    )
    renderer = Renderer((*COMMAND[:-1], str(impatient)))
    renderer.draw(BARS)
    assert renderer.process is not None
    assert is_gone(renderer.process.pid)
    assert renderer.draw(BARS).startswith("<svg")
    renderer.end()


def test_what_the_renderer_refuses_is_told_in_its_words_and_the_next_chart_is_drawn(
    renderer: Renderer,
) -> None:
    with pytest.raises(ChartFailed, match=r"^A chart could not be drawn: the renderer says ValueError: "):
        renderer.draw({**BARS, "mark": "no such mark"})
    assert renderer.draw(BARS).startswith("<svg")


def test_a_process_that_dies_of_each_chart_is_told_with_how_it_ended() -> None:
    renderer = Renderer(child("import os; input(); os.kill(os.getpid(), 9)"))
    with pytest.raises(ChartFailed, match=r"ended with -9 instead of answering.*want of memory, allow"):
        renderer.draw(BARS)
    assert renderer.process is None


def test_a_process_that_does_not_answer_is_killed_and_told() -> None:
    renderer = Renderer(child("import time; time.sleep(600)"), seconds=0.1)
    with pytest.raises(ChartFailed, match="ended with -9 instead of answering"):
        renderer.draw(BARS)


def test_a_process_that_cannot_be_begun_is_told_with_its_name() -> None:
    with pytest.raises(ChartFailed, match=r"/nowhere/python cannot be started: No such file"):
        Renderer(["/nowhere/python"]).draw(BARS)


@pytest.mark.parametrize("how", [signal.SIGKILL, None])
def test_it_ends_with_the_process_that_draws_however_that_ends(how: signal.Signals | None) -> None:
    with subprocess.Popen(child(DRAWING), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if how is None:
            parent.communicate("")
        else:
            parent.send_signal(how)
    assert is_gone(pid)
