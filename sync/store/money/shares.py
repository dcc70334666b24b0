"""Turn the candidates of each line into shares that sum to the line exactly, to the minor unit.

Where candidates give percents, these are the weights and what they leave is the line's remainder; where none
gives one, they weigh what the field says that the source shares its money by, or all the same. Amounts are
cut by largest remainder, so no share is off by a whole minor unit.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    Subquery,
    Text,
    and_,
    case,
    cast,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)

from sync.store import tables
from sync.store.money.candidates import budget_line, candidate, driver, driver_weight
from sync.store.money.drivers import HEAVIEST
from sync.store.presence import kept
from sync.store.schema import table_of

budget_link = table_of(tables.BudgetLink)
remainder = table_of(tables.BudgetRemainder)

# A share is kept in millionths of the line: percents with four decimals.
WHOLE = 1_000_000

# Why money falls to no work item.
NO_MATCH = "no match"
OBJECTIVE_ONLY = "objective only"
NOT_SHARED_OUT = "percents leave it over"
OVER = "percents add up to more than 100"
MIXED = "percents are given for some and not for others"
NO_WEIGHT = "some of its work has no value in the field it is shared by"
NOTHING_TO_WEIGH = "the field it is shared by sums to nothing over its work"
TOO_HEAVY = "the field it is shared by sums to too much over its work"

# What stands for a field and a weight where no source shares its money by any.
NO_FIELD, NO_NUMBER = cast(null(), Text), cast(null(), BigInteger)

LINKED = ["budget_line_id", "work_item_id", "how", "evidence", "amount_minor"]
LEFT = ["budget_line_id", "objective_id", "reason", "evidence", "amount_minor"]


def percent_text(millionths: int) -> str:
    """Write a share as a percent, with the decimals it needs."""
    return f"{millionths // 10_000}.{millionths % 10_000:04}".rstrip("0").rstrip(".")


def share_out(connection: Connection, *, driven: bool = False) -> None:
    """Write the links and the remainders of every line from its candidates.

    `driven`: some source shares its money by a field of the work.
    """
    every = shares(candidate.select().subquery(), driven=driven)
    connection.execute(
        insert(budget_link).from_select(
            LINKED,
            select(every.c.line, every.c.item, every.c.how, every.c.evidence, every.c.amount).where(
                every.c.item.is_not(None)
            ),
        )
    )
    for left in (parts_without_work(driven=driven), refused_lines(driven=driven), unmatched_lines()):
        connection.execute(insert(remainder).from_select(LEFT, left))


def parts_without_work(*, driven: bool) -> Select[Any]:
    """Select the shares that fall to an objective alone, and what percents leave."""
    uneven = select(candidate.c.line).where(
        or_(candidate.c.millionths.is_not(None), candidate.c.objective.is_not(None))
    )
    found = shares(select(candidate).where(candidate.c.line.in_(uneven)).subquery(), driven=driven)
    reason = case((found.c.objective.is_not(None), OBJECTIVE_ONLY), else_=NOT_SHARED_OUT)
    return select(found.c.line, found.c.objective, reason, found.c.evidence, found.c.amount).where(
        found.c.item.is_(None)
    )


def refused_lines(*, driven: bool) -> Select[Any]:
    """Select the lines whose percents, or whose weights, cannot be used, whole."""
    doubtful: ColumnElement[bool] = candidate.c.line.in_(
        select(candidate.c.line).where(candidate.c.millionths.is_not(None))
    )
    if driven:
        by_field = select(budget_line.c.id).where(budget_line.c.source.in_(select(driver.c.source)))
        doubtful = or_(doubtful, candidate.c.line.in_(by_field))
    found = weighed(select(candidate).where(doubtful).subquery(), driven=driven)
    reason = case(
        (found.c.total > WHOLE, OVER),
        (found.c.rated > 0, MIXED),
        (found.c.weights < found.c.targets, NO_WEIGHT),
        (found.c.heavy == 0, NOTHING_TO_WEIGH),
        else_=TOO_HEAVY,
    )
    return (
        select(found.c.line, null().cast(BigInteger), reason, found.c.every, budget_line.c.amount_minor)
        .join_from(found, budget_line, budget_line.c.id == found.c.line)
        .where(found.c.place == 1, not_(usable(found)))
    )


def unmatched_lines() -> Select[Any]:
    """Select the lines that no level knows, whole."""
    known = select(candidate.c.line).where(candidate.c.line == budget_line.c.id).exists()
    return select(
        budget_line.c.id,
        null().cast(BigInteger),
        literal(NO_MATCH),
        literal(""),
        budget_line.c.amount_minor,
    ).where(kept(budget_line), ~known)


def weighed(candidates: Subquery, *, driven: bool) -> CTE:
    """Give each target of a line once, with what the shares of the whole line come to.

    `open` counts what gave no percent, `rated` the targets that have one; `place` numbers the targets.
    `field` is what the line is shared by, where it is; `weights` counts the targets with a value in it.
    """
    given = candidates.c
    target = (given.line, given.item, given.objective)
    once = (
        select(
            *target,
            func.min(given.how).label("how"),
            func.min(given.evidence).label("evidence"),
            cast(func.sum(given.millionths), BigInteger).label("share"),
            (func.count() - func.count(given.millionths)).label("open"),
        )
        .group_by(*target)
        .subquery()
    )
    line = once.c.line
    order = (case((once.c.item.is_(None), 1), else_=0), once.c.item, once.c.objective)
    field, weight = (driver.c.field, driver_weight.c.weight) if driven else (NO_FIELD, NO_NUMBER)
    found = select(
        once,
        field.label("field"),
        weight.label("weight"),
        func.count(weight).over(partition_by=line).label("weights"),
        cast(func.sum(weight).over(partition_by=line), BigInteger).label("heavy"),
        func.count().over(partition_by=line).label("targets"),
        func.count(once.c.share).over(partition_by=line).label("rated"),
        cast(func.sum(once.c.open).over(partition_by=line), BigInteger).label("opens"),
        cast(func.sum(func.coalesce(once.c.share, 0)).over(partition_by=line), BigInteger).label("total"),
        func.row_number().over(partition_by=line, order_by=order).label("place"),
        func.min(once.c.evidence).over(partition_by=line).label("every"),
    )
    if driven:
        heavy = and_(driver_weight.c.field == driver.c.field, driver_weight.c.item == once.c.item)
        found = (
            found.join(budget_line, budget_line.c.id == line)
            .outerjoin(driver, driver.c.source == budget_line.c.source)
            .outerjoin(driver_weight, heavy)
        )
    return found.cte("weighed")


def by_weight(found: FromClause) -> ColumnElement[bool]:
    """Give the condition that a line is shared by a field: it gives no percents, and several share it."""
    return and_(found.c.rated == 0, found.c.field.is_not(None), found.c.targets > 1)


def usable(found: FromClause) -> ColumnElement[bool]:
    """Give the condition that the percents or the weights of a line make sense, or that there are none."""
    return case(
        (by_weight(found), and_(found.c.weights == found.c.targets, found.c.heavy.between(1, HEAVIEST))),
        else_=or_(found.c.rated == 0, and_(found.c.opens == 0, found.c.total <= WHOLE)),
    )


def shares(candidates: Subquery, *, driven: bool) -> Subquery:
    """Cut each line by the weights of its targets and of what they leave: (line, item, objective, amount, …).

    `//` and `%` truncate towards zero on both databases, so everything has the sign of the amount. An amount
    is split into a multiple of the whole and a rest before it is weighed, which keeps within 64 bits.
    """
    found = weighed(candidates, driven=driven)
    heavy, equal = by_weight(found), found.c.rated == 0
    targets = select(
        *(found.c[name] for name in ("line", "item", "objective", "how", "evidence", "place")),
        case((heavy, found.c.weight), (equal, 1), else_=found.c.share).label("weight"),
        case((heavy, found.c.heavy), (equal, found.c.targets), else_=WHOLE).label("whole"),
    ).where(usable(found))
    rest = select(
        found.c.line,
        null().cast(BigInteger),
        null().cast(BigInteger),
        found.c.how,
        found.c.every,
        cast(found.c.targets + 1, Integer),
        WHOLE - found.c.total,
        literal(WHOLE),
    ).where(usable(found), found.c.rated > 0, found.c.place == 1, found.c.total < WHOLE)
    part = union_all(targets, rest).subquery()
    amount = budget_line.c.amount_minor
    over = amount.op("%")(part.c.whole) * part.c.weight
    cut = (
        select(
            part,
            amount,
            (amount.op("/")(part.c.whole) * part.c.weight + over.op("/")(part.c.whole)).label("least"),
            func.abs(over.op("%")(part.c.whole)).label("fraction"),
        )
        .join_from(part, budget_line, budget_line.c.id == part.c.line)
        .subquery()
    )
    taken = cast(func.sum(cut.c.least).over(partition_by=cut.c.line), BigInteger)
    ranked = select(
        cut,
        (cut.c.amount_minor - taken).label("left"),
        func.row_number()
        .over(partition_by=cut.c.line, order_by=(cut.c.fraction.desc(), cut.c.place))
        .label("rank"),
    ).subquery()
    one = case((ranked.c.left > 0, 1), else_=-1)
    share = ranked.c.least + case((ranked.c.rank <= func.abs(ranked.c.left), one), else_=0)
    return select(
        ranked.c.line,
        ranked.c.item,
        ranked.c.objective,
        ranked.c.how,
        ranked.c.evidence,
        share.label("amount"),
    ).subquery()
