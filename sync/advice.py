"""Count in the store what is probably not meant in a rule: what it skips, misspells, or takes in whole."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, FromClause, func, select

from rules.advice import (
    Advice,
    about_empties,
    about_reach,
    about_updated,
    about_values,
    blind_spots,
    named_values,
)
from rules.catalogue import Entity, Path
from rules.condition import Condition
from rules.ruleset import Rule, RuleSet
from rules.sql import matching

# More values than a person could have meant one of: keys, ids, titles.
VALUES = 5_000


def advise(connection: Connection, rules: RuleSet) -> Iterator[Advice]:
    """Give advice on each rule of a set that is bound to this store."""
    sizes: dict[str, int] = {}
    for rule in rules.rules:
        entity = rule.entity
        if entity.name not in sizes and entity.source is not None:
            sizes[entity.name] = connection.scalar(select(func.count()).select_from(entity.source)) or 0
        yield from about_updated(rule)
        if sizes.get(entity.name):
            yield from advise_on(connection, rule, sizes[entity.name])


def advise_on(connection: Connection, rule: Rule, rows: int) -> Iterator[Advice]:
    """Give advice on one rule. Rules that ship leave out empties on purpose, and their tests say so."""
    hits = count(connection, rule.entity, rule.condition)
    yield from about_reach(rule, hits, rows)
    for spot in blind_spots(rule) if rule.pack is None else ():
        yield from about_empties(rule, spot, count(connection, rule.entity, spot.wider) - hits)
    for leaf in named_values(rule):
        yield from about_values(rule, leaf, seen(connection, rule.entity, leaf.path))


def count(connection: Connection, entity: Entity, condition: Condition) -> int:
    """Count the rows a condition is true for."""
    return connection.scalar(select(func.count()).select_from(matching(entity, condition).subquery())) or 0


def seen(connection: Connection, entity: Entity, path: Path) -> list[str]:
    """Read the values a field has on any row; none where there are too many to be a list of choices."""
    column, source = path.field.column, source_of(entity, path)
    if column is None or source is None:
        return []
    rows = select(column.value).distinct().select_from(source).where(column.value.is_not(None)).limit(VALUES)
    values = [str(value) for value in connection.scalars(rows)]
    return values if len(values) < VALUES else []


def source_of(entity: Entity, path: Path) -> FromClause | None:
    """Say what the values of a field stand in."""
    if path.field.many:
        return path.field.column.source if path.field.column is not None else None
    return path.relation.source if path.relation is not None else entity.source
