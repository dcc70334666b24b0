"""Turn the ties that records claim into links: work item → objective.

Everything is rebuilt each night, set-wise, from what the store holds; nothing is inferred from last night.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    CTE,
    ColumnElement,
    CompoundSelect,
    Connection,
    FromClause,
    Integer,
    Select,
    String,
    Subquery,
    Table,
    and_,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    null,
    or_,
    select,
    text,
    true,
    union,
    update,
)

from connectors.records import How
from sync.store import tables
from sync.store.bulk import analyze
from sync.store.former_keys import former_key
from sync.store.presence import kept
from sync.store.schema import table_of

# Deeper than any hierarchy Jira can be configured to have; it also ends the walk around a cycle.
MAX_DEPTH = 32
# The kinds of reference that name an objective by its id.
NAMING = (How.CUSTOM_FIELD, How.GOALS_FIELD, How.LABEL, How.REMOTE_LINK)

# The ids of a few items, where not all are meant.
Items = Sequence[int] | None

LINK_COLUMNS = ("work_item_id", "objective_id", "how", "strength", "evidence", "via_id", "depth", "counts")

work_item = table_of(tables.WorkItem)
reference = table_of(tables.WorkItemReference)
objective = table_of(tables.Objective)
budget_line = table_of(tables.BudgetLine)
link_claim = table_of(tables.LinkClaim)
objective_link = table_of(tables.ObjectiveLink)
budget_link = table_of(tables.BudgetLink)
outside_objective = table_of(tables.OutsideObjective)
outside_link = table_of(tables.OutsideLink)


class Ties(NamedTuple):
    """What work is tied to, and where the ties are kept."""

    goal: Table
    link: Table

    @property
    def there(self) -> ColumnElement[bool]:
        """Give the condition that there is something to be tied to."""
        hidden = self.goal.c.get("hidden", null())
        return and_(kept(self.goal), hidden.is_(None))


SERVED = Ties(objective, objective_link)
# What is named as an objective and is none is tied in the same ways, and counts nowhere.
OUTSIDE = Ties(outside_objective, outside_link)


def relink_objectives(connection: Connection) -> None:
    """Rebuild the links to objectives; where two want to at once, one waits for the other."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"LOCK TABLE {objective_link.name} IN SHARE ROW EXCLUSIVE MODE"))
    for ties in (SERVED, OUTSIDE):
        connection.execute(delete(ties.link))
    resolve_parents(connection)
    analyze(connection, work_item, reference, objective, budget_line, link_claim, former_key)
    for ties in known_ties(connection):
        link_all(connection, ties)
        analyze(connection, ties.link)


def relink_items(connection: Connection, items: Sequence[int]) -> None:
    """Rebuild the links to objectives of a few items; those of all others stay as they are."""
    for ties in (SERVED, OUTSIDE):
        connection.execute(delete(ties.link).where(ties.link.c.work_item_id.in_(items)))
    resolve_parents(connection, items)
    for ties in known_ties(connection):
        link_all(connection, ties, items)


def known_ties(connection: Connection) -> Iterator[Ties]:
    """Give what work may be tied to; most stores know of nothing outside."""
    yield SERVED
    if connection.scalar(select(outside_objective.c.id).where(OUTSIDE.there).limit(1)) is not None:
        yield OUTSIDE


def link_all(connection: Connection, ties: Ties, items: Items = None) -> None:
    """Insert the links of all items, or of these: their own, and those that they inherit."""
    own = [by_reference, by_issue_link, by_parent, by_claim]
    if connection.scalar(former_names(ties).with_only_columns(ties.goal.c.id).limit(1)) is not None:
        own += [by_former_key, by_claim_of_former_key]
    for direct in own:
        connection.execute(insert(ties.link).from_select(LINK_COLUMNS, direct(ties, items)))
    if items is None:
        analyze(connection, ties.link)
    connection.execute(insert(ties.link).from_select(LINK_COLUMNS, inherited(ties, items)))
    count_once(connection, ties.link, items)


