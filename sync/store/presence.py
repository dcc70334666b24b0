"""Say which rows of the outside world count: one vanishes by tombstone, and may be missing before it does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, not_


def live(table: Any) -> ColumnElement[bool]:
    """Give the condition that a row has neither gone missing nor been deleted: only these are judged."""
    return and_(kept(table), not_(missing(table)))


def missing(table: Any) -> ColumnElement[bool]:
    """Give the condition that a complete read did not bring a row; a budget line is there or deleted."""
    condition: ColumnElement[bool] = (
        table.c.missing_since.is_not(None) if "missing_since" in table.c else false()
    )
    return condition


def kept(table: Any) -> ColumnElement[bool]:
    """Give the condition that a row is not deleted; one that went missing ties others until it is."""
    condition: ColumnElement[bool] = table.c.deleted_at.is_(None)
    return condition
