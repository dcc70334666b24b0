"""Turn what a site allows into when each request may be sent: one budget for all threads that talk to it.

Jira Cloud limits bursts for each endpoint and method, shared by everybody on the site; the limits below are
the ones it documents. We stay under them with a margin, and heed what answers say (a pause, tokens left).
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.allowance import Allowance
from connectors.errors import RateLimited
from connectors.turns import PUNCTUAL, Line, OwnTurns, Pace, Turn, Turns

CLOUD_LIMITS: Mapping[str, float] = {"GET": 100.0, "POST": 100.0, "PUT": 50.0, "DELETE": 50.0}
# Data Center has none until an admin sets some, which its answers then tell; what we ask of it at the most.
DATA_CENTER_LIMITS: Mapping[str, float] = dict.fromkeys(CLOUD_LIMITS, 100.0)
# Of each limit we use 92 % steadily and 4 % more at once: never over 96 % in any one second.
STEADY_SHARE = 0.92
BURST_SHARE = 0.04
FIRST_WAIT = 2.0
LONGEST_WAIT = 30.0

log = logging.getLogger("tieline.requests")
Scope = tuple[str, ...]
SITE: Scope = ()
ONE_ITEM = 3


def random_jitter() -> float:
    """The spread Atlassian asks for, so that many clients do not come back at the same moment."""
    return random.uniform(0.7, 1.3)  # noqa: S311 - spreads load, guards nothing


def backoff(attempt: int, first: float = FIRST_WAIT, longest: float = LONGEST_WAIT) -> float:
    """Seconds to wait after the given failure in a row (1 is the first), before any jitter."""
    return min(longest, first * 2.0 ** min(attempt - 1, 30))


@dataclass(frozen=True, slots=True)
class Route:
    """What a request counts under: its method, its endpoint without ids, and the one item it writes to."""

    method: str
    endpoint: str
    item: str | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Everything whose pause keeps this request back, the widest first."""
        endpoint = (self.method, self.endpoint)
        return (SITE, endpoint, (*endpoint, self.item)) if self.item else (SITE, endpoint)


@dataclass(frozen=True, slots=True)
class Told:
    """What an answer said of the whole site's limit, and when its burst would be whole again."""

    rate: float
    burst: float
    full_at: float


@dataclass(slots=True)
class Pause:
    """A scope that was told to wait `until`; `refusals` in a row, the last of them heard at `heard`."""

    until: float
    refusals: int
    heard: float


