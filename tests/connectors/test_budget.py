"""When requests may go: never more than the budget in any second, never before a pause is over."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from connectors.allowance import Allowance
from connectors.budget import CLOUD_LIMITS, RateBudget, Route, Tally, shared_budget
from connectors.errors import RateLimited
from tests.fakes.scripted_http import Naps
from tests.fakes.virtual_time import VirtualTime

SEARCH = Route("POST", "search/jql")
FETCH = Route("POST", "issue/bulkfetch")
WRITE_1, WRITE_2 = Route("PUT", "issue/{}", "10001"), Route("PUT", "issue/{}", "10002")
NEVER = float("inf")


def budget(naps: Naps, **limits: float) -> RateBudget:
    return RateBudget("jira.example.com", {**CLOUD_LIMITS, **limits}, clock=naps.clock, jitter=lambda: 1.0)


def refused(pause: float | None = None, *, site: bool = False, item: bool = False) -> Allowance:
    return Allowance(refused=True, whole_site=site, one_item=item, pause=pause)


def moment_of_next(budget: RateBudget, route: Route, naps: Naps) -> float:
    return budget.admit(route, NEVER, naps)


def busiest(moments: Iterable[float], span: float = 1.0) -> int:
    """The most requests in any span of that many seconds, both ends counted."""
    ordered = sorted(moments)
    return max(sum(start <= moment <= start + span for moment in ordered) for start in ordered)


def test_requests_are_spread_so_that_no_second_holds_more_than_the_margin_allows() -> None:
    for method, limit in CLOUD_LIMITS.items():
        naps = Naps()
        one = budget(naps)
        moments = [moment_of_next(one, Route(method, "x"), naps) for _ in range(400)]
        assert busiest(moments) <= 0.96 * limit
        assert moments[-1] < 400 / (0.79 * limit)


def test_endpoints_and_methods_do_not_hold_each_other_back() -> None:
    naps = Naps()
    one = budget(naps)
    for _ in range(100):
        moment_of_next(one, SEARCH, naps)
    before = naps.clock()
    assert before > 0
    assert [moment_of_next(one, route, naps) for route in (FETCH, WRITE_1, Route("GET", "search/jql"))] == [
        before
    ] * 3


@pytest.mark.parametrize(
    ("allowance", "held", "free"),
    [
        (refused(60.0, site=True), [SEARCH, FETCH, WRITE_1, WRITE_2], []),
        (refused(60.0), [WRITE_1, WRITE_2], [SEARCH, FETCH, Route("GET", "issue/{}")]),
        (refused(60.0, item=True), [WRITE_1], [WRITE_2, SEARCH, Route("GET", "issue/{}")]),
    ],
)
def test_a_refusal_holds_back_what_it_is_about_and_nothing_else(
    allowance: Allowance, held: list[Route], free: list[Route]
) -> None:
    naps = Naps()
    one = budget(naps)
    one.heed(WRITE_1, moment_of_next(one, WRITE_1, naps), allowance)
    assert {moment_of_next(one, route, naps) for route in free} <= {0.0}
    assert all(moment_of_next(one, route, naps) >= 60.0 for route in held)


def test_refusals_in_a_row_are_waited_for_longer_and_longer_and_an_answer_ends_the_row() -> None:
    naps = Naps()
    one = budget(naps)
    for _ in range(6):
        one.heed(SEARCH, moment_of_next(one, SEARCH, naps), refused())
    one.heed(SEARCH, moment_of_next(one, SEARCH, naps), Allowance())
    one.heed(SEARCH, moment_of_next(one, SEARCH, naps), refused())
    moment_of_next(one, SEARCH, naps)
    assert [round(nap, 3) for nap in naps.seconds if nap > 0.1] == [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 2.0]


def test_refusals_of_requests_that_were_under_way_together_count_once() -> None:
    naps = Naps()
    one = budget(naps)
    sent = [moment_of_next(one, SEARCH, naps) for _ in range(8)]
    naps(0.2)
    for moment in sent:
        one.heed(SEARCH, moment, refused())
        naps(0.001)
    assert moment_of_next(one, SEARCH, naps) == pytest.approx(sent[-1] + 2.207)


def test_an_answer_to_an_older_request_does_not_end_a_pause() -> None:
    naps = Naps()
    one = budget(naps)
    older, newer = (moment_of_next(one, SEARCH, naps) for _ in range(2))
    one.heed(SEARCH, newer, refused(60.0))
    one.heed(SEARCH, older, Allowance())
    assert moment_of_next(one, SEARCH, naps) == 60.0


def test_after_a_pause_the_requests_start_one_by_one() -> None:
    naps = Naps()
    one = budget(naps)
    one.heed(SEARCH, moment_of_next(one, SEARCH, naps), refused(10.0))
    moments = [moment_of_next(one, SEARCH, naps) for _ in range(20)]
    assert moments[0] == pytest.approx(10.0)
    assert all(later - earlier == pytest.approx(1 / 92) for earlier, later in pairwise(moments))


def test_near_the_limit_requests_go_half_as_fast_until_jira_takes_that_back() -> None:
    naps = Naps()
    one = budget(naps)

    def pace() -> float:
        moments = [moment_of_next(one, SEARCH, naps) for _ in range(50)]
        return (moments[-1] - moments[20]) / 29

    one.heed(SEARCH, 0.0, Allowance(near_limit=True))
    assert pace() == pytest.approx(1 / 46)
    one.heed(SEARCH, naps.clock(), Allowance())
    assert pace() == pytest.approx(1 / 92)


def test_an_endpoint_without_requests_left_waits_for_its_reset() -> None:
    naps = Naps()
    one = budget(naps)
    one.heed(SEARCH, 0.0, Allowance(left=0.0, pause=25.0))
    assert moment_of_next(one, FETCH, naps) == 0.0
    assert moment_of_next(one, SEARCH, naps) == pytest.approx(25.0)


def test_data_centers_bucket_is_never_overdrawn() -> None:
    naps = Naps()
    one = budget(naps)
    capacity, interval, fill = 50.0, 10.0, 20.0
    tokens, refilled = capacity, 0.0
    routes = [SEARCH, Route("GET", "issue/{}"), WRITE_1]
    for number in range(500):
        route = routes[number % 3]
        sent = moment_of_next(one, route, naps)
        periods = int((sent - refilled) // interval)
        tokens, refilled = min(capacity, tokens + periods * fill), refilled + periods * interval
        assert tokens >= 1, f"request {number} would have been refused"
        tokens -= 1
        pause = interval if tokens == 0 else None
        one.heed(route, sent, Allowance(left=tokens, capacity=capacity, refill=fill / interval, pause=pause))
    assert naps.clock() < 300


def test_a_pause_that_ends_after_the_run_must_is_told_at_once() -> None:
    naps = Naps()
    one = budget(naps)
    one.heed(SEARCH, moment_of_next(one, SEARCH, naps), refused(1800.0))
    with pytest.raises(RateLimited) as told:
        one.admit(SEARCH, 600.0, naps)
    assert (naps.seconds, told.value.retry_after) == ([], 1800.0)
    assert str(told.value) == (
        "jira.example.com makes us wait 1800 s more for POST search/jql, longer than a request may wait in "
        "this run (time_limit). The next run goes on from here."
    )


def test_after_its_time_a_run_sends_nothing_more() -> None:
    naps = Naps()
    one = budget(naps)
    naps(601.0)
    with pytest.raises(RateLimited, match="is over"):
        one.admit(SEARCH, 600.0, naps)


def test_a_sleep_that_takes_no_time_is_taken_at_its_word() -> None:
    naps: list[float] = []
    one = RateBudget(jitter=lambda: 1.0)
    one.heed(SEARCH, one.admit(SEARCH, NEVER, naps.append), refused(3600.0))
    one.admit(SEARCH, NEVER, naps.append)
    assert naps == [pytest.approx(3600.0, abs=1.0)]


def test_all_connections_of_a_process_to_one_site_share_its_budget() -> None:
    one = shared_budget("https://shared.example.com/jira")
    assert shared_budget("https://SHARED.example.com/rest") is one
    assert shared_budget("https://other.example.com/jira") is not one


def test_requests_are_counted_by_route_and_status() -> None:
    tally = Tally()
    for route, status in ((SEARCH, 200), (SEARCH, 200), (SEARCH, 429), (WRITE_1, 204), (WRITE_2, None)):
        tally.add(route, status)
    assert (tally.total, tally.counts()) == (
        5,
        {
            ("POST", "search/jql", 200): 2,
            ("POST", "search/jql", 429): 1,
            ("PUT", "issue/{}", 204): 1,
            ("PUT", "issue/{}", None): 1,
        },
    )


# --- a storm of refusals, with threads ---

THREADS, REQUESTS, LATENCY = 8, 150, 0.05
ROUTES = [SEARCH, FETCH, Route("GET", "field"), *(Route("PUT", "issue/{}", str(n)) for n in range(4))]


@dataclass
class Stormy:
    """A Jira that refuses at random, for each reason and with pauses of all sizes, and notes everything."""

    time: VirtualTime
    dice: random.Random
    sent: list[tuple[float, Route]] = field(default_factory=list)
    pauses: list[tuple[float, float, Callable[[Route], bool]]] = field(default_factory=list)

    def answer(self, route: Route) -> Allowance:
        self.sent.append((self.time.clock(), route))
        self.time.sleep(LATENCY)
        if self.dice.random() > 0.2:
            return Allowance(near_limit=self.dice.random() < 0.1)
        pause = self.dice.choice([0.0, 0.3, 1.0, 5.0, 40.0])
        kind = self.dice.choice(["site", "endpoint", "item"])
        affects: dict[str, Callable[[Route], bool]] = {
            "site": lambda other: True,
            "endpoint": lambda other: (other.method, other.endpoint) == (route.method, route.endpoint),
            "item": lambda other: other == route,
        }
        self.pauses.append((self.time.clock(), self.time.clock() + pause, affects[kind]))
        return refused(pause, site=kind == "site", item=kind == "item")


@pytest.mark.parametrize("seed", range(5))
def test_in_a_storm_of_refusals_eight_threads_keep_the_budget_and_every_pause(seed: int) -> None:
    time = VirtualTime()
    jira = Stormy(time, random.Random(seed))
    one = RateBudget("jira.example.com", clock=time.clock, jitter=lambda: 1.0)
    done: Counter[Route] = Counter()

    def work() -> None:
        choose = random.Random(seed)
        for _ in range(REQUESTS):
            route = choose.choice(ROUTES)
            allowance = Allowance(refused=True)
            while allowance.refused:
                sent = one.admit(route, NEVER, time.sleep)
                allowance = jira.answer(route)
                one.heed(route, sent, allowance)
            done[route] += 1

    time.run(*[work] * THREADS)
    assert done.total() == THREADS * REQUESTS
    assert len(jira.pauses) > 100
    for told, until, affects in jira.pauses:
        early = [moment for moment, route in jira.sent if told < moment < until - 1e-5 and affects(route)]
        assert early == []
    for route in ROUTES:
        same = [
            moment
            for moment, other in jira.sent
            if (other.method, other.endpoint) == (route.method, route.endpoint)
        ]
        assert busiest(same) <= 0.96 * CLOUD_LIMITS[route.method]


def test_without_refusals_eight_threads_use_the_budget_they_have() -> None:
    time = VirtualTime()
    one = RateBudget("jira.example.com", clock=time.clock)
    moments: list[float] = []

    def work() -> None:
        for _ in range(100):
            moments.append(one.admit(SEARCH, NEVER, time.sleep))
            time.sleep(0.01)

    time.run(*[work] * THREADS)
    assert busiest(moments) <= 96
    assert max(moments) < 800 / 91
