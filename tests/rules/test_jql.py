"""Text to tree: what JQL allows, what it refuses, and where."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.jql import And, Clause, Empty, Function, JqlError, Not, Or, Value, Values, parse, quote


def _clause(text: str) -> Clause:
    where = parse(text).where
    assert isinstance(where, Clause)
    return where


def _error(text: str) -> JqlError:
    with pytest.raises(JqlError) as caught:
        parse(text)
    return caught.value


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    where = parse("not a_ = 1 or b = 2 and c = 3").where
    assert isinstance(where, Or)
    negation, conjunction = where.children
    assert isinstance(negation, Not)
    assert isinstance(conjunction, And)


def test_positions_are_offsets_into_the_text() -> None:
    text = 'status = Done AND "Cost Centre" IN (4711, x)'
    where = parse(text).where
    assert isinstance(where, And)
    second = where.children[1]
    assert isinstance(second, Clause)
    assert isinstance(second.operand, Values)
    assert text[second.field.start : second.field.end] == '"Cost Centre"'
    assert text[second.operator_start : second.operator_end] == "IN"
    assert text[second.operand.start : second.operand.end] == "(4711, x)"
    assert text[second.start : second.end] == '"Cost Centre" IN (4711, x)'


@pytest.mark.parametrize("joiner", ["and", "AND", "&", "&&"])
def test_and_may_be_written_in_four_ways(joiner: str) -> None:
    assert isinstance(parse(f"x = 1 {joiner} y = 2").where, And)


@pytest.mark.parametrize(
    ("text", "operator"),
    [
        ("x not   in (1)", "NOT IN"),
        ("x Is nOt null", "IS NOT"),
        ("x was not in (1)", "WAS NOT IN"),
        ("x changed", "CHANGED"),
        ("x !~ y", "!~"),
    ],
)
def test_operators_are_normalised(text: str, operator: str) -> None:
    assert _clause(text).operator == operator


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("objective.ends = 1", "objective.ends"),
        ("cf[10010] = 1", "cf[10010]"),
        ("issue.property[a.b].c = 1", "issue.property[a.b].c"),
        ("development [ commits ] . all = 1", "development[commits].all"),
        (r'"don\"t" = 1', 'don"t'),
        (r"issue\ type = 1", "issue type"),
        ("assigneein = 1", "assigneein"),
    ],
)
def test_fields_are_named_as_jira_names_them(text: str, name: str) -> None:
    assert _clause(text).field.name == name


def test_operands_are_values_functions_lists_and_empties() -> None:
    assert _clause("x = -30d").operand == Value("-30d", False, 4, 8)
    assert isinstance(_clause("x = EMPTY").operand, Empty)
    function = _clause('x = "f"(one, "two", 3)').operand
    assert isinstance(function, Function)
    assert (function.name, [value.text for value in function.arguments]) == ("f", ["one", "two", "3"])
    nested = _clause("x in ((y), z())").operand
    assert isinstance(nested, Values)
    assert [type(item) for item in nested.items] == [Values, Function]


def test_predicates_follow_was_and_changed() -> None:
    clause = _clause('status changed from Open to "In progress" after -1w by (jane, f())')
    assert [predicate.word for predicate in clause.predicates] == ["FROM", "TO", "AFTER", "BY"]


def test_order_by_keeps_fields_and_directions() -> None:
    query = parse("x = 1 ORDER BY created DESC, cf[1] asc, key")
    assert [(sort.field.name, sort.descending) for sort in query.order_by] == [
        ("created", True),
        ("cf[1]", False),
        ("key", False),
    ]
    assert parse("order by key").where is None
    assert parse("").where is None


@pytest.mark.parametrize(
    ("text", "start", "fragment"),
    [
        ("x = ", 3, "ends too early"),
        ("x = true", 4, 'Write "true" in quotes'),
        ("order = 1", 6, "one of BY should follow"),
        ("x = two words", 8, "Put values of several words in quotes"),
        ("x = 'open", 4, "never closed"),
        ('x ~ "\\d"', 5, "Write two backslashes"),
        ("x = 1 and and y = 2", 10, "reserved word"),
        ("x in ()", 6, "a name or a value should follow"),
        ("x = a@b.example", 5, "cannot stand here"),
        ("x is y", 5, "Did not expect y here"),
        ("x == 1", 3, "a name or a value should follow"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, start: int, fragment: str) -> None:
    error = _error(text)
    assert error.start == start, error
    assert fragment in str(error)


def test_hostile_queries_are_refused_quickly() -> None:
    assert "longer than" in str(_error("x = 1 and " * 10_000 + "x = 1"))
    assert "nested more than 50 deep" in str(_error("not " * 5_000 + "x = 1"))
    assert "nested more than 50 deep" in str(_error("(x = 1 and " * 200 + "y = 2" + ")" * 200))
    assert isinstance(parse("(" * 5_000 + "x = 1" + ")" * 5_000).where, Clause)


@given(st.text(max_size=30).filter(lambda text: "\x00" not in text))
def test_a_quoted_value_is_read_back_as_it_was(text: str) -> None:
    operand: Any = _clause(f"x = {quote(text)}").operand
    assert operand.text == text


@given(st.text(alphabet="xyz ='\"\\()[],!~<>&|\n.123-aAnNdDoOrRtTiI", max_size=40))
def test_any_text_is_parsed_or_refused_with_a_place_inside_it(text: str) -> None:
    place = (0, 1)
    with suppress(JqlError):
        try:
            parse(text)
        except JqlError as error:
            place = (error.start, error.end)
            raise
    assert 0 <= place[0] <= len(text)
    assert place[1] > place[0]
