"""Carry a plan out: the intents stand in the ledger before the first call, each answer right after it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, Engine

from connectors.base import LabelWriter
from connectors.changes import Answered, LabelChange, Outcome
from connectors.errors import ConnectorError
from sync.frame.milestones import Milestone, reach
from sync.frame.progress import Step
from sync.labels.plan import Change, Plan, Ticket
from sync.store import audit, writes

# How many of the tickets written are read back: enough to notice a Jira that says yes and does nothing.
READ_BACK = 50


@dataclass(frozen=True, slots=True)
class Parked:
    """A change that Jira refused, with its reason."""

    ticket: Ticket
    reason: str


@dataclass(slots=True)
class Written:
    """What became of a plan.

    `notified` counts the tickets whose watchers Jira may have mailed; `open` the changes that were sent and
    not answered, which the next run settles; `dropped` those never sent; `read_back` the tickets read again.
    """

    added: int = 0
    removed: int = 0
    parked: list[Parked] = field(default_factory=list)
    notified: int = 0
    broken_sites: dict[str, str] = field(default_factory=dict)
    open: int = 0
    dropped: int = 0
    read_back: int = 0

    @property
    def whole(self) -> bool:
        """Say whether every change was made."""
        return not self.parked and not self.open and not self.dropped


@dataclass(frozen=True, slots=True)
class WriteBack:
    """The writing of one run. `read_back` is how many tickets of a site are read again after writing."""

    engine: Engine
    run_id: int
    writers: Mapping[str, LabelWriter]
    clock: Callable[[], datetime]
    step: Step
    read_back: int = READ_BACK

    def carry_out(self, plan: Plan) -> Written:
        """Write every change of the plan; the intents must already be in the ledger.

        A refused ticket is parked and the rest goes on. An error that concerns a whole site ends that site:
        what was never sent is dropped and planned anew by the next run, what was sent stays open until then.
        """
        written = Written()
        changes = [(ticket, change) for ticket, change, _ in plan.tickets()]
        for site in dict.fromkeys(ticket.site for ticket, _ in changes):
            SiteWriting(self, written, [pair for pair in changes if pair[0].site == site]).carry_out()
        return written


class SiteWriting:
    """The writing on one site."""

    def __init__(
        self, writing: WriteBack, written: Written, changes: Sequence[tuple[Ticket, LabelChange]]
    ) -> None:
        self.writing = writing
        self.written = written
        self.changes = [change for _, change in changes]
        self.tickets = {ticket.issue_id: ticket for ticket, _ in changes}
        self.site = changes[0][0].site
        self.unanswered = {
            (change.issue_id, operation, label)
            for change in self.changes
            for operation, label in operations(change)
        }
        self.total = len(self.unanswered)
        self.made: list[LabelChange] = []

    def carry_out(self) -> None:
        """Write, record every answer, and read some of the tickets back."""
        writer = self.writing.writers[self.site]
        try:
            for answered in writer.apply(self.changes):
                reach(Milestone.ANSWER_HEARD)
                self._record(answered)
                reach(Milestone.ANSWER_KEPT)
            reach(Milestone.LABELS_WRITTEN)
            self._read_back(writer)
            reach(Milestone.LABELS_READ_BACK)
        except ConnectorError as error:
            self.written.broken_sites[self.site] = str(error)
        self._drop_unsent()

    def _record(self, answered: Sequence[Answered]) -> None:
        """Put answers into the ledger and, where the changes were made, the labels into our copy."""
        made = [entry.change for entry in answered if entry.outcome.done]
        with self.writing.engine.begin() as connection:
            for state, reason, changes in by_answer(answered):
                self._answer(connection, self._rows(changes), state, reason)
            writes.take_over(connection, self._rows(made))
        for entry in answered:
            self._count(entry.change, entry.outcome)
        self.made += made
        self.writing.step.advance(sum(len(operations(entry.change)) for entry in answered), self.total)

    def _answer(self, connection: Connection, rows: list[Change], state: str, reason: str | None) -> None:
        now, run_id = self.writing.clock(), self.writing.run_id
        writes.answer(connection, run_id, rows, state=state, reason=reason, now=now)
        audit.append(connection, run_id, "label", audit.details_of(rows, state, reason), now)

    def _count(self, change: LabelChange, outcome: Outcome) -> None:
        self.unanswered -= {(change.issue_id, *operation) for operation in operations(change)}
        if outcome.done:
            self.written.added += len(change.add)
            self.written.removed += len(change.remove)
            self.written.notified += outcome.detail.get("notified") == "yes"
        elif outcome.lost:
            self.written.open += len(operations(change))
        else:
            self.written.parked.append(Parked(self.tickets[change.issue_id], outcome.reason))

    def _rows(self, changes: Iterable[LabelChange]) -> list[Change]:
        return [
            Change(self.tickets[change.issue_id], operation, label, "")
            for change in changes
            for operation, label in operations(change)
        ]

    def _read_back(self, writer: LabelWriter) -> None:
        """Read some of the tickets written again: a Jira that says yes and changes nothing is found out."""
        sample = spread(self.made, self.writing.read_back)
        if not sample:
            return
        found = writer.labels_of(list(dict.fromkeys(change.issue_id for change in sample)))
        self.written.read_back += len(found)
        failed = [
            change
            for change in sample
            if change.issue_id in found and not shows(found[change.issue_id], change)
        ]
        reason = "Jira said that it was done, but the ticket read back right after does not show it"
        self._take_back(failed, reason)

    def _take_back(self, failed: Sequence[LabelChange], reason: str) -> None:
        if not failed:
            return
        with self.writing.engine.begin() as connection:
            rows = self._rows(failed)
            writes.revoke(connection, self.writing.run_id, rows, reason)
            details = audit.details_of(rows, "not shown", reason)
            audit.append(connection, self.writing.run_id, "label", details, self.writing.clock())
            writes.take_over(connection, [row.inverse for row in rows])
        for change in failed:
            self.written.added -= len(change.add)
            self.written.removed -= len(change.remove)
            self.written.parked.append(Parked(self.tickets[change.issue_id], reason))

    def _drop_unsent(self) -> None:
        """What the writer gave no answer for was never sent."""
        if not self.unanswered:
            return
        rows = [
            Change(self.tickets[issue_id], operation, label, "")
            for issue_id, operation, label in sorted(self.unanswered)
        ]
        reason = self.written.broken_sites.get(self.site, "never sent")
        with self.writing.engine.begin() as connection:
            self._answer(connection, rows, "dropped", reason)
        self.written.dropped += len(rows)


def operations(change: LabelChange) -> list[tuple[str, str]]:
    """Give the single operations of a change."""
    return [("add", label) for label in change.add] + [("remove", label) for label in change.remove]


def by_answer(answered: Iterable[Answered]) -> list[tuple[str, str | None, list[LabelChange]]]:
    """Group changes by what the ledger says of them; a lost answer leaves the intent open."""
    groups: dict[tuple[str, str | None], list[LabelChange]] = {}
    for entry in answered:
        outcome = entry.outcome
        state = "done" if outcome.done else "intended" if outcome.lost else "parked"
        groups.setdefault((state, outcome.reason or None), []).append(entry.change)
    return [(state, reason, changes) for (state, reason), changes in groups.items()]


def spread(changes: Sequence[LabelChange], most: int) -> list[LabelChange]:
    """Give at most that many changes, taken evenly from all of them."""
    step = max(1, -(-len(changes) // most)) if most else 0
    return list(changes[::step]) if step else []


def shows(present: Iterable[str], change: LabelChange) -> bool:
    """Say whether a ticket's labels are as the change made them."""
    there = set(present)
    return there.issuperset(change.add) and there.isdisjoint(change.remove)
