"""What a night makes of a finding, state by state: the words that the store is held to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from sync.life import Life, Terms, next_life
from tests.clock import NOW

DAY = timedelta(days=1)
OPEN = Life("open", NOW, opened_at=NOW)
PENDING = Life("pending", NOW)
CLEARING = Life("clearing", NOW, opened_at=NOW, clearing_since=NOW)
CLOSED = Life("closed", NOW, opened_at=NOW, closed_at=NOW)
WAITS = Terms(2 * DAY, 2 * DAY)
AT_ONCE = Terms()

NIGHTS = {
    "a hit opens at once": (None, AT_ONCE, 1, True, "open"),
    "a hit waits for its grace": (None, WAITS, 1, True, "pending"),
    "grace is not over a day early": (PENDING, WAITS, 1, True, "pending"),
    "grace is over to the minute": (PENDING, WAITS, 2, True, "open"),
    "what was pending and is gone never was": (PENDING, WAITS, 1, False, "closed"),
    "what is gone closes at once": (OPEN, AT_ONCE, 1, False, "closed"),
    "what is gone clears first": (OPEN, WAITS, 1, False, "clearing"),
    "clearing is not over a day early": (CLEARING, WAITS, 1, False, "clearing"),
    "clearing is over to the minute": (CLEARING, WAITS, 2, False, "closed"),
    "what comes back while it clears was never gone": (CLEARING, WAITS, 1, True, "open"),
    "what is closed stays closed": (CLOSED, WAITS, 1, False, "closed"),
    "what is closed and comes back begins anew": (CLOSED, WAITS, 1, True, "pending"),
    "nothing comes of nothing": (None, WAITS, 1, False, None),
}


@pytest.mark.parametrize("case", NIGHTS.values(), ids=list(NIGHTS))
def test_a_night_takes_a_finding_to_its_next_state(
    case: tuple[Life | None, Terms, int, bool, str | None],
) -> None:
    life, terms, days, hit, expected = case
    after = next_life(life, terms, NOW + days * DAY, hit=hit)
    assert (after and after.state) == expected


def test_a_finding_that_clears_and_comes_back_keeps_its_dates() -> None:
    assert next_life(CLEARING, WAITS, NOW + DAY, hit=True) == OPEN


def test_a_finding_that_begins_anew_forgets_its_former_life() -> None:
    assert next_life(CLOSED, AT_ONCE, NOW + DAY, hit=True) == Life("open", NOW + DAY, opened_at=NOW + DAY)
