"""How much of work and of money serves a live objective, and how that moves from night to night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime


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
class TrendPoint:
    """The headline money as an earlier run saw it."""

    run_id: int
    started_at: datetime
    money: Split


def add_up(splits: Iterable[Split]) -> Split:
    """Add splits of one kind."""
    return sum(splits, Split())


def percent(tenths: int | None) -> str:
    """Show a share given in tenths of a percent."""
    return "-" if tenths is None else f"{tenths // 10}.{tenths % 10} %"
