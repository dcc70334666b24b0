"""On drawn portfolios matching agrees with a plain oracle, sums to every line and rolls up amounts once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, select

from connectors.finance.money import allocate
from connectors.records import AllocationRule, BudgetLine, BudgetVersion, CodeField, How, Reference, WorkItem
from sync.store.coverage import coverage, save_coverage
from sync.store.links import budget_line, objective, work_item
from sync.store.money import decisions
from sync.store.money.levels import CONFIRMED, REJECTED
from sync.store.money.rolledup import rolled_up
from sync.store.money.shares import WHOLE, budget_link, remainder
from tests.clock import NOW, TODAY
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, money, put, relink

CODES = ["A", "AB", "ABC", "ABX", "B", "PAY-1", "PAY-2"]
ITEMS = [f"PAY-{number}" for number in range(1, 5)]
GOALS = ["O1", "O2"]
FIELDS = (CodeField.PROJECT, CodeField.COST_CENTRE, CodeField.ACCOUNT)
ORDER = ("line", *FIELDS)

code, item = st.sampled_from(CODES), st.sampled_from(ITEMS)
target = st.sampled_from([*ITEMS, *GOALS])
share = st.one_of(st.none(), st.integers(1, WHOLE), st.sampled_from([333_333, 500_000, WHOLE]))
amount = st.one_of(st.integers(-(10**15), 10**15), st.integers(-9, 9), st.sampled_from([2**59, -(2**59)]))


@dataclass(frozen=True)
class Decision:
    verdict: str
    field: str
    code: str
    target: str
    share: int | None


@dataclass(frozen=True)
class World:
    lines: Sequence[BudgetLine]
    items: Sequence[WorkItem]
    rules: Sequence[AllocationRule]
    decisions: Sequence[Decision]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    numbers = range(draw(st.integers(1, 6)))
    lines = [
        money(
            draw(st.one_of(st.none(), code)),
            draw(amount),
            id=f"line {number}",
            currency=draw(st.sampled_from(["USD", "JPY", "KWD"])),
            version=draw(st.sampled_from(BudgetVersion)),
            cost_centre=draw(st.one_of(st.none(), code)),
            account=draw(st.one_of(st.none(), code)),
            issues=tuple(draw(st.lists(item, max_size=1))),
            parents=tuple(draw(st.lists(code, max_size=2, unique=True))),
        )
        for number in numbers
    ]
    carried = {key: draw(st.lists(code, max_size=2)) for key in ITEMS}
    items = [
        epic(key, *(Reference(How.COST_CODE, carries, "field") for carries in codes))
        for key, codes in carried.items()
    ]
    rules = [
        AllocationRule(
            id=f"rule {number}",
            field=draw(st.sampled_from(FIELDS)),
            code=draw(code),
            evidence=f"rule {number}",
            prefix=draw(st.booleans()),
            issue=whom if whom in ITEMS else None,
            objective=whom if whom in GOALS else None,
            millionths=draw(share),
        )
        for number, whom in enumerate(draw(st.lists(target, max_size=5)))
    ]
    said = st.builds(
        Decision,
        st.sampled_from([CONFIRMED, REJECTED]),
        st.sampled_from(FIELDS),
        code,
        target,
        share,
    )
    same_pair = lambda it: (it.field, it.code, it.target)  # noqa: E731
    return World(lines, items, rules, draw(st.lists(said, max_size=3, unique_by=same_pair)))


Hit = tuple[str, int | None]
Shares = list[tuple[str, int]]


class Oracle:
    """Matching as one would write it for a single line, in memory."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.steps: defaultdict[str, list[str]] = defaultdict(list)
        for line in world.lines:
            chain = [line.project, *line.parents]
            for lower, upper in pairwise(chain):
                if lower is not None and upper is not None:
                    self.steps[lower].append(upper)

    def shares(self, line: BudgetLine) -> Shares:
        """What falls to each key or objective, and to '' what falls to none."""
        for level in self.levels(line):
            hits = [hit for hit in level() if hit is not None]
            if hits:
                return self.cut(line, hits)
        return [("", line.amount_minor)]

    def levels(self, line: BudgetLine) -> Iterator[Callable[[], list[Hit]]]:
        own = {
            CodeField.PROJECT: line.project,
            CodeField.COST_CENTRE: line.cost_centre,
            CodeField.ACCOUNT: line.account,
        }

        def allowed(hits: list[Hit], above: str | None = None) -> list[Hit]:
            known = {(field, it) for field, it in own.items() if it} | {(CodeField.PROJECT, above)}
            no = {it.target for it in self.said(REJECTED) if (it.field, it.code) in known}
            return [hit for hit in hits if hit[0] not in no]

        for field in FIELDS:
            yield lambda field=field: allowed(self.confirmed(field, own[field]))  # type: ignore[misc]
        yield lambda: allowed([(key, None) for key in line.issues])
        yield lambda: allowed(self.key(line.project))
        for field in FIELDS[:2]:
            yield lambda field=field: allowed(self.carried(own[field]))  # type: ignore[misc]
        yield from self.allocated(own, allowed, issues=True)
        for code_above in self.above(line.project):
            for look in (
                lambda it: self.confirmed(CodeField.PROJECT, it),
                self.key,
                self.carried,
                lambda it: self.ruled(CodeField.PROJECT, it, 0, issues=True),
            ):
                yield lambda look=look, level=code_above: [  # type: ignore[misc]
                    hit for it in level for hit in allowed(look(it), it)
                ]
        yield from self.allocated(own, allowed, issues=False)
        for code_above in self.above(line.project):
            yield lambda level=code_above: [  # type: ignore[misc]
                hit for it in level for hit in allowed(self.ruled(CodeField.PROJECT, it, 0, issues=False), it)
            ]

    def allocated(
        self, own: dict[CodeField, str | None], allowed: Callable[[list[Hit]], list[Hit]], *, issues: bool
    ) -> Iterator[Callable[[], list[Hit]]]:
        for field in FIELDS:
            for size in (0, 9, 8, 7, 6, 5, 4, 3, 2, 1):
                yield lambda field=field, size=size: allowed(  # type: ignore[misc]
                    self.ruled(field, own[field], size, issues=issues)
                )

    def said(self, verdict: str) -> list[Decision]:
        return [it for it in self.world.decisions if it.verdict == verdict]

    def confirmed(self, field: str, of: str | None) -> list[Hit]:
        return [(it.target, it.share) for it in self.said(CONFIRMED) if (it.field, it.code) == (field, of)]

    def key(self, of: str | None) -> list[Hit]:
        return [(of, None)] if of is not None and of in ITEMS else []

    def carried(self, of: str | None) -> list[Hit]:
        return [(it.key, None) for it in self.world.items if of in {ref.target for ref in it.references}]

    def ruled(self, field: str, of: str | None, size: int, *, issues: bool) -> list[Hit]:
        return [
            (rule.issue or rule.objective or "", rule.millionths)
            for rule in self.world.rules
            if of is not None
            and rule.field == field
            and (rule.issue is not None) == issues
            and rule.prefix == bool(size)
            and (len(rule.code) == size and of[:size] == rule.code if size else of == rule.code)
        ]

    def above(self, project: str | None) -> Iterator[list[str]]:
        """The projects above one, by the fewest steps to each."""
        seen = level = {it for it in (project,) if it is not None}
        while level := {up for it in level for up in self.steps[it]} - seen:
            seen = seen | level
            yield sorted(level)

    def cut(self, line: BudgetLine, hits: list[Hit]) -> Shares:
        whom: defaultdict[str, list[int | None]] = defaultdict(list)
        for name, millionths in hits:
            whom[name].append(millionths)
        names = sorted(whom, key=lambda name: (name in GOALS, name))
        every = [one for name in names for one in whom[name]]
        if all(one is None for one in every):
            return list(zip(names, allocate(line.amount_minor, len(names)), strict=True))
        total = sum(one or 0 for one in every)
        if None in every or total > WHOLE:
            return [("", line.amount_minor)]
        weights = [sum(one or 0 for one in whom[name]) for name in names]
        if total == WHOLE:
            return list(zip(names, allocate(line.amount_minor, weights), strict=True))
        parts = allocate(line.amount_minor, [*weights, WHOLE - total])
        return list(zip([*names, ""], parts, strict=True))


