"""Read what a report says of single tickets: unaligned work, findings, what turned, and what was written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, or_, select

from rules.ruleset import Mode
from sync.figures.coverage import Series
from sync.figures.findings import (
    FindingFacts,
    ItemName,
    LabelEntry,
    LabelFacts,
    RuleCount,
    UnalignedItem,
    Withheld,
)
from sync.life import CLOSED
from sync.store.coverage import is_aligned, is_waived
from sync.store.findings import WORK_ITEM, finding
from sync.store.groups import cost_centre, project
from sync.store.labels import ledger, plan_change
from sync.store.links import budget_line, budget_link, objective, work_item
from sync.store.presence import live
from sync.store.schema import AnyRow
from sync.store.waivers import waiver

OBJECTIVE = "objective"


def unaligned_items(
    connection: Connection, today: date, series: Series | None, findings: Iterable[FindingFacts]
) -> tuple[UnalignedItem, ...]:
    """Read the work items that serve no live objective, those with the most money of the series first."""
    on_item: dict[int, list[str]] = defaultdict(list)
    for found in findings:
        if found.entity == WORK_ITEM:
            on_item[found.subject_id].append(found.rule)
    amounts = money_of_items(series).subquery()
    amount = func.coalesce(amounts.c.amount, 0)
    rows = connection.execute(
        select(work_item, amount.label("amount"))
        .outerjoin(amounts, amounts.c.work_item_id == work_item.c.id)
        .where(live(work_item), work_item.c.in_scope, ~is_aligned(today), ~is_waived())
        .order_by(amount.desc(), work_item.c.key, work_item.c.id)
    )
    return tuple(
        UnalignedItem(
            key=row.key,
            summary=row.summary,
            project_key=row.project_key,
            project_name=row.project_name,
            status=row.status,
            url=row.url,
            amount_minor=int(row.amount),
            findings=tuple(on_item[row.id]),
        )
        for row in rows
    )


def money_of_items(series: Series | None) -> Select[Any]:
    """Select the money of one series that falls to each work item; none without a series."""
    wanted = series or Series("", 0, "")
    return (
        select(budget_link.c.work_item_id, func.sum(budget_link.c.amount_minor).label("amount"))
        .join(budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .where(
            budget_line.c.currency == wanted.currency,
            budget_line.c.fiscal_year == wanted.fiscal_year,
            budget_line.c.version == wanted.version,
        )
        .group_by(budget_link.c.work_item_id)
    )


def findings_with_subjects() -> Select[Any]:
    """Select findings with the name, title, project and holder of the row each is about, by rule and name."""
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
        work_item.c.summary,
        objective.c.title,
        budget_line.c.description,
        project.c.name,
        judged.c.reason,
        "",
    )
    return (
        select(
            finding,
            subject.label("subject"),
            title.label("title"),
            func.coalesce(work_item.c.url, objective.c.url, "").label("url"),
            func.coalesce(work_item.c.assignee, objective.c.owner, "").label("has_it"),
            func.coalesce(work_item.c.project_key, project.c.key, "").label("of_project"),
            waiver.c.until,
            waiver.c.reason,
        )
        .outerjoin(waiver, waiver.c.id == finding.c.waiver_id)
        .outerjoin(work_item, and_(finding.c.entity == WORK_ITEM, work_item.c.id == finding.c.subject_id))
        .outerjoin(objective, and_(finding.c.entity == OBJECTIVE, objective.c.id == finding.c.subject_id))
        .outerjoin(
            budget_line, and_(finding.c.entity == "budgetLine", budget_line.c.id == finding.c.subject_id)
        )
        .outerjoin(judged, and_(finding.c.entity == "waiver", judged.c.id == finding.c.subject_id))
        .outerjoin(project, and_(finding.c.entity == "project", project.c.id == finding.c.subject_id))
        .outerjoin(
            cost_centre, and_(finding.c.entity == "costCentre", cost_centre.c.id == finding.c.subject_id)
        )
        .order_by(finding.c.rule, subject, finding.c.id)
    )


def open_findings(connection: Connection) -> tuple[FindingFacts, ...]:
    """Read the findings that are not closed, with the name of the row each is about."""
    rows = connection.execute(
        findings_with_subjects().where(finding.c.state != CLOSED, finding.c.mode != Mode.OBSERVE.value)
    )
    return tuple(
        FindingFacts(
            rule=row.rule,
            severity=row.severity,
            entity=row.entity,
            subject_id=row.subject_id,
            subject=row.subject,
            title=row.title,
            url=row.url,
            state=row.state,
            since=row.since,
            opened_at=row.opened_at,
            label=row.label,
            evidence=row.evidence,
            owner=row.has_it,
            rule_owner=row.owner or "",
            waived_until=row.until,
            waiver=row.reason or "",
        )
        for row in rows
    )


def rule_counts(connection: Connection, run_id: int) -> tuple[RuleCount, ...]:
    """Count the findings of each rule that has any, or had one opened or closed in this run."""
    state, free = finding.c.state, finding.c.waiver_id.is_(None)
    conditions = {
        "open": and_(state == "open", free),
        "pending": and_(state == "pending", free),
        "clearing": and_(state == "clearing", free),
        "waived": ~free,
        "opened": finding.c.opened_run == run_id,
        "closed": finding.c.closed_run == run_id,
        "frozen": and_(state.in_(["open", "pending"]), finding.c.last_run < run_id),
    }
    counts = [func.sum(case((condition, 1), else_=0)).label(name) for name, condition in conditions.items()]
    rows = connection.execute(
        select(
            finding.c.rule,
            func.max(finding.c.severity).label("severity"),
            func.max(finding.c.owner).label("owner"),
            func.min(case((and_(state != CLOSED, free), finding.c.since))).label("oldest"),
            *counts,
        )
        .where(finding.c.mode != Mode.OBSERVE.value)
        .group_by(finding.c.rule)
        .order_by(finding.c.rule)
    ).all()
    return tuple(
        RuleCount(
            rule=row.rule,
            severity=row.severity,
            owner=row.owner or "",
            oldest=row.oldest,
            **{name: int(getattr(row, name)) for name in conditions},
        )
        for row in rows
        if any(getattr(row, name) for name in conditions)
    )


def turned(
    connection: Connection, *, after: int, until: int, today: date
) -> tuple[tuple[ItemName, ...], tuple[ItemName, ...]]:
    """Read the work items that are aligned since run `after`, and those found unaligned since then.

    Which item stood how is not kept run by run, so findings tell it: one that asks for an objective and
    closed on an item aligned now, or opened on one that is not.
    """
    closed, opened = finding.c.closed_run, finding.c.opened_run
    came = and_(finding.c.state != CLOSED, finding.c.waiver_id.is_(None), opened > after, opened <= until)
    went = and_(finding.c.state == CLOSED, closed > after, closed <= until)
    about = and_(finding.c.alignment, finding.c.mode != Mode.OBSERVE.value)
    rows = connection.execute(
        select(
            work_item.c.key,
            work_item.c.summary,
            work_item.c.url,
            finding.c.rule,
            went.label("went"),
            case((is_aligned(today), 1), else_=0).label("aligned"),
        )
        .join_from(finding, work_item, work_item.c.id == finding.c.subject_id)
        .where(about, finding.c.entity == WORK_ITEM, live(work_item), work_item.c.in_scope, or_(came, went))
        .order_by(work_item.c.key, finding.c.rule)
    ).all()
    return (
        named(row for row in rows if row.went and row.aligned),
        named(row for row in rows if not row.went and not row.aligned),
    )


def named(rows: Iterable[AnyRow]) -> tuple[ItemName, ...]:
    """Name each item once."""
    first: dict[str, ItemName] = {}
    for row in rows:
        first.setdefault(row.key, ItemName(row.key, row.summary, row.url, row.rule))
    return tuple(first.values())


def label_facts(connection: Connection, run_id: int, most: int | None = None) -> LabelFacts:
    """Read what a run planned to write, and the ledger of what it wrote, or `most` of it, refusals first."""
    planned: dict[str, int] = {
        row.operation: row.number
        for row in connection.execute(
            select(plan_change.c.operation, func.count().label("number"))
            .where(plan_change.c.run_id == run_id, plan_change.c.withheld.is_(None))
            .group_by(plan_change.c.operation)
        )
    }
    rows = connection.execute(
        select(ledger, work_item.c.key, work_item.c.url)
        .join(work_item, work_item.c.id == ledger.c.work_item_id)
        .where(ledger.c.run_id == run_id)
        .order_by(
            case((ledger.c.state == "parked", 0), else_=1),
            work_item.c.key,
            ledger.c.operation,
            ledger.c.label,
        )
        .limit(most)
    )
    entries = tuple(
        LabelEntry(row.key, row.url, row.operation, row.label, row.rule, row.state, row.reason)
        for row in rows
    )
    return LabelFacts(planned.get("add", 0), planned.get("remove", 0), entries, withheld(connection, run_id))


def withheld(connection: Connection, run_id: int) -> tuple[Withheld, ...]:
    """Read what a run left as it is though a rule wants it otherwise, or nobody knows whose it is."""
    rows = connection.execute(
        select(plan_change, work_item.c.key, work_item.c.url)
        .join(work_item, work_item.c.id == plan_change.c.work_item_id)
        .where(plan_change.c.run_id == run_id, plan_change.c.withheld.is_not(None))
        .order_by(plan_change.c.withheld, work_item.c.key, plan_change.c.label)
    )
    return tuple(Withheld(row.key, row.url, row.operation, row.label, row.rule, row.withheld) for row in rows)
