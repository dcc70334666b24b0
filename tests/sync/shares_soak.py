"""Money shared out and restated at random: among work, objectives and currencies each unit counts once.

The sums are made here, line by line, by one function that knows nothing of SQL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Connection, Engine, select

from connectors.finance.money import allocate
from connectors.records import (
    AllocationRule,
    BudgetLine,
    BudgetVersion,
    CodeField,
    FieldValue,
    FxRate,
    ObjectiveState,
    RateType,
)
from sync.store.coverage import coverage, save_coverage
from sync.store.links import budget_line, objective, relink_objectives, work_item
from sync.store.money import promotion
from sync.store.money.balance import share_money
from sync.store.money.conversions import Conversion, converted, missing_rate, save_conversions
from sync.store.money.objective_figures import objective_coverage, save_objectives
from sync.store.money.reconcile import reconcile, take_sums
from sync.store.money.shares import WHOLE, budget_link, remainder
from sync.store.money.staging import empty_stage, stage, stage_lines
from sync.store.presence import live
from tests.clock import TODAY
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, money, names, origin_of, put

LIVE, DEAD = ["O1", "O2", "O3"], ["X1"]
ITEMS = ["PAY-1", "PAY-2", "PAY-3"]
POINTS = "storyPoints"

Sums = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Booked:
    """One budget line: its code is an issue key, a code of the allocation table, or nobody's."""

    code: str
    minor: int
    currency: str
    month: int
    version: BudgetVersion

    def line(self, number: int) -> BudgetLine:
        said = {"period": f"FY2026-{self.month:02}", "version": self.version, "currency": self.currency}
        return money(self.code, self.minor, id=f"line {number}", **said)


@dataclass(frozen=True)
class World:
    """What money may fall to: objectives and points of each item, and what a table gives of a code."""

    serves: Sequence[Sequence[str]]
    points: Sequence[Decimal | None]
    table: Sequence[tuple[str, int | None]]
    driven: bool

    def shares(self, booked: Booked) -> list[tuple[str, int]]:
        """What of a line falls to each item, to an objective (`G`) or, as '', to none."""
        if booked.code in ITEMS:
            return [(booked.code, booked.minor)]
        if booked.code == "G":
            return [("O1", booked.minor)]
        if booked.code != "C" or not self.table:
            return [("", booked.minor)]
        keys, percents = [key for key, _ in self.table], [share for _, share in self.table]
        weights = self.weights(keys, percents)
        if weights is None:
            return [("", booked.minor)]
        return list(zip([*keys, ""], allocate(booked.minor, [*weights, 0][: len(weights) + 1]), strict=False))

    def weights(self, keys: Sequence[str], percents: Sequence[int | None]) -> list[int] | None:
        """The weights of the items and of what is left over, or None where they cannot be used."""
        rated = [share for share in percents if share is not None]
        if rated:
            left = WHOLE - sum(rated)
            return [*rated, left] if len(rated) == len(percents) and left >= 0 else None
        if not self.driven or len(keys) == 1:
            return [1] * len(keys)
        held = [self.points[ITEMS.index(key)] for key in keys]
        known = [int(points * 100) for points in held if points is not None and points >= 0]
        return known if len(known) == len(keys) and any(known) else None

    def by_objective(self, target: str, minor: int) -> list[tuple[str, int]]:
        """What of a share falls to each objective, or to none."""
        if target not in ITEMS:
            return [(target, minor)]
        goals = sorted(self.serves[ITEMS.index(target)])
        sharers = [name for name in goals if name in LIVE] or goals or [""]
        return list(zip(sharers, allocate(minor, len(sharers)), strict=True))


minors = st.integers(-9, 9) | st.integers(-(10**6), 10**6) | st.integers(-(10**15), 10**15)
BOOKED = st.builds(
    Booked,
    code=st.sampled_from([*ITEMS, "C", "C", "G", "nobody"]),
    minor=minors,
    currency=st.sampled_from(["USD", "EUR", "JPY", "KWD"]),
    month=st.integers(1, 3),
    version=st.sampled_from(BudgetVersion),
)
STATES = st.lists(st.lists(BOOKED, max_size=6), min_size=1, max_size=3)
WORLDS = st.builds(
    World,
    serves=st.lists(st.lists(st.sampled_from([*LIVE, *DEAD]), unique=True), min_size=3, max_size=3),
    points=st.lists(st.none() | st.decimals(-1, 40, places=2), min_size=3, max_size=3),
    table=st.lists(
        st.tuples(st.sampled_from(ITEMS), st.none() | st.sampled_from([333_333, 500_000, 100_000, WHOLE])),
        max_size=3,
        unique_by=lambda it: it[0],
    ).map(sorted),
    driven=st.booleans(),
)


