"""Give out turns: which request of an endpoint may go next, and when, for all who stand in the same line.

`RateBudget` decides what a request costs and what an answer means; where the lines are kept is chosen here.
The default keeps them in this process. Several processes share one budget by turns kept where all see them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

# Closer than this to its time a request is on time: clocks and sleeps are no finer.
PUNCTUAL = 1e-6


class Line(NamedTuple):
    """What requests are counted under: one method on one endpoint of a site; both empty: all of the site."""

    site: str
    method: str = ""
    endpoint: str = ""

    @property
    def whole_site(self) -> Line:
        """The line whose closing closes this one too."""
        return Line(self.site)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a line moves: in any span of `s` seconds at most `burst + rate * s` turns are given (GCRA).

    `full_in`: seconds from now before which the burst is not there again, as an answer told us.
    """

    line: Line
    rate: float
    burst: float
    full_in: float = -math.inf

    @property
    def lead(self) -> float:
        """Seconds before the burst is whole again at which a turn may be given."""
        return (self.burst - 1) / self.rate


@dataclass(slots=True)
class Turn:
    """One request that wants to go: the lines it stands in, and how many turns it takes up in each.

    `longest`: the longest wait that makes sense. `booked_at` is for those who give out turns.
    """

    paces: Sequence[Pace] = ()
    cost: int = 1
    longest: float = math.inf
    booked_at: float | None = None


class Turns(Protocol):
    """What gives out turns. `clock` tells monotonic seconds; only differences mean anything.

    Whatever keeps the lines is proved by `TurnsContract` in `tests/contract`.
    """

    def wait_for(self, turn: Turn, clock: Callable[[], float]) -> float:
        """Seconds to wait before asking again with the same turn; none: it is taken, and the request may go.

        A wait beyond `turn.longest` is told, and nothing is taken.
        """
        ...

    def close(self, line: Line, until: float, clock: Callable[[], float]) -> None:
        """Give no turn in this line until the clock says so, and then one by one; never opens it earlier."""
        ...


@dataclass(slots=True)
class Held:
    """A line as it is kept: when its burst would be whole again, and until when it is closed."""

    full_at: float = -math.inf
    closed_until: float = -math.inf


class OwnTurns:
    """Turns kept in this process, for all of its threads. Nothing is taken before its time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[Line, Held] = {}

    def wait_for(self, turn: Turn, clock: Callable[[], float]) -> float:
        """Take the turn in all of its lines, or say how long to wait."""
        with self._lock:
            now = clock()
            wait = max(self._full_at(pace, now) - pace.lead - now for pace in turn.paces)
            if wait > PUNCTUAL:
                return wait
            for pace in turn.paces:
                full_at = max(self._full_at(pace, now), now) + turn.cost / pace.rate
                self._lines.setdefault(pace.line, Held()).full_at = full_at
            return 0.0

    def _full_at(self, pace: Pace, now: float) -> float:
        """When the burst is whole again: after a closing none of it is left."""
        held, whole = (self._lines.get(line, Held()) for line in (pace.line, pace.line.whole_site))
        reopened = max(held.closed_until, whole.closed_until) + pace.lead
        return max(held.full_at, reopened, now + pace.full_in)

    def close(self, line: Line, until: float, clock: Callable[[], float]) -> None:  # noqa: ARG002
        """Close the line."""
        with self._lock:
            held = self._lines.setdefault(line, Held())
            held.closed_until = max(held.closed_until, until)
