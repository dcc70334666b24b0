"""Turn the functions a condition may call into constants and text tests, and refuse others with a reason."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction
from typing import NoReturn

from rules import jql, moments
from rules.catalogue import WORDS, Kind, Path, fold
from rules.condition import Test
from rules.jql import JqlError
from rules.moments import Context
from rules.names import suggest
from rules.pattern import PatternError, portable

_DATES = {name.casefold(): name for name in moments.FUNCTIONS}
_TEXTS = {"matches": Test.MATCHES, "startswith": Test.STARTS, "endswith": Test.ENDS, "anyof": Test.CONTAINS}
MAX_WORDS = 200
_REFUSED = {
    "currentuser": (
        "currentUser() has no meaning in a rule: the night runs for nobody in particular.",
        "Name the account, as in assignee = jane.",
    ),
    "membersof": (
        "membersOf() needs the groups of Jira, which are not pulled.",
        "List the people: assignee IN (jane, joe).",
    ),
}
_COMPARABLE = ("valueOf", "percentOf")


def is_date_function(function: jql.Function) -> bool:
    return function.name.casefold() in _DATES


def call_date(function: jql.Function, context: Context) -> datetime:
    """Compute `startOfMonth(-1)` and its like as local time."""
    try:
        return moments.call(_DATES[function.name.casefold()], _only_argument(function), context)
    except ValueError as error:
        raise JqlError(f"{str(error).rstrip('.')}.", function.start, function.end) from error


def call_number(function: jql.Function, context: Context) -> int:
    """Compute `currentFiscalYear(-1)`."""
    argument = _only_argument(function) or "0"
    try:
        return context.fiscal_year() + int(argument)
    except ValueError as error:
        message = f"currentFiscalYear() takes a whole number of years, not {argument}."
        raise JqlError(message, function.start, function.end, "Write currentFiscalYear(-1).") from error


def _only_argument(function: jql.Function) -> str | None:
    if len(function.arguments) > 1:
        raise JqlError(f"{function.name}() takes one argument at most.", function.start, function.end)
    return function.arguments[0].text if function.arguments else None


def pattern_test(function: jql.Function) -> tuple[Test, tuple[str, ...]]:
    """Read `startsWith("x")`, `endsWith("x")`, `anyOf(x, y)` or `matches("re2")` on the right of `~`."""
    test = _TEXTS.get(function.name.casefold())
    if test is None:
        _refuse(function, "~", ["matches", "startsWith", "endsWith", "anyOf"])
    if test is Test.CONTAINS:
        return test, _any_of(function)
    if len(function.arguments) != 1:
        message = f'{function.name}() takes one text, as in {function.name}("POC").'
        raise JqlError(message, function.start, function.end)
    argument = function.arguments[0]
    if test is not Test.MATCHES:
        return test, (fold(argument.text),)
    try:
        return test, (portable(argument.text),)
    except PatternError as error:
        advice = "Prefer startsWith() or endsWith() where they do."
        raise JqlError(
            f"The pattern does not work: {error}.", argument.start, argument.end, advice
        ) from error


def _any_of(function: jql.Function) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(fold(argument.text) for argument in function.arguments))
    if not words or len(words) > MAX_WORDS:
        message = f"{function.name}() takes 1 to {MAX_WORDS} texts, as in {function.name}(invoice, customer)."
        raise JqlError(message, function.start, function.end)
    return words


def refuse_function(function: jql.Function, path: Path) -> NoReturn:
    """Say why this function cannot stand beside this field."""
    names = list(_COMPARABLE)
    if path.kind in WORDS:
        names = ["valueOf"]
    elif path.kind in {Kind.DATE, Kind.DATETIME}:
        names += moments.FUNCTIONS
    elif path.kind is Kind.NUMBER:
        names.append("currentFiscalYear")
    _refuse(function, path.name, names)


def _refuse(function: jql.Function, beside: str, names: list[str]) -> NoReturn:
    name = function.name.casefold()
    if name in _REFUSED:
        message, advice = _REFUSED[name]
        raise JqlError(message, function.start, function.end, advice)
    everything = {*_DATES, *_TEXTS, "valueof", "percentof", "currentfiscalyear"}
    if name in everything:
        allowed = ", ".join(f"{known}()" for known in names[:4])
        message = f"{function.name}() cannot stand beside {beside}."
        raise JqlError(message, function.start, function.end, f"Functions for it: {allowed}.")
    message = f"There is no function {function.name}()."
    raise JqlError(message, function.start, function.end, suggest(function.name, [f"{n}()" for n in names]))


def percent(argument: jql.Value) -> Fraction:
    """Read the percentage in `percentOf(110, …)` as a factor."""
    if not re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", argument.text):
        message = f"{argument.text} is not a percentage."
        raise JqlError(message, argument.start, argument.end, "Write a number, such as 110.")
    return Fraction(argument.text) / 100
