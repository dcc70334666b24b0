"""Serve in a process of its own by a clock that runs ahead: what `tieline serve` does, only faster.

`python -m tests.sync.served_child FOLDER BEGAN FACTOR`: a second is FACTOR seconds since BEGAN. With a fourth
argument that many nights follow one another without a pause, and the memory held after each is printed, with
that of the process that draws charts.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from connectors.http import RetryPolicy
from sync.cli.output import Output
from sync.cli.serve import Watch, shelf_for, stop_on_signal
from sync.cli.session import open_session
from sync.report.renderer import RENDERER
from sync.service.ticking import Ticker
from sync.service.timetable import load_schedules
from tests.sync.house import nap

BEGINNING = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def ahead(began: float, factor: float) -> datetime:
    """The time by the clock that runs ahead."""
    return BEGINNING + timedelta(seconds=(time.time() - began) * factor)


@contextmanager
def watching(clock: Callable[[], datetime]) -> Iterator[Watch]:
    """A service whose every part goes by this clock."""
    with open_session(None, served=True) as session:
        session.sites.policy = RetryPolicy(sleep=nap)
        object.__setattr__(session.service, "clock", clock)
        shelf = shelf_for(session.settings)
        shelf.take(clock())
        watch = Watch(session, Output(as_json=True), load_schedules(session.settings), clock, shelf)
        watch.begin()
        yield watch


def serve(began: float, factor: float) -> None:
    """Tick until told to stop."""
    with watching(lambda: ahead(began, factor)) as watch:
        stop = watch.session.service.deadline.stop
        with stop_on_signal(stop):
            Ticker(watch.tick, seconds=0.5).run_until(stop, 4.5)


def held_by(pid: int) -> float:
    """Say how much memory a process has in RAM, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def follow(nights: int) -> None:
    """Run so many nights, a day apart, and print the memory held after each, in MiB."""
    now = BEGINNING
    with watching(lambda: now) as watch:
        for _ in range(nights):
            now += DAY
            watch.tick()
            drawing = RENDERER.process
            beside = held_by(drawing.pid) if drawing is not None and drawing.poll() is None else 0.0
            print(f"held {held_by(os.getpid()):.1f} {beside:.1f}", flush=True)


def main() -> None:
    folder, began, factor, *nights = sys.argv[1:]
    os.chdir(folder)
    if nights:
        follow(int(nights[0]))
    else:
        serve(float(began), float(factor))


if __name__ == "__main__":
    main()
