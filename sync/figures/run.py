"""All that a run came to: the one set of numbers that page, JSON, CSV and command line show."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sync.figures.coverage import Headline, Project, Purpose, Slice, Split, TrendPoint
from sync.figures.findings import (
    Change,
    Dangling,
    FindingFacts,
    LabelFacts,
    NewRule,
    RuleCount,
    UnalignedItem,
)
from sync.figures.intake import Exchange, Intake, Leftovers
from sync.waivers.asking import RequestFacts
from sync.waivers.remarks import WaiverFacts


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
