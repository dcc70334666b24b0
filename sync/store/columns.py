"""Say which column, or which expression over columns, holds each field that rules can ask about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    false,
    func,
    null,
    or_,
    select,
    true,
)

from connectors.records import MILLIONTHS, STANDARD_FIELDS, BudgetVersion, ValueType
from rules.catalogue import Column
from sync.store import tables
from sync.store.coverage import objective_is_live
from sync.store.links import budget_line, budget_link
from sync.store.schema import table_of

label_table = table_of(tables.WorkItemLabel)
past = table_of(tables.BudgetLinePast)
rate_gap = table_of(tables.RateGap)
run = table_of(tables.Run)
value_table = table_of(tables.WorkItemValue)

HUNDREDTHS = 100_00
NULLS = {
    ValueType.TEXT: Text,
    ValueType.OPTION: Text,
    ValueType.USER: Text,
    ValueType.NUMBER: BigInteger,
    ValueType.DATE: Date,
}

Columns = dict[str, ColumnElement[Any] | Column]

VERSIONS = {
    "amount": BudgetVersion.BUDGET,
    "forecast": BudgetVersion.FORECAST,
    "actual": BudgetVersion.ACTUAL,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What "today", "this fiscal year", "our currency", "our labels" and the declared fields are in a run."""

    today: date
    fiscal_year: int
    currency: str
    prefix: str
    fields: Mapping[str, ValueType] = field(default_factory=dict)


def work_item_columns(items: FromClause, frame: Frame, name: str) -> Columns:
    """Give the columns of a work item; `name` begins the aliases its lists are read through."""
    labels = label_table.alias(f"{name}_label")
    foreign = func.substr(labels.c.label, 1, len(frame.prefix)) != frame.prefix
    c = items.c
    columns: Columns = {
        "key": Column(c.key, c.key_folded),
        "project": Column(c.project_key, c.project_folded),
        "issuetype": Column(c.type_name, c.type_folded),
        "hierarchyLevel": c.hierarchy_level,
        "summary": Column(c.summary, c.summary_folded),
        "status": Column(c.status, c.status_folded),
        "statusCategory": Column(c.status_category, c.status_category),
        "assignee": Column(c.assignee, c.assignee_folded),
        "priority": Column(c.priority, c.priority_folded),
        # What we wrote ourselves is no fact about the ticket: a rule that saw it could flip each night.
        "labels": Column(
            labels.c.label,
            labels.c.label_folded,
            labels,
            and_(labels.c.work_item_id == c.id, foreign),
            unique=True,
        ),
        "created": c.created_at,
        "updated": c.updated_at,
        "touched": c.touched_at,
        "resolved": c.resolved_at,
        "due": c.due_on,
        "parent": Column(c.parent_key, c.parent_folded),
    }
    return columns | declared_columns(c.id, frame, name)


def declared_columns(owner: ColumnElement[Any], frame: Frame, name: str) -> Columns:
    """Give the columns of the fields that sites declare; a standard one that none does is empty."""
    columns: Columns = {
        declared: Column(cast(null(), NULLS[kind]), cast(null(), NULLS[kind]))
        for declared, kind in STANDARD_FIELDS.items()
        if declared not in frame.fields
    }
    for declared, kind in frame.fields.items():
        values = value_table.alias(f"{name}_{declared}")
        here = and_(values.c.work_item_id == owner, values.c.name == declared)
        if kind.many:
            columns[declared] = Column(values.c.text, values.c.text_folded, values, here)
        else:
            columns[declared] = single_column(kind, values, here)
    return columns


def single_column(kind: ValueType, values: FromClause, here: ColumnElement[bool]) -> Column:
    """Give a declared field that has one value at most, looked up by the key of its table."""

    def looked_up(column: ColumnElement[Any]) -> ColumnElement[Any]:
        return select(column).where(here).correlate_except(values).scalar_subquery()

    if kind is ValueType.NUMBER:
        return Column(looked_up(values.c.number), scale=MILLIONTHS)
    if kind is ValueType.DATE:
        return Column(looked_up(values.c.day))
    return Column(looked_up(values.c.text), looked_up(values.c.text_folded))


def parent_columns(parents: FromClause) -> Columns:
    """Give the columns of an item's parent, where it is known."""
    c = parents.c
    return {
        "parent.issuetype": Column(c.type_name, c.type_folded),
        "parent.hierarchyLevel": c.hierarchy_level,
        "parent.status": Column(c.status, c.status_folded),
        "parent.statusCategory": Column(c.status_category, c.status_category),
    }


