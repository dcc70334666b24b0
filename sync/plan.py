"""Turn open findings and the labels on the tickets into label changes, and refuse a plan that is too large.

Both steps are pure. A label is ours only with our prefix *and* our ledger: whatever people put on a ticket,
with or without the prefix, is never removed and never added a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from connectors.records import LabelChange


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """A work item as the plan needs it; `item_id` is the store's."""

    site: str
    issue_key: str
    issue_id: str
    item_id: int


@dataclass(frozen=True, slots=True, order=True)
class LabelOn:
    """A label of our prefix on a ticket: wanted by `rule`, or present."""

    ticket: Ticket
    label: str
    rule: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One label to add to or to remove from one ticket, and the rule behind it."""

    ticket: Ticket
    operation: str
    label: str
    rule: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The label changes wanted, sorted by site, key, operation and label."""

    changes: tuple[Change, ...] = ()

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
    wanted: Iterable[LabelOn], present: Iterable[LabelOn], owned: Collection[tuple[int, str]]
) -> Plan:
    """Work out wanted minus present.

    `present` are the labels of our prefix on the tickets that may be changed tonight; `owned` are the pairs
    (item id, label) that our ledger says we added. Where several rules want one label, the first by name is
    named.
    """
    rules: dict[tuple[Ticket, str], str] = {}
    for label in sorted(wanted):
        rules.setdefault((label.ticket, label.label), label.rule)
    there = {(label.ticket, label.label) for label in present}
    additions = [
        Change(ticket, "add", label, rule)
        for (ticket, label), rule in rules.items()
        if (ticket, label) not in there
    ]
    removals = [
        Change(ticket, "remove", label, "")
        for ticket, label in there
        if (ticket, label) not in rules and (ticket.item_id, label) in owned
    ]
    return Plan(tuple(sorted(additions + removals)))


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
