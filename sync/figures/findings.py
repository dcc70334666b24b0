"""What the rules found, what changed since the last run, and what was written on tickets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sync.figures.coverage import Split


@dataclass(frozen=True, slots=True)
class UnalignedItem:
    """A work item that serves no live objective, with its money of the headline series."""

    key: str
    summary: str
    project_key: str
    project_name: str
    status: str
    url: str
    amount_minor: int
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """A finding that is not closed, with the name of what it is about.

    `owner` is who has that: the assignee of a work item, the owner of an objective. A rule that is only
    observed is not among them. `waiver` is the reason it is accepted for, `waived_until` the last day.
    """

    rule: str
    severity: str
    entity: str
    subject_id: int
    subject: str
    title: str
    url: str
    state: str
    since: datetime
    opened_at: datetime | None
    label: str | None
    evidence: str
    owner: str = ""
    rule_owner: str = ""
    waived_until: date | None = None
    waiver: str = ""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """The findings of one rule; `frozen` of them could not be judged anew in this run.

    Waived ones are counted apart; `oldest` is since when the oldest of the others stands.
    """

    rule: str
    severity: str
    open: int
    pending: int
    clearing: int
    opened: int
    closed: int
    frozen: int
    waived: int = 0
    owner: str = ""
    oldest: datetime | None = None


@dataclass(frozen=True, slots=True)
class ItemName:
    """A work item as a line in a list; `rule` is the one that found or cleared it."""

    key: str
    summary: str
    url: str
    rule: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A project whose money or work stands differently than in the run before."""

    key: str
    name: str
    money_before: Split
    money: Split
    work_before: Split
    work: Split


@dataclass(frozen=True, slots=True)
class Change:
    """What is different from the newest earlier run that has figures."""

    run_id: int
    started_at: datetime
    money_before: Split | None
    work_before: Split
    moved: tuple[Moved, ...]
    now_aligned: tuple[ItemName, ...]
    now_flagged: tuple[ItemName, ...]


@dataclass(frozen=True, slots=True)
class LabelEntry:
    """One line of the ledger: `state` is done, parked, intended (no answer known) or dropped."""

    key: str
    url: str
    operation: str
    label: str
    rule: str
    state: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class Withheld:
    """A label change that a run did not make though a rule wants it, or a label (`keep`) left to people."""

    key: str
    url: str
    operation: str
    label: str
    rule: str
    why: str


@dataclass(frozen=True, slots=True)
class NewRule:
    """A rule that began to label lately, since when, and how many tickets it has labelled in all.

    Before the first run that may write, `since` is empty and `tickets` counts those planned. `waiting`
    findings are held back by its `for`.
    """

    rule: str
    since: datetime | None
    tickets: int
    waiting: int


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What the run wanted to write to tickets, and what became of it."""

    planned_add: int = 0
    planned_remove: int = 0
    entries: tuple[LabelEntry, ...] = ()
    withheld: tuple[Withheld, ...] = ()

    @property
    def reasons(self) -> Mapping[str, int]:
        """Count what was withheld, by why."""
        return Counter(it.why for it in self.withheld)

    def count(self, operation: str) -> int:
        """Count what was written."""
        return sum(entry.operation == operation and entry.state == "done" for entry in self.entries)

    @property
    def parked(self) -> tuple[LabelEntry, ...]:
        """Give what Jira refused."""
        return tuple(entry for entry in self.entries if entry.state == "parked")


@dataclass(frozen=True, slots=True)
class Dangling:
    """How many references of one kind and source lead nowhere for one reason; one as an example."""

    source: str
    how: str
    fault: str
    number: int
    example: str


def age(since: datetime, at: datetime) -> int:
    """Give the whole days that something stands; what this very run found is no day old."""
    return max(0, (at - since).days)
