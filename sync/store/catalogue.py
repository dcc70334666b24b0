"""Hand the rules their columns: the vocabulary bound to the tables as they stand today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    cast,
    false,
    func,
    select,
    true,
)

from connectors.records import BudgetVersion
from rules.catalogue import Catalogue, Column, EntityBinding, RelationBinding
from rules.vocabulary import VOCABULARY
from sync.store import tables
from sync.store.coverage import objective_is_live
from sync.store.links import budget_line, budget_link, objective, objective_link, work_item
from sync.store.presence import kept, live
from sync.store.schema import table_of

label_table = table_of(tables.WorkItemLabel)

Columns = dict[str, ColumnElement[Any] | Column]

VERSIONS = {
    "amount": BudgetVersion.BUDGET,
    "forecast": BudgetVersion.FORECAST,
    "actual": BudgetVersion.ACTUAL,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What "today", "this fiscal year", "our currency" and "our labels" mean in a run."""

    today: date
    fiscal_year: int
    currency: str
    prefix: str


def bind_catalogue(frame: Frame) -> Catalogue:
    """Bind every entity to the live rows of its table."""
    return VOCABULARY.bind(
        {"workItem": work_items(frame), "objective": objectives(frame), "budgetLine": budget_lines(frame)}
    )


def work_items(frame: Frame) -> EntityBinding:
    """Bind the work items in scope, with the money that falls to them."""
    items = select(work_item).where(live(work_item), work_item.c.in_scope).subquery("items")
    amounts = amounts_by(budget_link.c.work_item_id, frame).subquery("item_money")
    theirs = (
        select(objective_link.c.work_item_id.label("served_by"), *objective.c, is_live(frame))
        .join_from(objective_link, objective, objective.c.id == objective_link.c.objective_id)
        .where(objective_link.c.counts, kept(objective))
        .subquery("their_objectives")
    )
    return EntityBinding(
        items.outerjoin(amounts, amounts.c.owner == items.c.id),
        items.c.id,
        work_item_columns(items, frame, "item_label") | money_columns(amounts, *VERSIONS),
        {"objective": RelationBinding(theirs, theirs.c.served_by == items.c.id, objective_columns(theirs))},
    )


def objectives(frame: Frame) -> EntityBinding:
    """Bind the objectives, with the money of the work that serves them."""
    own = select(*objective.c, is_live(frame)).where(live(objective)).subquery("own_objectives")
    amounts = (
        amounts_by(objective_link.c.objective_id, frame)
        .join(objective_link, objective_link.c.work_item_id == budget_link.c.work_item_id)
        .where(objective_link.c.counts)
        .subquery("objective_money")
    )
    serving = (
        select(objective_link.c.objective_id.label("serves"), *work_item.c)
        .join_from(objective_link, work_item, work_item.c.id == objective_link.c.work_item_id)
        .where(objective_link.c.counts, kept(work_item), work_item.c.in_scope)
        .subquery("serving_items")
    )
    return EntityBinding(
        own.outerjoin(amounts, amounts.c.owner == own.c.id),
        own.c.id,
        objective_columns(own) | money_columns(amounts, "amount"),
        {
            "workItem": RelationBinding(
                serving, serving.c.serves == own.c.id, work_item_columns(serving, frame, "serving_label")
            )
        },
    )


def budget_lines(frame: Frame) -> EntityBinding:
    """Bind the budget lines; an amount in another currency than the reporting one is empty."""
    lines = select(budget_line).where(live(budget_line)).subquery("lines")
    paid = (
        select(budget_link.c.budget_line_id.label("paid_by"), *work_item.c)
        .join_from(budget_link, work_item, work_item.c.id == budget_link.c.work_item_id)
        .where(kept(work_item))
        .subquery("paid_items")
    )
    columns: Columns = {
        "id": Column(lines.c.source_id, lines.c.key_folded),
        "project": Column(lines.c.project, lines.c.project_folded),
        "costCentre": Column(lines.c.cost_centre, lines.c.cost_centre_folded),
        "account": Column(lines.c.account, lines.c.account_folded),
        "version": Column(lines.c.version, lines.c.version),
        "fiscalYear": lines.c.fiscal_year,
        "currency": Column(lines.c.currency, func.lower(lines.c.currency)),
        "amount": case((lines.c.currency == frame.currency, lines.c.amount_minor)),
    }
    relation = RelationBinding(
        paid, paid.c.paid_by == lines.c.id, work_item_columns(paid, frame, "paid_label")
    )
    return EntityBinding(lines, lines.c.id, columns, {"workItem": relation})


def work_item_columns(items: FromClause, frame: Frame, name: str) -> Columns:
    """Give the columns of a work item; `name` is the alias its labels are read through."""
    labels = label_table.alias(name)
    foreign = func.substr(labels.c.label, 1, len(frame.prefix)) != frame.prefix
    c = items.c
    return {
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
            labels.c.label, labels.c.label_folded, labels, and_(labels.c.work_item_id == c.id, foreign)
        ),
        "created": c.created_at,
        "updated": c.updated_at,
        "due": c.due_on,
        "parent": Column(c.parent_key, c.parent_folded),
    }


def objective_columns(rows: FromClause) -> Columns:
    """Give the columns of an objective."""
    c = rows.c
    return {
        "key": Column(c.source_id, c.key_folded),
        "title": Column(c.title, c.title_folded),
        "state": Column(c.state, c.state),
        "owner": Column(c.owner, c.owner_folded),
        "starts": c.starts_on,
        "ends": c.ends_on,
        "live": c.live,
    }


def is_live(frame: Frame) -> ColumnElement[bool]:
    """Give the column that says whether an objective counts today."""
    return case((objective_is_live(frame.today), true()), else_=false()).label("live")


def amounts_by(owner: ColumnElement[Any], frame: Frame) -> Select[Any]:
    """Select the sums of this fiscal year in the reporting currency, one row for each owner."""
    sums = [
        cast(
            func.sum(case((budget_line.c.version == version.value, budget_link.c.amount_minor))), BigInteger
        ).label(name)
        for name, version in VERSIONS.items()
    ]
    return (
        select(owner.label("owner"), *sums)
        .select_from(budget_link)
        .join(budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .where(budget_line.c.fiscal_year == frame.fiscal_year, budget_line.c.currency == frame.currency)
        .group_by(owner)
    )


def money_columns(amounts: FromClause, *names: str) -> Columns:
    """Give the columns of the sums."""
    return {f"budget.{name}": amounts.c[name] for name in names}
