"""Tree to typed condition: names, kinds, literals and functions, and every mistake at once."""

from __future__ import annotations

from datetime import UTC, date, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from rules.catalogue import fold
from rules.check import ConditionErrors, check
from rules.condition import All, AnyOf, Constants, FieldReference, Leaf, Test, leaves, render
from rules.jql import parse
from rules.moments import Context
from rules.vocabulary import VOCABULARY

NOW = datetime(2026, 11, 23, 20, 30, tzinfo=UTC)
CONTEXT = Context(now=NOW)
WORK = next(entity for entity in VOCABULARY.entities if entity.name == "workItem")


def _check(text: str, context: Context = CONTEXT) -> All | AnyOf | Leaf:
    return check(parse(text), WORK, context)


def _leaf(text: str, context: Context = CONTEXT) -> Leaf:
    condition = _check(text, context)
    assert isinstance(condition, Leaf)
    return condition


def _values(text: str, context: Context = CONTEXT) -> tuple[object, ...]:
    operand = _leaf(text, context).operand
    assert isinstance(operand, Constants)
    return operand.values


def _errors(text: str) -> list[tuple[str, str]]:
    """Return what each error points at, and what it says."""
    with pytest.raises(ConditionErrors) as caught:
        _check(text)
    return [(text[error.start : error.end], str(error)) for error in caught.value.errors]


def test_names_are_resolved_whatever_their_case_or_alias() -> None:
    assert _leaf("TYPE = Epic").path.name == "issuetype"
    assert _leaf("Objective.Id = x").path.name == "objective.key"
    assert _leaf("objective IS EMPTY").path.field.name == "key"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NOT (status = x AND priority != y)", "(status != x OR priority = y)"),
        ("NOT NOT status = x", "status = x"),
        ("NOT due < -30d", "due >= -30d"),
        ("NOT objective.ends < -30d", "NOT objective.ends < -30d"),
        ("NOT labels IN (x, EMPTY)", "(labels NOT IN (x) AND labels IS NOT EMPTY)"),
        ("NOT summary ~ x", "summary !~ x"),
        ("status = EMPTY", "status IS EMPTY"),
        ("NOT summary ~ EMPTY", "summary IS NOT EMPTY"),
        ("status in (a_, (b))", "status IN (a_, b)"),
    ],
)
def test_not_is_pushed_to_the_leaves(text: str, expected: str) -> None:
    assert render(_check(text)) == expected


def test_the_canonical_text_reads_back_as_the_same_condition() -> None:
    text = (
        'NOT (labels IN (x, EMPTY) OR due < -30d OR NOT objective.ends > due) AND summary ~ matches("^\\\\d")'
    )
    once = render(_check(text))
    assert render(_check(once)) == once


def test_option_values_are_folded_and_know_their_synonyms() -> None:
    assert _values("status = ÜBER") == (fold("über"),)
    assert _values('statusCategory = "To Do"') == ("to do", "new")
    assert _values("statusCategory = NEW") == ("to do", "new")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("hierarchyLevel = 1", 1),
        ("hierarchyLevel > 0.5", Fraction(1, 2)),
        ("budget.amount > 1500", 150_000),
        ('budget.amount > "1500.50 usd"', 150_050),
        ("budget.amount > -0.01", -1),
        ("due = 2026-03-31", date(2026, 3, 31)),
        ('due = "2026/3/31"', date(2026, 3, 31)),
        ("due < -30d", date(2026, 10, 24)),
        ('due < "1w 1d"', date(2026, 12, 1)),
        ("due < -1M", date(2026, 10, 23)),
        ("due < now()", date(2026, 11, 23)),
        ("due < startOfDay(-1)", date(2026, 11, 22)),
        ("due < startOfWeek()", date(2026, 11, 23)),
        ("due < endOfMonth()", date(2026, 11, 30)),
        ("due < ENDOFMONTH(3)", date(2027, 2, 28)),
        ("due < startOfYear(-1y)", date(2025, 1, 1)),
        ("updated < -4h", datetime(2026, 11, 23, 16, 30, tzinfo=UTC)),
        ("updated < startOfMonth(-1)", datetime(2026, 10, 1, tzinfo=UTC)),
        ("updated <= endOfDay()", datetime(2026, 11, 23, 23, 59, 59, 999999, tzinfo=UTC)),
        ('created > "2026-03-31 09:30"', datetime(2026, 3, 31, 9, 30, tzinfo=UTC)),
        ('objective.live = "TRUE"', True),
        ('objective.live != "no"', False),
    ],
)
def test_literals_become_constants_of_the_fields_kind(text: str, value: object) -> None:
    assert _values(text) == (value,)


def test_days_begin_at_midnight_of_the_zone() -> None:
    berlin = Context(now=datetime(2026, 10, 25, 23, 30, tzinfo=UTC), timezone=ZoneInfo("Europe/Berlin"))
    assert _values("updated < startOfDay()", berlin) == (datetime(2026, 10, 25, 23, tzinfo=UTC),)
    assert _values("updated < startOfDay(-1)", berlin) == (datetime(2026, 10, 24, 22, tzinfo=UTC),)
    assert _values("due < now()", berlin) == (date(2026, 10, 26),)


@pytest.mark.parametrize(
    ("month", "year", "quarter"),
    [(1, 2026, date(2026, 10, 1)), (10, 2027, date(2026, 10, 1)), (12, 2026, date(2026, 9, 1))],
)
def test_fiscal_periods_follow_the_month_the_year_starts_in(month: int, year: int, quarter: date) -> None:
    context = Context(now=NOW, fiscal_start=month)
    assert _values("hierarchyLevel = currentFiscalYear()", context) == (year,)
    assert _values("hierarchyLevel = currentFiscalYear(-1)", context) == (year - 1,)
    assert _values("due = startOfFiscalQuarter()", context) == (quarter,)
    assert _values("due = startOfFiscalYear()", context) == (date(year - (month > 1), month, 1),)


