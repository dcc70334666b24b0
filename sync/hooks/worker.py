"""Work off the hints in a thread of its own, a batch at a time; whatever goes wrong, the night puts right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from threading import Thread
from types import TracebackType
from typing import Self

from connectors.errors import ConnectorError
from rules.ruleset import RuleSet
from sync.errors import LeaseHeld, UserError
from sync.feeds import Kind
from sync.frame.service import Service
from sync.hooks.answering import Batch, answer, waits
from sync.hooks.hints import Hint, Hints

MOST = 50
# Deliveries come in bursts: what follows at once goes into the same batch.
GATHER_SECONDS = 0.2
# While a night is at work, hints wait; it lasts minutes.
AGAIN_SECONDS = 5.0


@dataclass(slots=True)
class HintWorker:
    """`with HintWorker(…):` looks at what the hints name for as long as the context lasts.

    `rules` gives the rules as of a moment, `say` tells whoever runs the service what went wrong, `leave` is
    called when the sites should be entered anew.
    """

    service: Service
    rules: Callable[[datetime], RuleSet]
    hints: Hints
    say: Callable[[str], None]
    leave: Callable[[], None]
    complaint: str = ""
    thread: Thread | None = field(default=None)

    def __enter__(self) -> Self:
        self.thread = Thread(target=self.work, name="webhooks", daemon=True)
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hints.close()
        if self.thread is not None:
            self.thread.join()
        self.leave()

    def work(self) -> None:
        """Work off hints until there will be no more."""
        while not self.hints.closed:
            taken = self._gather()
            if taken:
                self._look(taken)

    def _gather(self) -> list[Hint]:
        taken = self.hints.take(MOST)
        if taken and len(taken) < MOST and not self.hints.rest(GATHER_SECONDS):
            self.hints.give_back(taken)
            taken = self.hints.take(MOST)
        return taken

    def _look(self, taken: list[Hint]) -> None:
        """Look at a batch; while a night is at work it waits, and after any other fault it is the night's."""
        try:
            done = self._answer(taken)
        except LeaseHeld:
            self.hints.give_back(taken)
            self.hints.rest(AGAIN_SECONDS)
        except (UserError, ConnectorError) as error:
            self._leave_to_night(taken, str(error))
        except Exception as error:  # noqa: BLE001 - the service outlives whatever one batch dies of
            self._leave_to_night(taken, f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
        else:
            self.complaint = ""
            self.hints.note(done, len(taken))

    def _answer(self, taken: list[Hint]) -> str:
        site = taken[0][0]
        feed = next(it for it in self.service.feeds if it.kind is Kind.WORK and it.site == site)
        rules = self.rules(self.service.clock())
        if waits(self.service, rules, feed):
            return "left to the night"
        answer(self.service, rules, Batch(feed, tuple(name for _, name in taken)))
        return "looked at"

    def _leave_to_night(self, taken: list[Hint], why: str) -> None:
        self.hints.note("left to the night", len(taken))
        if why != self.complaint:
            self.say(f"What webhooks hinted at is left to the night: {why}")
        self.complaint = why
        self.leave()
