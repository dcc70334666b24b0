"""What a run came to, as plain values: the one set of numbers that page, JSON, CSV and command line show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sync.waivers.asking import RequestFacts
from sync.waivers.remarks import WaiverFacts


@dataclass(frozen=True, slots=True)
class Split:
    """A whole divided by standing: minor units of one currency, or a number of work items."""

    aligned: int = 0
    unaligned: int = 0
    waived: int = 0
    unknown: int = 0

    @property
    def total(self) -> int:
        """Give the whole."""
        return self.aligned + self.unaligned + self.waived + self.unknown

    @property
    def known(self) -> bool:
        """Say whether the standing of any part of it is known."""
        return bool(self.aligned or self.unaligned or self.waived)

    @property
    def share(self) -> int | None:
        """Give the aligned share in tenths of a percent, rounded down: never better than it is.

        There is none where nothing is known, and none of a sum with negative parts.
        """
        if not self.known or self.total <= 0 or not 0 <= self.aligned <= self.total:
            return None
        return self.aligned * 1000 // self.total

    def __add__(self, other: Split) -> Split:
        """Add part by part."""
        return Split(
            self.aligned + other.aligned,
            self.unaligned + other.unaligned,
            self.waived + other.waived,
            self.unknown + other.unknown,
        )


@dataclass(frozen=True, slots=True, order=True)
class Series:
    """Which money: amounts of different series are never added to each other."""

    currency: str
    fiscal_year: int
    version: str


@dataclass(frozen=True, slots=True)
class Slice:
    """The money of one series by standing, and the work items that it falls to."""

    series: Series
    money: Split
    items: Split


@dataclass(frozen=True, slots=True)
class Project:
    """The figures of one project; `work` counts its work items in scope."""

    key: str
    name: str
    work: Split
    slices: tuple[Slice, ...]

    def money(self, series: Series | None) -> Split:
        """Give its money of one series."""
        return next((part.money for part in self.slices if part.series == series), Split())


@dataclass(frozen=True, slots=True)
class Purpose:
    """The money that falls to one objective, or to none where `id` is empty; each amount falls to one.

    Of work that serves several objectives each has its part, so all purposes add up to all money.
    `target_share` is the share of all objectives' money that it should have, in hundredths of a percent.
    """

    id: str
    title: str
    owner: str
    target_share: int | None
    amounts: Mapping[Series, Split]

    def money(self, series: Series | None) -> Split:
        """Give its money of one series."""
        return Split() if series is None else self.amounts.get(series, Split())


@dataclass(frozen=True, slots=True)
class Headline:
    """The money that the report is about; `note` says why it is not the money that was asked for."""

    money: Slice | None
    note: str = ""

    @property
    def series(self) -> Series | None:
        """Give the series, if there is any money at all."""
        return None if self.money is None else self.money.series


@dataclass(frozen=True, slots=True)
class RunFacts:
    """The run that the figures are of; `finished_at` is empty while it is under way."""

    id: int
    trigger: str
    dry_run: bool
    status: str
    started_at: datetime
    finished_at: datetime | None
    rules_hash: str | None
    message: str | None


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
class TrendPoint:
    """The headline money as an earlier run saw it."""

    run_id: int
    started_at: datetime
    money: Split


@dataclass(frozen=True, slots=True)
class SourceRead:
    """The newest reading of one source up to this run; `run_id` is the run that did it.

    Where the source lists ids: how many, how many of them the store holds, what explains the others.
    """

    source: str
    kind: str
    run_id: int
    status: str
    started_at: datetime
    finished_at: datetime | None
    records: int
    changed: int
    quarantined: int
    message: str | None
    reading: str | None = None
    listed: int | None = None
    seen: int | None = None
    explained: Mapping[str, int] = field(default_factory=dict)
    unexplained: int | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A quarantined row: where it stood and why it was refused."""

    source: str
    file: str
    line: int | None
    column: str | None
    reason: str
    raw: str


@dataclass(frozen=True, slots=True)
class Total:
    """What a finance source says a sum of it is, beside what became of it (`excluded`: rows of totals)."""

    source: str
    series: Series
    stated_minor: int
    accepted_minor: int
    refused_minor: int
    excluded_minor: int = 0

    @property
    def difference(self) -> int:
        """Give what is neither accepted, refused nor excluded: zero, or something was lost."""
        return self.stated_minor - self.accepted_minor - self.refused_minor - self.excluded_minor


