"""Say how a budget line finds its work: levels in order, of which the first that hits settles the line.

A confirmed match comes first, then an issue key, a code in a field of the issue, an allocation table, the
same for the projects above its own, and last an allocation table that names an objective only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)

from connectors.records import CodeField, How
from sync.store import tables
from sync.store.money.candidates import budget_line, item_name, named_issue, project_above, work_item
from sync.store.presence import kept
from sync.store.schema import table_of

LINE = "line"
# Written out: SQLite takes an index of some rows only for a condition that it can see to be about those.
COST_CODE: ColumnElement[str] = literal_column(f"'{How.COST_CODE.value}'")
CONFIRMED, REJECTED = "confirmed", "rejected"
ITEM, OBJECTIVE = "work item", "objective"

allocation = table_of(tables.AllocationRule)
decision = table_of(tables.MatchDecision)
objective = table_of(tables.Objective)
reference = table_of(tables.WorkItemReference)
denied = decision.alias("denied")

# What decisions and allocation tables speak of, the most specific first.
COLUMNS: dict[str, ColumnElement[Any]] = {
    LINE: budget_line.c.source_id,
    CodeField.PROJECT: budget_line.c.project_folded,
    CodeField.COST_CENTRE: budget_line.c.cost_centre_folded,
    CodeField.ACCOUNT: budget_line.c.account_folded,
}
TARGETS: dict[str, Table] = {ITEM: work_item, OBJECTIVE: objective}


@dataclass(frozen=True, slots=True)
class Level:
    """One step of the order, and the statements whose hits share a line.

    Each statement gives (line, item, objective, how, evidence, millionths of the line or nothing).
    """

    title: str
    statements: tuple[Select[Any], ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A code to look up for each line: its own, or that of the project so many steps above its own."""

    field: str
    steps: int = 0

    @property
    def column(self) -> ColumnElement[Any]:
        """Give the code."""
        return project_above.c.above if self.steps else COLUMNS[self.field]

    def hits(
        self,
        how: How,
        evidence: ColumnElement[Any],
        target: str = ITEM,
        millionths: ColumnElement[Any] | None = None,
    ) -> Select[Any]:
        """Select what is found from the lines with this code, but for what somebody rejected."""
        lines: FromClause = budget_line
        if self.steps:
            climbed = and_(
                project_above.c.project == budget_line.c.project_folded, project_above.c.depth == self.steps
            )
            lines = budget_line.join(project_above, climbed)
            evidence = literal("part of project ") + project_above.c.above + ": " + evidence
        return (
            select(
                budget_line.c.id,
                work_item.c.id if target == ITEM else null().cast(BigInteger),
                objective.c.id if target == OBJECTIVE else null().cast(BigInteger),
                literal((How.PARENT_PROJECT if self.steps else how).value),
                evidence,
                null().cast(Integer) if millionths is None else millionths,
            )
            .select_from(lines)
            .where(kept(budget_line), ~self.is_rejected(target))
        )

    def is_rejected(self, target: str) -> ColumnElement[bool]:
        """Give the condition that somebody said that the target is not what this money is for."""
        end = TARGETS[target]
        columns = list(COLUMNS.items()) + ([(CodeField.PROJECT, self.column)] if self.steps else [])
        codes = [and_(denied.c.field == field, denied.c.code_folded == code) for field, code in columns]
        return exists().where(
            denied.c.verdict == REJECTED,
            denied.c.withdrawn_at.is_(None),
            denied.c.target == target,
            denied.c.target_source == end.c.source,
            denied.c.target_id == end.c.source_id,
            or_(denied.c.of_source.is_(None), denied.c.of_source == budget_line.c.source),
            or_(*codes),
        )


def levels(connection: Connection) -> Iterator[Level]:
    """Give the levels that could find anything in this store, in order."""
    yield from confirmed(connection)
    yield from keys_and_codes()
    yield from allocated(connection, ITEM)
    deepest = connection.scalar(select(func.max(project_above.c.depth))) or 0
    for steps in range(1, deepest + 1):
        yield from of_project_above(steps)
    yield from allocated(connection, OBJECTIVE)
    for steps in range(1, deepest + 1):
        code = Code(CodeField.PROJECT, steps)
        title = f"allocation table, {place_above(steps)} → objective"
        yield Level(title, (by_allocation(code, OBJECTIVE, None),))


