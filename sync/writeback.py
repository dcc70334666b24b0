"""Carry a plan out: the intents stand in the ledger before the first call, each answer right after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine

from connectors.base import LabelWriter
from connectors.errors import ConnectorError
from connectors.records import LabelChange
from sync.plan import Plan, Ticket
from sync.progress import Step
from sync.store import labels


@dataclass(frozen=True, slots=True)
class Parked:
    """A change that Jira refused, with its reason."""

    ticket: Ticket
    reason: str


@dataclass(slots=True)
class Written:
    """What became of a plan. `notified` counts the tickets whose watchers Jira may have mailed."""

    added: int = 0
    removed: int = 0
    parked: list[Parked] = field(default_factory=list)
    notified: int = 0
    broken_sites: dict[str, str] = field(default_factory=dict)
    dropped: int = 0

    @property
    def whole(self) -> bool:
        """Say whether every change was made."""
        return not self.parked and not self.dropped


@dataclass(frozen=True, slots=True)
class WriteBack:
    """The writing of one run."""

    engine: Engine
    run_id: int
    writers: Mapping[str, LabelWriter]
    clock: Callable[[], datetime]
    step: Step

    def carry_out(self, plan: Plan) -> Written:
        """Write every change of the plan; the intents must already be in the ledger.

        A refused ticket is parked and the rest goes on. An error that concerns a whole site ends that site:
        its open intents are dropped, and the next run plans them anew.
        """
        written = Written()
        for ticket, change, changes in plan.tickets():
            if ticket.site not in written.broken_sites:
                self._write(ticket, change, written)
            if ticket.site in written.broken_sites:
                self._answer(ticket, "dropped", written.broken_sites[ticket.site])
                written.dropped += 1
            self.step.advance(len(changes), len(plan.changes))
        return written

    def _write(self, ticket: Ticket, change: LabelChange, written: Written) -> None:
        """Send the change of one ticket and record the answer."""
        try:
            outcome = self.writers[ticket.site].apply(change)
        except ConnectorError as error:
            written.broken_sites[ticket.site] = str(error)
            return
        if not outcome.done:
            self._answer(ticket, "parked", outcome.reason)
            written.parked.append(Parked(ticket, outcome.reason))
            return
        self._answer(ticket, "done", outcome.reason or None, change)
        written.added += len(change.add)
        written.removed += len(change.remove)
        written.notified += outcome.detail.get("notified") == "yes"

    def _answer(
        self, ticket: Ticket, state: str, reason: str | None, change: LabelChange | None = None
    ) -> None:
        """Put the answer into the ledger and, where the change was made, the labels into our copy."""
        with self.engine.begin() as connection:
            labels.answer(
                connection, self.run_id, ticket.item_id, state=state, reason=reason, now=self.clock()
            )
            if change is not None:
                labels.take_over(connection, ticket.item_id, change)
