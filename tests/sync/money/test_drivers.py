"""A source may share the money of a line by a number field of the work: exactly, or the line says why not."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select

from connectors.finance.money import allocate
from connectors.records import AllocationRule, CodeField, FieldValue
from sync.store.links import work_item
from sync.store.money import shares
from sync.store.money.shares import WHOLE, budget_link, remainder
from tests.sync.making import MONEY, begin_run, epic, money, put, relink

POINTS = {MONEY: "storyPoints"}


@pytest.fixture
def bare(engine: Engine) -> Engine:
    begin_run(engine)
    return engine


def held(key: str, points: str | None, field: str = "storyPoints") -> Any:
    """An epic with so many points, written as in Jira, or with none."""
    number = None if points is None else int(Decimal(points) * WHOLE)
    return epic(key, values=() if points is None else (FieldValue(field, str(points), number),))


def shared(
    connection: Connection,
    minor: int,
    points: Mapping[str, str | None],
    drivers: Mapping[str, str] | None = None,
    percents: Mapping[str, int] | None = None,
) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Share an amount among items with these points: what falls to each, and what is left and why."""
    given = percents or {}
    put(connection, 1, [held(key, points[key]) for key in points])
    put(connection, 1, [money("C", minor)], MONEY)
    rules = [
        AllocationRule(key, CodeField.PROJECT, "C", key, issue=key, millionths=given.get(key))
        for key in points
    ]
    put(connection, 1, rules, "allocations")
    relink(connection, drivers=POINTS if drivers is None else drivers)
    found = connection.execute(
        select(work_item.c.key, budget_link.c.amount_minor)
        .join(work_item, work_item.c.id == budget_link.c.work_item_id)
        .order_by(work_item.c.key)
    )
    left = connection.execute(select(remainder.c.reason, remainder.c.amount_minor))
    return {row[0]: row[1] for row in found}, [(row[0], row[1]) for row in left]


CASES: dict[str, tuple[int, dict[str, str | None], dict[str, int]]] = {
    "1 to 2": (100, {"PAY-1": "1", "PAY-2": "2"}, {"PAY-1": 33, "PAY-2": 67}),
    "halves": (100, {"PAY-1": "0.5", "PAY-2": "1.5"}, {"PAY-1": 25, "PAY-2": 75}),
    "negative": (-100, {"PAY-1": "1", "PAY-2": "2"}, {"PAY-1": -33, "PAY-2": -67}),
    "nothing for 0": (100, {"PAY-1": "0", "PAY-2": "3"}, {"PAY-1": 0, "PAY-2": 100}),
    "seconds": (10**15 + 1, {"PAY-1": "28800", "PAY-2": "57600"},
                {"PAY-1": 333_333_333_333_334, "PAY-2": 666_666_666_666_667}),
    "alone, without a value": (100, {"PAY-1": None}, {"PAY-1": 100}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_several_items_share_a_line_by_the_field(bare: Engine, case: str) -> None:
    minor, points, parts = CASES[case]
    with bare.begin() as connection:
        assert shared(connection, minor, points) == (parts, [])


REFUSED: dict[str, tuple[dict[str, str | None], str]] = {
    "no value": ({"PAY-1": "3", "PAY-2": None}, shares.NO_WEIGHT),
    "below nothing": ({"PAY-1": "3", "PAY-2": "-1"}, shares.NO_WEIGHT),
    "all 0": ({"PAY-1": "0", "PAY-2": "0"}, shares.NOTHING_TO_WEIGH),
    "too much": ({"PAY-1": "2999.000001", "PAY-2": "1001"}, shares.TOO_HEAVY),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_line_that_cannot_be_shared_by_the_field_falls_to_nobody_and_says_why(
    bare: Engine, case: str
) -> None:
    points, reason = REFUSED[case]
    with bare.begin() as connection:
        assert shared(connection, 100, points) == ({}, [(reason, 100)])


def test_percents_come_before_the_field(bare: Engine) -> None:
    with bare.begin() as connection:
        given = {"PAY-1": 600_000, "PAY-2": 400_000}
        found = shared(connection, 100, {"PAY-1": "1", "PAY-2": "3"}, percents=given)
        assert found == ({"PAY-1": 60, "PAY-2": 40}, [])


def test_a_source_that_names_no_field_shares_equally(bare: Engine) -> None:
    with bare.begin() as connection:
        found = shared(connection, 101, {"PAY-1": "1", "PAY-2": "3"}, {"another": "storyPoints"})
        assert found == ({"PAY-1": 51, "PAY-2": 50}, [])


weights = st.lists(st.decimals(0, 900, places=2), min_size=2, max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(minor=st.integers(-(10**15), 10**15) | st.integers(-9, 9), drawn=weights)
def test_shares_by_a_field_are_those_of_the_largest_remainder(
    bare: Engine, minor: int, drawn: list[Decimal]
) -> None:
    points = {f"PAY-{number}": str(it) for number, it in enumerate(drawn, 1)}
    with bare.connect() as connection:  # never committed: each example starts from an empty store
        found, left = shared(connection, minor, points)
        heavy = [int(it * 100) for it in drawn]
        if not sum(heavy):
            assert (found, left) == ({}, [(shares.NOTHING_TO_WEIGH, minor)])
        else:
            assert (list(found.values()), left) == (list(allocate(minor, heavy)), [])
