"""Turn the parameters a rule declares into values, and put them where its condition names them.

A condition names a parameter by a bare word (`updated < -idle`, `percentOf(tolerance, budget.amount)`,
`issuetype IN (kinds)`). It is replaced in the tree, never in the text: a value stays one value, whatever it
holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from rules import jql
from rules.jql import JqlError

Values = tuple[str, ...]
MAX_TEXT = 200
MAX_LIST = 200
# A list stands for many values wherever it is named: a short condition could ask for millions.
MAX_FILLED = 5_000


class Type(StrEnum):
    """What the values of a parameter are."""

    NUMBER = "number"
    AMOUNT = "amount"
    PERIOD = "period"
    DATE = "date"
    TEXT = "text"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named value of a condition. `default` is empty where there is none; tests then use `example`."""

    name: str
    type: Type
    default: Values
    example: Values
    doc: str | None
    value: Values

    @property
    def tested(self) -> Values:
        return self.default or self.example


class WrongParameter(ValueError):
    """The text is no value of this type."""


def to_value(text: str, kind: Type) -> str:
    """Check one value as written in YAML."""
    form, advice = _FORMS[kind]
    if len(text) > MAX_TEXT or not form(text):
        raise WrongParameter(f'"{text[:40]}" is not {_NAMES[kind]}. {advice}')
    return text


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) and date.fromisoformat(text))
    except ValueError:
        return False


_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?")
_PERIOD = re.compile(r"\d{1,5}[yMwdhm]")
_FORMS: dict[Type, tuple[Callable[[str], object], str]] = {
    Type.NUMBER: (_NUMBER.fullmatch, "Write digits, such as 105 or 0.5."),
    Type.AMOUNT: (_NUMBER.fullmatch, "Write an amount in the reporting currency, such as 50000."),
    Type.PERIOD: (_PERIOD.fullmatch, "Write 90d, 12w or 6M."),
    Type.DATE: (_is_date, "Write a day, such as 2026-03-31."),
    Type.TEXT: (str.strip, "Write a word or a text."),
    Type.LIST: (str.strip, "Write a list of texts, such as [Approved, Waived]."),
}
_NAMES = {
    Type.NUMBER: "a number",
    Type.AMOUNT: "an amount",
    Type.PERIOD: "a period",
    Type.DATE: "a date",
    Type.TEXT: "a text",
    Type.LIST: "an entry of a list",
}


class Filled:
    """Puts values in the place of parameters, and remembers which of them the condition names."""

    def __init__(self, values: Mapping[str, Values]) -> None:
        self.values = {name.casefold(): words for name, words in values.items()}
        self.named: set[str] = set()
        self.count = 0

    def query(self, query: jql.Query) -> jql.Query:
        return query if query.where is None else replace(query, where=self._node(query.where))

    def _node(self, node: jql.Node) -> jql.Node:
        if isinstance(node, jql.Clause):
            return replace(node, operand=self._operand(node.operand))
        if isinstance(node, jql.Not):
            return replace(node, child=self._node(node.child))
        return replace(node, children=tuple(self._node(child) for child in node.children))

    def _operand(self, operand: jql.Operand | None) -> jql.Operand | None:
        if isinstance(operand, jql.Function):
            arguments = [part for argument in operand.arguments for part in self._values(argument)]
            return replace(operand, arguments=tuple(arguments))
        if isinstance(operand, jql.Values):
            return replace(operand, items=tuple(part for item in operand.items for part in self._items(item)))
        if not isinstance(operand, jql.Value):
            return operand
        values = self._values(operand)
        if len(values) != 1:
            message = f"{operand.text} is a list of {len(values)} values and cannot stand for one."
            raise JqlError(message, operand.start, operand.end, f"Write IN ({operand.text}).")
        return values[0]

    def _items(self, item: jql.Operand) -> tuple[jql.Operand, ...]:
        if isinstance(item, jql.Value):
            return self._values(item)
        filled = self._operand(item)
        return () if filled is None else (filled,)

    def _values(self, value: jql.Value) -> tuple[jql.Value, ...]:
        sign = "-" if value.text.startswith("-") else ""
        name = value.text.removeprefix("-").casefold()
        words = None if value.quoted else self.values.get(name)
        if words is None:
            return (value,)
        self.named.add(name)
        self.count += len(words)
        if self.count > MAX_FILLED:
            message = f"The parameters of the condition stand for more than {MAX_FILLED} values."
            raise JqlError(message, value.start, value.end, "Split the rule.")
        return tuple(replace(value, text=_signed(sign, word), quoted=True) for word in words)


def _signed(sign: str, word: str) -> str:
    return word.removeprefix("-") if sign and word.startswith("-") else sign + word
