"""When a person last changed a ticket: our own label writes move Jira's `updated`, and not this."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine

from sync.labels.plan import Change, Ticket
from sync.store import writes
from tests.clock import NOW
from tests.sync.making import SITE, begin_run, epic, item_id, put, work_item

BEFORE = NOW - timedelta(days=3)


def touched(connection: Connection) -> datetime:
    moment = connection.execute(work_item.select()).one().touched_at
    assert isinstance(moment, datetime)
    return moment


def write_label(connection: Connection, run_id: int, at: datetime) -> None:
    ticket = Ticket(SITE, "PAY-1", "1", item_id(connection, "PAY-1"))
    changes = [Change(ticket, "add", "align-x", "r")]
    writes.intend(connection, run_id, changes, at)
    writes.answer(connection, run_id, changes, state="done", reason=None, now=at)
    writes.take_over(connection, changes)


@pytest.mark.parametrize(
    ("later", "echo"),
    [
        (timedelta(seconds=-1), True),
        (timedelta(), True),
        (timedelta(minutes=2), True),
        (timedelta(minutes=3), False),
        (timedelta(hours=-1), False),
    ],
)
def test_a_change_in_the_moment_of_our_own_write_is_nobodys_touch(
    engine: Engine, later: timedelta, *, echo: bool
) -> None:
    run_id, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [epic("PAY-1", updated=BEFORE)])
        write_label(connection, run_id, NOW)
        put(connection, second, [epic("PAY-1", updated=NOW + later, labels=("align-x",))])
        assert touched(connection) == (BEFORE if echo else NOW + later)


def test_what_people_do_after_our_write_counts_whenever_it_was(engine: Engine) -> None:
    run_id, second, third = begin_run(engine), begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [epic("PAY-1", updated=BEFORE)])
        write_label(connection, run_id, NOW)
        put(connection, second, [epic("PAY-1", updated=NOW)])
        edited = NOW + timedelta(hours=5)
        put(connection, third, [epic("PAY-1", updated=edited, summary="Changed")])
        assert touched(connection) == edited


def test_an_issue_met_for_the_first_time_was_touched_when_jira_says_so(engine: Engine) -> None:
    with engine.begin() as connection:
        put(connection, begin_run(engine), [epic("PAY-1", updated=BEFORE)])
        assert touched(connection) == BEFORE
