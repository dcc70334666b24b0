"""Turn a cron expression and a zone into due times, each with the name of the slot it counts for.

cronsim says what an expression means at the two clock changes of a year: a time that is left out is due right
after the gap, a doubled one the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

FIELDS = 5
# A few hours find the last due time of an hourly schedule; the others that of a nightly, monthly, yearly one.
LOOK_BACK = (timedelta(hours=3), timedelta(days=2), timedelta(days=40), timedelta(days=400))
EXAMPLE = "use five fields such as `0 2 * * *` (02:00 each night)"


@dataclass(frozen=True, slots=True)
class Slot:
    """One due time. `name` is what may run once: the local date, or the time where a day has several."""

    at: datetime
    name: str

    @property
    def local_date(self) -> date:
        """The date of the due time, where the schedule lives."""
        return self.at.date()


@dataclass(frozen=True, slots=True)
class Times:
    """When something is due: a cron expression of five fields, read in a zone."""

    cron: str
    zone: ZoneInfo

    def next_after(self, moment: datetime) -> Slot:
        """Give the first slot after a moment."""
        return self._slot(next(CronSim(self.cron, moment.astimezone(self.zone))))

    def last_until(self, now: datetime) -> Slot | None:
        """Give the newest slot that has fallen due, if one has in the last year."""
        for look_back in LOOK_BACK:
            newest = None
            for at in CronSim(self.cron, (now - look_back).astimezone(self.zone)):
                if is_later(at, now):
                    break
                newest = at
            if newest is not None:
                return self._slot(newest)
        return None

    @property
    def once_a_day(self) -> bool:
        """Say whether a day has one due time at most: then its date names the slot, whatever the hour."""
        parsed = CronSim(self.cron, datetime(2026, 1, 1, tzinfo=UTC))
        return len(parsed.hours) == len(parsed.minutes) == 1

    def _slot(self, at: datetime) -> Slot:
        """Name a slot; the offset tells the two passes of a doubled hour apart."""
        name = at.date().isoformat() if self.once_a_day else f"{at:%Y-%m-%dT%H:%M%z}"
        return Slot(at, name)


def is_later(one: datetime, other: datetime) -> bool:
    """Compare in UTC: two times of one zone compare by their wall clocks, which lie when set back."""
    return one.astimezone(UTC) > other.astimezone(UTC)


def check_cron(text: str) -> str:
    """Give the expression back; raise `ValueError` where it is none, or is never due."""
    try:
        first = next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)), None)
    except CronSimError:
        first = None
    if first is None or len(text.split()) != FIELDS:
        raise ValueError(f"{text!r} is no cron expression; {EXAMPLE}")
    return text