def confirmed(connection: Connection) -> Iterator[Level]:
    """Give what people said, of a line first, then of its project, cost centre and account."""
    said = set(connection.scalars(select(decision.c.field).where(stands(CONFIRMED)).distinct()))
    for field in COLUMNS:
        if field in said:
            yield Level(f"confirmed match of its {words(field)}", by_decision(Code(field)))


def keys_and_codes() -> Iterator[Level]:
    """Give issue keys, then codes that a field of the issue holds."""
    yield Level("issue key in the declared column", (by_issue_column(),))
    yield Level("its project is an issue key", (by_key(Code(CodeField.PROJECT)),))
    for field in (CodeField.PROJECT, CodeField.COST_CENTRE):
        yield Level(f"its {words(field)} in a field of the issue", (by_field(Code(field)),))


def allocated(connection: Connection, target: str) -> Iterator[Level]:
    """Give the allocation tables: for each field whole codes, then prefixes, the longest first."""
    issue = allocation.c.issue
    for field, size in forms(connection, issue.is_not(None) if target == ITEM else issue.is_(None)):
        kind = f"prefixes of {size} characters" if size else "whole codes"
        title = f"allocation table, {words(field)}, {kind}" + (" → objective" if target == OBJECTIVE else "")
        yield Level(title, (by_allocation(Code(field), target, size or None),))


def forms(connection: Connection, *wanted: ColumnElement[bool]) -> list[tuple[str, int]]:
    """Give the kinds of rules there are as (field, length of the prefix or 0), the most specific first."""
    size = case((allocation.c.prefix, func.length(allocation.c.code_folded)), else_=0)
    found = connection.execute(select(allocation.c.field, size).where(kept(allocation), *wanted).distinct())
    order = list(COLUMNS)
    return sorted(((row[0], row[1]) for row in found), key=lambda it: (order.index(it[0]), it[1] > 0, -it[1]))


def of_project_above(steps: int) -> Iterator[Level]:
    """Give the same for the project so many steps above a line's own."""
    code, where = Code(CodeField.PROJECT, steps), place_above(steps)
    yield Level(f"confirmed match of {where}", by_decision(code))
    yield Level(f"{where} is an issue key", (by_key(code),))
    yield Level(f"{where} in a field of the issue", (by_field(code),))
    yield Level(f"allocation table, {where}", (by_allocation(code, ITEM, None),))


def place_above(steps: int) -> str:
    """Name a project above a line's own."""
    return "the project above" if steps == 1 else f"the project {steps} steps above"


def by_decision(code: Code) -> tuple[Select[Any], ...]:
    """Select what people said belongs together: work items and objectives."""
    evidence = (
        literal("decision ") + cast(decision.c.id, String) + " by " + decision.c.decided_by + ": "
        + decision.c.reason
    )  # fmt: skip
    said = and_(
        stands(CONFIRMED),
        decision.c.field == code.field,
        decision.c.code_folded == code.column,
        of_source(decision),
    )
    share = decision.c.millionths
    return (
        code.hits(How.CONFIRMED, evidence, ITEM, share)
        .join(decision, and_(said, decision.c.target == ITEM))
        .join(work_item, and_(*is_target(work_item), counts(work_item))),
        code.hits(How.CONFIRMED, evidence, OBJECTIVE, share)
        .join(decision, and_(said, decision.c.target == OBJECTIVE))
        .join(objective, and_(*is_target(objective), kept(objective))),
    )


def by_issue_column() -> Select[Any]:
    """Select the items whose key, or former key, stands in the column declared for it."""
    return (
        Code(LINE)
        .hits(How.ISSUE_KEY, literal("names ") + called())
        .join(named_issue, named_issue.c.issues == budget_line.c.issues_folded)
        .join(item_name, and_(item_name.c.name == named_issue.c.name, item_name.c.kind != "id"))
        .join(work_item, work_item.c.id == item_name.c.item)
    )


