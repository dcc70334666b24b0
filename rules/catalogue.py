"""Describe what a rule can talk about: entities, their fields and relations, and the columns these live in.

The catalogue is usable in two states. Unbound, it knows names and kinds: enough to check a condition and to
evaluate it over plain mappings. Bound (`Catalogue.bind`), it also carries the SQLAlchemy columns that whoever
owns the tables handed in: enough to compile. This module defines no table.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, FromClause

if TYPE_CHECKING:
    from rules.condition import Rollup


class Kind(StrEnum):
    """What sort of value a field holds, and so which operators and literals go with it.

    In Python: text and option `str`, number `int` or `Decimal`, money `int` in minor units of the reporting
    currency, date `date`, datetime an aware `datetime`, boolean `bool`.
    """

    TEXT = "text"
    OPTION = "option"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    DATETIME = "date and time"
    BOOLEAN = "yes or no"


WORDS = frozenset({Kind.TEXT, Kind.OPTION})
ORDERED = frozenset({Kind.NUMBER, Kind.MONEY, Kind.DATE, Kind.DATETIME})


def fold(text: str) -> str:
    """Fold text for comparison: compatibility forms and letter case go, accents stay.

    Both databases compare the result of this function, written beside the original at sync: their own
    `lower()` disagree (`lower('ÜBER')` is `Über` in SQLite).
    """
    if text.isascii():  # which has no other forms
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """Where a field lives: its column and, for text and options, the column holding `fold(value)`.

    A many-valued field also names the `source` its values stand in (a table or an alias of its own) and `on`,
    the condition that joins a row of it to its owner; `unique` says that no owner has a value twice. A number
    with a `scale` counts so many parts of one: 2.5 is stored as 2500000 millionths.
    """

    value: ColumnElement[Any]
    folded: ColumnElement[Any] | None = None
    source: FromClause | None = None
    on: ColumnElement[bool] | None = None
    scale: int = 1
    unique: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Something one can ask of an item.

    `synonyms` groups spellings of one value: `(("Done", "done"),)`; `closed` says there are no other values.
    `read` takes the value out of an item when it is not simply found under the field's name. `absent` says
    what has to be declared before the field holds anything; a rule that asks for it must wait.
    """

    name: str
    kind: Kind
    doc: str = ""
    aliases: tuple[str, ...] = ()
    many: bool = False
    synonyms: tuple[tuple[str, ...], ...] = ()
    closed: bool = False
    column: Column | None = None
    read: Callable[[Mapping[str, Any]], Any] | None = None
    rollup: Rollup | None = None
    absent: str | None = None

    @property
    def scale(self) -> int:
        """Of how many parts of one the stored number counts."""
        field = self if self.rollup is None else self.rollup.field
        return 1 if field is None or field.column is None else field.column.scale


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """Records tied to an item; `value` names the field that stands for the relation itself.

    `objective = OBJ-1` asks for the `value` field, `objective.ends` for another one. An item is a mapping
    that holds the related records, mappings as well, in a list under the relation's name.
    """

    name: str
    fields: tuple[Field, ...]
    value: str
    doc: str = ""
    aliases: tuple[str, ...] = ()
    source: FromClause | None = None
    on: ColumnElement[bool] | None = None

    @property
    def relations(self) -> tuple[Relation, ...]:
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class Entity:
    """A sort of row that rules flag. `source` is what to select from, `id` the column that identifies it."""

    name: str
    fields: tuple[Field, ...]
    relations: tuple[Relation, ...] = ()
    doc: str = ""
    source: FromClause | None = None
    id: ColumnElement[Any] | None = None

    def with_fields(self, *extra: Field) -> Entity:
        return replace(self, fields=(*self.fields, *extra))


