"""Rules whose sources were read whole are judged; the others are frozen: they neither raise nor clear."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from connectors.records import BudgetVersion, How, Record
from rules.ruleset import RuleSet
from sync.feeds import Kind
from sync.judge import Judgement, judge, reads
from sync.rulebook import load_rules
from sync.settings import load_settings
from sync.store.findings import finding
from tests.clock import NOW
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, item_id, money, names, put

SHIPPED = load_rules(load_settings({"TIELINE_FISCAL_YEAR": "2026"}), NOW)


def night(engine: Engine, *incomplete: Kind, rules: RuleSet = SHIPPED, days: int = 0) -> Judgement:
    now = NOW + timedelta(days=days)
    run_id = begin_run(engine, now)
    with engine.begin() as connection:
        return judge(connection, rules, incomplete, run_id, now)


def states(engine: Engine) -> dict[tuple[str, str], int]:
    """How many findings of each rule are in each state."""
    found: dict[tuple[str, str], int] = {}
    with engine.connect() as connection:
        for row in connection.execute(select(finding.c.rule, finding.c.state)):
            key = (row.rule, row.state)
            found[key] = found.get(key, 0) + 1
    return found


def fill(engine: Engine, *records: Record, source: str) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, records, source)


def test_every_shipped_rule_finds_what_it_is_for(engine: Engine) -> None:
    fill(engine, goal("O1"), goal("O2", ends=NOW.date() - timedelta(days=1)), goal("O3"), source=FILE)
    fill(
        engine,
        epic("PAY-1"),
        epic("PAY-2", names("O2")),
        epic("PAY-3", names("O1"), names("C1", How.COST_CODE)),
        source="jira",
    )
    spent = money("C1", 101, version=BudgetVersion.ACTUAL, id="spent")
    fill(engine, money("C1", 100), spent, money("C9", 5, id="idle"), source=MONEY)
    assert night(engine).frozen == {}
    assert states(engine) == {
        ("epic-without-objective", "open"): 1,
        ("epic-on-dead-objective", "open"): 1,
        ("epic-over-budget", "open"): 1,
        ("objective-without-work", "open"): 1,
        ("budget-without-work", "open"): 1,
    }


def test_a_rule_reads_the_sources_of_its_entity_its_fields_and_its_relations() -> None:
    by_id = {rule.id: reads(rule) for rule in SHIPPED.rules}
    serving = {Kind.WORK, Kind.OBJECTIVES, Kind.LINKS}
    assert by_id["epic-without-objective"] == serving
    assert by_id["epic-over-budget"] == {Kind.WORK, Kind.FINANCE, Kind.ALLOCATIONS}
    assert by_id["budget-without-work"] >= {Kind.FINANCE, Kind.WORK}


@pytest.mark.parametrize("incomplete", [Kind.WORK, Kind.OBJECTIVES, Kind.LINKS])
def test_a_frozen_rule_neither_raises_nor_clears(engine: Engine, incomplete: Kind) -> None:
    fill(engine, goal("O1"), source=FILE)
    fill(engine, epic("PAY-1"), epic("PAY-2", names("O1")), source="jira")
    night(engine)
    before = states(engine)
    fill(engine, epic("PAY-1", names("O1")), epic("PAY-2"), source="jira")
    judged = night(engine, incomplete, days=1)
    assert judged.frozen["epic-without-objective"] == f"{incomplete.value} incomplete"
    assert states(engine) == before
    with engine.connect() as connection:
        assert connection.scalars(
            select(finding.c.subject_id).where(finding.c.rule == "epic-without-objective")
        ).all() == [item_id(connection, "PAY-1")]
    night(engine, days=2)
    assert states(engine)[("epic-without-objective", "closed")] == 1
    assert states(engine)[("epic-without-objective", "open")] == 1


def test_a_rule_that_does_not_read_the_failed_source_is_judged(engine: Engine) -> None:
    fill(engine, epic("PAY-1"), source="jira")
    judged = night(engine, Kind.FINANCE)
    assert set(judged.frozen) == {"epic-over-budget", "budget-without-work"}
    assert states(engine) == {("epic-without-objective", "open"): 1}


def test_the_evidence_is_kept_with_the_finding(engine: Engine) -> None:
    fill(engine, epic("PAY-1"), source="jira")
    night(engine)
    with engine.connect() as connection:
        evidence = connection.scalars(select(finding.c.evidence)).one()
    assert '"issuetype"' in evidence
    assert "Epic" in evidence


def test_circles_of_parents_are_told(engine: Engine) -> None:
    fill(engine, epic("PAY-1", parent_id="2"), epic("PAY-2", parent_id="1"), source="jira")
    assert night(engine).cycles == ("PAY-1", "PAY-2")


def test_a_rule_waits_for_its_grace_period(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(
        """
