"""What sources brought, what was refused, converted or left over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sync.figures.coverage import Series, Split


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

    `source_minor` is the part of the original amount that a rate was found for, in its own currency, and
    `rates_from` says where those rates stand, '' where that is not known. Derived
    figures stand beside the originals and are never added to them.
    """

    series: Series
    target: str
    rate_set: str
    rate_type: str
    source_minor: int
    money: Split
    rates_from: str = ""


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
