"""An admin's file turns packs and rules on and off, says how far they go, and sets parameters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules.evaluate import holds
from rules.moments import Context
from rules.pack import PACKS, load, pack_files
from rules.problem import RuleErrors
from rules.ruleset import Mode, Rule, RuleSet
from rules.testing import cover, run
from rules.vocabulary import VOCABULARY

CONTEXT = Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC))
IDLE = """\
version: 1
rules:
  - id: idle
    parameters:
      wait: {type: period, default: 90d, doc: How long nothing may happen.}
      kinds: {type: list, default: [Epic, Initiative]}
      most: {type: number, default: 110}
      terms: {type: list, example: [invoice, customer]}
    when: |
      updated < -wait AND type IN (kinds) AND budget.actual > percentOf(most, budget.amount)
      AND assignee NOT IN (terms, joe)
    tests:
      - flag: {updated: -91d, type: Epic, budget.actual: 112, budget.amount: 101, assignee: jane}
      - pass: {updated: -89d, type: Epic, budget.actual: 112, budget.amount: 101, assignee: jane}
"""


def _load(folder: Path, **files: str) -> RuleSet:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load([folder], VOCABULARY, CONTEXT)


def _refused(folder: Path, **files: str) -> str:
    with pytest.raises(RuleErrors) as caught:
        _load(folder, **files)
    return str(caught.value).replace(f"{folder}/", "")


def _modes(rules: RuleSet) -> dict[str, Mode]:
    return {rule.id: rule.mode for rule in (*rules.rules, *rules.resting)}


def _only(rules: RuleSet) -> Rule:
    (rule,) = (*rules.rules, *rules.resting)
    return rule


def test_without_a_choice_only_the_files_of_a_folder_are_rules(tmp_path: Path) -> None:
    assert _modes(_load(tmp_path, own=IDLE)) == {"idle": Mode.LABEL}


def test_a_pack_that_is_on_brings_all_of_its_rules_as_far_as_it_goes(tmp_path: Path) -> None:
    rules = _load(tmp_path, choice="version: 1\npacks: {strategic: warn, cultural: off}\n")
    assert set(_modes(rules)) == {file.stem for file in pack_files("strategic")} - {"rollups"}
    assert set(_modes(rules).values()) == {Mode.WARN}
    assert {rule.pack for rule in rules.rules} == {"strategic"}


def test_what_is_said_of_a_rule_counts_more_than_its_pack(tmp_path: Path) -> None:
    choice = """\
version: 1
packs: {strategic: observe}
rules:
  epic-without-objective: {mode: label}
  objective-without-work: {mode: off}
  epic-over-budget: {mode: warn}
"""
    rules = _load(tmp_path, choice=choice, own=IDLE)
    assert rules.get("objective-without-work") is None
    assert "objective-without-work" in {rule.id for rule in rules.resting}
    modes = _modes(rules)
    assert modes["epic-without-objective"] is Mode.LABEL
    assert modes["epic-on-dead-objective"] is Mode.OBSERVE
    assert modes["epic-over-budget"] is Mode.WARN
    assert modes["idle"] is Mode.LABEL


def test_a_rule_says_its_own_mode_and_a_choice_changes_it(tmp_path: Path) -> None:
    own = IDLE.replace("    when:", "    mode: observe\n    when:", 1)
    assert _modes(_load(tmp_path, own=own)) == {"idle": Mode.OBSERVE}
    choice = "version: 1\nrules: {idle: {mode: label}}\n"
    assert _modes(_load(tmp_path, own=own, choice=choice)) == {"idle": Mode.LABEL}


def test_a_rule_without_a_value_it_needs_rests_and_says_what_it_needs(tmp_path: Path) -> None:
    rules = _load(tmp_path, own=IDLE)
    assert not rules.rules
    assert _only(rules).needs == "a value for terms under parameters:"
    choice = "version: 1\nrules: {idle: {parameters: {terms: [jim]}}}\n"
    assert _load(tmp_path, own=IDLE, choice=choice).rules[0].needs is None


def test_parameters_change_what_a_rule_asks_and_nothing_of_its_tests(tmp_path: Path) -> None:
    choice = """\
version: 1
rules:
  idle: {parameters: {wait: 30d, kinds: [Story, "(x) OR key = 1"], most: 200.5, terms: [jim, jane]}}
