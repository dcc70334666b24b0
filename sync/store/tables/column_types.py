"""The kinds of columns that tables are made of: instants, surrogate keys, references, long text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field


class Instant(TypeDecorator[datetime]):
    """A point in time: aware UTC in Python, `timestamptz` on PostgreSQL, UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: nobody could say which moment it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r} cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the time back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite counts only INTEGER PRIMARY KEY up by itself; PostgreSQL should not run out at 2^31.
Serial = BigInteger().with_variant(Integer, "sqlite")


def key(**options: Any) -> Any:
    """Make the surrogate key column of a table."""
    return Field(default=None, sa_column=Column(Serial, primary_key=True, autoincrement=True, **options))


def refers_to(column: str, *, nullable: bool = False, index: bool = False, primary_key: bool = False) -> Any:
    """Make a column that refers to another table's surrogate key."""
    return Field(
        sa_column=Column(
            Serial,
            ForeignKey(column),
            nullable=nullable,
            index=index,
            primary_key=primary_key,
            autoincrement=False,
        )
    )


def long_text() -> Any:
    """Make a column for text of any length."""
    return Field(default=None, sa_type=Text)
