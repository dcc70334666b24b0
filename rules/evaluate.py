"""Judge one item by a condition in plain Python, and tell of each leaf what was found and whether it held.

An item is a mapping from field name to value. A dotted name may also be nested (`budget: {amount: …}`),
related records are a list of mappings under the relation's name, missing and None mean empty. Dates may be
ISO text, as in raw Jira issues. This is the second implementation of what `rules.sql` compiles: the tests
hold them together.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from rules.catalogue import Field, Kind, Path, Relation, fold
from rules.condition import All, Condition, Constants, Leaf, Rollup, Test, leaves
from rules.literals import exact
from rules.pattern import found as pattern_found
from rules.ruleset import Severity

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeafResult:
    """What one leaf came to: None when it could not be told because the field is empty."""

    text: str
    field: str
    found: tuple[Any, ...]
    verdict: bool | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the condition holds, and why: every leaf from left to right."""

    hit: bool
    leaves: tuple[LeafResult, ...]


def evaluate(condition: Condition, item: Item) -> Verdict:
    """Judge an item and keep the trace of every leaf."""
    results = tuple(
        LeafResult(leaf.text, leaf.path.name, values_of(leaf.path, item), _judge(leaf, item))
        for leaf in leaves(condition)
    )
    return Verdict(holds(condition, item), results)


def holds(condition: Condition, item: Item) -> bool:
    """Judge an item, stopping as soon as the answer is known."""
    if isinstance(condition, Leaf):
        return _judge(condition, item) is True
    combine = all if isinstance(condition, All) else any
    return combine(holds(part, item) for part in condition.parts)


def severity_of(severity: Severity, error_when: Condition | None, item: Item) -> Severity:
    """Give how bad an item is that a rule of this severity and second condition flags."""
    return Severity.ERROR if error_when is not None and holds(error_when, item) else severity


def values_of(path: Path, item: Item) -> tuple[Any, ...]:
    """Return what the item holds there, empties left out."""
    if path.relation is None:
        return _read(path.field, item)
    return tuple(value for row in _rows(path.relation, item) for value in _read(path.field, row))


def _rows(relation: Relation, item: Item) -> list[Item]:
    rows = item.get(relation.name)
    if rows is None:
        return []
    return [rows] if isinstance(rows, Mapping) else list(rows)


def _read(field: Field, item: Item) -> tuple[Any, ...]:
    if field.rollup is not None and field.name not in item:
        found = _roll_up(field.rollup, item)
    elif field.read is not None:
        found = field.read(item)
    else:
        found = _look_up(field.name, item)
    if not field.many:
        found = [found]
    elif found is None:
        found = []
    return tuple(_coerce(field.kind, value) for value in found if value is not None)


def _look_up(name: str, item: Item) -> Any:
    if name in item or "." not in name:
        return item.get(name)
    head, _, tail = name.partition(".")
    inner = item.get(head)
    return _look_up(tail, inner) if isinstance(inner, Mapping) else None


def _coerce(kind: Kind, value: Any) -> Any:
    if kind is Kind.DATE and isinstance(value, str):
        return date.fromisoformat(value)
    if kind is Kind.DATETIME:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    if kind is Kind.NUMBER and isinstance(value, (float, Decimal)):
        return exact(Fraction(str(value)))
    return value


def _roll_up(rollup: Rollup, item: Item) -> Any:
    rows = [row for row in _rows(rollup.relation, item) if rollup.where is None or holds(rollup.where, row)]
    if rollup.field is None:
        return len(rows)
    values = [value for row in rows for value in _read(rollup.field, row)]
    functions: dict[str, Callable[[Iterable[Any]], Any]] = {"sum": sum, "min": min, "max": max}
    return functions[rollup.function](values) if values else None


_COMPARE: dict[Test, Callable[[Any, Any], bool]] = {
    Test.EQUAL: operator.eq,
    Test.LESS: operator.lt,
    Test.AT_MOST: operator.le,
    Test.GREATER: operator.gt,
    Test.AT_LEAST: operator.ge,
    Test.CONTAINS: lambda value, part: part in value,
    Test.STARTS: str.startswith,
    Test.ENDS: str.endswith,
    Test.MATCHES: lambda value, pattern: pattern_found(pattern, value),
}


def _judge(leaf: Leaf, item: Item) -> bool | None:
    if leaf.test is Test.EMPTY:
        return (not values_of(leaf.path, item)) != leaf.negated
    pairs = _pairs(leaf, item)
    if not pairs:
        return None
    compare = _COMPARE[leaf.test]
    return any(compare(value, other) for value, others in pairs for other in others) != leaf.negated


def _pairs(leaf: Leaf, item: Item) -> list[tuple[Any, tuple[Any, ...]]]:
    """Pair each value on the left with what it is compared to; only pairs without empties."""
    operand, kind = leaf.operand, leaf.path.kind
    raw = leaf.test is Test.MATCHES
    if isinstance(operand, Constants):
        return [(_comparable(kind, value, raw), operand.values) for value in values_of(leaf.path, item)]
    if operand is None:
        return []
    same_row = operand.path.relation is not None
    rows = _rows(operand.path.relation, item) if operand.path.relation else [item]
    pairs = []
    for row in rows:
        left = _read(leaf.path.field, row) if same_row else values_of(leaf.path, row)
        others = tuple(_scaled(kind, value, operand.factor) for value in _read(operand.path.field, row))
        pairs += [(_comparable(kind, value, raw), others) for value in left if others]
    return pairs


def _comparable(kind: Kind, value: Any, raw: bool) -> Any:
    return fold(value) if kind in {Kind.TEXT, Kind.OPTION} and not raw else value


def _scaled(kind: Kind, value: Any, factor: Fraction) -> Any:
    return value * factor if factor != 1 else _comparable(kind, value, raw=False)
