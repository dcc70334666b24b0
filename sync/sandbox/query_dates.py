"""Turn the dates of a JQL query, literal, relative or by function, into instants."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_PERIOD = re.compile(r"([+-]?)((?:\d+[wdhm]\s*)+)$")
_UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_EDGE = re.compile(r"(startof|endof)(day|week|month|year)$")
DATE_HELP = (
    "Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', "
    "or a period format e.g. '-5d', '4w 2d'."
)


def to_instant(text: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """A literal, read in the account's zone to the minute, or a period before or after now; else None."""
    period = _PERIOD.match(text.strip())
    if period:
        return _at_distance(period[1], period[2], now)
    for pattern in _FORMATS:
        try:
            return datetime.strptime(text.strip(), pattern).replace(tzinfo=zone)
        except ValueError:
            continue
    return None


def _at_distance(sign: str, length: str, now: datetime) -> datetime | None:
    try:
        span = sum((int(n) * _UNITS[u] for n, u in re.findall(r"(\d+)([wdhm])", length)), timedelta())
        return now - span if sign == "-" else now + span
    except OverflowError:  # beyond the years 1 to 9999
        return None


def from_function(name: str, arguments: tuple[str, ...], now: datetime, zone: ZoneInfo) -> datetime | None:
    """`now()`, `startOfDay(-1)`, `endOfMonth()` and their kin; None for any other function."""
    if name.lower() == "now" and not arguments:
        return now
    edge = _EDGE.match(name.lower())
    if edge is None or len(arguments) > 1:
        return None
    steps = re.fullmatch(r"([+-]?\d+)([dwMy]?)", arguments[0]) if arguments else None
    if arguments and steps is None:
        return None
    unit = {"d": "day", "w": "week", "M": "month", "y": "year"}.get(steps[2], edge[2]) if steps else edge[2]
    try:
        shifted = _shift(now.astimezone(zone), int(steps[1]) if steps else 0, unit)
    except (OverflowError, ValueError):  # beyond the years 1 to 9999
        return None
    start = _start_of(shifted, edge[2])
    if edge[1] == "startof":
        return start
    return _start_of(_shift(start, 1, edge[2]), edge[2]) - timedelta(milliseconds=1)


def _shift(moment: datetime, steps: int, unit: str) -> datetime:
    if unit in {"day", "week"}:
        return moment + timedelta(days=steps * (7 if unit == "week" else 1))
    months = moment.year * 12 + moment.month - 1 + steps * (12 if unit == "year" else 1)
    return moment.replace(year=months // 12, month=months % 12 + 1, day=1)


def _start_of(moment: datetime, unit: str) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "week":  # Jira's week begins on Sunday
        return day - timedelta(days=(day.weekday() + 1) % 7)
    if unit == "year":
        return day.replace(month=1, day=1)
    return day.replace(day=1) if unit == "month" else day