def objective_columns(rows: FromClause) -> Columns:
    """Give the columns of an objective."""
    c = rows.c
    return {
        "key": Column(c.source_id, c.key_folded),
        "title": Column(c.title, c.title_folded),
        "state": Column(c.state, c.state),
        "kind": Column(c.kind, c.kind_folded),
        "owner": Column(c.owner, c.owner_folded),
        "starts": c.starts_on,
        "ends": c.ends_on,
        "live": c.live,
        "targetShare": Column(c.target_share, scale=100),
    }


def outside_columns(rows: FromClause) -> Columns:
    """Give the columns of an issue that work names as an objective and that is none."""
    c = rows.c
    return {
        "key": Column(c.key, c.key_folded),
        "title": Column(c.title, c.title_folded),
        "state": Column(c.state, c.state),
        "issuetype": Column(c.type_name, c.type_folded),
    }


def budget_line_columns(lines: FromClause, frame: Frame) -> Columns:
    """Give the columns of a budget line; an amount in another currency than the reporting one is empty.

    The amount is the share of it that the rows stand for, where they are shares.
    """
    c = lines.c
    amount = c.get("share_minor", c.amount_minor)
    return {
        "id": Column(c.source_id, c.key_folded),
        "project": Column(c.project, c.project_folded),
        "costCentre": Column(c.cost_centre, c.cost_centre_folded),
        "account": Column(c.account, c.account_folded),
        "version": Column(c.version, c.version),
        "fiscalYear": c.fiscal_year,
        "period": Column(c.period, func.lower(c.period)),
        "currency": Column(c.currency, func.lower(c.currency)),
        "amount": case((c.currency == frame.currency, amount)),
        "restated": restated_at(lines),
        "rateMissing": lacks_rate(lines),
    }


def lacks_rate(lines: FromClause) -> ColumnElement[bool]:
    """Give whether no exchange rate turns the amount of a budget line into the reporting currency."""
    c = lines.c
    gap = exists().where(rate_gap.c.currency == c.currency, rate_gap.c.period == c.period)
    return case((gap.correlate(lines), true()), else_=false())


def restated_at(lines: FromClause) -> ColumnElement[Any]:
    """Give when the amount of a budget line became the one it is: as the last other one was restated."""
    c = lines.c
    other = or_(past.c.amount_minor != c.amount_minor, past.c.currency != c.currency)
    restated = (
        select(func.max(run.c.started_at, type_=tables.Instant))
        .join_from(past, run, run.c.id == past.c.valid_to_run)
        .where(past.c.budget_line_id == c.id, other)
    )
    return restated.correlate(lines).scalar_subquery()


def is_live(frame: Frame) -> ColumnElement[bool]:
    """Give the column that says whether an objective counts today."""
    return case((objective_is_live(frame.today), true()), else_=false()).label("live")


def of_this_year(frame: Frame) -> ColumnElement[bool]:
    """Give the condition that a budget line is of this fiscal year and in the reporting currency."""
    return and_(budget_line.c.fiscal_year == frame.fiscal_year, budget_line.c.currency == frame.currency)


def sums_of(amount: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """Give the sum of each version."""
    return [
        cast(func.sum(case((budget_line.c.version == version.value, amount))), BigInteger).label(name)
        for name, version in VERSIONS.items()
    ]


def amounts_by(owner: ColumnElement[Any], frame: Frame) -> Select[Any]:
    """Select the sums of this fiscal year in the reporting currency, one row for each owner."""
    return (
        select(owner.label("owner"), *sums_of(budget_link.c.amount_minor))
        .select_from(budget_link)
        .join(budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .where(of_this_year(frame))
        .group_by(owner)
    )


def money_columns(amounts: FromClause, *names: str) -> Columns:
    """Give the columns of the sums."""
    return {f"budget.{name}": amounts.c[name] for name in names}


def share_of(amount: ColumnElement[Any], amounts: FromClause) -> Column:
    """Give how many hundredths of a percent an amount is of the sum of all: parts are divided, so that no
    product outgrows an integer."""
    whole = select(cast(func.sum(amounts.c.amount), BigInteger)).scalar_subquery()
    part = func.nullif(whole // HUNDREDTHS, 0, type_=BigInteger)
    return Column(amount // part, scale=100)
