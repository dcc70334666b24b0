"""Turn what records claim in vain into rows: a parent, an objective or an issue named and not there."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    String,
    Subquery,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from connectors.records import How
from sync.figures.findings import Dangling
from sync.store.links import (
    NAMING,
    OUTSIDE,
    SERVED,
    ambiguous_claims,
    claimed_items,
    former_names,
    link_claim,
    objective,
    outside_objective,
    reference,
    work_item,
)
from sync.store.presence import kept, live
from sync.store.schema import AnyRow

# Under which column a former key names what has moved, by the one that names it now.
FORMER = {"key_folded": "key_folded", "url": "address"}


class Fault(StrEnum):
    """What is the matter with a reference that leads nowhere."""

    NO_PARENT = "parent not found"
    NO_OBJECTIVE = "objective not known"
    NOT_AN_OBJECTIVE = "linked issue is no objective"
    NO_ISSUE = "issue not known"
    TWO_SITES = "issue on more than one site"
    OUTSIDE = "issue outside the objectives"
    HIDDEN = "issue not given by Jira"


def count_dangling(connection: Connection) -> tuple[Dangling, ...]:
    """Count the references that lead nowhere, by source, kind and fault."""
    found = dangling().subquery()
    group = (found.c.source, found.c.how, found.c.fault)
    example = func.min(found.c.subject + " → " + found.c.target)
    rows = connection.execute(select(*group, func.count(), example).group_by(*group).order_by(*group))
    return tuple(Dangling(*row) for row in rows)


def list_dangling(connection: Connection, source: str | None = None) -> Sequence[AnyRow]:
    """Read the references that lead nowhere, of all sources or of one."""
    found = dangling().subquery()
    chosen = select(found).order_by(found.c.source, found.c.how, found.c.fault, found.c.subject)
    return connection.execute(chosen if source is None else chosen.where(found.c.source == source)).all()


def dangling() -> CompoundSelect[Any]:
    """Select (source, how, fault, subject, target, evidence, reason); the subject names what claims it."""
    of_items = (parents_not_found(), objectives_not_known(), issues_that_are_none())
    return union_all(*of_items, claims_in_vain(), claims_of_unknown_objectives())


def parents_not_found() -> Select[Any]:
    """Select the items whose parent Jira names and does not show: deleted, or hidden from the account."""
    parent = work_item.alias("parent")
    named = func.coalesce(work_item.c.parent_key, work_item.c.parent_source_id)
    there = exists().where(parent.c.id == work_item.c.parent_id, kept(parent)).correlate(work_item)
    return select(
        work_item.c.source,
        literal(How.PARENT_CHAIN.value).label("how"),
        literal(Fault.NO_PARENT.value).label("fault"),
        work_item.c.key.label("subject"),
        named.label("target"),
        literal("parent").label("evidence"),
        null().cast(String).label("reason"),
    ).where(live(work_item), named.is_not(None), ~there)


def reference_fault(fault: Fault) -> Select[Any]:
    """Select the references of items in scope by which somebody meant to name an objective."""
    by_key, by_url, by_id = (told_by(name) for name in ("key_folded", "url", "issue_id"))
    here = and_(by_id.c.site == work_item.c.source, by_id.c.name == reference.c.target)
    return (
        select(
            work_item.c.source,
            reference.c.how,
            looked_up(fault, by_key, by_url, by_id).label("fault"),
            work_item.c.key.label("subject"),
            reference.c.target,
            reference.c.evidence,
            reason(by_key, by_url, by_id).label("reason"),
        )
        .join_from(work_item, reference, reference.c.work_item_id == work_item.c.id)
        .outerjoin(by_key, by_key.c.name == reference.c.target_folded)
        .outerjoin(by_url, by_url.c.name == reference.c.target)
        .outerjoin(by_id, here)
        .where(live(work_item), work_item.c.in_scope, reference.c.meant)
    )


def told_by(column: str) -> Subquery:
    """Select what Jira said of the issues that were asked for, by one of the columns that may name them.

    `shown` and `hidden`: the issue, or why it is not given. An id is one of its site, other names of any.
    """
    there = outside_objective.c.hidden.is_(None)
    shown = case((there, outside_objective.c.key + " " + outside_objective.c.title))
    names: Select[Any] | CompoundSelect[Any] = select(
        outside_objective.c.id, outside_objective.c[column].label("name")
    )
    site = [outside_objective.c.site] if column == "issue_id" else []
    if not site:
        former = former_names(OUTSIDE).subquery()
        names = union_all(names, select(former.c.id, former.c[FORMER[column]]))
    named = names.subquery()
    return (
        select(
            named.c.name,
            func.min(shown).label("shown"),
            func.min(outside_objective.c.hidden).label("hidden"),
            *site,
        )
        .join_from(named, outside_objective, outside_objective.c.id == named.c.id)
        .where(kept(outside_objective), named.c.name.is_not(None))
        .group_by(named.c.name, *site)
        .subquery(f"told_by_{column}")
    )


def looked_up(fault: Fault, *told: Subquery) -> ColumnElement[str]:
    """Give the fault of what leads to no objective: more is known where Jira was asked what it names."""
    return case(
        (or_(*(one.c.shown.is_not(None) for one in told)), Fault.OUTSIDE.value),
        (or_(*(one.c.hidden.is_not(None) for one in told)), Fault.HIDDEN.value),
        else_=fault.value,
    )


def reason(*told: Subquery) -> ColumnElement[str | None]:
    """Give what Jira said when it was asked: the issue, and else why there is none."""
    return func.coalesce(*(one.c[name] for name in ("shown", "hidden") for one in told))


def objectives_not_known() -> Select[Any]:
    """Select the fields and labels that name an objective nobody knows, by no key that one had either."""
    former = former_names(SERVED).subquery()
    return objectives_not_named().where(
        reference.c.target_folded.not_in(select(former.c.key_folded)),
        reference.c.target.not_in(select(former.c.address).where(former.c.address.is_not(None))),
    )


def objectives_not_named() -> Select[Any]:
    """Select the fields and labels that name an objective by no id and no address that one has today."""
    by_id = exists().where(objective.c.key_folded == reference.c.target_folded, kept(objective))
    addresses = select(objective.c.url).where(objective.c.url.is_not(None), kept(objective)).distinct()
    known = addresses.subquery("addresses")  # joined, for it has no index to look into for each reference
    return (
        reference_fault(Fault.NO_OBJECTIVE)
        .outerjoin(known, known.c.url == reference.c.target)
        .where(
            reference.c.how.in_([how.value for how in NAMING]),
            ~by_id.correlate(reference),
            known.c.url.is_(None),
        )
    )


def issues_that_are_none() -> Select[Any]:
    """Select the issue links of a type kept for objectives whose other end is none."""
    known = exists().where(
        objective.c.site == work_item.c.source, objective.c.issue_id == reference.c.target, kept(objective)
    )
    return reference_fault(Fault.NOT_AN_OBJECTIVE).where(
        reference.c.how == How.ISSUE_LINK.value, ~known.correlate(work_item, reference)
    )


def claims_in_vain() -> Select[Any]:
    """Select the rows of mapping files that name an issue which no site has, or more than one."""
    found = claimed_items().cte("claimed")
    ambiguous = ambiguous_claims(found)
    faults = (
        (Fault.NO_ISSUE, link_claim.c.id.not_in(select(found.c.claim))),
        (Fault.TWO_SITES, link_claim.c.id.in_(select(ambiguous.c.claim))),
    )
    parts = union_all(*(claim_fault(fault).where(condition) for fault, condition in faults)).subquery()
    return select(*parts.c)


def claims_of_unknown_objectives() -> Select[Any]:
    """Select the rows of mapping files that name an objective nobody knows, by no key that one had either."""
    former = former_names(SERVED).subquery()
    return claims_of_unnamed_objectives().where(
        link_claim.c.objective_folded.not_in(select(former.c.key_folded))
    )


def claims_of_unnamed_objectives() -> Select[Any]:
    """Select the rows of mapping files that name an objective by no id that one has today."""
    known = exists().where(objective.c.key_folded == link_claim.c.objective_folded, kept(objective))
    return claim_fault(Fault.NO_OBJECTIVE).where(~known.correlate(link_claim))


def claim_fault(fault: Fault) -> Select[Any]:
    """Select the rows of mapping files with this fault."""
    of_objective = fault is Fault.NO_OBJECTIVE
    told = told_by("key_folded")
    return (
        select(
            link_claim.c.source,
            link_claim.c.how,
            (looked_up(fault, told) if of_objective else literal(fault.value)).label("fault"),
            link_claim.c.issue.label("subject"),
            (link_claim.c.objective if of_objective else link_claim.c.issue).label("target"),
            link_claim.c.evidence,
            (reason(told) if of_objective else null().cast(String)).label("reason"),
        )
        .outerjoin(told, told.c.name == link_claim.c.objective_folded)
        .where(live(link_claim))
    )
