"""`tieline purge` counts and removes what is too old; whoever asks for what is gone is told so."""

from __future__ import annotations

import pytest

from sync.cli.purge import NAMES
from sync.store import retention
from sync.upkeep.clearing import FILES, LINES
from tests.sync.cli.desk import MONEY, Desk

GONE = "details were removed on 20"


@pytest.fixture
def desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Two runs of long ago, the second of which found a budget restated, and one of today."""
    monkeypatch.setattr(retention, "ALWAYS_KEPT", 1)
    desk.say("run")
    desk.write("money.csv", MONEY.replace("250.25", "260.25"))
    desk.say("run")
    store = desk.store()
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE run SET started_at = '2020-01-0' || id || ' 02:00:00.000000'")
        connection.exec_driver_sql(
            "INSERT INTO run (trigger, dry_run, started_at, status) "
            "VALUES ('pull', 0, CURRENT_TIMESTAMP, 'done')"
        )
    store.dispose()
    return desk


def test_a_dry_run_counts_and_removes_nothing(desk: Desk) -> None:
    said = desk.say("purge", "--dry-run")
    assert said.code == 0
    assert "Would go" in said.out
    assert "what budget lines said before" in said.out
    counted = desk.say("purge", "--dry-run", "--json").document
    assert counted["removed"]["budget_line_past"] == 1
    assert desk.say("purge", "--dry-run", "--json").document == counted


def test_what_is_asked_for_and_gone_is_told(desk: Desk) -> None:
    assert desk.say("budget", "--as-of", "2020-01-01T03:00").code == 0
    removed = desk.say("purge", "--json", "--vacuum").document
    assert removed["removed"]["budget_line_past"] == 1
    assert removed["sizes"][1] > 0
    report = desk.say("report", "--run", "2")
    assert report.code == 2
    assert report.err.startswith(f"--run 2: {GONE}")
    assert "`tieline runs --show 2` has its totals" in report.err
    shown = desk.say("runs", "--show", "2")
    assert (shown.code, f"Of this run, {GONE}" in shown.out, "Coverage of work" in shown.out) == (
        0,
        True,
        True,
    )
    budget = desk.say("budget", "--as-of", "2020-01-01T03:00")
    assert budget.code == 2
    assert budget.err.startswith("--as-of: what budget lines said before 2020-01-02 02:00 UTC was removed")
    assert desk.say("budget", "--as-of", "2020-01-02").code == 0
    explained = desk.say("explain", "--budget", "project=C-2")
    assert "before run 2: no longer kept (TIELINE_KEEP_HISTORY_DAYS)" in explained.out
    assert desk.say("undo", "1", "--dry-run").code == 0
    assert desk.say("audit", "--verify").code == 0
    assert desk.say("purge").out == "Nothing is older than the settings keep.\n"


def test_whatever_may_go_has_a_name_for_people() -> None:
    assert {table.name for table in retention.doomed(1)} | {FILES, LINES} == set(NAMES)