Scope = Entity | Relation


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A field as reached from an item: its own, or one of a related record."""

    name: str
    field: Field
    relation: Relation | None = None

    @property
    def many(self) -> bool:
        return self.relation is not None or self.field.many

    @property
    def kind(self) -> Kind:
        return self.field.kind


def paths(scope: Scope) -> Iterator[tuple[str, Path]]:
    """Yield every name a condition may use in this scope, aliases included, with what it stands for."""
    yield from _field_paths(scope.fields)
    for relation in scope.relations:
        own = next(field for field in relation.fields if field.name == relation.value)
        for name in (relation.name, *relation.aliases):
            yield name, Path(relation.name, own, relation)
            for tail, path in _field_paths(relation.fields):
                yield f"{name}.{tail}", Path(f"{relation.name}.{path.name}", path.field, relation)


def _field_paths(fields: tuple[Field, ...]) -> Iterator[tuple[str, Path]]:
    for field in fields:
        for name in (field.name, *field.aliases):
            yield name, Path(field.name, field)


def find(scope: Scope, name: str) -> Path | None:
    """Look a name up; letter case does not matter, as in Jira."""
    wanted = name.casefold()
    return next((path for known, path in paths(scope) if known.casefold() == wanted), None)


class BindingError(ValueError):
    """The columns handed in do not cover the catalogue: a mistake in the program, listed whole."""


@dataclass(frozen=True, slots=True, eq=False)
class RelationBinding:
    """The columns of a relation; `source` is a table, alias or subquery used for nothing else.

    It holds one row for each pair of owner and related record: a pair that stands there twice counts twice
    in a roll-up.
    """

    source: FromClause
    on: ColumnElement[bool]
    columns: Mapping[str, ColumnElement[Any] | Column]


@dataclass(frozen=True, slots=True, eq=False)
class EntityBinding:
    """The columns of an entity, by field name. `source` may be a join (with grouped budgets, say).

    What it joins with an outer join has one row at most for each item, and is left out of the statements of
    rules that name no column of it.
    """

    source: FromClause
    id: ColumnElement[Any]
    columns: Mapping[str, ColumnElement[Any] | Column]
    relations: Mapping[str, RelationBinding]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entities, by name."""

    entities: tuple[Entity, ...]

    def entity(self, name: str) -> Entity | None:
        wanted = name.casefold()
        return next((entity for entity in self.entities if entity.name.casefold() == wanted), None)

    def replace(self, entity: Entity) -> Catalogue:
        """Return a catalogue in which this entity stands for the one of the same name."""
        return Catalogue(tuple(entity if old.name == entity.name else old for old in self.entities))

    def bind(self, bindings: Mapping[str, EntityBinding]) -> Catalogue:
        """Return the same catalogue with columns, or a `BindingError` that lists all that is missing."""
        problems = [f"unknown entity {name}" for name in bindings if self.entity(name) is None]
        bound = tuple(
            _bind_entity(entity, bindings[entity.name], problems)
            for entity in self.entities
            if entity.name in bindings
        )
        problems += [f"{entity.name}: no binding" for entity in self.entities if entity.name not in bindings]
        if problems:
            raise BindingError("; ".join(problems))
        return Catalogue(bound)


def _bind_entity(entity: Entity, binding: EntityBinding, problems: list[str]) -> Entity:
    fields = _bind_fields(entity.name, entity.fields, binding.columns, problems)
    relations = []
    for relation in entity.relations:
        place = f"{entity.name}.{relation.name}"
        columns = binding.relations.get(relation.name)
        if columns is None:
            problems.append(f"{place}: no binding")
            continue
        bound = _bind_fields(place, relation.fields, columns.columns, problems)
        relations.append(replace(relation, fields=bound, source=columns.source, on=columns.on))
    known = {relation.name for relation in entity.relations}
    problems += [f"{entity.name}.{name}: unknown relation" for name in binding.relations if name not in known]
    return replace(entity, fields=fields, relations=tuple(relations), source=binding.source, id=binding.id)


def _bind_fields(
    place: str,
    fields: tuple[Field, ...],
    columns: Mapping[str, ColumnElement[Any] | Column],
    problems: list[str],
) -> tuple[Field, ...]:
    known = {field.name for field in fields}
    problems += [f"{place}.{name}: unknown field" for name in columns if name not in known]
    return tuple(_bind_field(place, field, columns.get(field.name), problems) for field in fields)


def _bind_field(
    place: str, field: Field, column: ColumnElement[Any] | Column | None, problems: list[str]
) -> Field:
    if column is None:
        problems.append(f"{place}.{field.name}: no column")
        return field
    if not isinstance(column, Column):
        column = Column(column)
    if field.kind in WORDS and column.folded is None:
        problems.append(f"{place}.{field.name}: no folded column")
    if field.many and (column.source is None or column.on is None):
        problems.append(f"{place}.{field.name}: many-valued, needs source and on")
    return replace(field, column=column)
