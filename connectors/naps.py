"""Turn an event set from outside into the end of a pause: a server may ask for half an hour."""

from __future__ import annotations

import time
from threading import Event

from connectors.errors import Halted

# With several events to watch, this is how soon each of them is noticed, in seconds.
WATCHED_EVERY = 0.2


class Nap:
    """A sleep from which any of its events wakes, by raising `Halted`; without one it is a plain sleep."""

    def __init__(self, *stops: Event) -> None:
        self.stops = stops

    def __call__(self, seconds: float) -> None:
        """Sleep."""
        if not self.stops:
            time.sleep(seconds)
            return
        end = time.monotonic() + seconds
        while not any(stop.is_set() for stop in self.stops):
            left = end - time.monotonic()
            if left <= 0:
                return
            self.stops[0].wait(left if len(self.stops) == 1 else min(left, WATCHED_EVERY))
        raise Halted("The work was stopped while it waited.")

    def until(self, stop: Event) -> Nap:
        """Give a sleep from which this event wakes as well."""
        return Nap(*self.stops, stop)
