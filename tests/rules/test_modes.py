"""The keys that say how a rule lives: mode, was, error_when and the severity a test expects."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.moments import Context
from rules.pack import load
from rules.problem import RuleErrors
from rules.ruleset import Mode, RuleSet, named
from rules.testing import cover, run
from rules.vocabulary import VOCABULARY
from tests.clock import NOW

CONTEXT = Context(now=NOW)
RULE = """\
version: 1
rules:
  - id: overspent
    when: budget.actual > budget.amount
    error_when: budget.actual > percentOf(120, budget.amount)
    label: overspent
    tests:
      - flag: {budget.amount: 100, budget.actual: 101}
        severity: warning
      - pass: {budget.amount: 100, budget.actual: 100}
"""
RAISED = """\
      - flag: {budget.amount: 100, budget.actual: 120}
        severity: warning
      - flag: {budget.amount: 100, budget.actual: 120.01}
        severity: error
"""


def read(tmp_path: Path, text: str) -> RuleSet:
    path = tmp_path / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return load([path], VOCABULARY, CONTEXT)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(RuleErrors) as error:
        read(tmp_path, text)
    return str(error.value)


def with_line(line: str) -> str:
    return RULE.replace("    label: overspent\n", f"    {line}\n" if line else "")


@pytest.mark.parametrize(
    ("line", "mode"),
    [
        ("label: overspent", Mode.LABEL),
        ("", Mode.LABEL),
        ("label: overspent\n    mode: observe", Mode.OBSERVE),
        ("label: overspent\n    mode: warn", Mode.WARN),
    ],
)
def test_a_rule_goes_as_far_as_it_can_unless_it_says_otherwise(tmp_path: Path, line: str, mode: Mode) -> None:
    assert read(tmp_path, with_line(line)).rules[0].mode is mode


def test_a_mode_nobody_knows_is_refused_with_the_nearest(tmp_path: Path) -> None:
    said = refused(tmp_path, with_line("mode: obsrve"))
    assert 'There is no mode "obsrve". Did you mean observe?' in said
    assert "rules.yaml:6:11" in said


def test_a_second_condition_changes_the_hash_and_is_part_of_the_evidence(tmp_path: Path) -> None:
    plain = read(
        tmp_path, RULE.replace("error_when: budget.actual >", "error_when: budget.forecast >")
    ).rules[0]
    assert "budget.forecast" in plain.evidence
    assert plain.hash != read(tmp_path, RULE).rules[0].hash


def test_a_test_may_say_how_bad_a_flagged_item_is(tmp_path: Path) -> None:
    results = list(run(read(tmp_path, RULE + RAISED)))
    assert [result.passed for result in results] == [True] * 4
    wrong = RULE.replace("severity: warning", "severity: error")
    failed = next(iter(run(read(tmp_path, wrong))))
    assert not failed.passed
    assert "test 1: should be error, but is warning" in failed.text


def test_slips_in_the_second_condition_are_noticed_by_tests_of_severity_alone(tmp_path: Path) -> None:
    slack = cover(read(tmp_path, RULE).rules[0], CONTEXT)
    assert any(line.startswith("error_when: ") for line in slack.unnoticed)
    strict = cover(read(tmp_path, RULE + RAISED).rules[0], CONTEXT)
    assert not [line for line in strict.unnoticed if "<=" in line or ">=" in line]
    assert strict.mutants == slack.mutants


def test_what_passes_has_no_severity(tmp_path: Path) -> None:
    said = refused(tmp_path, RULE + "        severity: error\n")
    assert "What passes has no severity. Write severity: beside flag: alone." in said


def test_a_rule_may_have_had_other_ids(tmp_path: Path) -> None:
    rules = read(tmp_path, with_line("was: [too-dear, over-budget]"))
    assert rules.rules[0].was == ("too-dear", "over-budget")
    assert named(rules.rules, "too-dear") is rules.rules[0]


@pytest.mark.parametrize("was", ["overspent", "Not an id", "[{a: b}]"])
def test_a_former_id_must_be_another_id(tmp_path: Path, was: str) -> None:
    assert "was: names the ids that the rule had before. Write was: old-id." in refused(
        tmp_path, with_line(f"was: {was}")
    )


def test_two_rules_cannot_answer_to_one_id(tmp_path: Path) -> None:
    second = RULE.partition("rules:\n")[2].replace("id: overspent", "id: dear\n    was: overspent")
    said = refused(tmp_path, RULE + second)
    assert "was: overspent is what the rule at" in said
    assert "Take overspent out of one of them." in said
