"""Read how one work item is tied to objectives and money, and what it claims in vain, for `explain`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Connection, and_, func, or_, select, true

from connectors.records import How
from sync.store import tables
from sync.store.coverage import objective_is_live
from sync.store.former_keys import former_key, of_issue
from sync.store.links import (
    NAMING,
    OUTSIDE,
    SERVED,
    ambiguous_claims,
    budget_line,
    budget_link,
    claimed_items,
    former_names,
    link_claim,
    objective,
    objective_link,
    outside_link,
    outside_objective,
    reference,
    work_item,
)
from sync.store.money.rolledup import rolled_up
from sync.store.presence import kept, live
from sync.store.schema import AnyRow, table_of
from sync.store.waivers import waiver

finding = table_of(tables.Finding)
ledger = table_of(tables.LabelWrite)


def find_work_item(connection: Connection, key: str, site: str | None = None) -> AnyRow | None:
    """Find a work item by its key, its immutable id or a key it had, letter case aside."""
    here = true() if site is None else work_item.c.source == site
    had = (
        select(work_item.c.id)
        .join(former_key, of_issue(work_item))
        .where(former_key.c.key_folded == key.casefold())
    )
    named = (work_item.c.source_id == key, work_item.c.key_folded == key.casefold(), work_item.c.id.in_(had))
    for way in (or_(*named[:2]), named[2]):
        row = connection.execute(
            select(work_item)
            .where(here, way)
            .order_by(work_item.c.deleted_at.is_not(None), work_item.c.id)
            .limit(1)
        ).one_or_none()
        if row is not None:
            return row
    return None


def nearest_keys(connection: Connection, key: str) -> list[str]:
    """Give some keys of the same project, or else with the same number, for a suggestion."""
    project, _, number = key.casefold().rpartition("-")
    in_project = work_item.c.project_folded == project
    numbered = work_item.c.key_folded.endswith(f"-{number}", autoescape=True)
    for condition in (in_project, numbered):
        found = connection.scalars(
            select(work_item.c.key).where(condition, live(work_item)).order_by(work_item.c.id).limit(1000)
        ).all()
        if found:
            return list(found)
    return []


def objective_ties(connection: Connection, item_id: int, today: date) -> Sequence[AnyRow]:
    """Read every link of an item to an objective, the nearest first."""
    via = work_item.alias("via")
    return connection.execute(
        select(
            objective.c.source_id.label("objective"),
            objective.c.title,
            objective.c.state,
            objective.c.starts_on,
            objective.c.ends_on,
            objective_is_live(today).label("live"),
            objective_link.c.how,
            objective_link.c.strength,
            objective_link.c.evidence,
            objective_link.c.depth,
            via.c.key.label("via"),
        )
        .join_from(objective_link, objective, objective.c.id == objective_link.c.objective_id)
        .outerjoin(via, via.c.id == objective_link.c.via_id)
        .where(objective_link.c.work_item_id == item_id)
        .order_by(objective_link.c.depth, objective.c.source_id, objective_link.c.how)
    ).all()


def outside_ties(connection: Connection, item_id: int) -> Sequence[AnyRow]:
    """Read what an item, or a parent of it, names as an objective and is none, the nearest first."""
    via, goal = work_item.alias("via"), outside_objective
    return connection.execute(
        select(goal.c.key, goal.c.issue_id, goal.c.title, outside_link.c.how, outside_link.c.evidence)
        .add_columns(via.c.key.label("via"))
        .join_from(outside_link, goal, goal.c.id == outside_link.c.objective_id)
        .outerjoin(via, via.c.id == outside_link.c.via_id)
        .where(outside_link.c.work_item_id == item_id, kept(goal))
        .order_by(outside_link.c.depth, goal.c.key, outside_link.c.how)
    ).all()


def hidden_goals(connection: Connection) -> dict[str, str]:
    """Give why Jira does not give an issue that work names as an objective, by the name in folded form."""
    rows = connection.execute(
        select(outside_objective.c.key_folded, outside_objective.c.hidden).where(
            outside_objective.c.hidden.is_not(None), kept(outside_objective)
        )
    )
    return {row.key_folded: row.hidden for row in rows}


def moved_outside(connection: Connection) -> dict[str, str]:
    """Give today's key, by each it had, of what work names as an objective and is none."""
    former = former_names(OUTSIDE).subquery()
    rows = connection.execute(select(former.c.key_folded, former.c.now))
    return {row.key_folded: row.now for row in rows}


