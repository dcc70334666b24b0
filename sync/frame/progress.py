"""Say what a run is doing: to a person on a terminal, to a log in a pipe, or to nobody."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Step(Protocol):
    """One step under way."""

    def advance(self, done: int, total: int | None = None) -> None:
        """Say that `done` more records are through, of `total` in all where that is known."""
        ...


class Progress(Protocol):
    """Where the steps of a run are shown."""

    def step(self, title: str) -> AbstractContextManager[Step]:
        """Begin a step; it ends with the context."""
        ...


class Quiet:
    """Says nothing, as a step and as the whole."""

    def advance(self, done: int, total: int | None = None) -> None:
        """Say nothing of this advance."""

    def step(self, title: str) -> AbstractContextManager[Step]:  # noqa: ARG002
        """Begin a step and say nothing of it."""
        return nullcontext(self)
