"""Turn a day into its period of a fiscal year made of whole weeks: 4-4-5 and its kin, with week 53."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import accumulate, cycle
from typing import Literal

_WEEK = timedelta(days=7)
_SHORT_YEAR = 52


@dataclass(frozen=True, slots=True)
class WeekCalendar:
    """A fiscal year that ends on the `last` such weekday of a month, or on the one `nearest` to its end.

    `weekday` counts from Monday (0). `weeks` are those of each period, repeated until the year is full: 4, 4,
    5 makes twelve periods, 4 alone makes thirteen. Every five or six years there is a week 53; it belongs to
    the last period. The year is named by the one it ends in, or by the one it starts in.
    """

    weeks: tuple[int, ...]
    weekday: int
    month: int
    rule: Literal["last", "nearest"] = "last"
    named_by: Literal["start", "end"] = "end"

    def fiscal(self, day: date) -> tuple[int, int]:
        """The fiscal year of a day, and the number of its period."""
        year = next(year for year in range(day.year - 1, day.year + 3) if day <= self.end_of(year))
        week = (day - self.end_of(year - 1) - timedelta(days=1)) // _WEEK + 1
        ends = period_ends(self.weeks)
        # A year that starts in January is named alike by both.
        named = year - 1 if self.named_by == "start" and self.month < 12 else year
        return named, min(bisect_left(ends, week), len(ends) - 1) + 1

    def end_of(self, year: int) -> date:
        """The last day of the fiscal year that ends in (or around the end of) the month of this year."""
        following = date(year + self.month // 12, self.month % 12 + 1, 1)
        last = following - timedelta(days=1)
        back = (last.weekday() - self.weekday) % 7
        if self.rule == "nearest" and back > 3:
            return last + timedelta(days=7 - back)
        return last - timedelta(days=back)

    def weeks_in(self, year: int) -> int:
        return (self.end_of(year) - self.end_of(year - 1)) // _WEEK


@lru_cache
def period_ends(weeks: tuple[int, ...]) -> Sequence[int]:
    """The last week of each period in a year of 52 weeks; `ValueError` where the pattern does not fill it."""
    ends: list[int] = []
    for end in accumulate(cycle(weeks)):
        ends.append(end)
        if end >= _SHORT_YEAR:
            break
    if ends[-1] != _SHORT_YEAR:
        raise ValueError(f"periods of {'-'.join(map(str, weeks))} weeks do not fill a year of 52")
    return tuple(ends)
