"""The shipped pack: its rules pass their own tests, and the tests pin every part of them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rules.moments import Context
from rules.pack import load, shipped
from rules.ruleset import Rule
from rules.testing import cover, run
from rules.vocabulary import VOCABULARY

CONTEXT = Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC))
RULES = load(shipped(), VOCABULARY, CONTEXT)


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


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_the_tests_of_a_rule_notice_any_slip_in_any_part_of_it(rule: Rule) -> None:
    coverage = cover(rule, CONTEXT)
    assert coverage.mutants >= 5
    assert coverage.lines == []