"""
    before = _only(_load(tmp_path, own=IDLE))
    rules = _load(tmp_path, own=IDLE, choice=choice)
    rule = _only(rules)
    assert rule.hash != before.hash
    assert all(result.passed for result in run(rules))
    item = {"updated": "2026-10-01T00:00:00+00:00", "issuetype": "(x) or KEY = 1", "assignee": "joan"}
    money = {"budget.actual": 301, "budget.amount": 150}
    assert holds(rule.condition, item | money)
    assert not holds(rule.condition, item | money | {"assignee": "jane"})
    assert not holds(rule.condition, item | money | {"budget.actual": 300})
    assert not holds(before.condition, item | money)


def test_untested_slips_are_counted_with_the_values_that_tests_use(tmp_path: Path) -> None:
    assert any("-90d" in text for text in cover(_only(_load(tmp_path, own=IDLE)), CONTEXT).unnoticed)


@pytest.mark.parametrize(
    ("choice", "place", "said"),
    [
        ("packs: {strategik: label}", "2:9", 'There is no pack "strategik". Did you mean strategic?'),
        ("packs: {strategic: labels}", "2:20", 'There is no mode "labels". Did you mean label?'),
        ("packs: [strategic]", "2:8", "Write packs: {strategic: label}."),
        ("rules: {epic-without-objectiv: {mode: warn}}", "2:9", "Did you mean epic-without-objective?"),
        ("rules: {idle: {mode: on}}", "2:22", 'There is no mode "on". Write off, observe, warn or label.'),
        ("rules: {idle: observe}", "2:15", "Write {mode: observe}, or {parameters: {idle: 60d}}."),
        ("rules: {idle: {severity: error}}", "2:16", "Copy the rule under an id of your own to change more."),
        ("rules: {idle: {parameter: {}}}", "2:16", "Did you mean parameters?"),
        ("rules: {idle: {parameters: {wiat: 3d}}}", "2:29", "idle has no parameter wiat. Did you mean wait?"),
        ("rules: {idle: {parameters: {wait: 3 days}}}", "2:35", '"3 days" is not a period. Write 90d, 12w'),
        ("rules: {idle: {parameters: {most: [1]}}}", "2:35", "A value of type number is missing here."),
        ("rules: {idle: {parameters: 3d}}", "2:28", "parameters: gives values, as in {idle: 60d}."),
        ("packs: {}\nrules: []", "3:8", "a list of rules goes into a file of its own"),
    ],
)
def test_a_mistake_in_a_choice_has_its_place_and_remedy(
    tmp_path: Path, choice: str, place: str, said: str
) -> None:
    shown = _refused(tmp_path, own=IDLE, choice=f"version: 1\n{choice}\n")
    assert shown.startswith(f"choice.yaml:{place}"), shown
    assert said in shown


def test_choices_stand_in_one_file(tmp_path: Path) -> None:
    one = "version: 1\npacks: {strategic: label}\n"
    assert "Packs and rules are chosen in" in _refused(tmp_path, a=one, b=one)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("wait: {type: perod, default: 90d}", "Did you mean period?"),
        ("wait: {type: period}", "The parameter wait has no value. Add default:, or example:"),
        ("wait: {type: period, default: soon}", '"soon" is not a period.'),
        ("wait: {type: period, default: 90d, dco: x}", "Did you mean doc?"),
        ("limit: {type: period, default: 90d}", '"limit" cannot be the name of a parameter.'),
        ("status: {type: text, default: Open}", "workItem has a field status."),
        ("wait: 90d", "A parameter is written as {type: period, default: 90d}."),
        ("late: {type: period, default: 90d}", "The condition does not name the parameter late."),
    ],
)
def test_a_mistake_in_a_declared_parameter_has_its_remedy(tmp_path: Path, declared: str, said: str) -> None:
    rule = (
        "version: 1\nrules:\n  - id: r\n    parameters:\n"
        f"      {declared}\n    when: updated < -90d\n"
        "    tests: [{flag: {updated: -91d}}, {pass: {}}]\n"
    )
    assert said in _refused(tmp_path, own=rule)


def test_a_list_cannot_stand_for_one_value(tmp_path: Path) -> None:
    shown = _refused(tmp_path, own=IDLE.replace("type IN (kinds)", "type = kinds"))
    assert "kinds is a list of 2 values and cannot stand for one. Write IN (kinds)." in shown


def test_the_ids_of_the_rules_that_ship_are_the_names_of_their_files() -> None:
    for pack in PACKS:
        rules = [file for file in pack_files(pack) if file.stem != "rollups"]
        assert [file.stem for file in rules if f"  - id: {file.stem}\n" not in file.read_text()] == []
