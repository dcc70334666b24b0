"""Time that stands still while any thread works, and jumps to the next wake-up when all of them sleep."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable


class VirtualTime:
    """`run` the jobs, each in a thread of its own that may `sleep`; `clock` tells the seconds passed."""

    def __init__(self) -> None:
        self._now = 0.0
        self._turn = threading.Condition()
        self._working = 0
        self._asleep: list[tuple[float, int]] = []
        self._naps = 0

    def clock(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._turn:
            self._naps += 1
            nap = (self._now + max(0.0, seconds), self._naps)
            heapq.heappush(self._asleep, nap)
            self._rest()
            self._turn.wait_for(lambda: nap not in self._asleep)

    def _rest(self) -> None:
        """One thread fewer works; when it was the last, the next sleepers wake."""
        self._working -= 1
        if self._working or not self._asleep:
            return
        self._now = max(self._now, self._asleep[0][0])
        while self._asleep and self._asleep[0][0] <= self._now:
            heapq.heappop(self._asleep)
            self._working += 1
        self._turn.notify_all()

    def run(self, *jobs: Callable[[], None]) -> None:
        """Run the jobs to their ends; raises the first error of any of them."""
        errors: list[BaseException] = []

        def work(job: Callable[[], None]) -> None:
            try:
                job()
            except BaseException as error:  # noqa: BLE001 - raised again below
                errors.append(error)
            with self._turn:
                self._rest()

        threads = [threading.Thread(target=work, args=(job,)) for job in jobs]
        self._working = len(threads)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