def references_of(connection: Connection, item_id: int) -> Sequence[AnyRow]:
    """Read the ties to objectives that an item claims; `objective_id` is empty where one leads to none."""
    named = or_(
        and_(
            reference.c.how.in_([how.value for how in NAMING]),
            or_(objective.c.key_folded == reference.c.target_folded, objective.c.url == reference.c.target),
        ),
        and_(
            reference.c.how == How.ISSUE_LINK.value,
            objective.c.issue_id == reference.c.target,
            objective.c.site == work_item.c.source,
        ),
    )
    former = former_names(SERVED).subquery()
    formerly = and_(
        reference.c.how.in_([how.value for how in NAMING]),
        or_(former.c.key_folded == reference.c.target_folded, former.c.address == reference.c.target),
    )
    leads_to = func.coalesce(func.min(objective.c.id), func.min(former.c.id)).label("objective_id")
    return connection.execute(
        select(reference, leads_to)
        .join_from(reference, work_item, work_item.c.id == reference.c.work_item_id)
        .outerjoin(objective, and_(named, live(objective)))
        .outerjoin(former, formerly)
        .where(reference.c.work_item_id == item_id, reference.c.how != How.COST_CODE.value)
        .group_by(*reference.c)
        .order_by(reference.c.id)
    ).all()


def claims_on(connection: Connection, item: AnyRow) -> Sequence[AnyRow]:
    """Read what mapping files and remote links claim of an item, and what is the matter with it."""
    found = claimed_items().cte("claimed")
    doubtful = select(ambiguous_claims(found).c.claim)
    former = former_names(SERVED).subquery()
    return connection.execute(
        select(
            link_claim,
            func.coalesce(func.min(objective.c.id), func.min(former.c.id)).label("objective_id"),
            link_claim.c.id.in_(doubtful).label("ambiguous"),
        )
        .join_from(link_claim, found, found.c.claim == link_claim.c.id)
        .outerjoin(objective, and_(objective.c.key_folded == link_claim.c.objective_folded, live(objective)))
        .outerjoin(former, former.c.key_folded == link_claim.c.objective_folded)
        .where(found.c.item == item.id)
        .group_by(*link_claim.c)
        .order_by(link_claim.c.id)
    ).all()


def objective_names(connection: Connection) -> dict[str, str]:
    """Give the id of every objective by its id and by its title."""
    rows = connection.execute(select(objective.c.source_id, objective.c.title).where(live(objective))).all()
    ids = {row.source_id: row.source_id for row in rows}
    return ids | {row.title: row.source_id for row in rows if row.title not in ids}


def money_of(connection: Connection, item_id: int) -> Sequence[AnyRow]:
    """Read the shares of budget lines that fall to an item."""
    return connection.execute(
        select(
            budget_line.c.source,
            budget_line.c.sheet,
            budget_line.c.line,
            budget_line.c.version,
            budget_line.c.fiscal_year,
            budget_line.c.currency,
            budget_link.c.amount_minor,
            budget_link.c.how,
            budget_link.c.evidence,
        )
        .join_from(budget_link, budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .where(budget_link.c.work_item_id == item_id)
        .order_by(budget_line.c.fiscal_year.desc(), budget_line.c.version, budget_line.c.source_id)
    ).all()


def money_below(connection: Connection, item_id: int) -> Sequence[AnyRow]:
    """Read what falls to an item and everything below it, where that is other than what falls to itself."""
    whole = rolled_up().subquery()
    own = (
        select(func.sum(budget_link.c.amount_minor))
        .join(budget_line, budget_line.c.id == budget_link.c.budget_line_id)
        .where(
            budget_link.c.work_item_id == item_id,
            budget_line.c.currency == whole.c.currency,
            budget_line.c.fiscal_year == whole.c.fiscal_year,
            budget_line.c.version == whole.c.version,
        )
    )
    return connection.execute(
        select(whole)
        .where(whole.c.item == item_id, whole.c.amount.is_distinct_from(own.scalar_subquery()))
        .order_by(whole.c.fiscal_year.desc(), whole.c.version, whole.c.currency)
    ).all()


def findings_on(connection: Connection, entity: str, subject_id: int) -> dict[str, AnyRow]:
    """Read the findings on one row by rule, with the waiver that each is under."""
    rows = connection.execute(
        select(finding, waiver.c.until, waiver.c.reason, waiver.c.owner.label("waiver_owner"))
        .outerjoin(waiver, waiver.c.id == finding.c.waiver_id)
        .where(finding.c.entity == entity, finding.c.subject_id == subject_id)
    )
    return {row.rule: row for row in rows}


def writes_on(connection: Connection, item_id: int) -> Sequence[AnyRow]:
    """Read what we wrote to a ticket, newest first."""
    return connection.execute(
        select(ledger).where(ledger.c.work_item_id == item_id).order_by(ledger.c.id.desc()).limit(20)
    ).all()


def chain_of(connection: Connection, item_id: int) -> list[AnyRow]:
    """Read the parents of an item, from the nearest up; a circle ends the walk."""
    chain: list[AnyRow] = []
    seen, current = {item_id}, item_id
    above = work_item.alias("above")
    while True:
        row = connection.execute(
            select(above)
            .join_from(work_item, above, above.c.id == work_item.c.parent_id)
            .where(work_item.c.id == current)
        ).one_or_none()
        if row is None or row.id in seen:
            return chain
        seen.add(row.id)
        chain.append(row)
        current = row.id


def objectives_known(connection: Connection) -> int:
    """Count the objectives in the store."""
    return connection.scalar(select(func.count()).select_from(objective).where(live(objective))) or 0
