"""A slot is run once; a run that was killed is tried again, not for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sync.service.cron import Slot, Times
from sync.service.due import PAUSES, Attempt, is_due

NIGHTLY = Times("0 2 * * *", ZoneInfo("Europe/Berlin"))
NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=100)


def slot_at(now: datetime) -> Slot:
    slot = NIGHTLY.last_until(now)
    assert slot is not None
    return slot


def test_a_slot_that_was_never_begun_is_due_however_late() -> None:
    assert slot_at(NOON).name == "2026-05-09"
    assert is_due(slot_at(NOON), NOON, LONG_AGO, None)


def test_what_fell_due_before_the_schedule_was_known_is_nobodys() -> None:
    assert not is_due(slot_at(NOON), NOON, NOON - timedelta(hours=1), None)
    later = NOON + timedelta(hours=14)
    assert is_due(slot_at(later), later, NOON, None)


def test_somebody_who_asks_outright_gets_the_newest_slot_even_of_a_new_schedule() -> None:
    assert is_due(slot_at(NOON), NOON, None, None)


def test_a_run_that_came_to_an_end_is_never_begun_again() -> None:
    for number in range(1, 5):
        assert not is_due(slot_at(NOON), NOON, LONG_AGO, Attempt(number, LONG_AGO, ended=True))


@pytest.mark.parametrize("number", range(1, len(PAUSES) + 1))
def test_a_run_that_broke_off_is_begun_again_after_a_pause_that_grows(number: int) -> None:
    attempt = Attempt(number, NOON, ended=False)
    again = NOON + PAUSES[number - 1]
    assert is_due(slot_at(again), again, LONG_AGO, attempt)
    if PAUSES[number - 1]:
        early = again - timedelta(seconds=1)
        assert not is_due(slot_at(early), early, LONG_AGO, attempt)


def test_a_slot_that_breaks_off_again_and_again_is_given_up() -> None:
    for later in (timedelta(0), timedelta(hours=5)):
        attempt = Attempt(len(PAUSES) + 1, NOON, ended=False)
        assert not is_due(slot_at(NOON), NOON + later, LONG_AGO, attempt)
