"""Metrics are what the store holds, by convention, bounded, and readable by Prometheus' own tools."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.night import run_night
from sync.sandbox import Answer, Deployment, Sandbox
from sync.service.cron import Times
from sync.service.metrics import (
    OTHER,
    REQUEST_SERIES,
    StoreMetrics,
    bounded,
    exposition,
    status_class,
    write_textfile,
)
from sync.service.schedules import Schedule
from sync.store import schedules
from tests.sync.house import House

RULES = Path(__file__).parents[3] / "deploy" / "prometheus"
NIGHT = Schedule("night", Times("0 2 * * *", ZoneInfo("UTC")))
Values = dict[tuple[str, ...], float]


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        furnished = House(jira, tmp_path, engine, {"TIELINE_MAX_SHARE": "100%"}).furnish()
        furnished.add_epic("O1")
        furnished.add_epic()
        yield furnished


def metrics_of(house: House) -> StoreMetrics:
    return StoreMetrics(house.engine, [NIGHT], lambda: house.now)


def read(house: House) -> dict[str, Values]:
    """Every metric: its name, and its values by the values of its labels."""
    found: dict[str, Values] = {}
    for family in text_string_to_metric_families(exposition(metrics_of(house)).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_a_store_without_a_run_says_what_it_can(house: House) -> None:
    found = read(house)
    assert list(found["tieline_build_info"].values()) == [1]
    assert "tieline_last_success_timestamp_seconds" not in found
    assert found["tieline_run_in_progress"] == {(): 0}


def test_a_night_shows_in_every_figure(house: House) -> None:
    result = house.night()
    house.now += timedelta(hours=1)
    found = read(house)
    ended = (house.now - timedelta(hours=1)).timestamp()
    assert found["tieline_last_success_timestamp_seconds"] == {(): ended}
    assert found["tieline_last_run_exit_code"] == {(): 0}
    assert found["tieline_source_complete"] == {("work items", "jira"): 1, ("objectives", "objectives"): 1}
    assert found["tieline_source_records"] == {("jira",): 2, ("objectives",): 2}
    assert found["tieline_source_last_complete_timestamp_seconds"][("jira",)] == ended
    assert found["tieline_findings"][("epic-without-objective", "open")] == 1
    assert {key[0]: value for key, value in found["tieline_work_items"].items() if value} == {
        "aligned": 1,
        "unaligned": 1,
    }
    assert found["tieline_labels_written_total"] == {("add",): 1}
    assert set(found["tieline_step_duration_seconds"]) == {(step,) for step in STEPS}
    assert sum(found["tieline_requests_total"].values()) == len(house.jira.requests())
    assert result.report is not None


STEPS = ("pull objectives", "pull jira", "link, judge and plan", "write labels", "report")


def test_a_bad_night_moves_the_end_but_not_the_success(house: House) -> None:
    house.night()
    good = read(house)["tieline_last_success_timestamp_seconds"]
    house.jira.before("*", "search|bulkfetch", lambda call: Answer(401, {}))
    house.night()
    found = read(house)
    assert found["tieline_last_success_timestamp_seconds"] == good
    assert found["tieline_last_run_exit_code"] == {(): 4}
    assert found["tieline_source_complete"][("work items", "jira")] == 0
    assert any(status == "4xx" for _, _, status in found["tieline_requests_total"])


def test_a_schedule_that_nobody_runs_falls_behind(house: House) -> None:
    with house.engine.begin() as connection:
        schedules.note_schedules(connection, ["night"], house.now)
    assert read(house)["tieline_schedule_lag_seconds"] == {("night",): 0}
    house.now += timedelta(hours=3)
    found = read(house)
    assert found["tieline_schedule_lag_seconds"] == {("night",): 2.5 * 3600}
    due = NIGHT.times.next_after(house.now).at.timestamp()
    assert found["tieline_schedule_next_timestamp_seconds"] == {("night",): due}
    slot = NIGHT.times.last_until(house.now)
    assert slot is not None
    service, sites = house.service()
    run_night(service, Options("schedule night", slot=("night", slot)), Quiet())
    sites.close()
    assert read(house)["tieline_schedule_lag_seconds"] == {("night",): 0}


def test_the_requests_of_a_site_never_make_more_series_than_allowed() -> None:
    counts = Counter({(f"endpoint{n}", status): n + 1 for n in range(50) for status in ("2xx", "4xx", "429")})
    kept = bounded(counts)
    assert len(kept) == REQUEST_SERIES
    assert sum(kept.values()) == sum(counts.values())
    for status in ("2xx", "4xx", "429"):
        of_status = sum(number for what, number in counts.items() if what[1] == status)
        assert sum(number for what, number in kept.items() if what[1] == status) == of_status
        assert kept[OTHER, status] > 0
    assert bounded(Counter({("search", "2xx"): 1})) == {("search", "2xx"): 1}


def test_a_site_has_at_most_sixty_series(house: House) -> None:
    house.night()
    text = exposition(metrics_of(house)).decode()
    assert len([line for line in text.splitlines() if '"jira"' in line]) < 60


@pytest.mark.parametrize(
    ("status", "name"), [(0, "none"), (200, "2xx"), (204, "2xx"), (429, "429"), (400, "4xx"), (503, "5xx")]
)
def test_statuses_are_counted_by_class_and_429_by_itself(status: int, name: str) -> None:
    assert status_class(status) == name


def test_the_text_file_is_replaced_as_a_whole_after_each_run(house: House) -> None:
    file = house.folder / "tieline.prom"
    house.more["TIELINE_METRICS_FILE"] = str(file)
    house.night()
    first = file.read_bytes()
    assert b"tieline_last_success_timestamp_seconds" in first
    house.night()
    assert file.read_bytes() != first
    assert [path.name for path in house.folder.iterdir() if "prom" in path.name] == ["tieline.prom"]


def test_a_text_file_that_cannot_be_written_fails_no_run(house: House) -> None:
    house.more["TIELINE_METRICS_FILE"] = str(house.folder / "nowhere" / "tieline.prom")
    assert house.night().exit_code == 0


@pytest.mark.promtool
def test_prometheus_finds_no_fault_with_the_metrics(house: House) -> None:
    house.night()
    write_textfile(metrics_of(house), house.folder / "tieline.prom")
    checked = subprocess.run(
        ["promtool", "check", "metrics"],
        input=(house.folder / "tieline.prom").read_bytes(),
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.promtool
@pytest.mark.parametrize(
    "asked", [["check", "rules", "tieline.rules.yml"], ["test", "rules", "tieline.rules.test.yml"]]
)
def test_the_alerts_that_ship_hold_their_own_tests(asked: list[str]) -> None:
    checked = subprocess.run(["promtool", *asked], cwd=RULES, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "SUCCESS" in checked.stdout


def test_the_alerts_ask_for_metrics_there_are_and_each_has_a_test(house: House) -> None:
    house.night()
    rules = (RULES / "tieline.rules.yml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\btieline_[a-z_]+", rules))
    with house.engine.begin() as connection:
        schedules.note_schedules(connection, ["night"], house.now)
    known = set(
        re.findall(r"^# TYPE (tieline_[a-z_]+)", exposition(metrics_of(house)).decode(), re.MULTILINE)
    )
    assert asked <= known
    alerts = set(re.findall(r"alert: (\w+)", rules))
    tested = (RULES / "tieline.rules.test.yml").read_text(encoding="utf-8")
    assert alerts == set(re.findall(r"alertname: (\w+)\n +exp_alerts:\n", tested))
