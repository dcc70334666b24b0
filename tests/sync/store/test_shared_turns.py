"""One budget of requests for every process that works on one store, however many there are."""

from __future__ import annotations

import json
import multiprocessing
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue

import pytest

from connectors.allowance import Allowance
from connectors.budget import RateBudget, Route
from connectors.errors import RateLimited
from connectors.jira import JiraSiteConfig
from connectors.jira import connect as connect_site
from sync.cli import main
from sync.errors import ConfigurationError
from sync.sandbox import Answer, Sandbox
from sync.store import turns
from sync.store.database import connect
from sync.store.turns import SharedTurns, open_turns

pytestmark = pytest.mark.postgresql

SEARCH, EDIT = Route("POST", "search/jql"), Route("PUT", "issue/{}", "10001")
LIMIT, PROCESSES, THREADS, EACH = 50.0, 4, 6, 8


def budget_with(shared: SharedTurns) -> RateBudget:
    """The budget of one site as a process of its own has it."""
    limits = dict.fromkeys(("GET", "POST", "PUT", "DELETE"), LIMIT)
    return RateBudget("jira.example.com", limits, jitter=lambda: 1.0, turns=shared)


@pytest.fixture
def two(postgresql_url: str) -> Iterator[list[RateBudget]]:
    """The budgets of two processes."""
    shared = [open_turns(postgresql_url) for _ in range(2)]
    yield [budget_with(one) for one in shared]
    for one in shared:
        one.dispose()


def go(budget: RateBudget, route: Route) -> float:
    """Send a request that has ten seconds."""
    return budget.admit(route, budget.now() + 10, time.sleep)


def hammer(url: str, told: Queue[list[float]]) -> None:
    """Send requests as fast as the budget lets several threads, and tell when each went."""
    shared = open_turns(url)
    budget, moments = budget_with(shared), []

    def ask() -> None:
        for _ in range(EACH):
            budget.admit(SEARCH, budget.now() + 600, time.sleep)
            moments.append(time.time())

    threads = [threading.Thread(target=ask) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shared.dispose()
    told.put(moments)


def test_in_no_second_do_several_processes_with_several_threads_go_beyond_the_limit(
    postgresql_url: str,
) -> None:
    start = multiprocessing.get_context("spawn")
    told: Queue[list[float]] = start.Queue()
    processes = [start.Process(target=hammer, args=(postgresql_url, told)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    moments = sorted(moment for _ in processes for moment in told.get(timeout=120))
    for process in processes:
        process.join()
    assert len(moments) == PROCESSES * THREADS * EACH
    assert max(sum(start <= moment < start + 1 for moment in moments) for start in moments) <= LIMIT


def test_a_refusal_that_one_process_hears_holds_back_all_of_them(two: list[RateBudget]) -> None:
    one, other = two
    one.heed(SEARCH, go(one, SEARCH), Allowance(refused=True, pause=1800.0))
    with pytest.raises(RateLimited, match="makes us wait 1800 s more for POST search/jql"):
        go(other, SEARCH)
    assert go(other, EDIT) > 0


def test_a_quota_that_one_process_has_used_up_holds_back_every_request_of_the_site(
    two: list[RateBudget],
) -> None:
    one, other = two
    one.heed(SEARCH, go(one, SEARCH), Allowance(refused=True, whole_site=True, pause=1800.0))
    with pytest.raises(RateLimited, match="1800 s more for PUT issue"):
        go(other, EDIT)


def test_who_is_told_to_wait_by_a_jira_keeps_other_processes_from_asking_it(postgresql_url: str) -> None:
    quota = {"Retry-After": "1800", "RateLimit-Reason": "jira-quota-tenant-based"}
    one, other = open_turns(postgresql_url), open_turns(postgresql_url)
    with Sandbox() as jira:
        login = {"email": jira.credentials.email, "api_token": jira.credentials.token}
        given = {"url": jira.url, "jql": "project = PAY", "time_limit": 60, **login}
        config = JiraSiteConfig.model_validate(given)
        with connect_site(config, turns=one) as site:
            jira.before("GET", "/field", lambda call: Answer(429, None, quota), times=1)
            with pytest.raises(RateLimited):
                site.client.get("field")
        jira.clear_requests()
        with pytest.raises(RateLimited, match="makes us wait"):
            connect_site(config, turns=other)
        assert jira.requests() == []
    one.dispose()
    other.dispose()


def test_a_bucket_that_answers_tell_of_is_one_for_all_processes(two: list[RateBudget]) -> None:
    one, other = two
    for budget in two:
        budget.heed(SEARCH, budget.now(), Allowance(left=1.0, capacity=2.0, refill=0.001))
    go(one, SEARCH)
    with pytest.raises(RateLimited, match=r"makes us wait \d+ s more"):
        go(other, EDIT)


def test_lines_in_which_nobody_stands_any_more_are_forgotten(
    two: list[RateBudget], postgresql_url: str
) -> None:
    one, _ = two
    go(one, SEARCH)
    now = datetime.now(UTC)
    engine = connect(postgresql_url)
    with engine.begin() as connection:
        assert turns.count_unused(connection, now - timedelta(days=1)) == 0
        assert turns.forget(connection, now - timedelta(days=1)) == 0
        assert turns.count_unused(connection, now + timedelta(days=1)) == 1
        assert turns.forget(connection, now + timedelta(days=1)) == 1
    engine.dispose()
    assert go(one, SEARCH) > 0


def test_status_says_which_requests_wait_and_for_how_long(
    two: list[RateBudget],
    postgresql_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, _ = two
    one.heed(SEARCH, go(one, SEARCH), Allowance(refused=True, pause=1800.0))
    one.heed(EDIT, go(one, EDIT), Allowance(refused=True, whole_site=True, pause=600.0))
    monkeypatch.setenv("TIELINE_DATABASE_URL", postgresql_url)
    assert main(["status", "--json"]) == 0
    quota, search = json.loads(capsys.readouterr().out)["requests_waiting"]
    assert (quota["site"], quota["method"], quota["endpoint"]) == ("jira.example.com", None, None)
    assert (search["method"], search["endpoint"]) == ("POST", "search/jql")
    assert 0 < quota["closed_seconds"] <= 600 < search["closed_seconds"] <= 1800
    assert main(["status"]) == 0
    assert "Requests that wait their turn" in capsys.readouterr().out


def test_a_store_on_sqlite_is_shared_by_nobody() -> None:
    with pytest.raises(ConfigurationError, match="need PostgreSQL"):
        open_turns("sqlite:///tieline.db")