@dataclass(frozen=True, slots=True)
class ConvertedSlice:
    """Derived figures: what the money of one series is worth in the reporting currency, by standing.

    `source_minor` is the part of the original amount that a rate was found for, in its own currency. Derived
    figures stand beside the originals and are never added to them.
    """

    series: Series
    target: str
    rate_set: str
    rate_type: str
    source_minor: int
    money: Split


@dataclass(frozen=True, slots=True)
class MissingRate:
    """Money that could not be converted, because there is no rate for its currency and period."""

    series: Series
    period: str
    target: str
    rate_set: str
    rate_type: str
    source_minor: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a run derived from exchange rates, and what it could not."""

    converted: tuple[ConvertedSlice, ...] = ()
    missing: tuple[MissingRate, ...] = ()


@dataclass(frozen=True, slots=True)
class LooseMoney:
    """Money that falls to no work item, by its codes, and why; `objective` is what it serves anyway."""

    series: Series
    source: str
    project: str | None
    cost_centre: str | None
    account: str | None
    description: str | None
    reason: str
    objective: str | None
    evidence: str
    lines: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class IdleWork:
    """A work item that no money falls to; `funded_above` is its nearest ancestor that has some."""

    key: str
    summary: str
    project_key: str
    status: str
    url: str
    funded_above: str | None


@dataclass(frozen=True, slots=True)
class IdleRule:
    """A row of an allocation table that leads nowhere, and why."""

    source: str
    evidence: str
    target: str
    why: str


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What matching money with work left on both sides, and the rules that lead nowhere."""

    money: tuple[LooseMoney, ...] = ()
    work: tuple[IdleWork, ...] = ()
    rules: tuple[IdleRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Dangling:
    """How many references of one kind and source lead nowhere for one reason; one as an example."""

    source: str
    how: str
    fault: str
    number: int
    example: str


@dataclass(frozen=True, slots=True)
class Detail:
    """The tickets behind the sums.

    Links and findings are kept as of the newest run only: `note` says so where these lists are missing for
    that reason, or no longer fit the sums.
    """

    note: str = ""
    unaligned: tuple[UnalignedItem, ...] = ()
    findings: tuple[FindingFacts, ...] = ()
    rules: tuple[RuleCount, ...] = ()
    waivers: tuple[WaiverFacts, ...] = ()
    waiver_remarks: tuple[str, ...] = ()
    requests: tuple[RequestFacts, ...] = ()
    new_rules: tuple[NewRule, ...] = ()
    leftovers: Leftovers = field(default_factory=Leftovers)
    dangling: tuple[Dangling, ...] = ()


@dataclass(frozen=True, slots=True)
class Intake:
    """How the sources behind the figures were read; `refused` holds the first of the quarantined rows."""

    sources: tuple[SourceRead, ...] = ()
    refused: tuple[Refused, ...] = ()
    totals: tuple[Total, ...] = ()

    @property
    def incomplete(self) -> tuple[SourceRead, ...]:
        """Give the sources that could not be read whole."""
        return tuple(read for read in self.sources if read.status != "complete")

    @property
    def quarantined(self) -> int:
        """Count the rows refused."""
        return sum(read.quarantined for read in self.sources)

    @property
    def reconciles(self) -> bool:
        """Say whether every sum that a source states is accounted for, to the minor unit."""
        return not any(total.difference for total in self.totals)


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything a report says about a run; `projects` and `purposes` have the most headline money first."""

    run: RunFacts
    headline: Headline
    work: Split
    slices: tuple[Slice, ...] = ()
    projects: tuple[Project, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    detail: Detail = field(default_factory=Detail)
    change: Change | None = None
    labels: LabelFacts = field(default_factory=LabelFacts)
    trend: tuple[TrendPoint, ...] = ()
    intake: Intake = field(default_factory=Intake)
    exchange: Exchange = field(default_factory=Exchange)


def age(since: datetime, at: datetime) -> int:
    """Give the whole days that something stands; what this very run found is no day old."""
    return max(0, (at - since).days)


def add_up(splits: Iterable[Split]) -> Split:
    """Add splits of one kind."""
    return sum(splits, Split())


def percent(tenths: int | None) -> str:
    """Show a share given in tenths of a percent."""
    return "-" if tenths is None else f"{tenths // 10}.{tenths % 10} %"
