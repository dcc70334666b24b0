"""Turn the rate headers of an answer, of Jira Cloud or Data Center, into what they allow: pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one answer says about the next requests; all times are seconds.

    `pause`: how long to wait at least, where it says. `left` of `capacity` requests may go now, and `refill`
    come back each second (Data Center tells these on every answer, Cloud `left` at most).
    """

    refused: bool = False
    whole_site: bool = False
    one_item: bool = False
    pause: float | None = None
    left: float | None = None
    capacity: float | None = None
    refill: float | None = None
    near_limit: bool = False


def read_allowance(status: int, headers: Mapping[str, str], now: datetime) -> Allowance:
    """Read the headers of an answer; `now` is our clock, used where the answer does not date itself."""
    refused = status == 429 or (status == 503 and "Retry-After" in headers)
    reason = headers.get("RateLimit-Reason", "").strip().lower()
    left = number_in(headers, "X-RateLimit-Remaining")
    interval = number_in(headers, "X-RateLimit-Interval-Seconds")
    fill = number_in(headers, "X-RateLimit-FillRate")
    return Allowance(
        refused=refused,
        # A server that is down for a while (503) is so for every request.
        whole_site=status == 503 or reason.startswith("jira-quota"),
        one_item=reason.startswith("jira-per-issue"),
        pause=pause_in(headers, clock_of(headers, now), interval) if refused or left == 0 else None,
        left=left,
        capacity=number_in(headers, "X-RateLimit-Limit") or None,
        refill=fill / interval if fill and interval else None,
        near_limit=headers.get("X-RateLimit-NearLimit", "").strip().lower() == "true",
    )


def pause_in(headers: Mapping[str, str], now: datetime, interval: float | None) -> float | None:
    """The longest pause asked for. Data Center says `retry-after: 0` as well, which asks for none."""
    asked = [
        parse_retry_after(headers.get("Retry-After"), now),
        until_reset(headers.get("X-RateLimit-Reset"), now),
    ]
    return max((seconds for seconds in asked if seconds), default=interval)


def clock_of(headers: Mapping[str, str], now: datetime) -> datetime:
    """The server's clock: dates in its headers are told by that one, and ours may be wrong."""
    return http_date(headers.get("Date", "")) or now


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds asked for by a Retry-After header: `120`, `1.5` or an HTTP-date; None where unusable."""
    text = (value or "").strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = http_date(text)
        return None if moment is None else max(0.0, (moment - now).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def until_reset(value: str | None, now: datetime) -> float | None:
    """Seconds until an ISO time, which Jira sometimes writes without its seconds (`2026-11-23T02:00Z`)."""
    try:
        moment = datetime.fromisoformat((value or "").strip())
    except ValueError:
        return None
    return max(0.0, (in_utc(moment) - now).total_seconds())


def http_date(text: str) -> datetime | None:
    try:
        return in_utc(parsedate_to_datetime(text))
    except ValueError:
        return None


def in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def number_in(headers: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None
