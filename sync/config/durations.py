"""Read lengths of time as people write them: `90m`, `4h`, `1h30m`, `45s`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator

FORM = re.compile(r"(?=\d)(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s)?")


def read_duration(value: Any) -> Any:
    """Read a text as a duration; raise `ValueError` where it is none, or no time at all."""
    if not isinstance(value, str):
        if isinstance(value, timedelta):
            return value
        raise ValueError(unread(value))
    found = FORM.fullmatch(value.strip().lower())
    if found is None:
        raise ValueError(unread(value))
    parts = {unit: int(number) for unit, number in found.groupdict().items() if number}
    try:
        duration = timedelta(**parts)
    except OverflowError:
        raise ValueError(unread(value)) from None
    if not duration:
        raise ValueError(unread(value))
    return duration


def unread(value: Any) -> str:
    """Say that something is no duration."""
    return f"{value!r} is no length of time; write one such as 90m, 4h or 1h30m"


Duration = Annotated[timedelta, BeforeValidator(read_duration)]


def spoken(duration: timedelta) -> str:
    """Write a duration the way it is read, to the second."""
    seconds = int(duration.total_seconds())
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    parts = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
