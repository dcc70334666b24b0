"""Read one row the way rules see it: its fields, lists and related records, as a plain mapping."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, select

from rules.catalogue import Entity, Field, Kind, Relation
from rules.literals import exact

Item = dict[str, Any]


def read_item(connection: Connection, entity: Entity, subject_id: int) -> Item | None:
    """Read the row of a bound entity, or None where rules would not see it."""
    if entity.source is None or entity.id is None:
        raise ValueError(f"{entity.name} is not bound")
    this = entity.id == subject_id
    plain = [field for field in entity.fields if not field.many]
    row = connection.execute(select(*columns(plain)).select_from(entity.source).where(this)).one_or_none()
    if row is None:
        return None
    item = {field.name: shown(field, value) for field, value in zip(plain, row, strict=True)}
    for field in entity.fields:
        if field.many:
            item[field.name] = read_list(connection, field, entity.source, this)
    for relation in entity.relations:
        item[relation.name] = read_related(connection, relation, entity.source, this)
    return item


def columns(fields: list[Field]) -> list[ColumnElement[Any]]:
    """Give the columns of plain fields."""
    return [field.column.value.label(f"f{i}") for i, field in enumerate(fields) if field.column is not None]


def read_list(
    connection: Connection, field: Field, owner: FromClause, this: ColumnElement[bool]
) -> list[Any]:
    """Read the values of a many-valued field, sorted."""
    column = field.column
    if column is None or column.source is None or column.on is None:
        return []
    statement = select(column.value).select_from(owner.join(column.source, column.on)).where(this)
    return sorted(connection.scalars(statement))


def read_related(
    connection: Connection, relation: Relation, owner: FromClause, this: ColumnElement[bool]
) -> list[Item]:
    """Read the related records, sorted by what stands for them."""
    if relation.source is None or relation.on is None:
        return []
    plain = [field for field in relation.fields if not field.many]
    joined = owner.join(relation.source, relation.on)
    number = relation.source.c.id
    rows = connection.execute(select(number, *columns(plain)).select_from(joined).where(this)).all()
    related = []
    for row in rows:
        item = {field.name: shown(field, value) for field, value in zip(plain, row[1:], strict=True)}
        for field in relation.fields:
            if field.many:
                item[field.name] = read_list(connection, field, relation.source, number == row[0])
        related.append(item)
    return sorted(related, key=lambda item: str(item[relation.value]))


def shown(field: Field, value: Any) -> Any:
    """Give a value in the type the evaluator expects."""
    if value is None:
        return None
    if field.scale > 1:
        return exact(Fraction(value, field.scale))
    return bool(value) if field.kind is Kind.BOOLEAN else value
