"""The shipped pack: its rules pass their own tests, and the tests pin every part of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rules.condition import All, AnyOf, Condition, Leaf, Test
from rules.evaluate import holds
from rules.moments import Context
from rules.pack import load, shipped
from rules.ruleset import Rule
from rules.testing import run
from rules.vocabulary import VOCABULARY

RULES = load(shipped(), VOCABULARY, Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC)))
NEIGHBOURS = {
    Test.LESS: Test.AT_MOST,
    Test.AT_MOST: Test.LESS,
    Test.GREATER: Test.AT_LEAST,
    Test.AT_LEAST: Test.GREATER,
}


def test_the_five_rules_of_the_pack_have_their_labels() -> None:
    assert {rule.id: rule.label for rule in RULES.rules} == {
        "epic-without-objective": "no-objective",
        "epic-on-dead-objective": "dead-objective",
        "epic-over-budget": "over-budget",
        "budget-without-work": None,
        "objective-without-work": None,
    }


def test_the_first_rule_everyone_meets_reads_as_documented() -> None:
    rule = RULES.get("epic-without-objective")
    assert rule is not None
    assert rule.when == "issuetype = Epic AND statusCategory != Done AND objective IS EMPTY"
    assert not rule.grace


def test_every_shipped_rule_passes_its_own_tests() -> None:
    assert [result.text for result in run(RULES) if not result.passed] == []


def test_every_shipped_rule_says_why_and_how_to_fix_it() -> None:
    assert [rule.id for rule in RULES.rules if not (rule.why and rule.fix and rule.title != rule.id)] == []


def _mutants(condition: Condition) -> Iterator[tuple[str, Condition]]:
    """Yield the condition with one leaf left out, turned round, or moved by one at its boundary."""
    if isinstance(condition, Leaf):
        yield f"without {condition.text}", All(())
        yield f"never {condition.text}", AnyOf(())
        yield f"not {condition.text}", replace(condition, negated=not condition.negated)
        if condition.test in NEIGHBOURS:
            yield f"boundary of {condition.text}", replace(condition, test=NEIGHBOURS[condition.test])
        return
    for at, part in enumerate(condition.parts):
        for name, mutant in _mutants(part):
            yield name, replace(condition, parts=(*condition.parts[:at], mutant, *condition.parts[at + 1 :]))


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_the_tests_of_a_rule_notice_any_change_to_a_part_of_it(rule: Rule) -> None:
    unnoticed = [
        name
        for name, mutant in _mutants(rule.condition)
        if all(holds(mutant, case.item) is case.flag for case in rule.tests)
    ]
    assert unnoticed == []