def below(connection: Connection, items: Sequence[int], most: int) -> list[int]:
    """Give items with everything below them, for they inherit; or themselves alone where that is too much."""
    child = work_item.alias("child")
    chain = select(work_item.c.id, literal(0).label("depth")).where(work_item.c.id.in_(items))
    tree = chain.cte("tree", recursive=True)
    tree = tree.union(
        select(child.c.id, tree.c.depth + 1)
        .join_from(tree, child, child.c.parent_id == tree.c.id)
        .where(kept(child), tree.c.depth < MAX_DEPTH)
    )
    found = list(connection.scalars(select(tree.c.id).distinct().limit(most + 1)))
    return found if len(found) <= most else list(items)


def count_once(connection: Connection, link: Table, items: Items = None) -> None:
    """Mark one link of each pair: its own before an inherited one, the nearest first."""
    theirs = true() if items is None else link.c.work_item_id.in_(items)
    ranked = (
        select(
            link.c.id,
            func.row_number()
            .over(
                partition_by=(link.c.work_item_id, link.c.objective_id),
                order_by=(link.c.depth, link.c.id),
            )
            .label("rank"),
        )
        .where(theirs)
        .subquery()
    )
    connection.execute(
        update(link).where(link.c.id.in_(select(ranked.c.id).where(ranked.c.rank == 1))).values(counts=True)
    )


def direct_link(goal: FromClause, how: Any, strength: Any, evidence: Any, items: Items = None) -> Select[Any]:
    """Select the columns of a link that is the item's own, of every item or of these."""
    columns = (work_item.c.id, goal.c.id, how, strength, evidence)
    every = select(*columns, null().cast(Integer), literal(0), false()).distinct()
    return every if items is None else every.where(work_item.c.id.in_(items))


def named_link(ties: Ties, named: ColumnElement[bool], *ways: How, items: Items = None) -> Select[Any]:
    """Link an item to each objective that one of its references of these kinds names in this way."""
    return (
        direct_link(ties.goal, reference.c.how, reference.c.strength, reference.c.evidence, items)
        .join_from(work_item, reference, reference.c.work_item_id == work_item.c.id)
        .join(ties.goal, named)
        .where(reference.c.how.in_([how.value for how in ways]), kept(work_item), ties.there)
    )


def by_reference(ties: Ties, items: Items = None) -> CompoundSelect[Any]:
    """Link an item to each objective whose id, or whose address, it names in a field or a label."""
    by_id = named_link(ties, ties.goal.c.key_folded == reference.c.target_folded, *NAMING, items=items)
    by_address = named_link(ties, ties.goal.c.url == reference.c.target, *NAMING, items=items)
    return union(by_id, by_address.where(reference.c.target.startswith("http")))


def by_former_key(ties: Ties, items: Items = None) -> CompoundSelect[Any]:
    """Link an item to each objective that it names by the key, or the address, of before it was moved."""
    former = former_names(ties).cte("former").prefix_with("MATERIALIZED")

    def named(by: ColumnElement[bool]) -> Select[Any]:
        evidence = moved(reference.c.evidence, former)
        return (
            direct_link(former, reference.c.how, reference.c.strength, evidence, items)
            .join_from(work_item, reference, reference.c.work_item_id == work_item.c.id)
            .join(former, by)
            .where(reference.c.how.in_([how.value for how in NAMING]), kept(work_item))
        )

    by_address = named(former.c.address == reference.c.target).where(reference.c.target.startswith("http"))
    return union(named(former.c.key_folded == reference.c.target_folded), by_address)


