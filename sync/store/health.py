"""Read what a service shows of itself: runs, sources, findings, writes, requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from sync.store import tables
from sync.store.coverage import WHOLE
from sync.store.history import coverage
from sync.store.labels import ledger
from sync.store.money.quarantine import OPEN, quarantine
from sync.store.runs import lease, run, source_run
from sync.store.schema import AnyRow, table_of
from sync.store.traces import request_total, run_step

finding = table_of(tables.Finding)


def last_finished(connection: Connection, *, well: bool = False) -> AnyRow | None:
    """Read the newest run that wrote to Jira or might have, or the newest that ended `well`."""
    chosen = select(run).where(run.c.finished_at.is_not(None), run.c.dry_run.is_(False))
    chosen = chosen.where(run.c.exit_code == 0) if well else chosen
    return connection.execute(chosen.order_by(run.c.id.desc()).limit(1)).one_or_none()


def is_at_work(connection: Connection, now: datetime) -> bool:
    """Say whether somebody holds the lease; this also shows that its table can be reached."""
    return connection.scalar(select(func.count()).select_from(lease).where(lease.c.expires_at > now)) != 0


def last_steps(connection: Connection) -> Sequence[AnyRow]:
    """Read how long each step took, the last time it was taken."""
    newest = select(run_step.c.step, func.max(run_step.c.run_id).label("run_id")).group_by(run_step.c.step)
    last = newest.subquery()
    return connection.execute(
        select(run_step.c.step, func.sum(run_step.c.milliseconds).label("milliseconds"))
        .join(last, (last.c.step == run_step.c.step) & (last.c.run_id == run_step.c.run_id))
        .group_by(run_step.c.step)
        .order_by(run_step.c.step)
    ).all()


def last_complete(connection: Connection) -> dict[str, datetime]:
    """Give when each source was last read whole."""
    rows = connection.execute(
        select(source_run.c.source, func.max(source_run.c.finished_at).label("at"))
        .where(source_run.c.status == "complete")
        .group_by(source_run.c.source)
    )
    return {row.source: row.at for row in rows if row.at is not None}


def findings_by_state(connection: Connection) -> Sequence[AnyRow]:
    """Count the findings that are not closed by rule and state; waived ones are a state of their own."""
    waived = finding.c.waiver_id.is_not(None)
    return connection.execute(
        select(finding.c.rule, finding.c.state, waived.label("waived"), func.count().label("number"))
        .where(finding.c.state != "closed")
        .group_by(finding.c.rule, finding.c.state, waived)
        .order_by(finding.c.rule, finding.c.state)
    ).all()


def labels_written(connection: Connection) -> dict[str, int]:
    """Count the labels that were ever added and removed."""
    rows = connection.execute(
        select(ledger.c.operation, func.count()).where(ledger.c.state == "done").group_by(ledger.c.operation)
    )
    return {row[0]: row[1] for row in rows}


def requests_made(connection: Connection) -> Sequence[AnyRow]:
    """Count the requests ever made by site, endpoint and status, also those of runs that are forgotten."""
    return connection.execute(select(request_total)).all()


def refused_rows(connection: Connection) -> dict[str, int]:
    """Count the rows of each source that are refused and not yet mended."""
    rows = connection.execute(
        select(quarantine.c.source, func.count())
        .where(quarantine.c.status == OPEN)
        .group_by(quarantine.c.source)
    )
    return {row[0]: row[1] for row in rows}


def work_by_state(connection: Connection) -> dict[str, int]:
    """Give the work items of the newest figures by state: the same numbers as in the report."""
    newest = select(func.max(coverage.c.run_id)).scalar_subquery()
    rows = connection.execute(
        select(coverage.c.state, coverage.c["items"].label("number")).where(
            coverage.c.run_id == newest, coverage.c.project_key == WHOLE, coverage.c.currency == ""
        )
    )
    return {row.state: row.number for row in rows}