class RateBudget:
    """When each request to one site may go. Thread-safe; `clock` is monotonic seconds.

    `limits` are requests per second for each method, on each endpoint. An answer of 429 pauses what its
    reason names: a quota the whole site, a burst that endpoint and method, writes to one issue that issue.
    `turns` gives out who may go next: to the threads of this process, or of several that share them.
    """

    def __init__(
        self,
        site: str = "the site",
        limits: Mapping[str, float] = CLOUD_LIMITS,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random_jitter,
        turns: Turns | None = None,
    ) -> None:
        self.site = site
        self.limits = limits
        self.turns = turns or OwnTurns()
        self._clock = clock
        self._credit = 0.0
        self._jitter = jitter
        self._lock = threading.Lock()
        self._pauses: dict[Scope, Pause] = {}
        self._slowed: set[Scope] = set()
        self._told: Told | None = None

    def allow(self, limits: Mapping[str, float]) -> None:
        """Keep to these limits from now on."""
        self.limits = limits

    @property
    def told(self) -> tuple[float, float] | None:
        """What the site itself says of its limit: requests a second and at once; None where it is silent."""
        return (self._told.rate, self._told.burst) if self._told else None

    def now(self) -> float:
        """Seconds on the budget's own clock; only differences mean anything."""
        return self._clock() + self._credit

    def admit(self, route: Route, give_up_at: float, sleep: Callable[[float], None]) -> float:
        """Wait until this request may go, and give that moment.

        Raises `RateLimited` at once where the wait would end after `give_up_at`: what was read so far stands.
        `sleep` is taken at its word: one that returns early, as in a test, has slept as long as it was asked.
        """
        turn = Turn()
        while True:
            now = self.now()
            wait = self._paused(route, now)
            if wait <= PUNCTUAL:
                self._line_up(turn, route, now)
                turn.longest = give_up_at - now
                wait = self.turns.wait_for(turn, self.now)
                now = self.now()
            if now + max(wait, 0.0) > give_up_at:
                raise RateLimited(self._too_late(route, wait), wait)
            if wait <= PUNCTUAL:
                return now
            sleep(wait)
            with self._lock:
                self._credit += max(0.0, now + wait - self.now())

    def _too_late(self, route: Route, wait: float) -> str:
        on = "The next run goes on from here."
        if wait <= PUNCTUAL:
            return f"{self.site}: The time allowed for this run (time_limit) is over. {on}"
        what = f"{self.site} makes us wait {wait:.0f} s more for {route.method} {route.endpoint}"
        return f"{what}, longer than a request may wait in this run (time_limit). {on}"

    def _paused(self, route: Route, now: float) -> float:
        """Seconds for which an answer has told us to wait."""
        with self._lock:
            pauses = [self._pauses[scope].until for scope in route.scopes if scope in self._pauses]
        return max(pauses, default=now) - now

    def _line_up(self, turn: Turn, route: Route, now: float) -> None:
        """Say in which lines a request stands, and how they move as far as we know by now."""
        limit = self.limits.get(route.method, min(self.limits.values()))
        line = self._line((route.method, route.endpoint))
        turn.paces = [Pace(line, limit * STEADY_SHARE, max(1.0, limit * BURST_SHARE))]
        told = self._told
        if told:
            turn.paces += [Pace(line.whole_site, told.rate, told.burst, told.full_at - now)]
        turn.cost = 2 if (route.method, route.endpoint) in self._slowed else 1

    def _line(self, scope: Scope) -> Line:
        return Line(self.site, *scope[:2])

    def heed(self, route: Route, sent_at: float, allowance: Allowance) -> None:
        """Take in what the answer to a request, let go at `sent_at`, says about the next ones."""
        with self._lock:
            now = self.now()
            if allowance.refused:
                closed = [self._refused(route, sent_at, now, allowance)]
            else:
                self._answered(route, sent_at, allowance)
                closed = self._follow(route, now, allowance)
        for scope, until in closed:
            if len(scope) < ONE_ITEM:  # what one item may take is nobody's business but its writer's
                self.turns.close(self._line(scope), until, self.now)

    def _refused(self, route: Route, sent_at: float, now: float, allowance: Allowance) -> tuple[Scope, float]:
        scope = scope_of(route, allowance)
        pause = self._pauses.setdefault(scope, Pause(now, 0, -math.inf))
        if sent_at >= pause.heard:  # else it was on its way already when the last refusal came
            pause.refusals += 1
            pause.heard = now
        wait = max(allowance.pause or 0.0, backoff(pause.refusals) * self._jitter())
        if pause.heard == now:
            asked = {"site": self.site, "endpoint": route.endpoint, "seconds": round(wait, 1)}
            log.warning("retry after a pause that the site asks for", extra=asked)
        pause.until = max(pause.until, now + wait)
        return scope, pause.until

    def _answered(self, route: Route, sent_at: float, allowance: Allowance) -> None:
        for scope in route.scopes:
            pause = self._pauses.get(scope)
            if pause is not None and pause.until <= sent_at:
                del self._pauses[scope]  # this request was let go after the pause, and was answered
        endpoint = (route.method, route.endpoint)
        if allowance.near_limit:
            self._slowed.add(endpoint)
        else:
            self._slowed.discard(endpoint)

    def _follow(self, route: Route, now: float, allowance: Allowance) -> list[tuple[Scope, float]]:
        """Keep to the tokens an answer says are left, before they run out; give what is closed for that."""
        rate, burst, left = allowance.refill, allowance.capacity, allowance.left
        if rate and burst and left is not None:
            before = self._told.full_at if self._told else -math.inf
            self._told = Told(rate, burst, max(before, now + (burst - min(left, burst)) / rate))
        if left != 0 or not allowance.pause:
            return []
        scope = SITE if rate else (route.method, route.endpoint)
        pause = self._pauses.setdefault(scope, Pause(now, 0, now))
        pause.until = max(pause.until, now + allowance.pause)
        return [(scope, pause.until)]


def scope_of(route: Route, allowance: Allowance) -> Scope:
    """What a refusal is about. One without a reason we know is taken to be about its endpoint and method."""
    if allowance.whole_site:
        return SITE
    if allowance.one_item and route.item:
        return (route.method, route.endpoint, route.item)
    return (route.method, route.endpoint)


_shared: dict[tuple[str, Turns | None], RateBudget] = {}
_shared_lock = threading.Lock()


def shared_budget(
    address: str, limits: Mapping[str, float] = CLOUD_LIMITS, turns: Turns | None = None
) -> RateBudget:
    """The one budget of this process for the site at `address`; `limits` count when it is first asked for."""
    site = urlsplit(address).netloc.rpartition("@")[2].lower()
    with _shared_lock:
        return _shared.setdefault((site, turns), RateBudget(site, limits, turns=turns))


class Tally:
    """How many requests were sent, by route and status (None: no answer came). Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str, int | None]] = Counter()

    def add(self, route: Route, status: int | None) -> None:
        with self._lock:
            self._counts[route.method, route.endpoint, status] += 1

    def counts(self) -> dict[tuple[str, str, int | None], int]:
        with self._lock:
            return dict(self._counts)

    @property
    def total(self) -> int:
        return sum(self.counts().values())