def former_names(ties: Ties) -> Select[Any]:
    """Select (id, key, key_folded, address, now) of each key, now nobody's, that something to be tied to had.

    A key that an issue has today is the name of that issue, whichever had it before.
    """
    goal, now = ties.goal, ties.goal.c.get("key", ties.goal.c.source_id)
    other, outside, item = (table.alias() for table in (objective, outside_objective, work_item))
    # "Is false" and not "not": PostgreSQL believes that an anti-join leaves nothing, and plans for one key.
    living = (
        exists().where(other.c.key_folded == former_key.c.key_folded, kept(other)),
        exists().where(
            outside.c.key_folded == former_key.c.key_folded, kept(outside), outside.c.hidden.is_(None)
        ),
        exists().where(
            item.c.key == former_key.c.key,
            item.c.source == former_key.c.site,
            item.c.source_id != former_key.c.issue_id,
            kept(item),
        ),
    )
    place = func.substr(goal.c.url, 1, func.length(goal.c.url) - func.length(now))
    return (
        select(
            goal.c.id,
            former_key.c.key,
            former_key.c.key_folded,
            (place + former_key.c.key).label("address"),
            now.label("now"),
        )
        .join_from(
            former_key,
            goal,
            and_(goal.c.site == former_key.c.site, goal.c.issue_id == former_key.c.issue_id),
        )
        .where(ties.there, *(one.is_(False) for one in living))
    )


def moved(evidence: ColumnElement[str], former: FromClause) -> ColumnElement[str]:
    """Say in the evidence by which key an objective is named, and which it has by now."""
    return evidence + " names " + former.c.key + ", now " + former.c.now


def by_issue_link(ties: Ties, items: Items = None) -> Select[Any]:
    """Link an item to each objective that is an issue of the same site and linked to it."""
    same_site = ties.goal.c.site == work_item.c.source
    named = and_(same_site, ties.goal.c.issue_id == reference.c.target)
    return named_link(ties, named, How.ISSUE_LINK, items=items)


# An OR in a join condition keeps both databases from using an index; a union of two joins does not.
def by_parent(ties: Ties, items: Items = None) -> CompoundSelect[Any]:
    """Link an item to the objective that is its parent issue, by the immutable id or by the key."""
    goal = ties.goal
    evidence = literal("parent ") + goal.c.get("key", goal.c.source_id)
    link = direct_link(goal, literal(How.PARENT_CHAIN.value), null().cast(String), evidence, items)
    return link_either(
        link,
        goal,
        goal.c.issue_id == work_item.c.parent_source_id,
        goal.c.key_folded == work_item.c.parent_folded,
        and_(goal.c.site == work_item.c.source, kept(work_item), ties.there),
    )


def by_claim(ties: Ties, items: Items = None) -> Select[Any]:
    """Link an item to the objective that a mapping file says it serves, unless two sites have that issue."""
    return claimed(ties.goal, link_claim.c.evidence, items).where(ties.there)


def by_claim_of_former_key(ties: Ties, items: Items = None) -> Select[Any]:
    """Link an item to the objective that a mapping file names by the key of before it was moved."""
    former = former_names(ties).cte("former").prefix_with("MATERIALIZED")
    return claimed(former, moved(link_claim.c.evidence, former), items)


def claimed(goal: FromClause, evidence: ColumnElement[str], items: Items) -> Select[Any]:
    """Link an item to what a row of a mapping file names by its key."""
    found = claimed_items().cte("claimed")
    return (
        direct_link(goal, link_claim.c.how, link_claim.c.strength, evidence, items)
        .join_from(link_claim, found, found.c.claim == link_claim.c.id)
        .join(work_item, work_item.c.id == found.c.item)
        .join(goal, goal.c.key_folded == link_claim.c.objective_folded)
        .where(found.c.claim.not_in(select(ambiguous_claims(found).c.claim)))
    )


def claimed_items() -> CompoundSelect[Any]:
    """Select (claim, item, site) for each item that a row of a mapping file names by key or by id."""
    here = or_(link_claim.c.site.is_(None), link_claim.c.site == work_item.c.source)
    return link_either(
        select(
            link_claim.c.id.label("claim"), work_item.c.id.label("item"), work_item.c.source.label("site")
        ),
        link_claim,
        link_claim.c.issue_folded == work_item.c.key_folded,
        link_claim.c.issue == work_item.c.source_id,
        and_(kept(work_item), kept(link_claim), here),
    )


def ambiguous_claims(found: FromClause) -> Subquery:
    """Select the claims that name an issue which more than one site has."""
    grouped = select(found.c.claim).group_by(found.c.claim)
    return grouped.having(func.count(found.c.site.distinct()) > 1).subquery("ambiguous")


