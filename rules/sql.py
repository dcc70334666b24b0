"""Turn a typed condition into a SQLAlchemy Core expression, and a rule into the SELECT of its hits.

Lists and relations become EXISTS, roll-ups correlated scalar subqueries: one statement judges all rows. What
a leaf means is said in `rules.condition`; `rules.evaluate` does the same in Python.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Protocol, cast

from sqlalchemy import (
    BigInteger,
    ClauseElement,
    ColumnClause,
    ColumnElement,
    FromClause,
    Join,
    Select,
    String,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.sql import visitors

from rules.catalogue import WORDS, Column, Entity, Field, Kind, Path
from rules.condition import All, Condition, Constants, FieldReference, Leaf, Rollup, Test
from rules.pattern import opening
from rules.sql_functions import Instant, JsonArray, JsonFragment, JsonObject, Matches, Parts

EVIDENCE_VALUES = 20

Expression = ColumnElement[Any]


class Unbound(ValueError):
    """The condition names something that has no column: the catalogue was not bound."""


class Judged(Protocol):
    """What `hits` needs of a rule."""

    @property
    def entity(self) -> Entity: ...
    @property
    def condition(self) -> Condition: ...
    @property
    def evidence(self) -> Mapping[str, Path]: ...


def hits(rule: Judged) -> Select[tuple[Any, str]]:
    """Select `item_id` and `evidence` (JSON text) of every row the rule is true for.

    Evidence maps each field the rule names to its value: money in minor units, yes or no as `"true"` or
    `"false"`, of a list or relation the first 20 different values in order.
    """
    entity = rule.entity
    if entity.source is None or entity.id is None:
        raise Unbound(f"{entity.name} has no source")
    pairs = [
        part for name, path in rule.evidence.items() for part in (literal(name, String), _evidence(path))
    ]
    evidence, condition = JsonObject(*pairs), to_sql(rule.condition)
    return (
        select(entity.id.label("item_id"), evidence.label("evidence"))
        .select_from(_needed(entity.source, _tables(entity.id, evidence, condition)))
        .where(condition)
    )


def matching(entity: Entity, condition: Condition) -> Select[tuple[Any]]:
    """Select the id of every row of an entity for which a condition holds."""
    if entity.source is None or entity.id is None:
        raise Unbound(f"{entity.name} has no source")
    where = to_sql(condition)
    return (
        select(entity.id.label("item_id"))
        .select_from(_needed(entity.source, _tables(entity.id, where)))
        .where(where)
    )


def _tables(*expressions: ClauseElement) -> set[object]:
    """Collect what the columns in expressions belong to, those in subqueries included."""
    parts = (part for expression in expressions for part in visitors.iterate(expression))
    return {part.table for part in parts if isinstance(part, ColumnClause) and part.table is not None}


def _needed(source: FromClause, tables: set[object]) -> FromClause:
    """Leave out the outer joins that nothing asks for: the sums of a budget take longer than most rules."""
    if not isinstance(source, Join) or source.full:
        return source
    left = _needed(source.left, tables)
    if source.isouter and source.right not in tables:
        return left
    return left.join(source.right, cast(Expression, source.onclause), isouter=source.isouter)


def to_sql(condition: Condition) -> ColumnElement[bool]:
    """Compile a condition; unknown (NULL) counts as false where the result is used in a WHERE."""
    if isinstance(condition, Leaf):
        return _leaf(condition)
    parts = [to_sql(part) for part in condition.parts]
    if isinstance(condition, All):
        return and_(true(), *parts)
    return or_(*parts)


def _leaf(leaf: Leaf) -> ColumnElement[bool]:
    if leaf.test is Test.EMPTY:
        return _emptiness(leaf.path, leaf.negated)
    hit = _predicate(leaf)
    if not leaf.path.many:
        return not_(hit) if leaf.negated else hit
    some = _exists(leaf.path, hit)
    if not leaf.negated:
        return some
    present = [_column(leaf.path.field).value.is_not(None)]
    if isinstance(leaf.operand, FieldReference):
        present.append(_value(leaf.operand.path.field).is_not(None))
    return and_(_exists(leaf.path, *present), not_(some))


def _emptiness(path: Path, negated: bool) -> ColumnElement[bool]:
    value = _value(path.field)
    if not path.many:
        return value.is_not(None) if negated else value.is_(None)
    some = _exists(path, value.is_not(None))
    return some if negated else not_(some)


def _sources(path: Path) -> tuple[list[FromClause], list[ColumnElement[bool]]]:
    """Return what the values of a many-valued path stand in, and how that is tied to the item."""
    sources: list[FromClause | None] = []
    ties: list[ColumnElement[bool] | None] = []
    if path.relation is not None:
        sources.append(path.relation.source)
        ties.append(path.relation.on)
    if path.field.many:
        column = _column(path.field)
        sources.append(column.source)
        ties.append(column.on)
    if None in sources or any(tie is None for tie in ties):
        raise Unbound(f"{path.name} has no source")
    return cast(list[FromClause], sources), cast(list[ColumnElement[bool]], ties)


def _exists(path: Path, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    sources, ties = _sources(path)
    rows = select(literal(1)).select_from(*sources).where(*ties, *conditions)
    return exists(rows.correlate_except(*sources))


def _column(field: Field) -> Column:
    if field.column is None:
        raise Unbound(f"{field.name} has no column")
    return field.column


def _value(field: Field) -> Expression:
    return _roll_up(field.rollup) if field.rollup is not None else _column(field).value


def _comparable(field: Field) -> Expression:
    """Return the expression to compare: of words the folded one."""
    if field.kind not in WORDS:
        return _value(field)
    folded = _column(field).folded
    if folded is None:
        raise Unbound(f"{field.name} has no folded column")
    return folded


def _roll_up(rollup: Rollup) -> Expression:
    source, tie = rollup.relation.source, rollup.relation.on
    if source is None or tie is None:
        raise Unbound(f"{rollup.relation.name} has no source")
    if rollup.field is None:
        value: Expression = func.count()
    else:
        value = getattr(func, rollup.function)(_column(rollup.field).value)
        if rollup.function == "sum":
            value = sql_cast(value, BigInteger)  # PostgreSQL sums bigint into numeric
    rows = select(value).select_from(source).where(tie)
    if rollup.where is not None:
        rows = rows.where(to_sql(rollup.where))
    return rows.correlate_except(source).scalar_subquery()


_COMPARE: dict[Test, Callable[[Any, Any], Any]] = {
    Test.EQUAL: operator.eq,
    Test.LESS: operator.lt,
    Test.AT_MOST: operator.le,
    Test.GREATER: operator.gt,
    Test.AT_LEAST: operator.ge,
    Test.CONTAINS: lambda left, text: left.contains(text, autoescape=True),
    Test.STARTS: lambda left, text: left.startswith(text, autoescape=True),
    Test.ENDS: lambda left, text: left.endswith(text, autoescape=True),
}


def _predicate(leaf: Leaf) -> ColumnElement[bool]:
    """Compile the test of one value, without regard to negation and number."""
    left = _comparable(leaf.path.field)
    operand = leaf.operand
    if isinstance(operand, FieldReference):
        right = _comparable(operand.path.field)
        factor = operand.factor * Fraction(leaf.path.field.scale, operand.path.field.scale)
        left, right = _times(left, factor.denominator), _times(right, factor.numerator)
        return cast(ColumnElement[bool], _COMPARE[leaf.test](left, right))
    values = cast(Constants, operand).values
    if leaf.test is Test.MATCHES:
        return _matches(cast(str, values[0]), _column(leaf.path.field).value)
    if leaf.path.kind in {Kind.NUMBER, Kind.MONEY}:
        left, values = _integers(
            left, tuple(cast(Fraction, value) * leaf.path.field.scale for value in values)
        )
    if leaf.test is Test.EQUAL and len(values) > 1:
        return left.in_(values)
    return or_(*(_COMPARE[leaf.test](left, value) for value in values))


def _matches(pattern: str, value: Expression) -> ColumnElement[bool]:
    """Look for a pattern only where its fixed beginning is: asking RE2 costs SQLite a call to Python."""
    whole = Matches(literal(pattern, String), value)
    start = opening(pattern)
    return and_(func.substr(value, 1, len(start)) == start, whole) if start else whole


def _times(value: Expression, factor: int) -> Expression:
    return value if factor == 1 else value * literal(factor, BigInteger)


def _integers(left: Expression, values: tuple[Any, ...]) -> tuple[Expression, tuple[Any, ...]]:
    """Clear fractions on both sides: SQLite has no decimals, and a float is never exact."""
    scale = math.lcm(*(Fraction(value).denominator for value in values))
    scaled = tuple(literal(int(value * scale), BigInteger) for value in values)
    return _times(left, scale), scaled


def _evidence(path: Path) -> Expression:
    if not path.many:
        return _shown(path.field, _value(path.field))
    sources, ties = _sources(path)
    column = _column(path.field)
    shown = _shown(path.field, column.value).label("value")
    some = select(shown).select_from(*sources).where(*ties, column.value.is_not(None))
    if path.relation is not None or not column.unique:
        some = some.distinct()
    rows = some.order_by(shown).limit(EVIDENCE_VALUES).correlate_except(*sources).subquery()
    return JsonFragment(select(JsonArray(rows.c.value)).scalar_subquery())


def _shown(field: Field, value: Expression) -> Expression:
    if field.kind is Kind.BOOLEAN:
        return case((value.is_(None), None), (value, "true"), else_="false")
    if field.kind is Kind.DATETIME:
        return Instant(value)
    if field.scale > 1:
        return Parts(value, literal(field.scale, BigInteger))
    return value
