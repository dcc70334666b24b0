"""A waiver takes the label off and leaves money and work counted; when it ends, the label comes back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from connectors.records import How
from sync.feeds import Kind
from sync.judge import judge
from sync.rulebook import load_rules
from sync.sandbox import Deployment, Sandbox
from sync.settings import load_settings
from sync.store.coverage import coverage, save_coverage
from sync.store.findings import finding
from sync.store.waivers import granted_waivers, waiver
from tests.clock import NOW
from tests.sync.house import NO_OBJECTIVE, House
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, money, names, put

DAY = timedelta(days=1)
NO_WAIVERS = "version: 1\nwaivers: []\n"


def waivers(*entries: tuple[str, str], until: object = "2026-09-30") -> str:
    """A waiver file with one waiver for each (rule, condition)."""
    lines = [
        f"  - rule: {rule}\n    match: {match}\n    reason: Agreed\n    owner: jane\n    until: {until}"
        for rule, match in entries
    ]
    return "\n".join(["version: 1", "waivers:", *lines, ""])


@pytest.fixture
def house(engine: Engine, tmp_path: Path) -> Iterator[House]:
    (tmp_path / "waivers.yaml").write_text(NO_WAIVERS, encoding="utf-8")
    with Sandbox(Deployment.CLOUD) as jira:
        more = {"TIELINE_WAIVERS": str(tmp_path / "waivers.yaml")}
        yield House(jira, tmp_path, engine, more).furnish()


def grant(house: House, text: str) -> None:
    (house.folder / "waivers.yaml").write_text(text, encoding="utf-8")


def test_a_waiver_takes_the_label_off_and_its_end_brings_it_back(house: House) -> None:
    key, other = house.add_epic(), house.add_epic()
    house.night()
    last = (house.now + 2 * DAY).date()
    grant(house, waivers(("epic-without-objective", f"key = {key}"), until=last))
    seen = []
    for _ in range(3):
        assert house.night().exit_code == 0
        seen.append(house.labels(key))
    assert seen == [[], [], [NO_OBJECTIVE]]  # on its last day it counts, the day after it does not
    assert house.labels(other) == [NO_OBJECTIVE]
    assert house.night().exit_code == 0
    assert house.writes() == 0


def test_a_waiver_from_the_first_night_on_leaves_the_ticket_alone(house: House) -> None:
    key = house.add_epic()
    grant(house, waivers(("epic-without-objective", f"key = {key}")))
    house.night()
    assert house.writes() == 0
    assert house.findings() == [(key, "epic-without-objective", "open")]


def test_a_waiver_that_is_withdrawn_stays_on_record(house: House) -> None:
    key = house.add_epic()
    grant(house, waivers(("epic-without-objective", f"key = {key}")))
    house.night()
    grant(house, NO_WAIVERS)
    house.night()
    assert house.labels(key) == [NO_OBJECTIVE]
    (row,) = house.rows(select(waiver))
    assert (row.state, row.owner, row.first_run) == ("withdrawn", "jane", 1)
    grant(house, waivers(("epic-without-objective", f"key = {key}"), until="2026-10-31"))
    house.night()
    (row,) = house.rows(select(waiver))
    assert (row.state, row.until, row.first_run) == ("granted", date(2026, 10, 31), 1)


def test_a_dry_run_with_waivers_writes_nothing(house: House) -> None:
    key = house.add_epic()
    house.night()
    grant(house, waivers(("epic-without-objective", f"key = {key}")))
    result = house.night(dry_run=True)
    assert result.plan.count("remove") == 1
    assert house.labels(key) == [NO_OBJECTIVE]


def test_a_renamed_rule_keeps_labels_states_and_waivers(house: House) -> None:
    waived, labelled = house.add_epic(), house.add_epic()
    path = house.folder / "rules.yaml"
    text = (
        "version: 1\nrules:\n  - id: no-goal\n    when: issuetype = Epic AND objective IS EMPTY\n"
        "    label: no-objective\n"
        "    tests: [{flag: {issuetype: Epic}}, {pass: {issuetype: Epic, objective: O1}}]\n"
    )
    path.write_text(text, encoding="utf-8")
    house.more["TIELINE_RULES"] = str(path)
    grant(house, waivers(("no-goal", f"key = {waived}")))
    house.night()
    since = house.rows(select(finding.c.since))
    path.write_text(text.replace("id: no-goal", "id: aimless\n    was: no-goal"), encoding="utf-8")
    assert house.night().exit_code == 0
    assert house.writes() == 0
    assert house.findings() == [(waived, "aimless", "open"), (labelled, "aimless", "open")]
    assert house.rows(select(finding.c.since)) == since
    assert house.labels(labelled) == [NO_OBJECTIVE]
    assert house.labels(waived) == []


def fill(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1")], FILE)
        put(
            connection,
            run_id,
            [
                epic("PAY-1", names("O1"), names("C1", How.COST_CODE)),
                epic("PAY-2", names("C2", How.COST_CODE)),
                epic("PAY-3", names("C3", How.COST_CODE)),
            ],
        )
        lines = [money("C1", 100), money("C2", 250), money("C3", 400), money("C9", 7, id="idle")]
        put(connection, run_id, lines, MONEY)


def night(engine: Engine, tmp_path: Path, text: str, *incomplete: Kind, days: int = 0) -> dict[str, int]:
    """Judge with these waivers and give the money by state."""
    path = tmp_path / "waivers.yaml"
    path.write_text(text, encoding="utf-8")
    settings = load_settings({"TIELINE_FISCAL_YEAR": "2026", "TIELINE_WAIVERS": str(path)})
    now = NOW + days * DAY
    run_id = begin_run(engine, now)
    with engine.begin() as connection:
        judge(connection, load_rules(settings, now), incomplete, run_id, now)
        save_coverage(connection, run_id, now.date(), certain=True)
        rows = connection.execute(
            select(coverage.c.state, coverage.c.amount_minor).where(
                coverage.c.run_id == run_id, coverage.c.project_key == "", coverage.c.currency == "USD"
            )
        )
        return {row.state: row.amount_minor for row in rows}


def test_money_under_a_waiver_is_counted_as_waived_and_the_parts_make_the_whole(
    engine: Engine, tmp_path: Path
) -> None:
    fill(engine)
    found = night(engine, tmp_path, waivers(("epic-without-objective", "key = PAY-2")))
    assert found == {"aligned": 100, "waived": 250, "unaligned": 400, "unknown": 7}


def test_a_waiver_of_a_rule_that_asks_for_no_objective_leaves_work_unaligned(
    engine: Engine, tmp_path: Path
) -> None:
    fill(engine)
    found = night(engine, tmp_path, waivers(("epic-over-budget", "key = PAY-2")))
    assert found == {"aligned": 100, "unaligned": 650, "unknown": 7}


def test_a_waiver_takes_nothing_from_work_that_is_aligned(engine: Engine, tmp_path: Path) -> None:
    fill(engine)
    every = waivers(("epic-without-objective", "issuetype = Epic"))
    assert night(engine, tmp_path, every) == {"aligned": 100, "waived": 650, "unknown": 7}


def test_a_waiver_is_counted_by_the_findings_under_it_and_one_that_meets_none_has_none(
    engine: Engine, tmp_path: Path
) -> None:
    fill(engine)
    text = waivers(
        ("epic-without-objective", "project = PAY"),
        ("epic-without-objective", "key = NOPE-1"),
        ("epic-on-dead-objective", "project = PAY"),
    )
    night(engine, tmp_path, text)
    with engine.connect() as connection:
        found = [(row.rule, row.condition, row.findings) for row in granted_waivers(connection)]
    assert sorted(found) == [
        ("epic-on-dead-objective", "project = PAY", 0),
        ("epic-without-objective", "key = NOPE-1", 0),
        ("epic-without-objective", "project = PAY", 2),
    ]


def test_of_two_waivers_the_one_that_lasts_longer_counts(engine: Engine, tmp_path: Path) -> None:
    fill(engine)
    short = waivers(("epic-without-objective", "project = PAY"), until="2026-03-04")
    long = waivers(("epic-without-objective", "key = PAY-2")).partition("waivers:\n")[2]
    night(engine, tmp_path, short + long)
    assert night(engine, tmp_path, short + long, days=5) == {
        "aligned": 100,
        "waived": 250,
        "unaligned": 400,
        "unknown": 7,
    }


def test_a_frozen_rule_keeps_its_waivers_as_they_were(engine: Engine, tmp_path: Path) -> None:
    fill(engine)
    text = waivers(("epic-without-objective", "key = PAY-2"), until="2026-03-04")
    night(engine, tmp_path, text)
    frozen = night(engine, tmp_path, text, Kind.OBJECTIVES, days=5)
    assert frozen["waived"] == 250
    assert night(engine, tmp_path, text, days=6).get("waived") is None