def by_key(code: Code) -> Select[Any]:
    """Select the item whose key, or former key, the code is."""
    evidence = literal(f"{words(code.field)} ") + called()
    return (
        code.hits(How.ISSUE_KEY, evidence)
        .join(item_name, and_(item_name.c.name == code.column, item_name.c.kind != "id"))
        .join(work_item, work_item.c.id == item_name.c.item)
    )


def by_field(code: Code) -> Select[Any]:
    """Select the items that carry the code in a field declared for cost codes."""
    evidence = reference.c.evidence + " = " + reference.c.target
    if code.field != CodeField.PROJECT:
        evidence += f" ({words(code.field)})"
    carried = and_(reference.c.target_folded == code.column, reference.c.how == COST_CODE)
    return (
        code.hits(How.COST_CODE, evidence)
        .join(reference, carried)
        .join(work_item, and_(work_item.c.id == reference.c.work_item_id, counts(work_item)))
    )


def by_allocation(code: Code, target: str, prefix: int | None) -> Select[Any]:
    """Select what an allocation table says of the code, or of its first `prefix` characters."""
    found = code.column if prefix is None else func.substr(code.column, 1, prefix)
    rule = and_(
        kept(allocation),
        allocation.c.field == code.field,
        allocation.c.code_folded == found,
        allocation.c.prefix == (prefix is not None),
        of_source(allocation),
        or_(allocation.c.starts.is_(None), allocation.c.starts <= first_period()),
        or_(allocation.c.ends.is_(None), allocation.c.ends >= first_period()),
    )
    share, evidence = allocation.c.millionths, allocation.c.evidence
    if target == OBJECTIVE:
        named = objective.c.key_folded == allocation.c.objective_folded
        return (
            code.hits(How.ALLOCATION, evidence, OBJECTIVE, share)
            .join(allocation, rule)
            .join(objective, and_(named, kept(objective)))
        )
    here = or_(allocation.c.site.is_(None), allocation.c.site == work_item.c.source)
    return (
        code.hits(How.ALLOCATION, evidence, ITEM, share)
        .join(allocation, rule)
        .join(item_name, item_name.c.name == allocation.c.issue_folded)
        .join(work_item, and_(work_item.c.id == item_name.c.item, here))
    )


def words(field: str) -> str:
    """Name a field as people do."""
    return str(field).replace("_", " ")


def counts(item: FromClause) -> ColumnElement[bool]:
    """Give the condition that money may fall to a work item."""
    return and_(kept(item), item.c.in_scope)


def called() -> ColumnElement[Any]:
    """Give the key of the item found, with the former one where that is what the line names."""
    former = literal(" (formerly ") + item_name.c.name + ")"
    return work_item.c.key + case((item_name.c.kind == "former key", former), else_=literal(""))


def of_source(table: FromClause) -> ColumnElement[bool]:
    """Give the condition that a row speaks of all sources or of the line's."""
    return or_(table.c.of_source.is_(None), table.c.of_source == budget_line.c.source)


def stands(verdict: str) -> ColumnElement[bool]:
    """Give the condition that a decision has not been withdrawn."""
    return and_(decision.c.verdict == verdict, decision.c.withdrawn_at.is_(None))


def is_target(table: FromClause) -> tuple[ColumnElement[bool], ...]:
    """Give the conditions that a row is what a decision names."""
    return table.c.source == decision.c.target_source, table.c.source_id == decision.c.target_id


def first_period() -> ColumnElement[int]:
    """Give the first fiscal period of a line as a number: 202603 for FY2026-03, 202601 for FY2026."""
    part = func.substr(budget_line.c.period, 8)
    quarter = (cast(func.substr(part, 2), Integer) - 1) * 3 + 1
    number = case(
        (part == "", literal(1)), (func.substr(part, 1, 1) == "Q", quarter), else_=cast(part, Integer)
    )
    return budget_line.c.fiscal_year * 100 + number
