"""What everything that gives out turns must do, wherever it keeps the lines.

Proved by a test class that inherits `TurnsContract` and gives the fixture `desk`.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.turns import PUNCTUAL, Line, Pace, Turn, Turns

SITE = "jira.example.com"
SEARCH, EDIT = Line(SITE, "POST", "search/jql"), Line(SITE, "PUT", "issue/{}")
ELSEWHERE = Line("other.example.com", "POST", "search/jql")
# Each example draws a line of its own, and both classes keep the same contract.
SAME_DESK = [HealthCheck.function_scoped_fixture, HealthCheck.differing_executors, HealthCheck.too_slow]


@dataclass
class Clock:
    """Time that passes only when it is set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Desk:
    """Turns, the clock they go by, and who has gone when."""

    turns: Turns
    clock: Clock
    lines: count[int] = field(default_factory=count)

    def fresh(self) -> Line:
        """A line in which nobody has ever stood."""
        return Line(f"site-{next(self.lines)}.example.com", "POST", "search/jql")

    def next_at(self, line: Line, rate: float = 10.0, burst: float = 3.0, cost: int = 1) -> float:
        """When the next request of a line goes; it waits as long as it is told."""
        turn = Turn([Pace(line, rate, burst)], cost)
        while (wait := self.turns.wait_for(turn, self.clock)) > PUNCTUAL:
            self.clock.now += wait
        return self.clock.now

    def all_go(self, arrivals: list[float], line: Line, rate: float, burst: float) -> list[float]:
        """When requests go that come at these moments and wait as they are told, many at a time."""
        pace = Pace(line, rate, burst)
        waiting = [(moment, number, Turn([pace])) for number, moment in enumerate(arrivals)]
        heapq.heapify(waiting)
        gone = []
        while waiting:
            moment, number, turn = heapq.heappop(waiting)
            self.clock.now = max(self.clock.now, moment)
            wait = self.turns.wait_for(turn, self.clock)
            if wait > PUNCTUAL:
                heapq.heappush(waiting, (self.clock.now + wait, number, turn))
            else:
                gone.append(self.clock.now)
        return gone


def most_within(moments: list[float], seconds: float) -> int:
    """The most requests in any span of that length, both ends counted."""
    return max(sum(start <= moment <= start + seconds for moment in moments) for start in moments)


def last_of(arrivals: list[float], rate: float, burst: float) -> float:
    """When the last of them goes if nobody waits longer than a bucket of that size and filling asks for."""
    full_at, goes = -math.inf, 0.0
    for arrival in arrivals:
        goes = max(arrival, full_at - (burst - 1) / rate)
        full_at = max(full_at, goes) + 1 / rate
    return goes


