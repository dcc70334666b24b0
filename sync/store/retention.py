"""Forget what runs found long ago: what is old enough goes in a few statements, what somebody needs stays.

Never forgotten: runs themselves and their portfolio-wide figures, how sources were read, how often all runs
together asked each site, the ledger of labels
(whose a label is, and what `undo` takes back), findings, waivers, decisions, the chain of what was done. Of a
budget line with a finding that is not closed, all that it ever said stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, func, select, update

from sync.store import tables
from sync.store.coverage import WHOLE
from sync.store.findings import finding
from sync.store.money.quarantine import OPEN, quarantine
from sync.store.runs import run
from sync.store.schema import table_of

balance = table_of(tables.Balance)
conversion = table_of(tables.ConvertedMoney)
coverage = table_of(tables.Coverage)
delivery = table_of(tables.DigestDelivery)
missing_rate = table_of(tables.MissingRate)
objective_coverage = table_of(tables.ObjectiveCoverage)
past = table_of(tables.BudgetLinePast)
run_request = table_of(tables.RunRequest)
run_step = table_of(tables.RunStep)
plan_change = table_of(tables.PlanChange)
reconciliation = table_of(tables.Reconciliation)

# However old they are: a service that stood still for long must not wake up without a past.
ALWAYS_KEPT = 30


def newest_old(connection: Connection, before: datetime) -> int | None:
    """Give the newest run that began before a moment and is not among the last ones; None where none is."""
    last = select(run.c.id).order_by(run.c.id.desc()).limit(ALWAYS_KEPT).subquery()
    newest: int | None = connection.scalar(
        select(func.max(run.c.id)).where(run.c.started_at < before, run.c.id.not_in(select(last.c.id)))
    )
    return newest


def doomed(up_to: int) -> Mapping[Table, ColumnElement[bool]]:
    """Say of each table which rows go with the runs up to this one."""
    needed = exists().where(
        finding.c.entity == "budgetLine",
        finding.c.subject_id == past.c.budget_line_id,
        finding.c.state != "closed",
    )
    return {
        coverage: and_(coverage.c.run_id <= up_to, coverage.c.project_key != WHOLE),
        balance: balance.c.run_id <= up_to,
        delivery: delivery.c.run_id <= up_to,
        conversion: conversion.c.run_id <= up_to,
        missing_rate: missing_rate.c.run_id <= up_to,
        objective_coverage: objective_coverage.c.run_id <= up_to,
        plan_change: plan_change.c.run_id <= up_to,
        reconciliation: reconciliation.c.run_id <= up_to,
        run_request: run_request.c.run_id <= up_to,
        run_step: run_step.c.run_id <= up_to,
        quarantine: and_(quarantine.c.run_id <= up_to, quarantine.c.status != OPEN),
        past: and_(past.c.valid_to_run <= up_to, ~needed),
    }


def count_old(connection: Connection, before: datetime) -> dict[str, int]:
    """Count by table what `forget` would take away."""
    up_to = newest_old(connection, before)
    if up_to is None:
        return {}
    counted = {
        table.name: connection.scalar(select(func.count()).select_from(table).where(condition)) or 0
        for table, condition in doomed(up_to).items()
    }
    return {name: number for name, number in counted.items() if number}


def forget(connection: Connection, before: datetime, now: datetime) -> dict[str, int]:
    """Take away what runs before a moment found, mark these runs, and count by table what went."""
    up_to = newest_old(connection, before)
    if up_to is None:
        return {}
    gone: dict[str, Any] = {
        table.name: connection.execute(delete(table).where(condition)).rowcount
        for table, condition in doomed(up_to).items()
    }
    connection.execute(
        update(run).where(run.c.id <= up_to, run.c.forgotten_at.is_(None)).values(forgotten_at=now)
    )
    return {name: number for name, number in gone.items() if number}


def forgotten_at(connection: Connection, run_id: int) -> datetime | None:
    """Say when the details of a run were taken away, if they were."""
    at: datetime | None = connection.scalar(select(run.c.forgotten_at).where(run.c.id == run_id))
    return at


def known_since(connection: Connection) -> datetime | None:
    """Give the moment since which all is kept that budget lines ever said; None where nothing is gone."""
    since: datetime | None = connection.scalar(
        select(func.max(run.c.started_at)).where(run.c.forgotten_at.is_not(None))
    )
    return since


def forgotten_up_to(connection: Connection) -> int:
    """Give the newest run whose details were taken away, 0 where none is."""
    newest: int | None = connection.scalar(select(func.max(run.c.id)).where(run.c.forgotten_at.is_not(None)))
    return newest or 0
