"""Read the budget as it was known at a moment, from the view of all that budget lines have ever said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Connection, Integer, and_, column, func, or_, select, table

from sync.store.schema import AnyRow
from sync.store.tables import Instant

budget_line_version = table(
    "budget_line_version",
    *(column(name) for name in ("source", "source_id", "version", "period", "currency", "project")),
    column("fiscal_year", Integer),
    column("amount_minor", BigInteger),
    column("valid_from", Instant),
    column("valid_to", Instant),
)


def as_known(connection: Connection, moment: datetime, source: str | None = None) -> Sequence[AnyRow]:
    """Sum the budget lines that stood at a moment, by source, currency, version, fiscal year and period."""
    known = budget_line_version.c
    key = (known.source, known.currency, known.version, known.fiscal_year, known.period)
    stood = and_(known.valid_from <= moment, or_(known.valid_to.is_(None), known.valid_to > moment))
    statement = select(
        *key, func.count().label("lines"), func.sum(known.amount_minor).label("amount_minor")
    ).where(stood)
    if source is not None:
        statement = statement.where(known.source == source)
    return connection.execute(statement.group_by(*key).order_by(*key)).all()
