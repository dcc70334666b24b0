"""Those who are told that a run begins and how it ended. None of them can make it fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from connectors.pings import Pings
from sync.errors import Exit
from sync.frame.faults import fault
from sync.frame.log import log


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended; as it stands, by an error that nobody expected."""

    status: str = "failed"
    code: Exit = Exit.FAILED
    message: str = "ended by an unexpected error; see the log"


class Observer(Protocol):
    """Somebody who is told of runs."""

    def began(self, run_id: int, *, night: bool) -> None:
        """Hear that a run began; `night` tells one that does the work from one that only looks."""
        ...

    def ended(self, run_id: int, ending: Ending, *, night: bool) -> None:
        """Hear how it ended."""
        ...


def tell(observers: Iterable[Observer], news: Callable[[Observer], None]) -> None:
    """Tell everybody; whoever cannot listen is logged and changes nothing."""
    for observer in observers:
        try:
            news(observer)
        except Exception as error:  # noqa: BLE001 - a run never fails because somebody could not be told of it
            log.error("could not tell of the run", whom=type(observer).__name__, why=fault(error))


@dataclass(slots=True)
class DeadMansSwitch:
    """Pings a check, which raises the alarm when nights stop coming or end badly."""

    pings: Pings
    name: str = ""

    def began(self, run_id: int, *, night: bool) -> None:
        """Say that a night began."""
        del run_id
        if night:
            self.name = str(uuid4())
            self._note(self.pings.started(self.name))

    def ended(self, run_id: int, ending: Ending, *, night: bool) -> None:
        """Say how it ended."""
        if night:
            said = f"Run {run_id}: {ending.status} (exit code {int(ending.code)})\n{ending.message}"
            self._note(self.pings.ended(self.name, int(ending.code), said.strip()))

    def _note(self, problem: str) -> None:
        if problem:
            log.error("ping failed", why=problem)


@dataclass(frozen=True, slots=True)
class MetricsFile:
    """Writes the metrics into a file after each run."""

    write: Callable[[Path], None]
    path: Path

    def began(self, run_id: int, *, night: bool) -> None:
        """Leave the file as it is."""

    def ended(self, run_id: int, ending: Ending, *, night: bool) -> None:
        """Write it anew."""
        del run_id, ending, night
        self.write(self.path)
