"""Each local date runs once, whatever clocks and outages do; of missed nights the newest is caught up."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.schedule import due_night, last_due, next_due

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
YEAR = datetime(2026, 1, 1, tzinfo=UTC)

# Each schedule lies inside the hour that is left out or doubled when its zone changes the clocks.
SWITCHED = {
    "berlin": ("30 2 * * *", BERLIN),
    "new york, left out": ("30 2 * * *", NEW_YORK),
    "new york, doubled": ("30 1 * * *", NEW_YORK),
}


def simulate(
    schedule: str, zone: ZoneInfo, hours: list[int], *, naps: set[int] | None = None
) -> list[tuple[date, datetime]]:
    """Tick at these hours of the year (asleep during `naps`), and give the nights run with their moments."""
    ran: list[tuple[date, datetime]] = []
    for hour in hours:
        if naps and hour in naps:
            continue
        now = YEAR + hour * HOUR + timedelta(minutes=31)
        due = due_night(schedule, zone, now, YEAR, ran[-1][0] if ran else None)
        if due is not None:
            ran.append((due.local_date, now))
    return ran


@pytest.mark.parametrize("place", SWITCHED)
def test_in_a_year_every_local_date_runs_exactly_once(place: str) -> None:
    schedule, zone = SWITCHED[place]
    ran = simulate(schedule, zone, list(range(365 * 24)))
    dates = [night for night, _ in ran]
    assert dates == [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
    assert max(now.astimezone(zone).hour for _, now in ran) <= 3, "in the hour it was set for, or just after"


@settings(max_examples=6)
@given(
    st.sampled_from(sorted(SWITCHED)),
    st.lists(st.tuples(st.integers(0, 8759), st.integers(1, 200)), max_size=12),
)
def test_with_outages_no_date_runs_twice_and_the_newest_missed_one_is_caught_up(
    place: str, outages: list[tuple[int, int]]
) -> None:
    schedule, zone = SWITCHED[place]
    naps = {hour for start, length in outages for hour in range(start, start + length)}
    ran = simulate(schedule, zone, list(range(365 * 24)), naps=naps)
    dates = [night for night, _ in ran]
    assert not [night for night, times in Counter(dates).items() if times > 1]
    assert dates == sorted(dates)
    for night, now in ran:
        newest = last_due(schedule, zone, now)
        assert newest is not None
        assert newest.local_date == night, "never an older night than the newest missed"
    awake = [hour for hour in range(365 * 24) if hour not in naps]
    if awake:
        last_tick = YEAR + awake[-1] * HOUR + timedelta(minutes=31)
        newest = last_due(schedule, zone, last_tick)
        assert newest is not None
        assert newest.at < YEAR or dates[-1] == newest.local_date, "nothing missed stays missed"


def test_the_night_that_the_clocks_leave_out_runs_right_after_the_gap() -> None:
    due = next_due("30 2 * * *", BERLIN, datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert (due.at.astimezone(UTC), due.local_date) == (
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        date(2026, 3, 29),
    )


def test_in_the_doubled_hour_the_night_is_due_the_first_time_and_not_again() -> None:
    schedule, first = "30 2 * * *", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    watching = first - 48 * HOUR
    before = due_night(schedule, BERLIN, first - timedelta(seconds=1), watching, date(2026, 10, 24))
    assert before is None
    for now in (first, first + timedelta(minutes=40), (first + timedelta(minutes=40)).astimezone(BERLIN)):
        due = due_night(schedule, BERLIN, now, watching, date(2026, 10, 24))
        assert due is not None
        assert due.local_date == date(2026, 10, 25)
    again = due_night(schedule, BERLIN, first + HOUR, watching, date(2026, 10, 25))
    assert again is None


def test_a_new_store_waits_for_the_first_night_after_it_was_started() -> None:
    started = datetime(2026, 5, 5, 12, tzinfo=UTC)
    assert due_night("0 2 * * *", BERLIN, started, started, None) is None
    due = due_night("0 2 * * *", BERLIN, started + 12 * HOUR, started, None)
    assert due is not None
    assert due.local_date == date(2026, 5, 6)


def test_of_several_missed_nights_only_the_newest_is_caught_up() -> None:
    back = datetime(2026, 5, 9, 12, tzinfo=UTC)
    due = due_night("0 2 * * *", BERLIN, back, back, date(2026, 5, 4))
    assert due is not None
    assert due.local_date == date(2026, 5, 9)
    assert due_night("0 2 * * *", BERLIN, back, back, due.local_date) is None


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [("0 2 1 * *", date(2026, 3, 1)), ("0 2 1 1 *", date(2026, 1, 1)), ("0 2 29 2 *", None)],
    ids=["monthly", "yearly", "leap days"],
)
def test_rare_schedules_are_found_far_back(schedule: str, expected: date | None) -> None:
    due = last_due(schedule, BERLIN, datetime(2026, 3, 28, tzinfo=UTC))
    assert (due.local_date if due else None) == expected