version: 1
rules:
  - id: waits
    title: Waits
    when: objective IS EMPTY
    for: 3d
    clear_after: 2d
    severity: warning
    label: waits
    message: "{key}"
    tests:
      - flag: {issuetype: Story}
      - pass: {issuetype: Story, objective: O1}
""",
        encoding="utf-8",
    )
    rules = load_rules(load_settings({"TIELINE_RULES": str(path)}), NOW)
    fill(engine, goal("O1"), source=FILE)
    fill(engine, epic("PAY-1"), source="jira")
    seen = []
    for day in range(8):
        if day == 4:
            fill(engine, epic("PAY-1", names("O1")), source="jira")
        night(engine, rules=rules, days=day)
        ((_, state),) = states(engine)
        seen.append(state)
    assert seen == ["pending", "pending", "pending", "open", "clearing", "clearing", "closed", "closed"]


def test_nothing_is_raised_on_a_site_that_was_not_read_whole(engine: Engine) -> None:
    fill(engine, epic("PAY-1"), source="jira")
    fill(engine, epic("OPS-1"), source="other")
    run_id = begin_run(engine, NOW)
    with engine.begin() as connection:
        judge(connection, SHIPPED, (), run_id, NOW, dark=["other"])
        found = connection.scalars(select(finding.c.subject_id).where(finding.c.entity == "workItem")).all()
        assert found == [item_id(connection, "PAY-1")]


RAISED = """
version: 1
rules:
  - id: overspent
    when: budget.actual > budget.amount
    error_when: budget.actual > percentOf(120, budget.amount)
    severity: warning
    tests:
      - flag: {budget.amount: 100, budget.actual: 101}
      - pass: {budget.amount: 100, budget.actual: 100}
"""


def test_a_second_condition_calls_a_finding_an_error_while_it_holds(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(RAISED, encoding="utf-8")
    rules = load_rules(load_settings({"TIELINE_RULES": str(path), "TIELINE_FISCAL_YEAR": "2026"}), NOW)
    fill(
        engine,
        epic("PAY-1", names("C1", How.COST_CODE)),
        epic("PAY-2", names("C2", How.COST_CODE)),
        source="jira",
    )

    def spend(*amounts: int) -> dict[str, str]:
        plan = [money(code, 100, id=f"plan-{code}") for code in ("C1", "C2")]
        actual = [
            money(code, amount, version=BudgetVersion.ACTUAL, id=f"spent-{code}")
            for code, amount in zip(("C1", "C2"), amounts, strict=True)
        ]
        fill(engine, *plan, *actual, source=MONEY)
        night(engine, rules=rules)
        with engine.connect() as connection:
            rows = connection.execute(select(finding.c.subject_id, finding.c.severity, finding.c.evidence))
            ids = {item_id(connection, key): key for key in ("PAY-1", "PAY-2")}
            return {ids[row.subject_id]: row.severity for row in rows}

    assert spend(120, 121) == {"PAY-1": "warning", "PAY-2": "error"}
    assert spend(150, 110) == {"PAY-1": "error", "PAY-2": "warning"}
