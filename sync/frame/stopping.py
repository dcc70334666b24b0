"""Turn a signal that asks to stop into an end of the run that leaves behind only what it has done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ClassVar

from sync.errors import Exit

STOPPED = "Interrupted. What was done so far is kept; the next run goes on from there."


class Stopped(BaseException):
    """Somebody asked the process to end. No `Exception`, for nobody is to take it for a fault and go on."""

    exit_code: ClassVar[Exit] = Exit.INCOMPLETE

    def __init__(self) -> None:
        super().__init__(STOPPED)
        self.problems = (STOPPED,)


class _Stop:
    """Raises in the main thread when the signal comes first; while books are closed, as soon as they are."""

    closing = 0
    asked = False
    owed = False

    def __call__(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        if not self.asked:
            self.asked = self.owed = True
            self.pay()

    def pay(self) -> None:
        if self.owed and not self.closing:
            self.owed = False
            raise Stopped


_stop = _Stop()


@contextmanager
def stop_on(*signals: signal.Signals) -> Iterator[None]:
    """Raise `Stopped` in the main thread at the first of these; others do not disturb the tidying up.

    Elsewhere nobody may set what a signal does, and nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _stop.asked = _stop.owed = False
    before = {number: signal.signal(number, _stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let a few statements finish that must not be cut in two; a request to stop is heeded after them."""
    _stop.closing += 1
    try:
        yield
    finally:
        _stop.closing -= 1
    _stop.pay()
