"""What is old enough is forgotten in one step of the night; what is needed stays, however old it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select, text, update

from sync.errors import ConfigurationError, Exit, LeaseHeld, UserError
from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.labels.undo import run_undo
from sync.sandbox import Deployment, Sandbox
from sync.settings import load_settings
from sync.store import audit, retention, runs, tables
from sync.store.database import connect, open_store
from sync.store.findings import finding
from sync.store.history import coverage
from sync.store.schema import table_of
from sync.upkeep.clearing import count_too_old, shrink
from tests.clock import NOW
from tests.sync.house import NO_OBJECTIVE, House

HEAD = "project,fiscal_year,currency,amount,version\n"
LONG = timedelta(days=1200)


@pytest.fixture
def house(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.setattr(retention, "ALWAYS_KEPT", 1)
    with Sandbox(Deployment.CLOUD) as jira:
        yield House(jira, tmp_path, engine, {"FINANCE_PATH": str(tmp_path / "money.csv")}).furnish()


def state(house: House, amount: int) -> None:
    (house.folder / "money.csv").write_text(f"{HEAD}PAY-1,2026,USD,{amount}.00,budget\n", encoding="utf-8")


def two_old_nights(house: House) -> str:
    """A first night that labels, and a second one that finds the budget restated; both are long ago."""
    key = house.add_epic()
    state(house, 100)
    house.night()
    state(house, 200)
    house.night()
    house.now += LONG
    return key


def projects_of(house: House, run_id: int) -> int:
    return len(house.rows(select(coverage).where(coverage.c.run_id == run_id, coverage.c.project_key != "")))


def totals_of(house: House, run_id: int) -> int:
    return len(house.rows(select(coverage).where(coverage.c.run_id == run_id, coverage.c.project_key == "")))


def said_before(house: House) -> list[int]:
    past = retention.past
    return [row.amount_minor for row in house.rows(select(past).order_by(past.c.id))]


def test_details_of_old_runs_go_in_the_night_and_their_totals_stay(house: House) -> None:
    two_old_nights(house)
    totals = totals_of(house, 1)
    assert projects_of(house, 1) > 0
    state(house, 300)
    settings = load_settings(house.environ())
    with house.engine.connect() as connection:
        before = count_too_old(connection, settings, house.now + timedelta(days=1))
    house.night()
    assert (projects_of(house, 1), projects_of(house, 2)) == (0, 0)
    assert projects_of(house, 3) > 0
    assert totals_of(house, 1) == totals > 0
    assert said_before(house) == [20000]
    with house.engine.connect() as connection:
        chain = audit.verify(audit.entries_of(connection), audit.heads(connection))
        told = [entry.detail for entry in audit.entries_of(connection) if entry.event == "forgot"]
    assert chain.broken is None
    assert len(told) == 1
    # One run more is old than was before this one began: the second, which then was the newest.
    figures = {"coverage", "objective_coverage", "money_balance", "reconciliation"}
    assert before.keys() <= figures | {"plan_change", "artifact", "run_request", "run_step"}
    assert '"budget_line_past":1' in told[0]


def test_what_was_forgotten_changes_no_label_and_can_still_be_taken_back(house: House) -> None:
    key = two_old_nights(house)
    house.night()
    assert (house.labels(key), house.writes()) == ([NO_OBJECTIVE], 0)
    house.night()
    assert house.writes() == 0
    service, sites = house.service()
    result, _ = run_undo(service, 1, Options(), Quiet())
    sites.close()
    assert (result.exit_code, house.labels(key)) == (Exit.OK, [])


def test_what_a_line_with_a_standing_finding_said_stays(house: House) -> None:
    two_old_nights(house)
    with house.engine.begin() as connection:
        line = connection.scalar(select(retention.past.c.budget_line_id))
        said = {"rule_hash": "x", "severity": "warning", "alignment": False, "mode": "warn", "evidence": "[]"}
        connection.execute(
            insert(finding).values(
                rule="changed",
                entity="budgetLine",
                subject_id=line,
                state="open",
                since=NOW,
                last_run=1,
                **said,
            )
        )
        runs.begin(connection, "test", house.now, dry_run=False)
        retention.forget(connection, house.now, house.now)
    assert said_before(house) == [10000]
    with house.engine.begin() as connection:
        connection.execute(update(finding).values(state="closed"))
        retention.forget(connection, house.now, house.now)
    assert said_before(house) == []


def test_the_newest_runs_are_kept_however_old_they_are(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    two_old_nights(house)
    monkeypatch.setattr(retention, "ALWAYS_KEPT", 2)
    with house.engine.begin() as connection:
        assert retention.forget(connection, house.now, house.now) == {}
    assert projects_of(house, 1) > 0


def test_a_count_is_what_goes(house: House) -> None:
    two_old_nights(house)
    with house.engine.begin() as connection:
        runs.begin(connection, "test", house.now, dry_run=False)
        counted = retention.count_old(connection, house.now)
        assert retention.forget(connection, house.now, house.now) == counted
        assert retention.forget(connection, house.now, house.now) == {}
    assert {"coverage", "plan_change", "budget_line_past"} <= counted.keys()


def test_a_store_is_made_small_only_where_there_is_room_and_nobody_at_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE heap AS SELECT randomblob(2000000) AS it"))
        connection.execute(text("DROP TABLE heap"))
    before, after = shrink(engine)
    assert after < before - 1_000_000
    other = connect(f"sqlite:///{tmp_path / 'tieline.db'}")
    monkeypatch.setattr("sync.upkeep.clearing.PATIENCE", 0)
    with other.begin() as connection:
        connection.execute(text("CREATE TABLE heap (id INTEGER)"))
        with pytest.raises(LeaseHeld, match="could not be rewritten: database is locked"):
            shrink(engine)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 5}))
    with pytest.raises(UserError, match=r"and 5 are free\. Nothing was done"):
        shrink(engine)


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_is_left_to_its_own_vacuum(engine: Engine) -> None:
    with pytest.raises(ConfigurationError, match="autovacuum"):
        shrink(engine)


def test_runs_are_never_removed(house: House) -> None:
    two_old_nights(house)
    house.night()
    assert house.rows(select(func.count()).select_from(runs.run))[0][0] == 3


def test_requests_of_old_runs_go_and_the_count_of_all_requests_does_not_go_back(house: House) -> None:
    two_old_nights(house)
    total, single = table_of(tables.RequestTotal), table_of(tables.RunRequest)
    steps = table_of(tables.RunStep)
    before = house.rows(select(func.sum(total.c.number)))[0][0]
    assert before == house.rows(select(func.sum(single.c.number)))[0][0] > 0
    house.night()
    assert {row.run_id for row in house.rows(select(single))} == {3}
    assert {row.run_id for row in house.rows(select(steps))} == {3}
    asked = house.rows(select(func.sum(single.c.number)))[0][0]
    assert house.rows(select(func.sum(total.c.number)))[0][0] == before + asked
