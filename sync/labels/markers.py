"""Turn verdicts and the markers that stand on tickets into marker changes; all of it is pure.

A marker stands beside a label of ours and goes with the last one. It never keeps a label waiting, and is
written again only when it would say something else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.verdicts import Marker, Marking, Verdict
from sync.labels.plan import Change, Ticket

PUT, REMOVE = "put", "remove"
Kinds = Mapping[str, Collection[Marker]]
NextTry = Mapping[tuple[int, str], datetime]


@dataclass(frozen=True, slots=True, order=True)
class MarkerChange:
    """One marker to put on a ticket, or to remove; `says` is its title, and `digest` stands for all of it."""

    ticket: Ticket
    marker: Marker
    operation: str
    digest: str = ""
    says: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A marker of ours on a ticket, by our ledger; without a digest its last answer was lost."""

    ticket: Ticket
    marker: Marker
    digest: str | None


@dataclass(frozen=True, slots=True)
class MarkerPlan:
    """The marker changes of a run, sorted by ticket and marker, and what they say, by item id and marker.

    `left` are those beyond the number for one night; `postponed` those that Jira refused before.
    """

    changes: tuple[MarkerChange, ...] = ()
    verdicts: Mapping[tuple[int, Marker], Verdict] = field(default_factory=dict)
    left: int = 0
    postponed: int = 0

    def count(self, operation: str) -> int:
        """Count the changes of one operation: `put` or `remove`."""
        return sum(change.operation == operation for change in self.changes)

    def without(self, items: Collection[int]) -> MarkerPlan:
        """Leave out tickets whose labels are not as they were to be: their markers wait for the next run."""
        kept = tuple(change for change in self.changes if change.ticket.item_id not in items)
        return replace(self, changes=kept, left=self.left + len(self.changes) - len(kept))

    def verdict(self, change: MarkerChange) -> Verdict | None:
        """Give what a change says; nothing where it removes."""
        return self.verdicts[change.ticket.item_id, change.marker] if change.operation == PUT else None

    def marking(self, change: MarkerChange) -> Marking:
        """Give the order for the writer."""
        ticket = change.ticket
        return Marking(ticket.issue_id, ticket.issue_key, change.marker, self.verdict(change))


@dataclass(slots=True)
class Night:
    """What one night takes on: so many changes, removals first, then new markers, then other words."""

    most: int
    taken: tuple[list[MarkerChange], list[MarkerChange], list[MarkerChange]] = field(
        default_factory=lambda: ([], [], [])
    )
    asked: int = 0

    def add(self, rank: int, change: MarkerChange) -> bool:
        """Take a change on, and say whether there was room in its rank."""
        self.asked += 1
        if len(self.taken[rank]) >= self.most:
            return False
        self.taken[rank].append(change)
        return True

    def changes(self) -> tuple[MarkerChange, ...]:
        """Give what fits into the night, sorted."""
        first = [change for rank in self.taken for change in rank][: self.most]
        return tuple(sorted(first))


def make_markers(
    wanted: Iterable[tuple[Ticket, Verdict]],
    standing: Iterable[Standing],
    kinds: Kinds,
    next_try: NextTry,
    now: datetime,
    *,
    most: int,
) -> MarkerPlan:
    """Work out which markers to put and to remove, at most so many.

    `wanted` are the verdicts of the tickets that bear labels of ours once the plan is carried out. `kinds`
    says by site which markers it is to have; one that it is no longer to have goes.
    """
    night, verdicts, postponed = Night(most), dict[tuple[int, Marker], Verdict](), 0
    there = {(one.ticket.item_id, one.marker): one for one in standing}

    def waits(change: MarkerChange) -> bool:
        nonlocal postponed
        due = next_try.get((change.ticket.item_id, change.marker))
        late = due is not None and now < due
        postponed += late
        return late

    for ticket, verdict in wanted:
        digest = verdict.digest
        for marker in kinds_on(kinds, ticket.site, verdict):
            old = there.pop((ticket.item_id, marker), None)
            if old is not None and old.digest == digest:
                continue
            change = MarkerChange(ticket, marker, PUT, digest, verdict.title)
            if not waits(change) and night.add(1 if old is None else 2, change):
                verdicts[ticket.item_id, marker] = verdict
    for one in there.values():
        change = MarkerChange(one.ticket, one.marker, REMOVE)
        if not waits(change):
            night.add(0, change)
    changes = night.changes()
    said = {key: verdicts[key] for key in map(key_of, changes) if key in verdicts}
    return MarkerPlan(changes, said, night.asked - len(changes), postponed)


def kinds_on(kinds: Kinds, site: str, verdict: Verdict) -> Iterator[Marker]:
    """Give the markers that a verdict is to have; a link needs an address."""
    return (m for m in kinds.get(site, ()) if m is not Marker.LINK or verdict.url is not None)


def key_of(change: MarkerChange) -> tuple[int, Marker]:
    """Give what a change is about."""
    return change.ticket.item_id, change.marker


def labels_after(present: Iterable[tuple[int, str]], changes: Iterable[Change]) -> dict[int, frozenset[str]]:
    """Give the labels of ours by item, as they are once a plan is carried out."""
    pairs = set(present)
    for change in changes:
        pair = (change.ticket.item_id, change.label)
        pairs.add(pair) if change.operation == "add" else pairs.discard(pair)
    found: dict[int, set[str]] = {}
    for item, label in pairs:
        found.setdefault(item, set()).add(label)
    return {item: frozenset(labels) for item, labels in found.items()}


@dataclass(frozen=True, slots=True)
class Told:
    """What a marker says now, and what it said before the run that is taken back (None: there was none).

    `certain` is false where the answer to its last change was lost.
    """

    ticket: Ticket
    marker: Marker
    now: Verdict | None
    before: Verdict | None
    certain: bool = True


def undo_markers(
    told: Iterable[Told], labels_of: Callable[[Ticket], Collection[str]], kinds: Kinds
) -> MarkerPlan:
    """Work out how the markers of tickets are as before a run, beside the labels they have then.

    A marker says nothing of a label that is not there, and goes where none of ours is left.
    """
    changes, verdicts = [], dict[tuple[int, Marker], Verdict]()
    for one in told:
        enabled = one.marker in kinds.get(one.ticket.site, ())
        target = one.before.only(labels_of(one.ticket)) if one.before is not None and enabled else None
        if target == one.now and one.certain:
            continue
        if target is None:
            changes.append(MarkerChange(one.ticket, one.marker, REMOVE))
        else:
            changes.append(MarkerChange(one.ticket, one.marker, PUT, target.digest, target.title))
            verdicts[one.ticket.item_id, one.marker] = target
    return MarkerPlan(tuple(sorted(changes)), verdicts)
