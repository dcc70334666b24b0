"""Give the SQLAlchemy tables behind the SQLModel classes, for set-wise statements; and a name for any row."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Row, Table
from sqlmodel import SQLModel

AnyRow = Row[*tuple[Any, ...]]


def table_of(model: type[SQLModel]) -> Table:
    """Give the table of a model (SQLModel declares `__table__` without a type)."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]
