"""A night in a storm of refusals waits as long as it is told, and ends whole or says where it goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from random import Random

import pytest

from connectors.budget import CLOUD_LIMITS, RateBudget, shared_budget
from sync.errors import Exit
from sync.sandbox import Answer, Call, Deployment, Sandbox
from sync.store.database import open_store
from tests.sync.office import Clock, Office

QUOTA = {"RateLimit-Reason": "jira-quota-tenant-based"}
BURST = {"RateLimit-Reason": "jira-burst-based"}
DATA_CENTER = {
    "X-RateLimit-Limit": "50",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Interval-Seconds": "3",
    "X-RateLimit-FillRate": "10",
}


def refusals(dice: Random) -> tuple[dict[str, str], float, bool]:
    """The headers of a refusal, the seconds it asks for at least, and whether it is about the whole site."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=9)
    return dice.choice(
        [
            ({"Retry-After": "7", **BURST}, 7.0, False),
            ({"Retry-After": "2.5", **BURST}, 2.5, False),
            ({"Retry-After": "30", **QUOTA}, 30.0, True),
            ({"Retry-After": format_datetime(soon, usegmt=True)}, 7.0, False),
            ({"X-RateLimit-Reset": soon.strftime("%Y-%m-%dT%H:%M:%SZ"), **QUOTA}, 7.0, True),
            ({}, 1.4, False),
            ({"retry-after": "4", **DATA_CENTER}, 4.0, False),
        ]
    )


class Storm:
    """Refuses every third request at random, and notes each that comes before it may."""

    def __init__(self, seed: int, budget: RateBudget) -> None:
        self.dice = Random(seed)
        self.budget = budget
        self.refused = 0
        self.early: list[str] = []
        self.moments: dict[tuple[str, str], list[float]] = {}
        self._until: dict[tuple[str, str] | None, float] = {}

    def __call__(self, call: Call) -> Answer | None:
        now = self.budget.now()
        endpoint = call.method, re.sub(r"/\d+", "/{}", call.path)
        self.moments.setdefault(endpoint, []).append(now)
        if now < max(self._until.get(endpoint, 0.0), self._until.get(None, 0.0)) - 0.001:
            self.early.append(f"{endpoint} at {now}")
        if self.dice.random() > 1 / 3:
            return None
        self.refused += 1
        headers, pause, whole_site = refusals(self.dice)
        scope = None if whole_site else endpoint
        self._until[scope] = max(self._until.get(scope, 0.0), now + pause)
        return Answer(429, {"message": "slow down"}, headers)


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def office(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Office]:
    clock, engine = Clock(), open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    with Sandbox(request.param, now=clock, views_max=4) as jira:
        yield Office(jira, engine, clock, more={"parallel": 1}).furnish(40)
    engine.dispose()


@pytest.mark.parametrize("seed", range(3))
def test_a_night_in_a_storm_waits_as_long_as_it_is_told_each_time_and_ends_whole(
    office: Office, seed: int
) -> None:
    storm = Storm(seed, shared_budget(office.jira.url))
    office.jira.before("*", "/rest/api/", storm)
    pulled = office.pull()
    assert pulled.complete, pulled.message
    assert office.held() == office.there()
    assert storm.refused > 3
    assert storm.early == []
    for (method, _), moments in storm.moments.items():
        within = max(sum(start <= moment <= start + 1 for moment in moments) for start in moments)
        assert within <= 0.9 * CLOUD_LIMITS[method]


def test_a_pause_longer_than_the_night_has_left_ends_it_incomplete_and_the_next_night_goes_on(
    office: Office,
) -> None:
    pages = 0

    def refuse(call: Call) -> Answer | None:
        nonlocal pages
        pages += call.path.endswith(("bulkfetch", "/2/search"))
        return Answer(429, None, {"Retry-After": "1800", **QUOTA}) if pages > 3 else None

    office.more["time_limit"] = 600.0
    office.jira.before("*", "/rest/api/", refuse)
    pulled = office.pull()
    assert (pulled.status, pulled.exit_code) == ("failed", Exit.INCOMPLETE)
    assert pulled.message is not None
    assert "longer than this run has left (time_limit). The next run goes on from here." in pulled.message
    read = len(office.held())
    assert 0 < read < 40
    office.jira.clear_hooks()
    office.more["time_limit"] = 7200.0
    assert office.pull(after=timedelta(hours=1)).complete
    assert office.held() == office.there()
    assert office.told().changed == 40 - read
