"""The ledger of schedules, on both databases: one row for each slot, claimed once."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from sqlalchemy import Engine, text

from sync.service.cron import Slot, Times
from sync.service.due import Attempt
from sync.service.running import find_asked, find_due
from sync.service.schedules import Schedule
from sync.store import runs, schedules
from sync.store.migrating import migrations
from tests.clock import NOW, TODAY
from tests.sync.making import begin_run

NIGHT = Schedule("night", Times("0 1 * * *", ZoneInfo("UTC")))
SLOT = Slot(NOW, TODAY.isoformat())
DAY = timedelta(days=1)


def end(engine: Engine, run_id: int, status: str) -> None:
    with engine.begin() as connection:
        runs.finish(connection, run_id, NOW, status=status, exit_code=0, message=None)


@pytest.mark.parametrize("status", ["done", "partly done", "incomplete", "stopped by the guard"])
def test_a_slot_whose_run_came_to_an_end_is_never_claimed_again(engine: Engine, status: str) -> None:
    first, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        assert schedules.claim(connection, "night", SLOT, first, NOW)
    end(engine, first, status)
    with engine.begin() as connection:
        assert not schedules.claim(connection, "night", SLOT, second, NOW)
        assert schedules.claim(connection, "hourly", SLOT, second, NOW)


@pytest.mark.parametrize("status", ["running", "killed", "failed", "interrupted"])
def test_a_slot_whose_run_broke_off_is_claimed_by_the_next_one(engine: Engine, status: str) -> None:
    first, second = begin_run(engine), begin_run(engine)
    with engine.begin() as connection:
        assert schedules.claim(connection, "night", SLOT, first, NOW)
    end(engine, first, status)
    with engine.begin() as connection:
        assert schedules.claim(connection, "night", SLOT, second, NOW + DAY)
        assert schedules.attempt_at(connection, "night", SLOT.name) == Attempt(2, NOW + DAY, ended=False)
        assert schedules.newest_slots(connection)["night"].run_id == second


def test_a_schedule_is_known_since_it_was_first_heard_of(engine: Engine) -> None:
    assert find_due(engine, NIGHT, NOW + DAY) is None
    with engine.begin() as connection:
        schedules.note_schedules(connection, ["night", "night"], NOW)
        schedules.note_schedules(connection, ["night", "hourly"], NOW + DAY)
        assert schedules.known_since(connection, "night") == NOW
        assert schedules.known_since(connection, "hourly") == NOW + DAY
    assert find_due(engine, NIGHT, NOW) is None
    due = find_due(engine, NIGHT, NOW + DAY)
    assert due is not None
    assert due.local_date == TODAY + DAY


def test_who_asks_outright_gets_the_slot_that_has_come_although_the_schedule_is_new(engine: Engine) -> None:
    asked = find_asked(engine, NIGHT, NOW)
    assert asked is not None
    assert asked.local_date == TODAY


def test_the_nights_of_an_older_store_are_not_run_again(engine: Engine) -> None:
    config = migrations(engine)
    command.downgrade(config, "0021")
    with engine.begin() as connection:
        for number in (1, 2, 3):
            connection.execute(
                text(
                    "INSERT INTO run (id, trigger, dry_run, started_at, status) "
                    f"VALUES ({number}, 'schedule', false, '2026-03-0{number} 02:00:00+00:00', 'done')"
                    if engine.dialect.name == "postgresql"
                    else "INSERT INTO run (id, trigger, dry_run, started_at, status) "
                    f"VALUES ({number}, 'schedule', false, '2026-03-0{number} 02:00:00.000000', 'done')"
                )
            )
        for cron, night, number in (("0 2 * * *", 1, 1), ("0 2 * * *", 3, 2), ("0 1 * * *", 3, 3)):
            connection.execute(
                text("INSERT INTO night (schedule, local_date, run_id) VALUES (:cron, :night, :run)"),
                {"cron": cron, "night": TODAY.replace(day=night), "run": number},
            )
    command.upgrade(config, "head")
    assert find_due(engine, NIGHT, NOW) is None
    assert find_due(engine, NIGHT, NOW + DAY) is not None
    with engine.connect() as connection:
        newest = schedules.newest_slots(connection)["night"]
        assert (newest.slot, newest.run_id) == ("2026-03-03", 3)
    command.downgrade(config, "0021")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*), max(run_id) FROM night")).one() == (2, 3)
    command.upgrade(config, "head")
