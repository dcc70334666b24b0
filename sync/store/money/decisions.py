"""Keep what people say of money and work: confirmed, rejected, withdrawn; it outlives every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from connectors.records import CodeField
from sync.store.money.candidates import budget_line, work_item
from sync.store.money.levels import COLUMNS, CONFIRMED, ITEM, LINE, OBJECTIVE, decision, objective, stands
from sync.store.presence import kept
from sync.store.rows import match_key
from sync.store.schema import AnyRow

# More names than anybody would read; enough to find a slip of the pen among.
NEAR = 5_000

CODE_COLUMNS = {
    LINE: "source_id",
    CodeField.PROJECT: "project",
    CodeField.COST_CENTRE: "cost_centre",
    CodeField.ACCOUNT: "account",
}


@dataclass(frozen=True, slots=True)
class Money:
    """The money a decision is about: the lines with a code, or one line; of one finance source or of all."""

    field: str
    code: str
    source: str | None = None

    @property
    def folded(self) -> str:
        """Give the form in which lines carry the code; the id of a line is compared as it is."""
        return self.code if self.field == LINE else match_key(self.code)


@dataclass(frozen=True, slots=True)
class Target:
    """The work item or objective a decision is about, by what lasts: its source and its id there."""

    kind: str
    source: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Said:
    """Who says it, when and why."""

    by: str
    at: datetime
    reason: str


def find_targets(connection: Connection, name: str) -> list[Target]:
    """Find the work items with a key or id, and the objectives with an id, letter case aside."""
    items = connection.execute(
        select(work_item.c.source, work_item.c.source_id, work_item.c.key).where(
            or_(work_item.c.key_folded == match_key(name), work_item.c.source_id == name), kept(work_item)
        )
    )
    objectives = connection.execute(
        select(objective.c.source, objective.c.source_id).where(
            objective.c.key_folded == match_key(name), kept(objective)
        )
    )
    return [
        *(Target(ITEM, row.source, row.source_id, row.key) for row in items),
        *(Target(OBJECTIVE, row.source, row.source_id, row.source_id) for row in objectives),
    ]


def count_lines(connection: Connection, money: Money) -> int:
    """Count the budget lines that a decision would be about."""
    found = select(func.count()).select_from(budget_line).where(kept(budget_line))
    found = found.where(COLUMNS[money.field] == money.folded)
    if money.source is not None:
        found = found.where(budget_line.c.source == money.source)
    return connection.scalar(found) or 0


def known_codes(connection: Connection, field: str) -> list[str]:
    """Give codes of a kind that stand on budget lines, for a suggestion."""
    column = budget_line.c[CODE_COLUMNS[field]]
    found = select(column).where(kept(budget_line), column.is_not(None)).distinct().limit(NEAR)
    return list(connection.scalars(found))


def decide(
    connection: Connection,
    verdict: str,
    ends: tuple[Money, Target],
    said: Said,
    millionths: int | None = None,
) -> int:
    """Record a decision and give its number; it takes the place of an earlier one about the same two."""
    money, target = ends
    same = (
        decision.c.withdrawn_at.is_(None),
        decision.c.field == money.field,
        decision.c.code_folded == money.folded,
        decision.c.of_source.is_not_distinct_from(money.source),
        decision.c.target == target.kind,
        decision.c.target_source == target.source,
        decision.c.target_id == target.id,
    )
    connection.execute(
        update(decision)
        .where(*same)
        .values(withdrawn_by=said.by, withdrawn_at=said.at, withdrawn_why="replaced by a newer decision")
    )
    made = insert(decision).values(
        verdict=verdict,
        field=money.field,
        of_source=money.source,
        code=money.code,
        code_folded=money.folded,
        target=target.kind,
        target_source=target.source,
        target_id=target.id,
        target_name=target.name,
        millionths=millionths,
        decided_by=said.by,
        decided_at=said.at,
        reason=said.reason,
    )
    return int(connection.execute(made.returning(decision.c.id)).scalar_one())


def withdraw(connection: Connection, number: int, said: Said) -> bool:
    """Take a decision back; False where there is none with this number that stands."""
    done: Any = connection.execute(
        update(decision)
        .where(decision.c.id == number, decision.c.withdrawn_at.is_(None))
        .values(withdrawn_by=said.by, withdrawn_at=said.at, withdrawn_why=said.reason)
    )
    return bool(done.rowcount)


def read_decisions(connection: Connection, *, withdrawn: bool = False) -> Sequence[AnyRow]:
    """Read the decisions that stand, or also those withdrawn, with what each target is called now."""
    here = select(func.max(work_item.c.key)).where(
        decision.c.target == ITEM,
        work_item.c.source == decision.c.target_source,
        work_item.c.source_id == decision.c.target_id,
    )
    found = select(
        decision, func.coalesce(here.scalar_subquery(), decision.c.target_name).label("called")
    ).order_by(decision.c.id)
    return connection.execute(found if withdrawn else found.where(decision.c.withdrawn_at.is_(None))).all()


def over_confirmed(connection: Connection, money: Money) -> int:
    """Give what the percents confirmed for some money come to, in millionths."""
    given = select(func.sum(decision.c.millionths)).where(
        stands(CONFIRMED), decision.c.field == money.field, decision.c.code_folded == money.folded
    )
    return int(connection.scalar(given) or 0)
