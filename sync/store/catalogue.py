"""Hand the rules their columns: the vocabulary bound to the tables as they stand today."""

from __future__ import annotations

from sqlalchemy import and_, exists, func, select

from rules.catalogue import Catalogue, Column, EntityBinding, RelationBinding
from rules.vocabulary import vocabulary
from sync.life import CLOSED
from sync.store.columns import (
    VERSIONS,
    Columns,
    Frame,
    amounts_by,
    budget_line_columns,
    is_live,
    money_columns,
    objective_columns,
    of_this_year,
    outside_columns,
    parent_columns,
    share_of,
    sums_of,
    work_item_columns,
)
from sync.store.findings import finding
from sync.store.groups import cost_centre, project
from sync.store.links import (
    OUTSIDE,
    budget_line,
    budget_link,
    objective,
    objective_link,
    outside_link,
    outside_objective,
    work_item,
)
from sync.store.money.purposes import served_money
from sync.store.presence import kept, live
from sync.store.waivers import GRANTED, waiver

__all__ = ["Frame", "bind_catalogue"]


def bind_catalogue(frame: Frame) -> Catalogue:
    """Bind every entity to the live rows of its table."""
    return vocabulary(frame.fields).bind(
        {
            "workItem": work_items(frame),
            "objective": objectives(frame),
            "budgetLine": budget_lines(frame),
            "costCentre": cost_centres(frame),
            "project": projects(frame),
            "waiver": waivers(),
        }
    )


