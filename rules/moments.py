"""Turn dates and times as JQL writes them (`-30d`, `"2026-03-31"`, `endOfMonth(-1)`) into moments, given now.

Calendar arithmetic is done on local wall-clock time in the context's zone and only then turned into UTC, so a
day is a day across a change to summer time. Weeks start on Monday.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Context:
    """What a condition depends on besides the item: the moment, the zone, the fiscal calendar, the currency.

    `fiscal_start` is the month a fiscal year starts in; the year is named after the calendar year it ends in.
    `currency` is the reporting currency and `minor_digits` how many digits its minor unit has (USD 2, JPY 0).
    """

    now: datetime
    timezone: tzinfo = UTC
    fiscal_start: int = 1
    currency: str = "USD"
    minor_digits: int = 2

    @property
    def local(self) -> datetime:
        """The moment on the wall clock of the zone, without the zone."""
        return self.now.astimezone(self.timezone).replace(tzinfo=None)

    def to_utc(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self.timezone).astimezone(UTC)

    def fiscal_year(self) -> int:
        local = self.local
        return local.year + (1 if 1 < self.fiscal_start <= local.month else 0)


_PERIOD = re.compile(r"[+-]?(?:\d{1,5}[yMwdhm]\s*)+")
_PART = re.compile(r"(\d+)([yMwdhm])")
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?")


class OutOfRange(ValueError):
    """A date before year 1 or after year 9999, or one that does not exist."""


def parse_moment(text: str, context: Context) -> datetime | None:
    """Read a date, a date with a time, or a period from now; None when it is none of these. Local time.

    Raises `OutOfRange` for a date that does not exist.
    """
    absolute = _DATE.fullmatch(text)
    try:
        if absolute:
            return datetime(*(int(part) for part in absolute.groups(default="0")))  # type: ignore[arg-type]  # noqa: DTZ001
        if _PERIOD.fullmatch(text):
            return shift(context.local, text)
    except (ValueError, OverflowError) as error:
        raise OutOfRange(f"There is no such date as {text}.") from error
    return None


def has_time(text: str) -> bool:
    """Tell whether a literal names a time of day."""
    match = _DATE.fullmatch(text)
    return bool(match and match[4])


def shift(moment: datetime, period: str) -> datetime:
    """Move a local moment by a period such as `-1M` or `4d 6h`."""
    sign = -1 if period.startswith("-") else 1
    for number, unit in _PART.findall(period):
        moment = _shift_unit(moment, sign * int(number), unit)
    return moment


def _shift_unit(moment: datetime, count: int, unit: str) -> datetime:
    if unit in "yM":
        return _shift_months(moment, count * (12 if unit == "y" else 1))
    name = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}[unit]
    return moment + timedelta(**{name: count})


def _shift_months(moment: datetime, count: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        raise OutOfRange("The year is out of range.")
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _fiscal_months(moment: datetime, context: Context) -> int:
    return (moment.month - context.fiscal_start) % 12


_Start = Callable[[datetime, Context], datetime]
_STARTS: dict[str, tuple[_Start, str, int]] = {
    "Day": (lambda moment, _: _midnight(moment), "d", 1),
    "Week": (lambda moment, _: _midnight(moment) - timedelta(days=moment.weekday()), "w", 1),
    "Month": (lambda moment, _: _midnight(moment).replace(day=1), "M", 1),
    "Year": (lambda moment, _: _midnight(moment).replace(month=1, day=1), "y", 1),
    "FiscalQuarter": (
        lambda moment, context: _shift_months(
            _midnight(moment).replace(day=1), -(_fiscal_months(moment, context) % 3)
        ),
        "M",
        3,
    ),
    "FiscalYear": (
        lambda moment, context: _shift_months(
            _midnight(moment).replace(day=1), -_fiscal_months(moment, context)
        ),
        "y",
        1,
    ),
}
FUNCTIONS = ("now", *(f"{edge}Of{unit}" for edge in ("start", "end") for unit in _STARTS))


def call(name: str, argument: str | None, context: Context) -> datetime:
    """Compute a date function as local time; `name` is one of `FUNCTIONS`, in their spelling.

    The argument is a number of the function's own unit (`startOfMonth(-1)`) or a period, as in
    `startOfDay("-2w")`. The end of a period is its last microsecond. Raises ValueError for an argument that
    is neither.
    """
    if name == "now":
        if argument is not None:
            raise ValueError("now() takes no argument")
        return context.local
    edge, _, unit_name = name.partition("Of")
    start, unit, step = _STARTS[unit_name]
    moment = context.local
    try:
        if argument is not None and re.fullmatch(r"[+-]?\d{1,5}", argument):
            moment = _shift_unit(start(moment, context), int(argument) * step, unit)
        elif argument is not None and _PERIOD.fullmatch(argument):
            moment = start(shift(moment, argument), context)
        elif argument is not None:
            raise ValueError(f"{name}() takes a number or a period such as -1 or -2w, not {argument}")
        else:
            moment = start(moment, context)
        return moment if edge == "start" else _shift_unit(moment, step, unit) - timedelta(microseconds=1)
    except OverflowError as error:
        raise OutOfRange(f"There is no such date as {name}({argument}).") from error
