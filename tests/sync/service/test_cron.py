"""When a cron expression falls due, through both clock changes, and which slot each due time counts for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sync.service.cron import Times, check_cron

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)


def slots_of(times: Times, first: datetime, hours: int) -> list[str]:
    """The slots that fall due from a moment on."""
    found: list[str] = []
    moment = first - timedelta(seconds=1)
    while True:
        slot = times.next_after(moment)
        if slot.at >= first + hours * HOUR:
            return found
        found.append(slot.name)
        moment = slot.at


def test_a_time_that_the_clocks_leave_out_is_due_right_after_the_gap() -> None:
    slot = Times("30 2 * * *", BERLIN).next_after(datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert (slot.at.astimezone(UTC), slot.name) == (datetime(2026, 3, 29, 1, tzinfo=UTC), "2026-03-29")


def test_a_time_that_comes_twice_is_due_the_first_time() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    times = Times("30 2 * * *", BERLIN)
    before = times.last_until(first - timedelta(seconds=1))
    assert before is not None
    assert before.name == "2026-10-24"
    set_back = first + timedelta(minutes=40)  # 02:10 for the second time
    for now in (first, set_back, set_back.astimezone(BERLIN), first + HOUR, first + 20 * HOUR):
        slot = times.last_until(now)
        assert slot is not None
        assert (slot.at.astimezone(UTC), slot.name) == (first, "2026-10-25")


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)]
)
def test_an_hourly_schedule_has_a_slot_for_each_hour_that_passes(day: date, hours: int) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=BERLIN).astimezone(UTC)
    names = slots_of(Times("15 * * * *", BERLIN), midnight, hours)
    assert len(names) == len(set(names)) == hours
    assert {name[:10] for name in names} == {day.isoformat()}


def test_the_slot_of_a_schedule_with_several_times_a_day_names_the_time_and_the_offset() -> None:
    times = Times("0 2,14 * * *", NEW_YORK)
    names = slots_of(times, datetime(2026, 7, 1, 4, tzinfo=UTC), 24)
    assert names == ["2026-07-01T02:00-0400", "2026-07-01T14:00-0400"]


def test_moving_the_hour_of_a_nightly_schedule_makes_no_second_slot_of_a_date() -> None:
    now = datetime(2026, 7, 1, 20, tzinfo=UTC)
    early, late = Times("0 2 * * *", BERLIN).last_until(now), Times("0 14 * * *", BERLIN).last_until(now)
    assert early is not None
    assert late is not None
    assert early.name == late.name == "2026-07-01"


@pytest.mark.parametrize(
    ("cron", "expected"),
    [("0 2 1 * *", "2026-03-01"), ("0 2 1 1 *", "2026-01-01"), ("0 2 29 2 *", None)],
    ids=["monthly", "yearly", "leap days"],
)
def test_rare_schedules_are_found_far_back(cron: str, expected: str | None) -> None:
    slot = Times(cron, BERLIN).last_until(datetime(2026, 3, 28, tzinfo=UTC))
    assert (slot.name if slot else None) == expected


@pytest.mark.parametrize("text", ["nightly", "0 2 * *", "0 0 2 * * *", "0 2 31 2 *", "61 2 * * *", ""])
def test_what_is_no_cron_expression_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no cron expression; use five fields such as `0 2 \* \* \*`"):
        check_cron(text)
