"""The SQL of a condition and its evaluation in Python give the same answer, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, event, select
from sqlalchemy.engine import Connection, Engine

from rules.evaluate import evaluate, holds
from rules.jql import quote
from rules.sql import to_sql
from rules.sql_functions import register
from tests import postgres
from tests.rules.sample import (
    BOUND,
    SOURCE,
    STATUSES,
    THING,
    THINGS,
    WORDS,
    condition_of,
    items,
    store,
    with_rollups,
)

POPULATION = items(150)
EVALUATED = with_rollups(THING)
COMPILED = with_rollups(BOUND.entities[0])


def _words(*names: str) -> st.SearchStrategy[str]:
    name, word = (
        st.sampled_from(names),
        st.sampled_from([*WORDS, *STATUSES, "OBJ-1", "obj-2", "nobody"]).map(quote),
    )
    one = st.builds("{} {} {}".format, name, st.sampled_from(["=", "!="]), word)
    listed = st.lists(word | st.just("EMPTY"), min_size=1, max_size=3).map(", ".join)
    several = st.builds("{} {} ({})".format, name, st.sampled_from(["IN", "NOT IN"]), listed)
    return one | several | st.just(f"{names[0]} = valueOf(status)")


def _texts(*names: str) -> st.SearchStrategy[str]:
    part = st.sampled_from(["x", "über", "ÜBER U", "_", "%", "'", '"', "\\", "a_b 100%", ""])
    function = st.sampled_from(["startsWith({})", "endsWith({})", "{}"])
    right = st.builds(lambda form, text: form.format(quote(text) if text else '""'), function, part)
    pattern = st.sampled_from([r"^x", r"^(a_b|x)", r"\d+%", r"(?i)^[a-z]_b|hi", r"[^\s]\\", "s.y", "uns$"])
    matches = pattern.map(lambda text: f"matches({quote(text)})")
    return st.builds("{} {} {}".format, st.sampled_from(names), st.sampled_from(["~", "!~"]), right | matches)


def _ordered(names: list[str], literals: list[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
    one = st.builds("{} {} {}".format, st.sampled_from(names), operator, st.sampled_from(literals))
    several = st.lists(
        st.sampled_from([text for text in literals if text[0].isdigit() or text[0] == '"']),
        min_size=1,
        max_size=3,
    )
    listed = st.builds(
        "{} {} ({})".format, st.sampled_from(names), st.sampled_from(["IN", "NOT IN"]), several.map(", ".join)
    )
    return one | listed


NUMBERS = ["0", "1", "2.5", "-1", "points", "percentOf(50, points)"]
AMOUNTS = ["1", "2.20", "0", "plan", "spent", "percentOf(110, plan)", "percentOf(33.3, spent)"]
DAYS = ["-30d", "startOfDay()", '"2026-07-15"', "endOfMonth(-1)", "due", "begun"]
MOMENTS = ["now()", "-24h", '"2026-07-15 09:30"', "startOfDay()", "endOfWeek(-1)"]
NULLABLE = [
    "owner",
    "title",
    "points",
    "due",
    "flag",
    "tags",
    "goal",
    "goal.weight",
    "goal.marks",
    "liveWeight",
]


def _any(form: str, *choices: list[str]) -> st.SearchStrategy[str]:
    return st.builds(form.format, *(st.sampled_from(choice) for choice in choices))


WORDS_AND_LISTS = st.one_of(
    _words("status", "owner", "tags", "goal", "goal.marks"),
    _texts("title", "owner", "goal.name", "tags"),
    _any("{} {} {}", ["flag", "goal.live"], ["=", "!="], ['"true"', '"false"']),
)
TIMES = st.one_of(
    _ordered(["due", "begun", "goal.starts", "goal.ends", "lastEnd", "firstStart"], DAYS),
    _ordered(["touched"], MOMENTS),
    _any("goal.ends {} goal.starts", ["=", "!=", "<", ">="]),
)
MONEY_AND_NUMBERS = st.one_of(
    _ordered(["plan", "spent"], AMOUNTS),
    _ordered(["points", "goal.weight"], NUMBERS),
)
ROLLUPS = st.one_of(
    _ordered(["goalCount", "liveWeight", "liveCount", "markedCount"], [*NUMBERS, "goalCount", "liveWeight"]),
    _ordered(["lastEnd", "firstStart"], [*DAYS, "lastEnd", "firstStart"]),
    _any("{} {} EMPTY", ["goalCount", "liveWeight", "lastEnd", "firstStart"], ["IS", "IS NOT"]),
)
EMPTIES = _any("{} {} EMPTY", NULLABLE, ["IS", "IS NOT", "=", "!="])
# Each focus has a store of its own, so that four kinds of data meet four kinds of condition.
FOCI = {
    "words and lists": WORDS_AND_LISTS,
    "times": TIMES,
    "money and numbers": MONEY_AND_NUMBERS,
    "roll-ups": ROLLUPS,
}
EXAMPLES = 520


def _conditions(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds("NOT ({})".format, inner),
            st.builds("({} {} {})".format, inner, st.sampled_from(["AND", "OR"]), inner),
        ),
        max_leaves=6,
    )


LEAVES = st.one_of(*FOCI.values(), EMPTIES)
CONDITIONS = _conditions(LEAVES)
FOCUSED = {name: _conditions(st.one_of(leaves, leaves, leaves, LEAVES)) for name, leaves in FOCI.items()}
POPULATIONS = {name: items(60, seed) for seed, name in enumerate(FOCI, start=1)}


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: register(connection))
    return engine


def _populated(url: str, population: list[dict[str, Any]]) -> Iterator[Connection]:
    engine = _engine(url)
    with engine.connect() as connection:
        store(connection, population)
        # Without statistics PostgreSQL expects large tables, and compiles each statement to machine code.
        connection.exec_driver_sql("ANALYZE")
        yield connection
    engine.dispose()


@pytest.fixture(scope="module", params=FOCI)
def focus(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def sqlite(focus: str) -> Iterator[Connection]:
    yield from _populated("sqlite://", POPULATIONS[focus])


@pytest.fixture(scope="module")
def postgresql(focus: str) -> Iterator[Connection]:
    with postgres.fresh_database(postgres.server()) as url:
        yield from _populated(url, POPULATIONS[focus])


def _assert_agreement(connection: Connection, focus: str, text: str) -> None:
    python = condition_of(text, EVALUATED)
    expected = [number for number, item in enumerate(POPULATIONS[focus]) if holds(python, item)]
    found = select(THINGS.c.id).select_from(SOURCE).where(to_sql(condition_of(text, COMPILED)))
    assert list(connection.scalars(found.order_by(THINGS.c.id))) == expected, text


@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_sqlite_and_python_agree_on_any_condition(
    sqlite: Connection, focus: str, data: st.DataObject
) -> None:
    _assert_agreement(sqlite, focus, data.draw(FOCUSED[focus]))


@pytest.mark.postgresql
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_postgresql_and_python_agree_on_any_condition(
    postgresql: Connection, focus: str, data: st.DataObject
) -> None:
    _assert_agreement(postgresql, focus, data.draw(FOCUSED[focus]))


def test_two_thousand_conditions_are_compared() -> None:
    assert EXAMPLES * len(FOCI) >= 2_000


@given(text=CONDITIONS, number=st.integers(0, len(POPULATION) - 1))
def test_not_never_turns_an_empty_field_into_a_hit(text: str, number: int) -> None:
    item = POPULATION[number]
    positive = evaluate(condition_of(text, EVALUATED), item)
    negative = evaluate(condition_of(f"NOT ({text})", EVALUATED), item)
    assert not (positive.hit and negative.hit)
    opposite = {True: False, False: True, None: None}
    assert [leaf.verdict for leaf in negative.leaves] == [opposite[leaf.verdict] for leaf in positive.leaves]
    if all(leaf.verdict is not None for leaf in positive.leaves):
        assert positive.hit != negative.hit


def test_the_population_decides_every_sort_of_leaf_both_ways() -> None:
    for text in [
        'flag = "true"',
        "tags = x",
        "goal.ends < due",
        "liveWeight > 1",
        "title ~ über",
        "points IS EMPTY",
    ]:
        answers = {holds(condition_of(text, EVALUATED), item) for item in POPULATION}
        assert answers == {True, False}, text
