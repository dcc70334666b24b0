"""Turn instants into Jira's timestamps and back: milliseconds, and an offset without a colon."""

from __future__ import annotations

import re
from datetime import datetime, tzinfo

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)$")


def to_timestamp(moment: datetime, zone: tzinfo) -> str:
    """`2026-09-27T10:03:11.123+0200`, in the zone of the site."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"


def from_timestamp(text: object) -> datetime | None:
    """The instant, or None where the text is none: what was loaded is served even when it is odd."""
    if not isinstance(text, str) or not _TIMESTAMP.match(text):
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def in_zone(text: str, zone: tzinfo) -> str:
    """The same instant as the site in `zone` writes it; text that is no timestamp unchanged."""
    moment = from_timestamp(text)
    return text if moment is None else to_timestamp(moment, zone)
