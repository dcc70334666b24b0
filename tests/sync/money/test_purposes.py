"""Money of work that serves several objectives is divided among them: each amount counts once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, select

from connectors.records import AllocationRule, BudgetVersion, CodeField, ObjectiveState
from rules.ruleset import RuleSet
from sync.explain.money import LineExplainer
from sync.judge import judge
from sync.rulebook import load_rules
from sync.settings import load_settings
from sync.store import runs
from sync.store.coverage import coverage, save_coverage
from sync.store.links import objective
from sync.store.money.balance import money_balance, save_balance
from sync.store.money.objective_figures import objective_coverage, save_objectives
from sync.store.money.purposes import served_money
from sync.store.money.shares import budget_link
from sync.store.runs import source_run
from tests.clock import NOW, TODAY
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, money, names, put, relink

LIVE, DEAD = ["O1", "O2", "O3"], ["X1", "X2"]
ITEMS = [f"PAY-{number}" for number in range(1, 5)]
GOALS = [*map(goal, LIVE), *(goal(name, state=ObjectiveState.CLOSED) for name in DEAD)]
SHIPPED = load_rules(load_settings({"TIELINE_FISCAL_YEAR": "2026"}), NOW)

serves = st.lists(st.sampled_from([*LIVE, *DEAD]), unique=True, max_size=4)
amounts = st.one_of(st.integers(-9, 9), st.integers(-(10**15), 10**15), st.sampled_from([2**59, -(2**59)]))
lines = st.tuples(st.sampled_from([*ITEMS, "code", "nobody"]), amounts, st.sampled_from(["USD", "JPY"]))


def put_world(
    connection: Connection, ties: Sequence[Sequence[str]], drawn: Sequence[tuple[str, int, str]]
) -> None:
    """Items that serve these objectives; money on items, on a code that a table gives to O1, on nothing."""
    put(connection, 1, GOALS, FILE)
    put(connection, 1, [epic(key, *map(names, goals)) for key, goals in zip(ITEMS, ties, strict=True)])
    booked = [
        money(code, minor, id=str(n), currency=currency) for n, (code, minor, currency) in enumerate(drawn)
    ]
    put(connection, 1, booked, MONEY)
    rule = AllocationRule("rule", CodeField.PROJECT, "code", "table line 2", objective="O1")
    put(connection, 1, [rule], "allocations")


def expected(
    ties: Sequence[Sequence[str]], drawn: Sequence[tuple[str, int, str]]
) -> Counter[tuple[str, str]]:
    """What falls to each objective, or to '', by currency: written out for one line after the other."""
    sums: Counter[tuple[str, str]] = Counter()
    for code, minor, currency in drawn:
        goals = sorted(ties[ITEMS.index(code)]) if code in ITEMS else ["O1"] if code == "code" else []
        sharers = [name for name in goals if name in LIVE] or goals or [""]
        whole, over = divmod(abs(minor), len(sharers))
        for place, name in enumerate(sharers):
            sums[name, currency] += (whole + (place < over)) * (1 if minor > 0 else -1)
    return sums


def served(connection: Connection) -> dict[str, int]:
    found = served_money().subquery()
    rows = connection.execute(
        select(objective.c.source_id, func.sum(found.c.amount))
        .join_from(found, objective, objective.c.id == found.c.objective)
        .group_by(objective.c.source_id)
    )
    return {row[0]: int(row[1]) for row in rows}


@pytest.fixture
def bare(engine: Engine) -> Engine:
    begin_run(engine)
    return engine


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(ties=st.lists(serves, min_size=4, max_size=4), drawn=st.lists(lines, max_size=8))
def test_objectives_and_none_sum_to_the_lines_whatever_serves_how_many(
    bare: Engine, ties: list[list[str]], drawn: list[tuple[str, int, str]]
) -> None:
    with bare.connect() as connection:  # never committed: each example starts from an empty store
        put_world(connection, ties, drawn)
        relink(connection)
        assert save_balance(connection, 1) == {}
        save_coverage(connection, 1, TODAY, certain=True)
        save_objectives(connection, 1, TODAY, certain=True)
        by_goal = Counter[tuple[str, str]]()
        by_state = Counter[tuple[str, str]]()
        for row in connection.execute(
            select(objective_coverage, objective.c.source_id).outerjoin(
                objective, objective.c.id == objective_coverage.c.objective_id
            )
        ):
            by_goal[row.source_id or "", row.currency] += row.amount_minor
            by_state[row.state, row.currency] += row.amount_minor
        assert nonzero(by_goal) == nonzero(expected(ties, drawn))
        whole = select(coverage).where(coverage.c.project_key == "", coverage.c.currency != "")
        states = Counter[tuple[str, str]]()
        for row in connection.execute(whole):
            states[row.state, row.currency] += row.amount_minor
        assert nonzero(by_state) == nonzero(states)


def nonzero(sums: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    return {key: minor for key, minor in sums.items() if minor}


DIVIDED = {
    "100 among three": (100, ["O1", "O2", "O3"], {"O1": 34, "O2": 33, "O3": 33}),
    "-100 among three": (-100, ["O1", "O2", "O3"], {"O1": -34, "O2": -33, "O3": -33}),
    "1 among two": (1, ["O1", "O2"], {"O1": 1, "O2": 0}),
    "a dead one beside a live one": (100, ["O1", "X1"], {"O1": 100}),
    "dead ones alone": (101, ["X1", "X2"], {"X1": 51, "X2": 50}),
    "none": (100, [], {}),
}


@pytest.mark.parametrize("case", DIVIDED)
def test_an_amount_is_divided_among_the_live_objectives(bare: Engine, case: str) -> None:
    minor, goals, parts = DIVIDED[case]
    with bare.begin() as connection:
        put_world(connection, [goals, [], [], []], [("PAY-1", minor, "USD")])
        relink(connection)
        assert served(connection) == parts


def test_a_line_is_explained_with_the_part_of_each_objective(bare: Engine) -> None:
    with bare.begin() as connection:
        put_world(connection, [["O1", "O2", "X1"], [], [], []], [("PAY-1", 101, "USD")])
        relink(connection)
        (line,) = LineExplainer(connection, {}, TODAY).explain("project=PAY-1")
    assert line.shares[0].objectives == ("O1 0.51 USD", "O2 0.50 USD", "X1 (not live) no part")


def test_an_objective_that_ends_leaves_its_part_to_the_others(bare: Engine) -> None:
    with bare.begin() as connection:
        put(connection, 1, [goal("O1"), goal("O2", ends=TODAY)], FILE)
        put(connection, 1, [epic("PAY-1", names("O1"), names("O2"))])
        put(connection, 1, [money("PAY-1", 100)], MONEY)
        relink(connection)
        assert served(connection) == {"O1": 50, "O2": 50}
        relink(connection, TODAY + timedelta(days=1))
        assert served(connection) == {"O1": 100}


# A store that does not keep what it is told: each share is a minor unit more than was written.
MEDDLING = {
    "sqlite": """
        CREATE TRIGGER meddle AFTER INSERT ON budget_link
        BEGIN UPDATE budget_link SET amount_minor = amount_minor + 1 WHERE id = NEW.id; END
    """,
    "postgresql": """
        CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN NEW.amount_minor := NEW.amount_minor + 1; RETURN NEW; END';
        CREATE TRIGGER meddle BEFORE INSERT ON budget_link FOR EACH ROW EXECUTE FUNCTION meddle()
    """,
}


def night(engine: Engine, rules: RuleSet = SHIPPED) -> tuple[int, dict[str, str], set[str]]:
    """Judge, with a finance source read whole; give the run, what is unproved and what is frozen."""
    run_id = begin_run(engine)
    with engine.begin() as connection:
        runs.begin_source(connection, run_id, MONEY, "finance", NOW)
        runs.finish_source(connection, run_id, MONEY, NOW, status="complete", message=None)
        judged = judge(connection, rules, (), run_id, NOW)
    return run_id, dict(judged.unproved), set(judged.frozen)


def test_a_sum_that_is_off_fails_the_source_and_keeps_what_stood(engine: Engine) -> None:
    begin_run(engine)
    with engine.begin() as connection:
        put_world(connection, [["O1", "O2"], [], [], []], [("PAY-1", 101, "USD")])
    first, unproved, frozen = night(engine)
    assert (unproved, frozen) == ({}, set())
    with engine.begin() as connection:
        put(connection, first, [money("PAY-1", 201, id="0")], MONEY)
        connection.exec_driver_sql(MEDDLING[engine.dialect.name])
    second, unproved, frozen = night(engine)
    said = "budget FY2026 USD: in minor units, the lines sum to 201, what falls to work and to none to 202"
    assert unproved[MONEY].startswith(said)
    assert "budget-without-work" in frozen
    assert "epic-without-objective" not in frozen
    with engine.connect() as connection:
        assert list(connection.scalars(select(budget_link.c.amount_minor))) == [101]
        read = connection.execute(select(source_run).where(source_run.c.run_id == second)).one()
        assert read.status == "failed"
        assert read.message.startswith(said)
        assert set(connection.scalars(select(money_balance.c.run_id))) == {first}
        assert runs.complete_sources(connection) == set()


def test_money_of_each_version_is_divided_by_itself(bare: Engine) -> None:
    with bare.begin() as connection:
        put(connection, 1, [goal("O1"), goal("O2")], FILE)
        put(connection, 1, [epic("PAY-1", names("O1"), names("O2"))])
        booked = [money("PAY-1", 1, id=it.value, version=it) for it in BudgetVersion]
        put(connection, 1, booked, MONEY)
        relink(connection)
        save_objectives(connection, 1, TODAY, certain=True)
        rows = connection.execute(select(objective_coverage.c.version, objective_coverage.c.amount_minor))
        assert Counter(row.version for row in rows if row.amount_minor) == Counter(BudgetVersion)
