"""The rules that ship pass their own tests on any day, which pin every part of them, and have a page."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.records import STANDARD_FIELDS
from rules.handbook import page
from rules.moments import Context
from rules.pack import PACKS, every_pack, load, shipped
from rules.ruleset import Rule
from rules.testing import Coverage, cover, run
from rules.vocabulary import VOCABULARY, vocabulary

CONTEXT = Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC))
RULES = load(shipped(), VOCABULARY, CONTEXT)
EVERY = every_pack(VOCABULARY, CONTEXT)
PAGE = Path(__file__).parents[2] / "docs" / "rule-packs.md"
ALL: list[Rule] = [*EVERY.rules, *EVERY.resting]


def test_the_five_rules_that_hold_without_a_choice_have_their_labels() -> None:
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


def test_every_pack_has_its_rules_and_only_those_rest_that_need_something() -> None:
    assert Counter(rule.pack for rule in ALL) == {
        "strategic": 9, "operational": 9, "tactical": 5, "cultural": 3, "governance": 7,
    }  # fmt: skip
    assert all(rule.needs for rule in EVERY.resting)
    declared = every_pack(vocabulary(STANDARD_FIELDS), CONTEXT)
    assert {rule.id: rule.needs for rule in declared.resting} == {
        "epic-without-business-words": "a value for glossary under parameters:",
        "run-cost-without-service-objective": "a value for runAccounts under parameters:",
    }


BERLIN = ZoneInfo("Europe/Berlin")
DAYS = [
    Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC)),
    Context(now=datetime(2027, 1, 1, 0, 0, tzinfo=UTC)),
    Context(now=datetime(2028, 2, 29, 23, 59, tzinfo=UTC), fiscal_start=4),
    Context(now=datetime(2026, 3, 31, 23, 30, tzinfo=UTC), fiscal_start=4, timezone=ZoneInfo("Asia/Tokyo")),
    Context(now=datetime(2026, 10, 25, 1, 30, tzinfo=UTC), fiscal_start=10, timezone=BERLIN),
    Context(now=datetime(2026, 7, 15, 12, 0, tzinfo=UTC), currency="JPY", minor_digits=0),
]  # fmt: skip


@pytest.mark.parametrize("context", DAYS, ids=lambda context: f"{context.now:%Y-%m-%d} {context.currency}")
def test_every_shipped_rule_passes_its_own_tests_on_any_day(context: Context) -> None:
    assert [result.text for result in run(every_pack(VOCABULARY, context)) if not result.passed] == []


def test_every_shipped_rule_says_why_and_how_to_fix_it() -> None:
    assert [rule.id for rule in ALL if not (rule.why and rule.fix and rule.title != rule.id)] == []
    assert [p.name for rule in ALL for p in rule.parameters.values() if not p.doc] == []


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.id)
def test_the_tests_of_a_rule_notice_any_slip_in_any_part_of_it(rule: Rule) -> None:
    coverage = cover(rule, CONTEXT)
    assert coverage.mutants >= 5
    assert coverage.lines == []


def test_of_all_slips_in_all_rules_the_tests_notice_nearly_every_one() -> None:
    found: list[Coverage] = [cover(rule, DAYS[2]) for rule in ALL]
    slips, unnoticed = sum(one.mutants for one in found), sum(len(one.unnoticed) for one in found)
    assert slips > 450
    assert unnoticed <= 0.05 * slips


def test_the_page_about_the_rules_that_ship_is_current() -> None:
    said = PAGE.read_text(encoding="utf-8")
    assert said == page(EVERY), "run: tieline rules packs > docs/rule-packs.md"
    assert set(re.findall(r"^`([a-z-]+)` · ", said, re.MULTILINE)) == {rule.id for rule in ALL}
    assert [pack for pack in PACKS if f"## {pack.title()}" not in said] == []
