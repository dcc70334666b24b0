"""Read what runs did: their list, their findings and their writes, for the commands that look back."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, and_, case, func, select

from sync.store import tables
from sync.store.findings import WORK_ITEM
from sync.store.groups import cost_centre, project
from sync.store.links import budget_line, objective, work_item
from sync.store.money.accounts import control_total
from sync.store.money.balance import money_balance
from sync.store.money.reconcile import reconciliation
from sync.store.runs import run, source_run
from sync.store.schema import AnyRow, table_of
from sync.store.waivers import waiver

coverage = table_of(tables.Coverage)
finding = table_of(tables.Finding)
ledger = table_of(tables.LabelWrite)
quarantine = table_of(tables.Quarantine)


def newest_runs(connection: Connection, number: int, after: int = 0) -> Sequence[AnyRow]:
    """Read the newest runs, the newest first; `after` leaves out so many of them."""
    return connection.execute(select(run).order_by(run.c.id.desc()).limit(number).offset(after)).all()


def count_runs(connection: Connection) -> int:
    """Count the runs there have been."""
    return connection.scalar(select(func.count()).select_from(run)) or 0


def newest_reads(connection: Connection) -> Sequence[AnyRow]:
    """Read how each source was last read."""
    newest = (
        select(source_run.c.source, func.max(source_run.c.run_id).label("run_id"))
        .group_by(source_run.c.source)
        .subquery()
    )
    return connection.execute(
        select(source_run)
        .join(newest, (newest.c.source == source_run.c.source) & (newest.c.run_id == source_run.c.run_id))
        .order_by(source_run.c.started_at, source_run.c.source)
    ).all()


def run_with(connection: Connection, run_id: int) -> AnyRow | None:
    """Read one run."""
    return connection.execute(select(run).where(run.c.id == run_id)).one_or_none()


def newest_judged(connection: Connection) -> int | None:
    """Give the newest run that has figures."""
    newest: int | None = connection.scalar(select(func.max(coverage.c.run_id)))
    return newest


def newest_read(connection: Connection) -> int | None:
    """Give the newest run that read a source."""
    newest: int | None = connection.scalar(select(func.max(source_run.c.run_id)))
    return newest


def write_counts(connection: Connection, run_id: int) -> dict[tuple[str, str], int]:
    """Count the ledger rows of a run by operation and state."""
    rows = connection.execute(
        select(ledger.c.operation, ledger.c.state, func.count())
        .where(ledger.c.run_id == run_id)
        .group_by(ledger.c.operation, ledger.c.state)
    )
    return {(row[0], row[1]): row[2] for row in rows}


def findings_by_rule(connection: Connection, run_id: int) -> Sequence[AnyRow]:
    """Count the findings of each rule: open, pending, clearing, and what this run opened and closed."""

    free = finding.c.waiver_id.is_(None)

    def count(condition: object) -> object:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)  # type: ignore[arg-type]

    return connection.execute(
        select(
            finding.c.rule,
            func.max(finding.c.mode).label("mode"),
            func.max(finding.c.owner).label("owner"),
            count(and_(finding.c.state == "open", free)).label("open"),  # type: ignore[attr-defined]
            count(and_(finding.c.state == "pending", free)).label("pending"),  # type: ignore[attr-defined]
            count(and_(finding.c.state == "clearing", free)).label("clearing"),  # type: ignore[attr-defined]
            count(~free).label("waived"),  # type: ignore[attr-defined]
            count(finding.c.opened_run == run_id).label("opened"),  # type: ignore[attr-defined]
            count(finding.c.closed_run == run_id).label("closed"),  # type: ignore[attr-defined]
        )
        .group_by(finding.c.rule)
        .order_by(finding.c.rule)
    ).all()


def open_findings(connection: Connection) -> Sequence[AnyRow]:
    """Read the findings that are not closed, with the name of the row each is about."""
    judged = waiver.alias("judged_waiver")
    subject = func.coalesce(
        work_item.c.key,
        objective.c.source_id,
        budget_line.c.source_id,
        project.c.key,
        cost_centre.c.name,
        judged.c.place,
    )
    title = func.coalesce(
        work_item.c.summary, objective.c.title, budget_line.c.description, project.c.name, judged.c.reason
    )
    return connection.execute(
        select(
            finding.c.rule,
            finding.c.entity,
            subject.label("subject"),
            title.label("title"),
            finding.c.state,
            finding.c.severity,
            finding.c.since,
            finding.c.mode,
            finding.c.owner.label("rule_owner"),
            func.coalesce(work_item.c.assignee, objective.c.owner).label("owner"),
            waiver.c.until.label("waived_until"),
            finding.c.evidence,
        )
        .select_from(finding)
        .outerjoin(waiver, waiver.c.id == finding.c.waiver_id)
        .outerjoin(work_item, (finding.c.entity == WORK_ITEM) & (work_item.c.id == finding.c.subject_id))
        .outerjoin(objective, (finding.c.entity == "objective") & (objective.c.id == finding.c.subject_id))
        .outerjoin(
            budget_line, (finding.c.entity == "budgetLine") & (budget_line.c.id == finding.c.subject_id)
        )
        .outerjoin(judged, (finding.c.entity == "waiver") & (judged.c.id == finding.c.subject_id))
        .outerjoin(project, (finding.c.entity == "project") & (project.c.id == finding.c.subject_id))
        .outerjoin(
            cost_centre, (finding.c.entity == "costCentre") & (cost_centre.c.id == finding.c.subject_id)
        )
        .where(finding.c.state != "closed")
        .order_by(finding.c.rule, subject)
    ).all()


def totals_of(connection: Connection, run_id: int) -> Sequence[AnyRow]:
    """Read the control totals of a run."""
    return connection.execute(
        select(control_total)
        .where(control_total.c.run_id == run_id)
        .order_by(control_total.c.source, control_total.c.fiscal_year.desc(), control_total.c.version)
    ).all()


def movements_of(connection: Connection, run_id: int) -> Sequence[AnyRow]:
    """Read how a run moved the sums of the finance sources, by version and period."""
    order = ("source", "currency", "fiscal_year", "version", "period")
    return connection.execute(
        select(reconciliation)
        .where(reconciliation.c.run_id == run_id)
        .order_by(*(reconciliation.c[name] for name in order))
    ).all()


def balance_of(connection: Connection, run_id: int) -> Sequence[AnyRow]:
    """Read what the lines of the finance sources fell to in a run, by version and period."""
    order = ("source", "currency", "fiscal_year", "version", "period")
    return connection.execute(
        select(money_balance)
        .where(money_balance.c.run_id == run_id)
        .order_by(*(money_balance.c[name] for name in order))
    ).all()


def coverage_of(connection: Connection, run_id: int) -> Sequence[AnyRow]:
    """Read the figures of a run for the whole portfolio."""
    return connection.execute(
        select(coverage)
        .where(coverage.c.run_id == run_id, coverage.c.project_key == "")
        .order_by(coverage.c.currency, coverage.c.fiscal_year.desc(), coverage.c.version, coverage.c.state)
    ).all()