def stored(connection: Connection) -> dict[str, Counter[tuple[str, int]]]:
    """What the store holds for each line: (key, objective or '', amount)."""
    links = select(budget_line.c.source_id, work_item.c.key, budget_link.c.amount_minor)
    links = links.join_from(budget_link, budget_line, budget_line.c.id == budget_link.c.budget_line_id)
    left = select(budget_line.c.source_id, objective.c.source_id, remainder.c.amount_minor)
    left = left.join_from(remainder, budget_line, budget_line.c.id == remainder.c.budget_line_id)
    found: defaultdict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    for line, name, part in [
        *connection.execute(links.join(work_item, work_item.c.id == budget_link.c.work_item_id)),
        *connection.execute(left.outerjoin(objective, objective.c.id == remainder.c.objective_id)),
    ]:
        found[line][name or "", part] += 1
    return found


@pytest.fixture
def bare(engine: Engine) -> Engine:
    begin_run(engine)
    return engine


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(world=worlds())
def test_every_line_is_shared_out_as_the_oracle_says_and_every_series_adds_up(
    bare: Engine, world: World
) -> None:
    with bare.connect() as connection:  # never committed: each example starts from an empty store
        put(connection, 1, [goal(name) for name in GOALS], FILE)
        put(connection, 1, world.items)
        put(connection, 1, world.lines, MONEY)
        put(connection, 1, world.rules, "allocations")
        for it in world.decisions:
            (end,) = decisions.find_targets(connection, it.target)
            said = decisions.Said("Ada", NOW, "so it is")
            ends = (decisions.Money(it.field, it.code), end)
            decisions.decide(connection, it.verdict, ends, said, it.share)
        relink(connection)
        save_coverage(connection, 1, TODAY, certain=True)
        oracle = Oracle(world)
        expected = {line.id: Counter(oracle.shares(line)) for line in world.lines}
        assert stored(connection) == expected
        whole: Counter[tuple[str, str]] = Counter()
        for line in world.lines:
            whole[line.currency, line.version.value] += line.amount_minor
        figures = connection.execute(
            select(coverage.c.currency, coverage.c.version, func.sum(coverage.c.amount_minor))
            .where(coverage.c.project_key == "", coverage.c.currency != "")
            .group_by(coverage.c.currency, coverage.c.version)
        )
        assert {(row[0], row[1]): int(row[2]) for row in figures} == dict(whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(
    parents=st.lists(st.one_of(st.none(), st.integers(1, 8)), min_size=8, max_size=8),
    amounts=st.lists(st.integers(-1000, 1000), min_size=8, max_size=8),
)
def test_money_rolls_up_through_every_tree_and_circle_once(
    bare: Engine, parents: list[int | None], amounts: list[int]
) -> None:
    keys = [f"PAY-{number}" for number in range(1, 9)]
    with bare.connect() as connection:
        tree = [
            epic(key, parent_id=None if parent is None else str(parent))
            for key, parent in zip(keys, parents, strict=True)
        ]
        put(connection, 1, tree)
        lines = [money(key, part, id=key) for key, part in zip(keys, amounts, strict=True)]
        put(connection, 1, lines, MONEY)
        relink(connection)
        found = sums(connection)

        def over(number: int) -> set[int]:
            """The numbers of an item and of everything above it."""
            seen: set[int] = set()
            step: int | None = number
            while step is not None and step not in seen:
                seen.add(step)
                step = parents[step - 1]
            return seen

        expected = {
            key: sum(amounts[low - 1] for low in range(1, 9) if number in over(low))
            for number, key in enumerate(keys, start=1)
        }
        assert found == expected


def sums(connection: Connection) -> dict[str, int]:
    whole = rolled_up().subquery()
    rows = connection.execute(
        select(work_item.c.key, whole.c.amount).join_from(whole, work_item, work_item.c.id == whole.c.item)
    )
    return {row.key: int(row.amount) for row in rows}