def link_either(
    link: Select[Any],
    other: FromClause,
    one: ColumnElement[bool],
    two: ColumnElement[bool],
    where: ColumnElement[bool],
) -> CompoundSelect[Any]:
    """Join work items with something else on either of two conditions, each pair once."""
    return union(*(link.join_from(work_item, other, on).where(where) for on in (one, two)))


def resolve_parents(connection: Connection, items: Items = None) -> None:
    """Point each item at the row of its parent, by the immutable id or, failing that, by the key."""
    found = parents_found(items).subquery()
    connection.execute(
        update(work_item)
        .where(work_item.c.id == found.c.child, work_item.c.parent_id.is_distinct_from(found.c.parent))
        .values(parent_id=found.c.parent)
    )


def parents_found(items: Items = None) -> Select[Any]:
    """Select (child, parent) for every item, or these, that names a parent or has one from before."""
    child, by_id, by_key = work_item.alias("child"), work_item.alias("by_id"), work_item.alias("by_key")
    same_id = and_(by_id.c.source == child.c.source, by_id.c.source_id == child.c.parent_source_id)
    same_key = and_(by_key.c.source == child.c.source, by_key.c.key == child.c.parent_key, kept(by_key))
    named = (child.c.parent_source_id, child.c.parent_key, child.c.parent_id)
    asked = true() if items is None else child.c.id.in_(items)
    return (
        select(
            child.c.id.label("child"),
            func.coalesce(func.min(by_id.c.id), func.min(by_key.c.id)).label("parent"),
        )
        .outerjoin_from(child, by_id, same_id)
        .outerjoin(by_key, same_key)
        .where(or_(*(column.is_not(None) for column in named)), asked)
        .group_by(child.c.id)
    )


def ancestors(items: Items = None) -> CTE:
    """Give (item, ancestor, depth) for every parent chain; a walk ends where it meets its own start again."""
    above = work_item.alias("above")
    asked = true() if items is None else work_item.c.id.in_(items)
    chain = (
        select(
            work_item.c.id.label("item"), work_item.c.parent_id.label("ancestor"), literal(1).label("depth")
        )
        .where(work_item.c.parent_id.is_not(None), kept(work_item), asked)
        .cte("chain", recursive=True)
    )
    return chain.union_all(
        select(chain.c.item, above.c.parent_id, chain.c.depth + 1)
        .join_from(chain, above, above.c.id == chain.c.ancestor)
        .where(
            above.c.parent_id.is_not(None),
            kept(above),
            chain.c.ancestor != chain.c.item,
            chain.c.depth < MAX_DEPTH,
        )
    )


def inherited(ties: Ties, items: Items = None) -> Select[Any]:
    """Link items to the objectives of their ancestors, naming the nearest ancestor for each."""
    chain, link = ancestors(items), ties.link
    nearest = (
        select(
            chain.c.item,
            link.c.objective_id,
            link.c.how,
            link.c.strength,
            link.c.evidence,
            chain.c.ancestor,
            func.min(chain.c.depth).label("depth"),
        )
        .join_from(chain, link, link.c.work_item_id == chain.c.ancestor)
        .where(chain.c.item != chain.c.ancestor, link.c.depth == 0)
        .group_by(
            chain.c.item,
            link.c.objective_id,
            link.c.how,
            link.c.strength,
            link.c.evidence,
            chain.c.ancestor,
        )
        .subquery()
    )
    above = work_item.alias("above")
    evidence = literal("inherited from ") + above.c.key + ": " + nearest.c.evidence
    return select(
        nearest.c.item,
        nearest.c.objective_id,
        nearest.c.how,
        nearest.c.strength,
        evidence,
        nearest.c.ancestor,
        nearest.c.depth,
        false(),
    ).join_from(nearest, above, above.c.id == nearest.c.ancestor)


def cycles() -> Select[Any]:
    """Select the keys of the items whose parent chain leads back to themselves."""
    chain = ancestors()
    return (
        select(work_item.c.key)
        .join_from(chain, work_item, work_item.c.id == chain.c.item)
        .where(chain.c.item == chain.c.ancestor)
        .distinct()
        .order_by(work_item.c.key)
    )
