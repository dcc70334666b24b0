"""Turn open findings and the labels on the tickets into label changes.

All of it is pure. A label is ours only with our prefix *and* our ledger: whatever people put on a ticket,
with or without the prefix, is never removed and never added a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType

from connectors.changes import LabelChange

# A label that people took off this often after we put it there is not put there again.
OBJECTION = 2
# How long a change that Jira refused waits after its first, second … refusal in a row. Nights are not exactly
# a day apart, so each wait ends some hours before the night it is meant for.
PATIENCE = tuple(timedelta(days=days, hours=-6) for days in (1, 2, 4, 7))
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """A work item as the plan needs it; `item_id` is the store's."""

    site: str
    issue_key: str
    issue_id: str
    item_id: int

    @property
    def project(self) -> tuple[str, str]:
        """Give its site and the key of its project."""
        return self.site, self.issue_key.rpartition("-")[0]


@dataclass(frozen=True, slots=True, order=True)
class LabelOn:
    """A label of our prefix on a ticket: wanted by `rule`, or present.

    `tries` is how often we have put a wanted one there since its finding opened, and `disputed` says that
    somebody has objected to the finding: then one removal is an objection as well.
    """

    ticket: Ticket
    label: str
    rule: str = ""
    tries: int = 0
    disputed: bool = False

    @property
    def objected(self) -> bool:
        """Say whether people want it gone."""
        return self.tries >= (1 if self.disputed else OBJECTION)


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often in a row Jira refused one change of one ticket, and when last."""

    number: int
    last: datetime

    @property
    def next_try(self) -> datetime:
        """The moment from which it is worth asking again: the next night first, then more and more rarely."""
        return self.last + PATIENCE[min(self.number, len(PATIENCE)) - 1]


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One label to add to or to remove from one ticket, and the rule behind it."""

    ticket: Ticket
    operation: str
    label: str
    rule: str

    @property
    def inverse(self) -> Change:
        """Give the change that takes this one back."""
        return replace(self, operation="remove" if self.operation == "add" else "add")


@dataclass(frozen=True, slots=True)
class Plan:
    """The label changes wanted, sorted by site, key, operation and label.

    `disputed` are additions left out because people took the label off twice: that is an objection, and it is
    reported, not fought. `postponed` are changes that Jira refused before and that wait for their next try,
    `held` those of a rule or project beyond its limit, `waiting` those left for a later night or hour.
    `strangers` are labels of our prefix that our ledger does not know, each with a rule that wants it: people
    put them there, or an earlier store did; nobody but people can tell.
    """

    changes: tuple[Change, ...] = ()
    disputed: tuple[Change, ...] = ()
    postponed: tuple[Change, ...] = ()
    held: tuple[Change, ...] = ()
    waiting: tuple[Change, ...] = ()
    strangers: tuple[LabelOn, ...] = ()

    def __bool__(self) -> bool:
        """Say whether anything is left to write."""
        return bool(self.changes)

    def tickets(self) -> list[tuple[Ticket, LabelChange, tuple[Change, ...]]]:
        """Give one label change for each ticket, with the single changes it is made of."""
        return [
            (ticket, label_change(ticket, grouped), grouped)
            for ticket, group in groupby(self.changes, key=attrgetter("ticket"))
            for grouped in [tuple(group)]
        ]

    def parts(self) -> dict[str | None, tuple[Change, ...]]:
        """Give the changes by why they are not to be written; None for those that are."""
        return {
            None: self.changes,
            "people took it off twice": self.disputed,
            "refused by Jira before, tried again later": self.postponed,
            "beyond a limit": self.held,
            "left for a later night or hour": self.waiting,
            "put on by people, or by an earlier store": tuple(
                Change(on.ticket, "keep", on.label, on.rule) for on in self.strangers
            ),
        }

    def count(self, operation: str) -> int:
        """Count the changes of one operation: `add` or `remove`."""
        return sum(change.operation == operation for change in self.changes)


def label_change(ticket: Ticket, changes: Collection[Change]) -> LabelChange:
    """Put the changes of one ticket into one request."""
    return LabelChange(
        ticket.issue_id,
        ticket.issue_key,
        add=tuple(change.label for change in changes if change.operation == "add"),
        remove=tuple(change.label for change in changes if change.operation == "remove"),
    )


def strangers(
    wanted: Iterable[LabelOn], present: Iterable[LabelOn], owned: Collection[tuple[int, str]]
) -> tuple[LabelOn, ...]:
    """Give the labels of our prefix that our ledger does not know, each with a rule that wants it."""
    rules: dict[tuple[int, str], str] = {}
    for on in sorted(wanted):
        rules.setdefault((on.ticket.item_id, on.label), on.rule)
    return tuple(
        sorted(
            LabelOn(on.ticket, on.label, rules.get((on.ticket.item_id, on.label), ""))
            for on in present
            if (on.ticket.item_id, on.label) not in owned
        )
    )


def make_plan(
    wanted: Iterable[LabelOn],
    present: Iterable[LabelOn],
    owned: Collection[tuple[int, str]],
    refused: Mapping[tuple[int, str, str], datetime] = MappingProxyType({}),
    now: datetime = BEFORE_ALL,
) -> Plan:
    """Work out wanted minus present.

    `present` are the labels of our prefix on the tickets that may be changed tonight; `owned` are the pairs
    (item id, label) that our ledger says we added. `refused` gives the next try of changes (item id, label,
    operation) that Jira refused. Where several rules want one label, the first by name is named.
    """
    first: dict[tuple[int, str], LabelOn] = {}
    for label in sorted(wanted):
        first.setdefault((label.ticket.item_id, label.label), label)
    there = {(label.ticket.item_id, label.label): label.ticket for label in present}
    missing = [label for pair, label in first.items() if pair not in there]
    additions = [
        Change(label.ticket, "add", label.label, label.rule) for label in missing if not label.objected
    ]
    disputed = [Change(label.ticket, "add", label.label, label.rule) for label in missing if label.objected]
    removals = [
        Change(ticket, "remove", pair[1], "")
        for pair, ticket in there.items()
        if pair not in first and pair in owned
    ]

    def waits(change: Change) -> bool:
        next_try = refused.get((change.ticket.item_id, change.label, change.operation))
        return next_try is not None and now < next_try

    changes = sorted(additions + removals)
    return Plan(
        tuple(change for change in changes if not waits(change)),
        tuple(sorted(disputed)),
        tuple(change for change in changes if waits(change)),
    )


def count_own(present: Iterable[LabelOn], owned: Collection[tuple[int, str]]) -> Counter[str]:
    """Count the labels on tickets that are ours, by name."""
    return Counter(on.label for on in present if (on.ticket.item_id, on.label) in owned)
