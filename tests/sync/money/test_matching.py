"""Money finds work in a fixed order, is shared out to the minor unit, and what is left says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Connection, Engine, select

from connectors.records import AllocationRule, BudgetLine, CodeField, How, WorkItem
from sync.store import save
from sync.store.money import decisions
from sync.store.money.levels import CONFIRMED, REJECTED, objective
from sync.store.money.shares import (
    MIXED,
    NO_MATCH,
    NOT_SHARED_OUT,
    OBJECTIVE_ONLY,
    OVER,
    budget_link,
    remainder,
)
from tests.clock import NOW
from tests.sync.making import (
    FILE,
    MONEY,
    SITE,
    begin_run,
    epic,
    goal,
    money,
    names,
    origin_of,
    put,
    relink,
    work_item,
)

RULES = "allocations"


def rule(code: str, target: str, percent: int | None = None, **more: object) -> AllocationRule:
    """A row of an allocation table: `12*` is a prefix, a target like O1 is an objective."""
    said: dict[str, object] = {
        "id": f"{code} {target} {more}",
        "field": CodeField.PROJECT,
        "code": code.rstrip("*"),
        "prefix": code.endswith("*"),
        "evidence": f"table.csv: {code}",
        "millionths": None if percent is None else percent * 10_000,
        "objective" if target.startswith("O") else "issue": target,
    }
    return AllocationRule(**(said | more))  # type: ignore[arg-type]


def matched(
    engine: Engine,
    lines: Sequence[BudgetLine],
    items: Sequence[WorkItem],
    rules: Sequence[AllocationRule] = (),
) -> list[tuple[str, str, int]]:
    """Read all that and match: (how or reason, key or objective or '', amount), in that order."""
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1"), goal("O2")], FILE)
        for records, source in ((items, SITE), (lines, MONEY), (rules, RULES)):
            put(connection, run_id, records, source)
            save.bury_absent(connection, origin_of(source, run_id), at_once=True)
        relink(connection)
        return result(connection)


def result(connection: Connection) -> list[tuple[str, str, int]]:
    links = connection.execute(
        select(budget_link.c.how, work_item.c.key, budget_link.c.amount_minor).join(
            work_item, work_item.c.id == budget_link.c.work_item_id
        )
    )
    left = connection.execute(
        select(remainder.c.reason, objective.c.source_id, remainder.c.amount_minor).outerjoin(
            objective, objective.c.id == remainder.c.objective_id
        )
    )
    return sorted((how, name or "", amount) for how, name, amount in [*links, *left])


ONE, TWO = epic("PAY-1", names("C1", How.COST_CODE)), epic("PAY-2")

# Each level alone: the line, and the rule that goes with it.
LEVELS = {
    "issue key": (money("C1", 100, issues=("Pay-2",)), rule("C1", "PAY-1")),
    "cost code": (money("c1", 100), rule("C1", "PAY-2")),
    "allocation table": (money("C9", 100), rule("C9", "pay-2")),
    "parent project": (money("X.1", 100, parents=("C1",)), rule("C1", "PAY-2")),
}


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_wins_over_those_after_it(engine: Engine, level: str) -> None:
    line, other = LEVELS[level]
    found = matched(engine, [line], [ONE, TWO], [other])
    assert found == [(level, "PAY-1" if level in {"cost code", "parent project"} else "PAY-2", 100)]


def test_a_line_that_no_level_knows_stays_whole_and_says_so(engine: Engine) -> None:
    assert matched(engine, [money("nobody", 100), money(None, -7)], [ONE]) == [
        (NO_MATCH, "", -7),
        (NO_MATCH, "", 100),
    ]


def test_money_booked_on_the_key_that_an_issue_had_before_it_moved_still_finds_it(engine: Engine) -> None:
    line = money(None, 100, issues=("PAY-1",))
    assert matched(engine, [line], [ONE]) == [("issue key", "PAY-1", 100)]
    assert matched(engine, [line], [replace(ONE, key="OPS-77")]) == [("issue key", "OPS-77", 100)]


def test_several_issue_keys_in_a_line_share_it(engine: Engine) -> None:
    line = money(None, -101, issues=("PAY-1", "PAY-2", "GONE-3"))
    assert matched(engine, [line], [ONE, TWO]) == [("issue key", "PAY-1", -51), ("issue key", "PAY-2", -50)]


def test_an_issue_number_in_a_project_column_is_no_issue_key(engine: Engine) -> None:
    assert matched(engine, [money("1", 100)], [ONE]) == [(NO_MATCH, "", 100)]


def test_the_project_code_counts_before_the_cost_centre(engine: Engine) -> None:
    items = [epic("PAY-1", names("P", How.COST_CODE)), epic("PAY-2", names("CC", How.COST_CODE))]
    lines = [money("P", 5, cost_centre="cc"), money("Q", 7, cost_centre="cc")]
    assert matched(engine, lines, items) == [("cost code", "PAY-1", 5), ("cost code", "PAY-2", 7)]


def test_whole_codes_count_before_prefixes_and_longer_prefixes_before_shorter(engine: Engine) -> None:
    rules = [rule("12*", "PAY-1"), rule("120*", "PAY-2"), rule("1200", "PAY-3")]
    lines = [money("1200", 1), money("1201", 2), money("1299", 4), money("1300", 8)]
    assert matched(engine, lines, [epic("PAY-1"), TWO, epic("PAY-3")], rules) == [
        ("allocation table", "PAY-1", 4),
        ("allocation table", "PAY-2", 2),
        ("allocation table", "PAY-3", 1),
        (NO_MATCH, "", 8),
    ]


def test_an_allocation_rule_holds_for_periods_that_begin_while_it_is_valid(engine: Engine) -> None:
    rules = [rule("X", "PAY-1", ends=202606), rule("X", "PAY-2", starts=202607)]
    periods = {"FY2026": 1, "FY2026-06": 2, "FY2026-07": 4, "FY2026-Q2": 8, "FY2026-Q3": 16, "FY2026-13": 32}
    lines = [money("X", amount, period=period, id=period) for period, amount in periods.items()]
    found = matched(engine, lines, [ONE, TWO], rules)
    assert sum(amount for _, key, amount in found if key == "PAY-1") == 1 + 2 + 8
    assert sum(amount for _, key, amount in found if key == "PAY-2") == 4 + 16 + 32


def test_an_allocation_rule_may_speak_of_one_source_of_money_and_one_site(engine: Engine) -> None:
    rules = [rule("X", "PAY-1", source="elsewhere"), rule("X", "PAY-2", source=MONEY, site=SITE)]
    assert matched(engine, [money("X", 3)], [ONE, TWO], rules) == [("allocation table", "PAY-2", 3)]
    assert matched(engine, [money("X", 3)], [ONE, TWO], [rule("X", "PAY-1", site="far")]) == [
        (NO_MATCH, "", 3)
    ]


PERCENTS = {
    "the rest is left over": (
        (33, 33),
        [("allocation table", "PAY-1", -33), ("allocation table", "PAY-2", -33), (NOT_SHARED_OUT, "", -34)],
    ),
    "all of it": ((60, 40), [("allocation table", "PAY-1", -60), ("allocation table", "PAY-2", -40)]),
    "more than all of it": ((60, 41), [(OVER, "", -100)]),
    "a percent for one and none for the other": ((60, None), [(MIXED, "", -100)]),
}


@pytest.mark.parametrize("case", PERCENTS)
def test_percents_are_taken_as_they_are_or_the_line_stays_unallocated(engine: Engine, case: str) -> None:
    (one, two), expected = PERCENTS[case]
    rules = [rule("X", "PAY-1", one), rule("X", "PAY-2", two)]
    assert matched(engine, [money("X", -100)], [ONE, TWO], rules) == expected


def test_a_refused_set_of_percents_names_its_rows(engine: Engine) -> None:
    matched(engine, [money("X", 100)], [ONE, TWO], [rule("X", "PAY-1", 60), rule("X", "PAY-2", 60)])
    with engine.connect() as connection:
        assert list(connection.scalars(select(remainder.c.evidence))) == ["table.csv: X"]


def test_a_code_may_serve_an_objective_where_no_work_is_known_for_it(engine: Engine) -> None:
    rules = [rule("X", "O1", 70), rule("X", "O2", 20), rule("C1", "O2")]
    assert matched(engine, [money("X", 100), money("C1", 5)], [ONE], rules) == [
        ("cost code", "PAY-1", 5),
        (OBJECTIVE_ONLY, "O1", 70),
        (OBJECTIVE_ONLY, "O2", 20),
        (NOT_SHARED_OUT, "", 10),
    ]


def test_the_nearest_project_above_that_anybody_knows_takes_the_money_of_its_parts(engine: Engine) -> None:
    items = [epic("PAY-1", names("A", How.COST_CODE)), epic("PAY-2", names("A.B", How.COST_CODE))]
    lines = [
        money("A.B.C", 1, parents=("A.B", "A")),
        money("A.X.Y", 2, parents=("A.X", "A")),
        money("sub", 4, parents=("part",)),
        money("part", 8, parents=("A.X.Y",)),
    ]
    assert matched(engine, lines, items) == [
        ("parent project", "PAY-1", 2),
        ("parent project", "PAY-1", 4),
        ("parent project", "PAY-1", 8),
        ("parent project", "PAY-2", 1),
    ]


def test_projects_that_are_part_of_each_other_end(engine: Engine) -> None:
    lines = [money("A", 1, parents=("B",)), money("B", 2, parents=("A",)), money("C", 4, parents=("C1", "C"))]
    assert matched(engine, lines, [ONE]) == [
        (NO_MATCH, "", 1),
        (NO_MATCH, "", 2),
        ("parent project", "PAY-1", 4),
    ]


def said_of(connection: Connection, verdict: str, field: str, code: str, key: str, *share: int) -> int:
    """A decision about the money with a code and an item or objective."""
    (target,) = decisions.find_targets(connection, key)
    ends = (decisions.Money(field, code), target)
    return decisions.decide(connection, verdict, ends, decisions.Said("Ada", NOW, "so it is"), *share)


def test_what_a_person_confirmed_wins_and_what_is_said_of_less_money_wins_over_more(engine: Engine) -> None:
    line = money("C1", 100, issues=("PAY-1",), cost_centre="CC", account="A")
    items = [epic(f"PAY-{number}") for number in range(1, 6)]
    assert matched(engine, [line], items) == [("issue key", "PAY-1", 100)]
    wider_first = (("account", "a"), ("cost_centre", "cc"), ("project", "c1"), ("line", line.id))
    for number, (field, code) in enumerate(wider_first, start=2):
        with engine.begin() as connection:
            said_of(connection, CONFIRMED, field, code, f"PAY-{number}")
        assert matched(engine, [line], items) == [("confirmed match", f"PAY-{number}", 100)]


def test_a_decision_follows_an_issue_that_moves(engine: Engine) -> None:
    line = money("X", 100)
    matched(engine, [line], [ONE])
    with engine.begin() as connection:
        said_of(connection, CONFIRMED, "project", "X", "PAY-1")
    assert matched(engine, [line], [replace(ONE, key="OPS-8")]) == [("confirmed match", "OPS-8", 100)]


def test_a_rejected_match_gives_way_to_the_next_level(engine: Engine) -> None:
    line, rules = money("C1", 100), [rule("C1", "PAY-2")]
    assert matched(engine, [line], [ONE, TWO], rules) == [("cost code", "PAY-1", 100)]
    with engine.begin() as connection:
        said_of(connection, REJECTED, "project", "C1", "PAY-1")
    assert matched(engine, [line], [ONE, TWO], rules) == [("allocation table", "PAY-2", 100)]
    with engine.begin() as connection:
        said_of(connection, REJECTED, "line", line.id, "PAY-2")
    assert matched(engine, [line], [ONE, TWO], rules) == [(NO_MATCH, "", 100)]


def test_a_rejection_of_a_project_holds_for_the_projects_below_it(engine: Engine) -> None:
    line = money("C1.7", 100, parents=("C1",))
    assert matched(engine, [line], [ONE]) == [("parent project", "PAY-1", 100)]
    with engine.begin() as connection:
        said_of(connection, REJECTED, "project", "C1", "PAY-1")
    assert matched(engine, [line], [ONE]) == [(NO_MATCH, "", 100)]


def test_a_confirmed_objective_shares_a_line_with_confirmed_work(engine: Engine) -> None:
    line = money("C1", 99)
    matched(engine, [line], [ONE, TWO])
    with engine.begin() as connection:
        said_of(connection, CONFIRMED, "project", "C1", "PAY-2", 300_000)
        said_of(connection, CONFIRMED, "project", "C1", "O1", 600_000)
    assert matched(engine, [line], [ONE, TWO]) == [
        ("confirmed match", "PAY-2", 30),
        (OBJECTIVE_ONLY, "O1", 59),
        (NOT_SHARED_OUT, "", 10),
    ]
