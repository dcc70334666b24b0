"""What the tests of a rule leave untested: each slip in its condition that none of them notices."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.condition import render
from rules.evaluate import holds
from rules.moments import Context
from rules.mutants import mutants
from rules.pack import load
from rules.testing import Coverage, cover
from rules.vocabulary import VOCABULARY
from tests.rules.sample import CONTEXT as SAMPLE
from tests.rules.sample import THING, condition_of, items, with_rollups
from tests.rules.test_sql_agrees import CONDITIONS

CONTEXT = Context(now=datetime(2026, 11, 23, 20, 30, tzinfo=UTC))
THINGS = with_rollups(THING)
POPULATION = items(150)


def _cover(folder: Path, when: str, *tests: str) -> Coverage:
    lines = "".join(f"      - {test}\n" for test in tests)
    text = f"version: 1\nrules:\n  - id: r\n    when: |\n      {when}\n    tests:\n{lines}"
    (folder / "pack.yaml").write_text(text, encoding="utf-8")
    return cover(load([folder], VOCABULARY, CONTEXT).rules[0], CONTEXT)


def _texts(text: str, context: Context = SAMPLE) -> list[str]:
    return [mutant.text for mutant in mutants(condition_of(text, THINGS, context), context)]


def test_a_boundary_that_no_test_stands_on_is_listed(tmp_path: Path) -> None:
    coverage = _cover(tmp_path, "due < -7d", "flag: {due: -8d}", "pass: {due: -1d}")
    assert coverage.unnoticed == (
        "no test tells `due < -7d` from `due <= -7d`",
        "no test tells `due < -7d` from `due < 2026-11-17`",
    )
    assert coverage.lines[0] == (f"{tmp_path}/pack.yaml:3  r  no test tells `due < -7d` from `due <= -7d`")


def test_a_rule_whose_every_part_is_pinned_has_nothing_untested(tmp_path: Path) -> None:
    coverage = _cover(tmp_path, "due < -7d", "flag: {due: -8d}", "pass: {due: -7d}")
    assert coverage.mutants > 3
    assert coverage.unnoticed == ()


def test_a_part_that_no_test_needs_is_listed(tmp_path: Path) -> None:
    tests = ["flag: {type: Epic, status: Open}", "pass: {type: Story, status: Open}"]
    coverage = _cover(tmp_path, "type = Epic AND status = Open", *tests)
    assert "no test needs `status = Open`" in coverage.unnoticed
    assert "no test needs `issuetype = Epic`" not in coverage.unnoticed
    more = _cover(tmp_path, "type = Epic AND status = Open", *tests, "pass: {type: Epic, status: Done}")
    assert more.unnoticed == ()


def test_and_for_or_is_listed(tmp_path: Path) -> None:
    coverage = _cover(
        tmp_path, "type = Epic OR status = Open", "flag: {type: Epic, status: Open}", "pass: {type: Story}"
    )
    assert coverage.unnoticed[0] == (
        "no test tells `(issuetype = Epic OR status = Open)` from `(issuetype = Epic AND status = Open)`"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner = x", "`owner = x` from `NOT owner = x`"),
        ("NOT goal.ends < -30d", "`NOT goal.ends < -30d` from `goal.ends < -30d`"),
        ("NOT goal.ends < -30d", "`NOT goal.ends < -30d` from `NOT goal.ends <= -30d`"),
        ("owner = x", '`owner = x` from `owner = "another value"`'),
        ("owner IN (x, y, z)", "`owner IN (x, y, z)` from `owner IN (x, z)`"),
        ("status NOT IN (new, finished)", "`status NOT IN (new, finished)` from `status NOT IN (Done)`"),
        ("points >= 2.5", "`points >= 2.5` from `points >= 1.5`"),
        ("points != 2", "`points != 2` from `points > 2`"),
        ("plan < 100.50", "`plan < 100.50` from `plan < 101.5`"),
        ("due = 2026-03-01", "`due = 2026-03-01` from `due = 2026-02-28`"),
        ("touched > -1d", '`touched > -1d` from `touched > "2026-07-13 09:30"`'),
        ('flag = "true"', '`flag = "true"` from `flag = "false"`'),
        ("title ~ startsWith(POC)", "`title ~ startsWith(POC)` from `title ~ poc`"),
        ("title !~ endsWith(POC)", "`title !~ endsWith(POC)` from `title !~ poc`"),
        ("title ~ POC", "`title ~ POC` from `title = poc`"),
        (
            "spent > percentOf(110, plan)",
            "`spent > percentOf(110, plan)` from `spent > percentOf(109, plan)`",
        ),
        ("spent > percentOf(110, plan)", "`spent > percentOf(110, plan)` from `spent > plan`"),
        ("due < begun", "`due < begun` from `begun < begun`"),
        ("lastEnd < due", "`lastEnd: max goal.ends` from `lastEnd: min goal.ends`"),
        (
            "liveWeight = 2",
            (
                '`liveWeight: sum goal.weight where (live = "true" AND marks != x)` from '
                '`liveWeight: sum goal.weight where (live = "true" OR marks != x)`'
            ),
        ),
        (
            "liveWeight = 2",
            (
                '`liveWeight: sum goal.weight where (live = "true" AND marks != x)` from '
                "`liveWeight: sum goal.weight`"
            ),
        ),
    ],
)
def test_each_sort_of_slip_is_made_and_told_in_jql(text: str, expected: str) -> None:
    assert f"no test tells {expected}" in _texts(text)


def test_moments_are_told_in_the_zone_and_amounts_in_the_currency_of_the_service() -> None:
    there = Context(now=SAMPLE.now, timezone=ZoneInfo("Asia/Tokyo"), currency="JPY", minor_digits=0)
    assert 'no test tells `touched > -1d` from `touched > "2026-07-13 18:30"`' in _texts(
        "touched > -1d", there
    )
    assert "no test tells `plan > 100` from `plan > 101`" in _texts("plan > 100", there)


def test_the_last_day_of_the_calendar_has_one_neighbour() -> None:
    texts = _texts('due > "9999-12-31"')
    assert "no test tells `due > 9999-12-31` from `due > 9999-12-30`" in texts


def test_slips_that_change_nothing_are_not_made() -> None:
    assert not [text for text in _texts("goalCount != 0") if "> 0" in text or "< 0" in text]


@given(text=CONDITIONS)
def test_the_slips_of_any_condition_can_be_judged_and_told(text: str) -> None:
    condition = condition_of(text, THINGS)
    for mutant in mutants(condition, SAMPLE):
        assert mutant.before
        assert mutant.before != mutant.after
        assert {holds(mutant.condition, item) for item in POPULATION[:5]} <= {True, False}


@given(text=CONDITIONS, number=st.integers(0, len(POPULATION) - 1))
def test_leaving_the_whole_of_a_single_test_out_flags_everything(text: str, number: int) -> None:
    condition = condition_of(text, THINGS)
    dropped = [mutant for mutant in mutants(condition, SAMPLE) if mutant.before == render(condition)]
    flagged = [holds(mutant.condition, POPULATION[number]) for mutant in dropped if mutant.after is None]
    assert all(flagged)