class TurnsContract:
    """Fixture: `desk`, at which nobody has stood yet."""

    def test_the_burst_goes_at_once_and_the_others_one_by_one(self, desk: Desk) -> None:
        moments = [desk.next_at(SEARCH) for _ in range(6)]
        assert moments == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2, 0.3], abs=1e-4)

    def test_a_request_that_counts_double_takes_up_two_turns(self, desk: Desk) -> None:
        moments = [desk.next_at(SEARCH, burst=1.0, cost=2) for _ in range(3)]
        assert moments == pytest.approx([0.0, 0.2, 0.4], abs=1e-4)

    def test_lines_do_not_hold_each_other_back(self, desk: Desk) -> None:
        for _ in range(5):
            desk.next_at(SEARCH)
        before = desk.clock.now
        assert before > 0
        assert [desk.next_at(EDIT), desk.next_at(ELSEWHERE)] == [before, before]

    def test_a_line_that_is_closed_opens_after_that_one_by_one(self, desk: Desk) -> None:
        desk.next_at(SEARCH)
        desk.turns.close(SEARCH, 60.0, desk.clock)
        assert desk.next_at(EDIT) == 0.0
        moments = [desk.next_at(SEARCH) for _ in range(3)]
        assert moments == pytest.approx([60.0, 60.1, 60.2], abs=1e-4)

    def test_a_site_that_is_closed_holds_back_all_of_its_lines_and_no_other_site(self, desk: Desk) -> None:
        desk.next_at(SEARCH)
        desk.turns.close(Line(SITE), 60.0, desk.clock)
        assert desk.next_at(ELSEWHERE) == 0.0
        moments = [desk.next_at(line) for line in (SEARCH, EDIT, SEARCH)]
        assert moments == pytest.approx([60.0, 60.0, 60.1], abs=1e-4)

    def test_a_closing_never_opens_a_line_earlier_than_another_said(self, desk: Desk) -> None:
        for until in (30.0, 60.0, 10.0):
            desk.turns.close(SEARCH, until, desk.clock)
        assert desk.next_at(SEARCH) == pytest.approx(60.0, abs=1e-4)

    def test_who_already_waits_when_a_line_is_closed_waits_on(self, desk: Desk) -> None:
        for _ in range(3):
            desk.next_at(SEARCH)
        waiting = Turn([Pace(SEARCH, 10.0, 3.0)])
        desk.clock.now += desk.turns.wait_for(waiting, desk.clock) / 2
        desk.turns.close(SEARCH, 60.0, desk.clock)
        while (wait := desk.turns.wait_for(waiting, desk.clock)) > PUNCTUAL:
            desk.clock.now += wait
        assert desk.clock.now == pytest.approx(60.0, abs=1e-3)

    def test_a_wait_that_makes_no_sense_is_told_and_takes_nothing(self, desk: Desk) -> None:
        desk.next_at(SEARCH)
        desk.turns.close(SEARCH, 1800.0, desk.clock)
        for _ in range(50):
            impatient = Turn([Pace(SEARCH, 10.0, 3.0)], longest=600.0)
            assert desk.turns.wait_for(impatient, desk.clock) == pytest.approx(1800.0, abs=1e-3)
        assert desk.next_at(SEARCH) == pytest.approx(1800.0, abs=1e-3)

    def test_what_an_answer_says_is_left_of_the_burst_counts(self, desk: Desk) -> None:
        turn = Turn([Pace(SEARCH, 10.0, 3.0), Pace(Line(SITE), 2.0, 50.0, full_in=25.0)])
        wait = desk.turns.wait_for(turn, desk.clock)
        assert wait == pytest.approx(0.5, abs=1e-4)

    def test_a_request_goes_when_the_slowest_of_its_lines_lets_it(self, desk: Desk) -> None:
        moments = []
        for _ in range(4):
            turn = Turn([Pace(SEARCH, 10.0, 3.0), Pace(Line(SITE), 2.0, 1.0)])
            while (wait := desk.turns.wait_for(turn, desk.clock)) > PUNCTUAL:
                desk.clock.now += wait
            moments.append(desk.clock.now)
        assert moments == pytest.approx([0.0, 0.5, 1.0, 1.5], abs=1e-4)

    @settings(suppress_health_check=SAME_DESK)
    @given(
        gaps=st.lists(st.sampled_from([0.0, 0.0, 0.001, 0.05, 0.3, 4.0]), min_size=1, max_size=60),
        rate=st.sampled_from([0.5, 4.0, 9.2, 92.0]),
        burst=st.sampled_from([1.0, 2.0, 4.0]),
    )
    def test_whenever_requests_come_no_second_holds_more_than_rate_and_burst(
        self, desk: Desk, gaps: list[float], rate: float, burst: float
    ) -> None:
        began = desk.clock.now
        arrivals = [began + sum(gaps[: number + 1]) for number in range(len(gaps))]
        gone = desk.all_go(arrivals, desk.fresh(), rate, burst)
        assert len(gone) == len(arrivals)
        assert most_within(gone, 1.0 - 1e-3) <= rate + burst
        assert max(gone) == pytest.approx(last_of(arrivals, rate, burst), abs=0.01)
