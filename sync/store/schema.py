"""Give the SQLAlchemy tables behind the SQLModel classes, for set-wise statements."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table
from sqlmodel import SQLModel


def table_of(model: type[SQLModel]) -> Table:
    """Give the table of a model (SQLModel declares `__table__` without a type)."""
    return cast(Table, model.__table__)  # type: ignore[attr-defined]
