"""What the owners of waivers are told: in time, and by name."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from sync.waivers.remarks import WaiverFacts, remarks
from tests.clock import TODAY

WAIVER = WaiverFacts(
    rule="epic-without-objective",
    condition="key = PAY-1",
    reason="Agreed",
    owner="jane",
    approver=None,
    until=TODAY + timedelta(days=90),
    place="waivers.yaml:3",
    findings=2,
)
NAME = "waivers.yaml:3: the waiver of epic-without-objective"


def test_of_a_waiver_with_findings_and_time_left_nothing_is_said() -> None:
    assert remarks([WAIVER], TODAY) == []
    assert remarks([replace(WAIVER, until=TODAY + timedelta(days=15))], TODAY) == []
    assert WAIVER.standing(TODAY) == "in force"


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (14, f"{NAME} ends in 14 days (2026-03-17); then 2 findings come back. Its owner is jane."),
        (1, f"{NAME} ends tomorrow (2026-03-04); then 2 findings come back. Its owner is jane."),
        (0, f"{NAME} ends today (2026-03-03); then 2 findings come back. Its owner is jane."),
        (-1, f"{NAME} ended on 2026-03-02. Remove it, or have jane renew it."),
    ],
)
def test_an_end_is_told_two_weeks_before_and_until_the_waiver_is_gone(days: int, said: str) -> None:
    waiver = replace(WAIVER, until=TODAY + timedelta(days=days))
    assert remarks([waiver], TODAY) == [said]
    assert waiver.standing(TODAY) == ("ended" if days < 0 else "ends soon")


def test_a_waiver_that_meets_nothing_is_told_and_one_that_no_run_has_met_is_not() -> None:
    assert remarks([replace(WAIVER, findings=0)], TODAY) == [
        f"{NAME} is unused: no finding meets its condition. Remove it, or mend its match:."
    ]
    new = replace(WAIVER, findings=None, until=TODAY + timedelta(days=5))
    assert remarks([new], TODAY) == []
    assert replace(new, until=WAIVER.until).standing(TODAY) == "not judged yet"


def test_waivers_that_end_together_are_told_once() -> None:
    five = [replace(WAIVER, condition=f"key = PAY-{number}") for number in range(5)]
    assert remarks(five[:4], TODAY) == []
    (said,) = remarks(five, TODAY)
    assert said == (
        "5 waivers with 10 findings end on 2026-06-01. "
        "Spread them over several days, or all of it comes back at once."
    )
