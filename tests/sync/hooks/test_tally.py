"""Deliveries are counted by what was made of them, in a number of series that is bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from sqlalchemy import Engine
from starlette.applications import Starlette

from sync.hooks.hints import Hints
from sync.hooks.receiving import LARGEST, Reception
from sync.hooks.tally import Outcome, Tally
from sync.service.metrics import of_webhooks
from sync.store import webhooks
from sync.web import PageServer
from tests.clock import NOW
from tests.sync.hooks.gatehouse import SECRET, Gatehouse
from tests.sync.house import House


@contextmanager
def unattended(house: House, tally: Tally, room: int = 3) -> Iterator[Gatehouse]:
    """A gate at which nobody works off what waits."""
    hints = Hints(room)
    app = Starlette(routes=[Reception({"jira": SECRET}, "align-", hints, tally.count).route()])
    with PageServer(app, "127.0.0.1:0") as server, requests.Session() as session:
        session.trust_env = False
        yield Gatehouse(house, server.url, hints, [], session, tally)


def counts(engine: Engine) -> dict[tuple[str, str], int]:
    with engine.connect() as connection:
        return {(row.site, row.outcome): row.number for row in webhooks.counts(connection)}


def test_each_delivery_is_counted_once_by_what_was_made_of_it(house: House) -> None:
    tally = Tally(house.engine, lambda: NOW)
    with tally, unattended(house, tally) as gate:
        answers = [gate.tell("PAY-1"), gate.tell("PAY-1"), gate.tell("PAY-2"), gate.tell("PAY-3")]
        answers += [gate.tell("PAY-4"), gate.tell("PAY-1", "jira:issue_deleted")]
        answers += [gate.deliver({}, secret="another"), gate.send(b"{}", {})]
        answers += [gate.deliver({}, site="x' OR 1=1"), gate.deliver({}, site="nobody")]
        answers.append(gate.send(b" " * (LARGEST + 1), {}))
    assert [it.status_code for it in answers] == [202] * 4 + [503, 202] + [401] * 4 + [413]
    assert counts(house.engine) == {
        ("jira", "accepted"): 3,
        ("jira", "duplicate"): 1,
        ("jira", "refused"): 1,
        ("jira", "ignored"): 1,
        ("jira", "forged"): 2,
        ("jira", "oversized"): 1,
        ("unknown", "forged"): 2,
    }


def test_counts_go_on_where_the_process_before_left_off_and_show_each_outcome(house: House) -> None:
    for _ in range(2):
        with Tally(house.engine, lambda: NOW) as tally:
            tally.count("jira", Outcome.ACCEPTED)
    with house.engine.connect() as connection:
        shown = {tuple(it.labels.values()): it.value for it in of_webhooks(connection).samples}
    assert shown[("jira", "accepted")] == 2
    assert shown == {("jira", outcome.value): 2 if outcome is Outcome.ACCEPTED else 0 for outcome in Outcome}


def test_what_the_store_does_not_take_is_kept_for_the_next_time(house: House) -> None:
    tally = Tally(house.engine, lambda: NOW)
    tally.count("jira", Outcome.FORGED)
    with house.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE webhook_count RENAME TO away")
    tally.keep()
    with house.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO webhook_count")
    tally.count("jira", Outcome.FORGED)
    tally.keep()
    assert counts(house.engine) == {("jira", "forged"): 2}
