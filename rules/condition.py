"""The typed condition: what is left of a query once names, types and dates are known and NOT is pushed down.

Meaning of a leaf, the same in SQL and in Python. Let V be the values found that are not empty: at most one
for a plain field, any number for a list or a relation. `EMPTY` is true when V is empty. Every other test is
unknown when V is empty, and otherwise true when some value passes, or when none does if the leaf is
negated. Unknown counts as false: after NOT has been pushed to the leaves, nothing can turn it into true.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from rules.catalogue import Field, Path, Relation


class Test(StrEnum):
    """What a leaf asks of each value."""

    __test__ = False  # not a test class, whatever pytest makes of the name

    EMPTY = "is empty"
    EQUAL = "="
    LESS = "<"
    AT_MOST = "<="
    GREATER = ">"
    AT_LEAST = ">="
    CONTAINS = "~"
    STARTS = "startsWith"
    ENDS = "endsWith"
    MATCHES = "matches"


Constant = str | int | Fraction | bool | date | datetime


@dataclass(frozen=True, slots=True)
class Constants:
    """One or more values, any of which will do. Words are folded, money in minor units, times in UTC."""

    values: tuple[Constant, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FieldReference:
    """The value of another field, times a factor (`percentOf(110, …)` is 11/10)."""

    path: Path
    factor: Fraction = Fraction(1)


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """One test of one field; `text` is how JQL would put it, negation included, whatever the date is."""

    path: Path
    test: Test
    negated: bool
    operand: Constants | FieldReference | None
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class All:
    """True when every part is; with no parts, true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class AnyOf:
    """True when some part is."""

    parts: tuple[Condition, ...]


Condition = All | AnyOf | Leaf


@dataclass(frozen=True, slots=True, eq=False)
class Rollup:
    """A count, sum, minimum or maximum over the related records that meet a condition.

    The count of nothing is 0; the sum, minimum and maximum of nothing are empty.
    """

    function: str
    relation: Relation
    field: Field | None
    where: Condition | None

    @property
    def text(self) -> str:
        target = self.relation.name + (f".{self.field.name}" if self.field else "")
        where = f" where {render(self.where)}" if self.where else ""
        return f"{self.function} {target}{where}"


def render(condition: Condition) -> str:
    """Write a condition as canonical JQL: the same for all ways to write the same tree."""
    if isinstance(condition, Leaf):
        return condition.text
    word = " AND " if isinstance(condition, All) else " OR "
    return "(" + word.join(render(part) for part in condition.parts) + ")"


def leaves(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves from left to right."""
    if isinstance(condition, Leaf):
        yield condition
    else:
        for part in condition.parts:
            yield from leaves(part)


def named_paths(condition: Condition) -> dict[str, Path]:
    """Return every field the condition names, in order of appearance."""
    found: dict[str, Path] = {}
    for leaf in leaves(condition):
        found.setdefault(leaf.path.name, leaf.path)
        if isinstance(leaf.operand, FieldReference):
            found.setdefault(leaf.operand.path.name, leaf.operand.path)
    return found
