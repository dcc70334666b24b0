"""What changed between two runs, as plain values: the same for every audience."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sync.figures.coverage import Series, Split
from sync.figures.intake import SourceRead
from sync.waivers.asking import RequestFacts


@dataclass(frozen=True, slots=True)
class Turned:
    """A finding that opened, or closed; `labels` says that its rule also labels tickets.

    `project` is empty where the finding belongs to none. `url` leads to the ticket or objective.
    """

    subject: str
    title: str
    url: str
    project: str
    rule: str
    severity: str
    owner: str
    labels: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How money of the headline series and work stand, before and now; `before` is empty where unknown."""

    money: Split | None
    money_before: Split | None
    work: Split
    work_before: Split | None
    name: str = ""

    @property
    def moved(self) -> bool:
        """Say whether it is news: money stands otherwise, or other work is unaligned or unknown.

        That there is more work which is aligned is none: it would be so every night.
        """
        if self.money_before is not None and self.money != self.money_before:
            return True
        before, now = self.work_before, self.work
        return before is not None and (
            (before.unaligned, before.waived, before.unknown) != (now.unaligned, now.waived, now.unknown)
        )


@dataclass(frozen=True, slots=True)
class WaiverRemark:
    """What is said of a waiver that ends soon or has ended; `project` is that of the ticket it is for."""

    rule: str
    text: str
    project: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What is different in run `run_id` from run `since`; that one is empty in a store's first night.

    `series` is the money that the report is about; `projects` are by site and key. `incomplete` are sources
    that were not read whole, `failing` those of them that were at the earlier run, `whole_again` those of
    which the opposite holds. `said` is what the run says of itself: what it held back and why.
    """

    run_id: int
    at: datetime
    since: int | None
    since_at: datetime | None
    whole: Standing
    series: Series | None = None
    projects: Mapping[tuple[str, str], Standing] = field(default_factory=dict)
    opened: tuple[Turned, ...] = ()
    closed: tuple[Turned, ...] = ()
    requests: tuple[RequestFacts, ...] = ()
    waivers: tuple[WaiverRemark, ...] = ()
    incomplete: tuple[SourceRead, ...] = ()
    failing: tuple[str, ...] = ()
    whole_again: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def project_of(key: str) -> str:
    """Give the project of a ticket's key."""
    return key.rpartition("-")[0]
