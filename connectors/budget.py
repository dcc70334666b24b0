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

CLOUD_LIMITS: Mapping[str, float] = {"GET": 100.0, "POST": 100.0, "PUT": 50.0, "DELETE": 50.0}
# Data Center has none until an admin sets some, which its answers then tell; what we ask of it at the most.
DATA_CENTER_LIMITS: Mapping[str, float] = dict.fromkeys(CLOUD_LIMITS, 100.0)
# Of each limit we use 92 % steadily and 4 % more at once: never over 96 % in any one second.
STEADY_SHARE = 0.92
BURST_SHARE = 0.04
FIRST_WAIT = 2.0
LONGEST_WAIT = 30.0
# Closer than this to its time a request is on time: clocks and sleeps are no finer.
PUNCTUAL = 1e-6

log = logging.getLogger("tieline.requests")
Scope = tuple[str, ...]
SITE: Scope = ()


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


@dataclass(slots=True)
class Bucket:
    """A token bucket, as the time at which it would be full again (GCRA).

    In any span of `s` seconds it lets at most `burst + rate * s` requests go.
    """

    rate: float
    burst: float
    full_at: float = -math.inf
    slowed: bool = False

    def wait(self, now: float) -> float:
        """Seconds until the next request may go."""
        return self.full_at - (self.burst - 1) / self.rate - now

    def take(self, now: float) -> None:
        """Let one request go; a slowed bucket counts it double."""
        self.full_at = max(self.full_at, now) + (2 if self.slowed else 1) / self.rate

    def leave(self, tokens: float, at: float) -> None:
        """Have no more than `tokens` left at a moment."""
        self.full_at = max(self.full_at, at + (self.burst - tokens) / self.rate)


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
    """

    def __init__(
        self,
        site: str = "the site",
        limits: Mapping[str, float] = CLOUD_LIMITS,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random_jitter,
    ) -> None:
        self.site = site
        self.limits = limits
        self._clock = clock
        self._credit = 0.0
        self._jitter = jitter
        self._lock = threading.Lock()
        self._buckets: dict[Scope, Bucket] = {}
        self._pauses: dict[Scope, Pause] = {}

    def allow(self, limits: Mapping[str, float]) -> None:
        """Keep to these limits on every endpoint that has not been asked yet."""
        self.limits = limits

    @property
    def told(self) -> tuple[float, float] | None:
        """What the site itself says of its limit: requests a second and at once; None where it is silent."""
        bucket = self._buckets.get(SITE)
        return (bucket.rate, bucket.burst) if bucket else None

    def now(self) -> float:
        """Seconds on the budget's own clock; only differences mean anything."""
        return self._clock() + self._credit

    def admit(self, route: Route, give_up_at: float, sleep: Callable[[float], None]) -> float:
        """Wait until this request may go, and give that moment.

        Raises `RateLimited` at once where the wait would end after `give_up_at`: what was read so far stands.
        `sleep` is taken at its word: one that returns early, as in a test, has slept as long as it was asked.
        """
        while True:
            with self._lock:
                now = self.now()
                wait = self._wait(route, now)
                if now + max(wait, 0.0) > give_up_at:
                    raise RateLimited(self._too_late(route, wait), wait)
                if wait <= PUNCTUAL:
                    for bucket in self._buckets_of(route):
                        bucket.take(now)
                    return now
            sleep(wait)
            with self._lock:
                self._credit += max(0.0, now + wait - self.now())

    def _too_late(self, route: Route, wait: float) -> str:
        end = "The time allowed for this run (time_limit) is over; the next run goes on from here."
        if wait <= PUNCTUAL:
            return f"{self.site}: {end}"
        return f"{self.site} makes us wait {wait:.0f} s more for {route.method} {route.endpoint}. {end}"

    def _wait(self, route: Route, now: float) -> float:
        pauses = [self._pauses[scope].until - now for scope in route.scopes if scope in self._pauses]
        return max([*pauses, *(bucket.wait(now) for bucket in self._buckets_of(route))])

    def _buckets_of(self, route: Route) -> list[Bucket]:
        scope = (route.method, route.endpoint)
        if scope not in self._buckets:
            limit = self.limits.get(route.method, min(self.limits.values()))
            self._buckets[scope] = Bucket(limit * STEADY_SHARE, max(1.0, limit * BURST_SHARE))
        return [self._buckets[key] for key in (SITE, scope) if key in self._buckets]

    def heed(self, route: Route, sent_at: float, allowance: Allowance) -> None:
        """Take in what the answer to a request, let go at `sent_at`, says about the next ones."""
        with self._lock:
            now = self.now()
            if allowance.refused:
                self._pause_refused(route, sent_at, now, allowance)
                return
            for scope in route.scopes:
                pause = self._pauses.get(scope)
                if pause is not None and pause.until <= sent_at:
                    del self._pauses[scope]  # this request was let go after the pause, and was answered
            self._buckets_of(route)[-1].slowed = allowance.near_limit
            self._follow(route, now, allowance)

    def _pause_refused(self, route: Route, sent_at: float, now: float, allowance: Allowance) -> None:
        scope = scope_of(route, allowance)
        pause = self._pauses.setdefault(scope, Pause(now, 0, -math.inf))
        if sent_at >= pause.heard:  # else it was on its way already when the last refusal came
            pause.refusals += 1
            pause.heard = now
        wait = max(allowance.pause or 0.0, backoff(pause.refusals) * self._jitter())
        if pause.heard == now:
            asked = {"site": self.site, "endpoint": route.endpoint, "seconds": round(wait, 1)}
            log.warning("retry after a pause that the site asks for", extra=asked)
        self._hold(scope, pause, now + wait)

    def _hold(self, scope: Scope, pause: Pause, until: float) -> None:
        """Pause a scope, and have its burst spent afterwards: the threads do not all start at once."""
        pause.until = max(pause.until, until)
        for key, bucket in self._buckets.items():
            if scope in {key, SITE}:
                bucket.leave(1.0, pause.until)

    def _follow(self, route: Route, now: float, allowance: Allowance) -> None:
        """Keep to the tokens an answer says are left, before they run out."""
        if allowance.refill and allowance.capacity and allowance.left is not None:
            bucket = self._buckets.setdefault(SITE, Bucket(allowance.refill, allowance.capacity))
            bucket.rate, bucket.burst = allowance.refill, allowance.capacity
            bucket.leave(min(allowance.left, allowance.capacity), now)
        if allowance.left == 0 and allowance.pause:
            scope = SITE if allowance.refill else (route.method, route.endpoint)
            pause = self._pauses.setdefault(scope, Pause(now, 0, now))
            self._hold(scope, pause, now + allowance.pause)


def scope_of(route: Route, allowance: Allowance) -> Scope:
    """What a refusal is about. One without a reason we know is taken to be about its endpoint and method."""
    if allowance.whole_site:
        return SITE
    if allowance.one_item and route.item:
        return (route.method, route.endpoint, route.item)
    return (route.method, route.endpoint)


_shared: dict[str, RateBudget] = {}
_shared_lock = threading.Lock()


def shared_budget(address: str, limits: Mapping[str, float] = CLOUD_LIMITS) -> RateBudget:
    """The one budget of this process for the site at `address`; `limits` count when it is first asked for."""
    site = urlsplit(address).netloc.rpartition("@")[2].lower()
    with _shared_lock:
        return _shared.setdefault(site, RateBudget(site, limits))


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
