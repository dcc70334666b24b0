"""Read how the sources behind a run were read: counts, refused rows and control totals."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Subquery, and_, func, select, tuple_

from sync.figures.coverage import Series
from sync.figures.intake import Intake, Refused, SourceRead, Total
from sync.store import tables
from sync.store.money.accounts import control_total
from sync.store.runs import source_run
from sync.store.schema import table_of

quarantine = table_of(tables.Quarantine)

REFUSED_SHOWN = 20


def read_intake(connection: Connection, run_id: int) -> Intake:
    """Read how the sources that a run judged by were read."""
    sources = source_reads(connection, run_id)
    return Intake(sources, refused_rows(connection, sources), control_totals(connection, sources))


def newest_reads(run_id: int) -> Subquery:
    """Select the newest reading of each source up to a run."""
    return (
        select(source_run.c.source, func.max(source_run.c.run_id).label("run_id"))
        .where(source_run.c.run_id <= run_id)
        .group_by(source_run.c.source)
        .subquery()
    )


def source_reads(connection: Connection, run_id: int) -> tuple[SourceRead, ...]:
    """Read how each source was last read up to a run, in the order of reading."""
    newest = newest_reads(run_id)
    rows = connection.execute(
        select(source_run)
        .join(newest, and_(newest.c.source == source_run.c.source, newest.c.run_id == source_run.c.run_id))
        .order_by(source_run.c.started_at, source_run.c.source)
    )
    return tuple(
        SourceRead(
            source=row.source,
            kind=row.kind,
            run_id=row.run_id,
            status=row.status,
            started_at=row.started_at,
            finished_at=row.finished_at,
            records=row.records,
            changed=row.changed,
            quarantined=row.quarantined,
            message=row.message,
            reading=row.reading,
            listed=row.expected,
            seen=row.seen,
            explained=json.loads(row.explained or "{}"),
            unexplained=row.unexplained,
        )
        for row in rows
    )


def judged_at(connection: Connection, run_id: int, started_at: datetime) -> datetime:
    """Give the moment a run judged: right after its last source, or at once where it read none."""
    last: datetime | None = connection.scalar(
        select(source_run.c.finished_at)
        .where(source_run.c.run_id == run_id, source_run.c.finished_at.is_not(None))
        .order_by(source_run.c.finished_at.desc())
        .limit(1)
    )
    return last or started_at


def refused_rows(connection: Connection, reads: Sequence[SourceRead]) -> tuple[Refused, ...]:
    """Read the first rows refused in these reads."""
    keys = [(read.source, read.run_id) for read in reads]
    rows = connection.execute(
        select(quarantine)
        .where(tuple_(quarantine.c.source, quarantine.c.run_id).in_(keys))
        .order_by(quarantine.c.source, quarantine.c.file, quarantine.c.line, quarantine.c.id)
        .limit(REFUSED_SHOWN)
    )
    return tuple(
        Refused(row.source, row.file, row.line, row.column_name, row.reason, row.raw) for row in rows
    )


def control_totals(connection: Connection, reads: Sequence[SourceRead]) -> tuple[Total, ...]:
    """Read the control totals of these reads."""
    keys = [(read.source, read.run_id) for read in reads]
    rows = connection.execute(
        select(control_total)
        .where(tuple_(control_total.c.source, control_total.c.run_id).in_(keys))
        .order_by(
            control_total.c.source,
            control_total.c.currency,
            control_total.c.fiscal_year.desc(),
            control_total.c.version,
        )
    )
    return tuple(
        Total(
            row.source,
            Series(row.currency, row.fiscal_year, row.version),
            int(row.stated_minor),
            int(row.accepted_minor),
            int(row.refused_minor),
            int(row.excluded_minor),
        )
        for row in rows
    )
