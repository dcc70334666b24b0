"""Turn one clause whose field is known into typed leaves: its operator and operand must fit the field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NoReturn, cast

from rules import jql
from rules.catalogue import ORDERED, WORDS, Field, Kind, Path, Scope, find, paths
from rules.condition import All, AnyOf, Condition, Constant, Constants, FieldReference, Leaf, Test
from rules.functions import call_date, call_number, is_date_function, pattern_test, percent, refuse_function
from rules.jql import JqlError
from rules.literals import WrongLiteral, to_constants
from rules.moments import Context
from rules.names import suggest

MAX_VALUES = 1000

_TESTS = {"=": Test.EQUAL, "<": Test.LESS, "<=": Test.AT_MOST, ">": Test.GREATER, ">=": Test.AT_LEAST}
_OPPOSITE = {
    "=": "!=", "!=": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">", "~": "!~", "!~": "~",
    "IN": "NOT IN", "NOT IN": "IN", "IS": "IS NOT", "IS NOT": "IS",
}  # fmt: skip
_NEGATIVE = frozenset({"!=", "!~", "NOT IN", "IS NOT"})


def to_condition(
    clause: jql.Clause,
    path: Path,
    *,
    negated: bool,
    scope: Scope,
    context: Context,
    errors: list[JqlError],
) -> Condition:
    """Type a clause; the first mistake is raised, mistakes in a list of values are added to `errors`."""
    return _ClauseChecker(clause, path, negated, scope, context, errors).condition()


def unknown_field(scope: Scope, name: str, start: int, end: int) -> JqlError:
    """Say that there is no such field here, and which one is near."""
    suggestion = suggest(name, [known for known, _ in paths(scope)])
    return JqlError(f'{scope.name} has no field "{name}".', start, end, suggestion)


@dataclass(slots=True)
class _ClauseChecker:
    clause: jql.Clause
    path: Path
    negated: bool
    scope: Scope
    context: Context
    errors: list[JqlError]

    def condition(self) -> Condition:
        operator, operand = self.clause.operator, self.clause.operand
        if operator in {"IS", "IS NOT"} or (operator[-1] in "=~" and isinstance(operand, jql.Empty)):
            return self._empty()
        self._check_operator()
        if operator in {"~", "!~"}:
            return self._like()
        if operator in {"IN", "NOT IN"}:
            return self._membership()
        test = _TESTS.get(operator, Test.EQUAL)
        return self._leaf(test, self._operand(operand), _text(operand))

    def _check_operator(self) -> None:
        kind, operator, name = self.path.kind, self.clause.operator, self.path.name
        text = _text(self.clause.operand)
        if kind is Kind.TEXT and operator not in {"~", "!~"}:
            like = "!~" if operator in _NEGATIVE else "~"
            self._refuse_operator(f"Use {name} {like} {text}." if operator in {"=", "!="} else "Use ~ or !~.")
        if operator in {"~", "!~"} and kind not in WORDS:
            self._refuse_operator("Use =, !=, <, > or IN." if kind in ORDERED else "Use = or !=.")
        if operator in {"<", "<=", ">", ">="} and kind not in ORDERED:
            self._refuse_operator("Use =, != or IN.")

    def _refuse_operator(self, advice: str) -> NoReturn:
        clause = self.clause
        message = f"{clause.operator} does not work on {self.path.name}, which holds {_KIND[self.path.kind]}."
        raise JqlError(message, clause.operator_start, clause.operator_end, advice)

    def _leaf(self, test: Test, operand: Constants | FieldReference | None, right: str) -> Leaf:
        operator = self.clause.operator
        flip = self.negated
        negated = (operator in _NEGATIVE) != flip
        prefix = ""
        if flip and self.path.many and operator in {"<", "<=", ">", ">="}:
            prefix = "NOT "  # not one of several is smaller: that is not the same as some one being greater
        elif flip:
            operator = _OPPOSITE[operator]
            if test in _FLIPPED:
                test, negated = _FLIPPED[test], False
        text = f"{prefix}{jql.quote(self.path.name)} {operator} {right}"
        return Leaf(self.path, test, negated, operand, text, self.clause.start, self.clause.end)

    def _empty(self) -> Leaf:
        negated = (self.clause.operator in _NEGATIVE) != self.negated
        text = f"{jql.quote(self.path.name)} {'IS NOT' if negated else 'IS'} EMPTY"
        return Leaf(self.path, Test.EMPTY, negated, None, text, self.clause.start, self.clause.end)

    def _like(self) -> Leaf:
        operand = self.clause.operand
        if isinstance(operand, jql.Function):
            test, values = pattern_test(operand)
            return self._leaf(test, Constants(values), _text(operand))
        text = cast(jql.Value, operand).text
        folded = to_constants(text, _open(self.path), self.context)
        return self._leaf(Test.CONTAINS, Constants(folded), _text(operand))

    def _membership(self) -> Condition:
        operand = self.clause.operand
        items = list(_flatten(operand)) if isinstance(operand, jql.Values) else [operand]
        if len(items) > MAX_VALUES:
            raise JqlError(f"The list has more than {MAX_VALUES} values.", self.clause.start, self.clause.end)
        constants: list[Constant] = []
        for item in items:
            self._collect(item, constants)
        values = tuple(dict.fromkeys(constants))
        parts: list[Condition] = []
        if values:
            words = ", ".join(_text(item) for item in items if not isinstance(item, jql.Empty))
            parts.append(self._leaf(Test.EQUAL, Constants(values), f"({words})"))
        if any(isinstance(item, jql.Empty) for item in items):
            parts.append(self._empty())
        negative = (self.clause.operator in _NEGATIVE) != self.negated
        return parts[0] if len(parts) == 1 else (All if negative else AnyOf)(tuple(parts))

    def _collect(self, item: jql.Operand | None, constants: list[Constant]) -> None:
        if isinstance(item, jql.Empty):
            return
        try:
            operand = self._operand(item)
        except JqlError as error:
            self.errors.append(error)
            return
        if isinstance(operand, Constants):
            constants.extend(operand.values)
        elif item is not None:
            message = "Only values may stand in a list, no fields."
            self.errors.append(JqlError(message, item.start, item.end, "Use = and OR."))

    def _operand(self, operand: jql.Operand | None) -> Constants | FieldReference:
        if isinstance(operand, jql.Function):
            return self._call(operand)
        operand = cast(jql.Value, operand)
        try:
            return Constants(to_constants(operand.text, self.path.field, self.context))
        except WrongLiteral as error:
            if not operand.quoted and self.path.kind in ORDERED and find(self.scope, operand.text):
                return self._reference(operand, Fraction(1))
            raise self._wrong_literal(operand, error) from error

    def _wrong_literal(self, operand: jql.Value, error: WrongLiteral) -> JqlError:
        known = [word for group in self.path.field.synonyms for word in group[:1]]
        if self.path.kind in ORDERED and not operand.quoted:
            known = [name for name, path in paths(self.scope) if path.kind is self.path.kind]
        near = suggest(operand.text, known) or error.suggestion
        return JqlError(f"{error}.", operand.start, operand.end, near)

    def _call(self, function: jql.Function) -> Constants | FieldReference:
        name = function.name.casefold()
        if name in {"valueof", "percentof"}:
            return self._field_function(function, name)
        kind = self.path.kind
        if is_date_function(function) and kind in {Kind.DATE, Kind.DATETIME}:
            local = call_date(function, self.context)
            return Constants((local.date() if kind is Kind.DATE else self.context.to_utc(local),))
        if name == "currentfiscalyear" and kind is Kind.NUMBER:
            return Constants((call_number(function, self.context),))
        return refuse_function(function, self.path)

    def _field_function(self, function: jql.Function, name: str) -> FieldReference:
        *numbers, target = function.arguments or (None,)
        if target is None or len(numbers) != (name == "percentof"):
            usage = "valueOf(field)" if name == "valueof" else "percentOf(110, budget.amount)"
            raise JqlError(f"{function.name} is used as {usage}.", function.start, function.end)
        if name == "valueof":
            return self._reference(target, Fraction(1))
        if self.path.kind not in {Kind.NUMBER, Kind.MONEY}:
            message = f"percentOf() gives a number, and {self.path.name} holds {_KIND[self.path.kind]}."
            raise JqlError(message, function.start, function.end)
        return self._reference(target, percent(numbers[0]))

    def _reference(self, target: jql.Value, factor: Fraction) -> FieldReference:
        path = find(self.scope, target.text)
        if path is None:
            raise unknown_field(self.scope, target.text, target.start, target.end)
        if path.kind is not self.path.kind:
            message = (
                f"{self.path.name} holds {_KIND[self.path.kind]} and {path.name} {_KIND[path.kind]}: "
                "they cannot be compared."
            )
            raise JqlError(message, target.start, target.end)
        if path.many and (path.relation is not self.path.relation or path.field.many):
            message = f"{path.name} can have several values and cannot stand on the right."
            raise JqlError(message, target.start, target.end, "Put it on the left.")
        return FieldReference(path, factor)


_FLIPPED = {
    Test.LESS: Test.AT_LEAST,
    Test.AT_LEAST: Test.LESS,
    Test.GREATER: Test.AT_MOST,
    Test.AT_MOST: Test.GREATER,
}
_KIND = {
    Kind.TEXT: "text",
    Kind.OPTION: "one of a set of values",
    Kind.NUMBER: "a number",
    Kind.MONEY: "an amount of money",
    Kind.DATE: "a date",
    Kind.DATETIME: "a date and time",
    Kind.BOOLEAN: "yes or no",
}


def _open(path: Path) -> Field:
    """A part of a value is asked for: spellings and closed lists do not apply."""
    return replace(path.field, synonyms=(), closed=False)


def _flatten(values: jql.Values) -> Iterator[jql.Operand]:
    for item in values.items:
        if isinstance(item, jql.Values):
            yield from _flatten(item)
        else:
            yield item


def _text(operand: jql.Operand | None) -> str:
    if isinstance(operand, jql.Value):
        return jql.quote(operand.text)
    if isinstance(operand, jql.Function):
        return f"{operand.name}({', '.join(jql.quote(item.text) for item in operand.arguments)})"
    if isinstance(operand, jql.Values):
        return f"({', '.join(_text(item) for item in operand.items)})"
    return "EMPTY"
