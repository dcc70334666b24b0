"""Follow refused rows from reading to reading: open until a complete one takes them, or waived."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from sync.errors import ConfigurationError
from sync.store import tables
from sync.store.save import Origin
from sync.store.schema import AnyRow, table_of

quarantine = table_of(tables.Quarantine)

OPEN, FIXED, WAIVED = "open", "fixed", "waived"
STATES = (OPEN, FIXED, WAIVED)


def settle(connection: Connection, origin: Origin) -> None:
    """Close what a complete read no longer refuses; what it refuses again goes on as the same row.

    A row is the same if its text, column and kind of mistake are, wherever it stands by now.
    """
    older = quarantine.alias("older")
    was = and_(
        older.c.source == origin.source,
        older.c.run_id < origin.began,
        older.c.status != FIXED,
        older.c.fingerprint == quarantine.c.fingerprint,
    )
    inherited = {
        name: select(value).where(was).correlate(quarantine).scalar_subquery()
        for name, value in (
            ("first_run", func.min(older.c.first_run)),
            ("status", func.max(older.c.status)),
            ("note", func.max(older.c.note)),
        )
    }
    ours = and_(quarantine.c.source == origin.source, quarantine.c.run_id >= origin.began)
    known = select(older.c.id).where(was).correlate(quarantine).exists()
    connection.execute(update(quarantine).where(ours, known).values(inherited))
    left = and_(
        quarantine.c.source == origin.source,
        quarantine.c.run_id < origin.began,
        quarantine.c.status != FIXED,
    )
    again = select(older.c.fingerprint).where(older.c.source == origin.source, older.c.run_id >= origin.began)
    connection.execute(delete(quarantine).where(left, quarantine.c.fingerprint.in_(again)))
    connection.execute(update(quarantine).where(left).values(status=FIXED))


def refused_rows(
    connection: Connection,
    sources: Sequence[str] = (),
    states: Sequence[str] = (OPEN,),
    *,
    first: int = 0,
    most: int | None = None,
) -> Sequence[AnyRow]:
    """Read the refused rows in these states, of these sources or of all; `most` of them from `first` on."""
    order = (quarantine.c.source, quarantine.c.file, quarantine.c.line, quarantine.c.id)
    asked = select(quarantine).where(*wanted(sources, states)).order_by(*order)
    return connection.execute(asked.limit(most).offset(first) if most is not None else asked).all()


def count_refused(
    connection: Connection, sources: Sequence[str] = (), states: Sequence[str] = (OPEN,)
) -> int:
    """Count the refused rows in these states, of these sources or of all."""
    counted = select(func.count()).select_from(quarantine).where(*wanted(sources, states))
    return connection.scalar(counted) or 0


def sources_refused(connection: Connection) -> list[str]:
    """Give the sources of which any row was ever refused."""
    return list(connection.scalars(select(quarantine.c.source).distinct().order_by(quarantine.c.source)))


def wanted(sources: Sequence[str], states: Sequence[str]) -> list[ColumnElement[bool]]:
    """Give the conditions that choose rows by state and source."""
    chosen: list[ColumnElement[bool]] = [quarantine.c.status.in_(states)]
    return [*chosen, quarantine.c.source.in_(sources)] if sources else chosen


def waive(connection: Connection, ids: Sequence[int], reason: str) -> int:
    """Let refused rows be, with the reason; raises `ConfigurationError` for one that is not open."""
    waived = (
        update(quarantine)
        .where(quarantine.c.id.in_(ids), quarantine.c.status == OPEN)
        .values(status=WAIVED, note=reason)
        .returning(quarantine.c.id)
    )
    done = set(connection.scalars(waived))
    missing = [str(number) for number in ids if number not in done]
    if missing:
        raise ConfigurationError(
            f"No open refused row has the number {', '.join(missing)}. `tieline quarantine list` shows them."
        )
    return len(done)
