"""Turn a label such as Jan-26, 2026-01 or P01 into the fiscal year and period it stands for, as declared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from connectors.finance.weeks import WeekCalendar

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
_GROUPS = {
    "mm": "0?[1-9]|1[0-2]",
    "dd": "[0-2]?[0-9]|3[01]",
    "yyyy": "[0-9]{4}",
    "yy": "[0-9]{2}",
    "fyyyy": "[0-9]{4}",
    "fyy": "[0-9]{2}",
    "period": "0{0,2}[1-9]|0?1[0-6]",
    "quarter": "[1-4]",
}
_PLACEHOLDER = re.compile(r"\{([a-z]+)\}")


class LabelRefused(ValueError):
    """A label or its form cannot be used. `str()` says why."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """A fiscal year of twelve months from month `starts` on, named by the year it starts or ends in."""

    starts: int = 1
    named_by: Literal["start", "end"] = "end"

    def fiscal(self, day: date) -> tuple[int, int]:
        """The fiscal year of a day, and the number of its month in it."""
        first = day.year if day.month >= self.starts else day.year - 1
        named = first + 1 if self.named_by == "end" and self.starts > 1 else first
        return named, self.number(day.month)

    def number(self, month: int) -> int:
        return (month - self.starts) % 12 + 1


@dataclass(frozen=True, slots=True)
class Moment:
    """What a label says: a fiscal year, if it names one, and a part of it: `03`, `Q1` or '' for all of it."""

    year: int | None
    part: str

    @property
    def period(self) -> str:
        """The period as records name it: `FY2026-03`, or `FY2026` for all of the year."""
        return f"FY{self.year}-{self.part}" if self.part else f"FY{self.year}"


@dataclass(frozen=True, slots=True)
class LabelForm:
    """The form of labels: text with placeholders, such as {mon}-{yy} or P{period}.

    {mon} is Jan, {month} January, {mm} 01 to 12: calendar months; {dd} is a day. {yyyy} and {yy} are calendar
    years and need a month; {fyyyy} and {fyy} are fiscal years. {period} is the fiscal period 1 to 16,
    {quarter} the fiscal quarter. {any} is text without meaning. Case and spacing do not matter.
    """

    text: str
    months: tuple[str, ...] = MONTHS

    @property
    def names(self) -> frozenset[str]:
        return frozenset(_PLACEHOLDER.findall(self.text))

    @property
    def has_month(self) -> bool:
        return bool(self.names & {"mon", "month", "mm"})

    @property
    def has_year(self) -> bool:
        return bool(self.names & {"yyyy", "yy", "fyyyy", "fyy"})

    @property
    def usual_count(self) -> int:
        return 4 if "quarter" in self.names else 12

    def pattern(self) -> re.Pattern[str]:
        return _compiled(self.text, self.months)

    @property
    def fits_weeks(self) -> bool:
        """Whether it says enough for a fiscal year of weeks, which has no months."""
        return self.names_a_day or not self.has_month

    def read(self, label: str, calendar: Calendar | WeekCalendar) -> Moment:
        """What the label stands for; `LabelRefused` where it has not this form or is no date."""
        match = self.pattern().fullmatch(" ".join(label.split()))
        if match is None:
            raise LabelRefused(f"{label.strip()!r} is not written like {self.text!r}")
        found = {name: text for name, text in match.groupdict().items() if text is not None}
        month = self._month(found)
        year = _year(found, "fyyyy", "fyy")
        calendar_year = _year(found, "yyyy", "yy")
        if month and calendar_year:
            day = int(found.get("dd", "1"))
            _refuse_impossible(label, calendar_year, month, day)
            year, number = calendar.fiscal(date(calendar_year, month, day))
            return Moment(year, f"{number:02}")
        if month and isinstance(calendar, Calendar):
            return Moment(year, f"{calendar.number(month):02}")
        if "quarter" in found:
            return Moment(year, f"Q{found['quarter']}")
        return Moment(year, f"{int(found['period']):02}" if "period" in found else "")

    def day(self, label: str) -> date:
        """The day a label names, for a form with day, month and calendar year."""
        match = self.pattern().fullmatch(" ".join(label.split()))
        if match is None:
            raise LabelRefused(f"{label.strip()!r} is not written like {self.text!r}")
        found = {name: text for name, text in match.groupdict().items() if text is not None}
        year, month, day = _year(found, "yyyy", "yy"), self._month(found), int(found.get("dd", "0"))
        if year is None or month is None:
            raise LabelRefused(f"{self.text!r} names no day")
        _refuse_impossible(label, year, month, day)
        return date(year, month, day)

    @property
    def names_a_day(self) -> bool:
        return "dd" in self.names and self.has_month and bool(self.names & {"yyyy", "yy"})

    def _month(self, found: dict[str, str]) -> int | None:
        if "mm" in found:
            return int(found["mm"])
        if "month" in found:
            return _index(self.months, found["month"])
        return _index(_short(self.months), found["mon"][:3]) if "mon" in found else None


def _year(found: dict[str, str], long: str, short: str) -> int | None:
    if long in found:
        return int(found[long])
    return 2000 + int(found[short]) if short in found else None


def _refuse_impossible(label: str, year: int, month: int, day: int) -> None:
    try:
        date(year, month, day)
    except ValueError:
        raise LabelRefused(f"{label.strip()!r} is no day of the calendar") from None


def _index(names: Sequence[str], name: str) -> int:
    return [known.casefold() for known in names].index(name.casefold()) + 1


def _short(months: Sequence[str]) -> list[str]:
    return [month[:3] for month in months]


@lru_cache
def _compiled(text: str, months: tuple[str, ...]) -> re.Pattern[str]:
    groups = {
        **_GROUPS,
        "month": "|".join(map(re.escape, months)),
        "mon": "|".join(map(re.escape, _short(months))) + "|Sept",
    }
    parts = _PLACEHOLDER.split(" ".join(text.split()))
    names = parts[1::2]
    _refuse_form(text, names)
    pattern = "".join(
        re.escape(part) if place % 2 == 0 else ".*?" if part == "any" else f"(?P<{part}>{groups[part]})"
        for place, part in enumerate(parts)
    )
    return re.compile(pattern, re.IGNORECASE | re.ASCII)


def _refuse_form(text: str, names: Sequence[str]) -> None:
    known = {*_GROUPS, "mon", "month", "any"}
    month = {"mon", "month", "mm"} & set(names)
    for name in names:
        if name not in known:
            raise LabelRefused(f"{text!r}: {{{name}}} is unknown; there are {', '.join(sorted(known))}")
        if name != "any" and names.count(name) > 1:
            raise LabelRefused(f"{text!r}: {{{name}}} stands there twice")
    if not set(names) - {"any", "dd"}:
        raise LabelRefused(f"{text!r} names neither year nor period, such as {{yyyy}}-{{mm}} or P{{period}}")
    if {"yyyy", "yy"} & set(names) and not month:
        raise LabelRefused(
            f"{text!r}: a calendar year needs a month; write {{fyyyy}} or {{fyy}} for a fiscal year"
        )
    if len(month | ({"period", "quarter"} & set(names))) > 1:
        raise LabelRefused(f"{text!r} names the period in two ways")