def put_world(connection: Connection, run_id: int, world: World) -> None:
    """Fill an empty store with the world, and with rates for euros and for yen in one month of three."""
    dead = [goal(name, state=ObjectiveState.CLOSED) for name in DEAD]
    put(connection, run_id, [*map(goal, LIVE), *dead], FILE)
    items = []
    for key, goals, points in zip(ITEMS, world.serves, world.points, strict=True):
        value = () if points is None else (FieldValue(POINTS, str(points), int(points * WHOLE)),)
        items.append(epic(key, *map(names, goals), values=value))
    put(connection, run_id, items)
    rules = [
        AllocationRule(key, CodeField.PROJECT, "C", key, issue=key, millionths=share)
        for key, share in world.table
    ]
    rules.append(AllocationRule("G", CodeField.PROJECT, "G", "G", objective="O1"))
    put(connection, run_id, rules, "allocations")
    rates = [("EUR", "FY2026", "1.0837"), ("JPY", "FY2026-01", "0.0066")]
    known = [
        FxRate(code, RateType.AVERAGE, code, "USD", Decimal(rate), period=period)
        for code, period, rate in rates
    ]
    put(connection, run_id, known, "rates")


def restate(connection: Connection, run_id: int, lines: list[BudgetLine]) -> None:
    """Make these lines all that counts, proved as an import proves them."""
    origin = origin_of(MONEY, run_id)
    empty_stage(connection)
    stage_lines(connection, lines, None)
    promotion.compare(connection, MONEY)
    was = take_sums(connection, MONEY)
    promotion.promote(connection, origin)
    reconcile(connection, origin, was, promotion.sums_of(connection, stage))


def check_world(connection: Connection, world: World, states: Sequence[Sequence[Booked]], first: int) -> None:
    """Restate the lines again and again; after each time hold every sum against those made here."""
    put_world(connection, first, world)
    for run_id, booked in enumerate(states, first):
        restate(connection, run_id, [it.line(number) for number, it in enumerate(booked)])
        relink_objectives(connection)
        drivers = {MONEY: POINTS} if world.driven else {}
        assert share_money(connection, run_id, TODAY, drivers) == {}
        save_coverage(connection, run_id, TODAY, certain=True)
        save_objectives(connection, run_id, TODAY, certain=True)
        save_conversions(connection, run_id, Conversion("USD", "rates", "average", 1), TODAY, certain=True)
        work, goals = Sums(), Sums()
        for it in booked:
            for target, minor in world.shares(it):
                work[target if target in ITEMS else "", it.currency] += minor
                for name, part in world.by_objective(target, minor):
                    goals[name, it.currency] += part
        assert nonzero(fallen_to_work(connection)) == nonzero(work)
        assert nonzero(fallen_to_objectives(connection, run_id)) == nonzero(goals)
        check_totals(connection, run_id, booked)


def fallen_to_work(connection: Connection) -> Sums:
    found = Sums()
    line = budget_line.c.id
    for row in connection.execute(
        select(work_item.c.key, budget_line.c.currency, budget_link.c.amount_minor)
        .join_from(budget_link, budget_line, line == budget_link.c.budget_line_id)
        .join(work_item, work_item.c.id == budget_link.c.work_item_id)
    ):
        found[row[0], row[1]] += row[2]
    for currency, minor in connection.execute(
        select(budget_line.c.currency, remainder.c.amount_minor).join(
            remainder, line == remainder.c.budget_line_id
        )
    ):
        found["", currency] += minor
    return found


def fallen_to_objectives(connection: Connection, run_id: int) -> Sums:
    found = Sums()
    for row in connection.execute(
        select(objective.c.source_id, objective_coverage.c.currency, objective_coverage.c.amount_minor)
        .select_from(objective_coverage)
        .outerjoin(objective, objective.c.id == objective_coverage.c.objective_id)
        .where(objective_coverage.c.run_id == run_id)
    ):
        found[row[0] or "", row[1]] += row[2]
    return found


def check_totals(connection: Connection, run_id: int, booked: Sequence[Booked]) -> None:
    """Lines, coverage, and what was converted with what has no rate come to the same."""
    whole: Counter[str] = Counter()
    for it in booked:
        whole[it.currency] += it.minor
    standing: Counter[str] = Counter()
    for row in connection.execute(
        select(budget_line.c.currency, budget_line.c.amount_minor).where(live(budget_line))
    ):
        standing[row[0]] += row[1]
    assert standing == whole
    assert in_table(connection, run_id, coverage.c.amount_minor) == whole
    derived = in_table(connection, run_id, converted.c.source_minor)
    derived.update(in_table(connection, run_id, missing_rate.c.source_minor))
    assert derived == Counter({currency: minor for currency, minor in whole.items() if currency != "USD"})


def in_table(connection: Connection, run_id: int, amount: Column[int]) -> Counter[str]:
    """Sum an amount of a run's figures by currency."""
    table = amount.table
    whole = [table.c.project_key == "", table.c.currency != ""] if table is coverage else []
    found: Counter[str] = Counter()
    for row in connection.execute(select(table.c.currency, amount).where(table.c.run_id == run_id, *whole)):
        found[row[0]] += row[1]
    return found


def nonzero(sums: Sums) -> dict[tuple[str, str], int]:
    return {key: minor for key, minor in sums.items() if minor}


def shares_test(
    engine: Engine, examples: int, *, derandomize: bool, number: int | None = None
) -> Callable[[], None]:
    """Make the property as a function; no example is committed, so each begins with an empty store."""
    first = min(begin_run(engine) for _ in range(3))

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(world=WORLDS, states=STATES)
    def check(world: World, states: list[list[Booked]]) -> None:
        with engine.connect() as connection:
            check_world(connection, world, states, first)
            connection.rollback()

    return check if number is None else seed(number)(check)
