"""Turn open findings and the labels on the tickets into label changes, and refuse a plan that is too large.

Both steps are pure. A label is ours only with our prefix *and* our ledger: whatever people put on a ticket,
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

from connectors.records import LabelChange

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


@dataclass(frozen=True, slots=True, order=True)
class LabelOn:
    """A label of our prefix on a ticket: wanted by `rule`, or present.

    `tries` is how often we have put a wanted one there since its finding opened.
    """

    ticket: Ticket
    label: str
    rule: str = ""
    tries: int = 0


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
    reported, not fought. `postponed` are changes that Jira refused before and that wait for their next try.
    """

    changes: tuple[Change, ...] = ()
    disputed: tuple[Change, ...] = ()
    postponed: tuple[Change, ...] = ()

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
        Change(label.ticket, "add", label.label, label.rule) for label in missing if label.tries < OBJECTION
    ]
    disputed = [
        Change(label.ticket, "add", label.label, label.rule) for label in missing if label.tries >= OBJECTION
    ]
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


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a plan may change: a number of label changes, and a share of the tickets in scope."""

    changes: int
    share: float


# A share of a handful says nothing: up to this many tickets only the number of changes counts.
SHARE_COUNTS_FROM = 10


def percent(share: float) -> str:
    """Write a share as a percentage, with decimals only where it has them."""
    return f"{share * 100:.6g}%"


def guard(
    plan: Plan, tickets_in_scope: int, limit: Limit, rule_limits: Mapping[str, Limit], allowed: int = 0
) -> list[str]:
    """Give one sentence for each limit the plan breaks; an empty list lets it through.

    `allowed` is the one-time override: a plan of at most that many changes passes whatever the limits say.
    """
    size, tickets = len(plan.changes), len(plan.tickets())
    if size <= allowed:
        return []
    override = f"If this is meant, run once with --allow-changes {size}."
    problems = []
    if size > limit.changes:
        problems.append(
            f"The plan holds {size} label changes; TIELINE_MAX_CHANGES allows {limit.changes}. {override}"
        )
    if tickets > SHARE_COUNTS_FROM and tickets > limit.share * tickets_in_scope:
        problems.append(
            f"The plan changes {tickets} of {tickets_in_scope} tickets; TIELINE_MAX_SHARE allows "
            f"{percent(limit.share)}. {override}"
        )
    added = Counter(change.rule for change in plan.changes if change.operation == "add")
    for rule, number in sorted(added.items()):
        own = rule_limits.get(rule)
        if own is None:
            continue
        most = min(own.changes, max(SHARE_COUNTS_FROM, int(own.share * tickets_in_scope)))
        if number > most:
            problems.append(
                f"Rule {rule} would add {number} labels; its `limit` allows {most} "
                f"of {tickets_in_scope} tickets. {override}"
            )
    return problems
