"""Say which rows of the outside world count: one vanishes by tombstone, and may be missing before it does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_


def live(table: Any) -> ColumnElement[bool]:
    """Give the condition that a row has neither gone missing nor been deleted: only these are judged."""
    return and_(kept(table), table.c.missing_since.is_(None))


def kept(table: Any) -> ColumnElement[bool]:
    """Give the condition that a row is not deleted; one that went missing ties others until it is."""
    condition: ColumnElement[bool] = table.c.deleted_at.is_(None)
    return condition