def test_a_currency_without_minor_units_takes_whole_amounts_only() -> None:
    yen = Context(now=NOW, currency="JPY", minor_digits=0)
    assert _values("budget.amount > 1500", yen) == (1500,)
    with pytest.raises(ConditionErrors, match="JPY has 0 decimal digits"):
        _check("budget.amount > 0.5", yen)


def test_a_bare_field_name_on_the_right_is_that_field() -> None:
    operand = _leaf("budget.actual > budget.amount").operand
    assert isinstance(operand, FieldReference)
    assert (operand.path.name, operand.factor) == ("budget.amount", Fraction(1))
    scaled = _leaf("budget.actual > percentOf(112.5, budget.amount)").operand
    assert isinstance(scaled, FieldReference)
    assert scaled.factor == Fraction(9, 8)
    assert isinstance(_leaf("assignee = valueOf(priority)").operand, FieldReference)


def test_text_functions_stand_beside_the_tilde() -> None:
    assert _leaf("summary ~ startsWith(POC)").test is Test.STARTS
    assert _values("summary ~ endsWith(ÜB)") == ("üb",)
    assert _values('summary ~ matches("^\\\\[POC\\\\] \\\\d+")') == (r"^\[POC\] [0-9]+",)


def test_all_mistakes_are_told_at_once_in_order() -> None:
    text = "objectiv IS EMPTY AND summary > 5 AND (budget.amount > lots OR due < startOfMnth()) ORDER BY key"
    assert [place for place, _ in _errors(text)] == ["objectiv", ">", "lots", "startOfMnth()", "key"]


@pytest.mark.parametrize(
    ("text", "place", "fragment"),
    [
        ("objectiv IS EMPTY", "objectiv", 'workItem has no field "objectiv". Did you mean objective?'),
        ("objective.end < now()", "objective.end", "Did you mean objective.ends?"),
        ("summary = Hello", "=", "Use summary ~ Hello."),
        ("priority > High", ">", "Use =, != or IN."),
        ("due ~ 3", "~", "Use =, !=, <, > or IN."),
        ("due = soon", "soon", '"soon" is not a date.'),
        ('due = "2026-02-30"', '"2026-02-30"', "no such date"),
        ('due = "2026-02-28 10:00"', '"2026-02-28 10:00"', 'Write "2026-02-28".'),
        ("due < -99999y", "-99999y", "no such date"),
        ("hierarchyLevel = one", "one", "is not a number"),
        ('budget.amount > "5 EUR"', '"5 EUR"', "EUR cannot be compared with USD"),
        ("budget.amount > 0.001", "0.001", "2 decimal digits"),
        ("budget.actual > budget.amont", "budget.amont", "Did you mean budget.amount?"),
        ("budget.amount > hierarchyLevel", "hierarchyLevel", "they cannot be compared"),
        ("updated > due", "due", "they cannot be compared"),
        ("due > objective.ends", "objective.ends", "Put it on the left."),
        ("due > percentOf(110, due)", "percentOf(110, due)", "percentOf() gives a number"),
        ("budget.actual > percentOf(budget.amount)", "percentOf(budget.amount)", "is used as percentOf(110"),
        ("budget.actual > percentOf(-1, budget.amount)", "-1", "is not a percentage"),
        ("statusCategory = Dnoe", "Dnoe", "Did you mean Done?"),
        ('objective.live = "maybe"', '"maybe"', 'Write "true" or "false"'),
        ("assignee = currentUser()", "currentUser()", "Name the account"),
        ("assignee IN membersOf(x)", "membersOf(x)", "List the people"),
        ("status WAS Done", "WAS", "Use for:"),
        ("status CHANGED", "CHANGED", "the past"),
        ("due < startOfDay(x)", "startOfDay(x)", "takes a number or a period"),
        ("due < now(1)", "now(1)", "takes no argument"),
        ("due < startOfDay(1, 2)", "startOfDay(1, 2)", "one argument at most"),
        ("status = startOfDay()", "startOfDay()", "cannot stand beside status"),
        ("status = openSprints()", "openSprints()", "There is no function openSprints()."),
        ("summary ~ match(x)", "match(x)", "Did you mean matches()?"),
        ('summary ~ matches("(?=x)")', '"(?=x)"', "no look-around"),
        ('summary ~ matches("[x")', '"[x"', "The pattern does not work"),
        ('summary ~ matches("(x")', '"(x"', "The pattern does not work"),
        ('summary ~ matches("\\\\bx")', '"\\\\bx"', "not an escape that both"),
        ("hierarchyLevel IN (1, two)", "two", "is not a number"),
        ("due IN (due)", "due", "Only values may stand in a list"),
    ],
)  # fmt: skip
def test_each_mistake_has_its_place_and_its_remedy(text: str, place: str, fragment: str) -> None:
    (only,) = _errors(text)
    assert only[0] == place
    assert fragment in only[1]


def test_a_condition_has_at_most_five_hundred_tests() -> None:
    (only,) = _errors(" OR ".join(["status = x"] * 501))
    assert "more than 500 tests" in only[1]
    assert len(list(leaves(_check(" OR ".join(["status = x"] * 500))))) == 500


def test_a_list_has_at_most_a_thousand_values() -> None:
    (only,) = _errors(f"status IN ({', '.join(f'v{n}' for n in range(1001))})")
    assert "more than 1000 values" in only[1]