def work_items(frame: Frame) -> EntityBinding:
    """Bind the work items in scope, with the money that falls to them."""
    items = select(work_item).where(live(work_item), work_item.c.in_scope).subquery("items")
    amounts = amounts_by(budget_link.c.work_item_id, frame).subquery("item_money")
    parents = select(work_item).where(kept(work_item)).subquery("item_parent")
    theirs = (
        select(objective_link.c.work_item_id.label("served_by"), *objective.c, is_live(frame))
        .join_from(objective_link, objective, objective.c.id == objective_link.c.objective_id)
        .where(objective_link.c.counts, kept(objective))
        .subquery("their_objectives")
    )
    outside = (
        select(outside_link.c.work_item_id.label("named_by"), *outside_objective.c)
        .join_from(outside_link, outside_objective, outside_objective.c.id == outside_link.c.objective_id)
        .where(outside_link.c.counts, OUTSIDE.there)
        .subquery("outside_objectives")
    )
    children = select(work_item).where(kept(work_item), work_item.c.in_scope).subquery("children")
    lines = (
        select(
            budget_link.c.work_item_id.label("pays"),
            budget_link.c.amount_minor.label("share_minor"),
            *budget_line.c,
        )
        .join_from(budget_link, budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .where(kept(budget_line))
        .subquery("their_lines")
    )
    money = items.outerjoin(amounts, amounts.c.owner == items.c.id)
    return EntityBinding(
        money.outerjoin(parents, parents.c.id == items.c.parent_id),
        items.c.id,
        work_item_columns(items, frame, "item") | parent_columns(parents) | money_columns(amounts, *VERSIONS),
        {
            "objective": RelationBinding(theirs, theirs.c.served_by == items.c.id, objective_columns(theirs)),
            "outsideObjective": RelationBinding(
                outside, outside.c.named_by == items.c.id, outside_columns(outside)
            ),
            "child": RelationBinding(
                children, children.c.parent_id == items.c.id, work_item_columns(children, frame, "child")
            ),
            "budgetLine": RelationBinding(
                lines, lines.c.pays == items.c.id, budget_line_columns(lines, frame)
            ),
        },
    )


def objectives(frame: Frame) -> EntityBinding:
    """Bind the objectives, with their part of the money of the work that serves them."""
    own = select(*objective.c, is_live(frame)).where(live(objective)).subquery("own_objectives")
    found = served_money().subquery("served_money")
    sums = (
        select(found.c.objective.label("owner"), *sums_of(found.c.amount))
        .join_from(found, budget_line, budget_line.c.id == found.c.line)
        .where(of_this_year(frame))
        .group_by(found.c.objective)
    )
    amounts, all_amounts = sums.subquery("objective_money"), sums.subquery("all_objective_money")
    serving = (
        select(objective_link.c.objective_id.label("serves"), *work_item.c)
        .join_from(objective_link, work_item, work_item.c.id == objective_link.c.work_item_id)
        .where(objective_link.c.counts, kept(work_item), work_item.c.in_scope)
        .subquery("serving_items")
    )
    return EntityBinding(
        own.outerjoin(amounts, amounts.c.owner == own.c.id),
        own.c.id,
        objective_columns(own)
        | money_columns(amounts, *VERSIONS)
        | {"budget.share": share_of(amounts.c.amount, all_amounts)},
        {
            "workItem": RelationBinding(
                serving, serving.c.serves == own.c.id, work_item_columns(serving, frame, "serving")
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
    served = (
        select(budget_link.c.budget_line_id.label("paid_by"), *objective.c, is_live(frame))
        .join_from(budget_link, objective_link, objective_link.c.work_item_id == budget_link.c.work_item_id)
        .join(objective, objective.c.id == objective_link.c.objective_id)
        .where(objective_link.c.counts, kept(objective))
        .distinct()
        .subquery("paid_objectives")
    )
    return EntityBinding(
        lines,
        lines.c.id,
        budget_line_columns(lines, frame),
        {
            "workItem": RelationBinding(
                paid, paid.c.paid_by == lines.c.id, work_item_columns(paid, frame, "paid")
            ),
            "objective": RelationBinding(served, served.c.paid_by == lines.c.id, objective_columns(served)),
        },
    )


def cost_centres(frame: Frame) -> EntityBinding:
    """Bind the cost centres that live budget lines name, with the money booked on them."""
    named = exists().where(budget_line.c.cost_centre_folded == cost_centre.c.name_folded, live(budget_line))
    centres = select(cost_centre).where(named.correlate(cost_centre)).subquery("centres")
    sums = (
        select(budget_line.c.cost_centre_folded.label("owner"), *sums_of(budget_line.c.amount_minor))
        .where(of_this_year(frame), live(budget_line))
        .group_by(budget_line.c.cost_centre_folded)
        .subquery("centre_money")
    )
    lines = select(budget_line).where(live(budget_line)).subquery("centre_lines")
    paid = (
        select(budget_line.c.cost_centre_folded.label("paid_by"), *work_item.c)
        .join_from(budget_link, budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .join(work_item, work_item.c.id == budget_link.c.work_item_id)
        .where(kept(work_item), live(budget_line))
        .distinct()
        .subquery("centre_items")
    )
    return EntityBinding(
        centres.outerjoin(sums, sums.c.owner == centres.c.name_folded),
        centres.c.id,
        {"name": Column(centres.c.name, centres.c.name_folded)} | money_columns(sums, *VERSIONS),
        {
            "budgetLine": RelationBinding(
                lines,
                lines.c.cost_centre_folded == centres.c.name_folded,
                budget_line_columns(lines, frame),
            ),
            "workItem": RelationBinding(
                paid, paid.c.paid_by == centres.c.name_folded, work_item_columns(paid, frame, "centre")
            ),
        },
    )


def projects(frame: Frame) -> EntityBinding:
    """Bind the Jira projects that have work items in scope, with the money that falls to these."""
    same = and_(work_item.c.source == project.c.source, work_item.c.project_folded == project.c.key_folded)
    filled = exists().where(same, live(work_item), work_item.c.in_scope).correlate(project)
    rows = select(project).where(filled).subquery("projects")
    amounts = (
        amounts_by(project.c.id, frame)
        .join(work_item, work_item.c.id == budget_link.c.work_item_id)
        .join(project, same)
        .subquery("project_money")
    )
    items = select(work_item).where(live(work_item), work_item.c.in_scope).subquery("project_items")
    within = and_(items.c.source == rows.c.source, items.c.project_folded == rows.c.key_folded)
    return EntityBinding(
        rows.outerjoin(amounts, amounts.c.owner == rows.c.id),
        rows.c.id,
        {
            "key": Column(rows.c.key, rows.c.key_folded),
            "name": Column(rows.c.name, rows.c.name_folded),
        }
        | money_columns(amounts, *VERSIONS),
        {"workItem": RelationBinding(items, within, work_item_columns(items, frame, "project"))},
    )


def waivers() -> EntityBinding:
    """Bind the waivers that files grant, with how many findings the night before left under each."""
    rows = select(waiver).where(waiver.c.state == GRANTED).subquery("granted")
    under = (
        select(finding.c.waiver_id.label("owner"), func.count().label("findings"))
        .where(finding.c.waiver_id.is_not(None), finding.c.state != CLOSED)
        .group_by(finding.c.waiver_id)
        .subquery("under")
    )
    columns: Columns = {
        "rule": Column(rows.c.rule, rows.c.rule),
        "owner": Column(rows.c.owner, rows.c.owner_folded),
        "approver": Column(rows.c.approver, rows.c.approver_folded),
        "until": rows.c.until,
        "findings": func.coalesce(under.c.findings, 0),
    }
    return EntityBinding(rows.outerjoin(under, under.c.owner == rows.c.id), rows.c.id, columns, {})
