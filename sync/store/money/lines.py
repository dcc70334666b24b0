"""Read one budget line and everything behind it: file, earlier versions, levels tried, shares, objectives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, and_, literal, or_, select

from sync.store import tables
from sync.store.coverage import objective_is_live
from sync.store.links import objective_link
from sync.store.money.artifacts import artifact
from sync.store.money.candidates import budget_line, set_up, tear_down, work_item
from sync.store.money.drivers import value
from sync.store.money.levels import COLUMNS, ITEM, Level, decision, levels, objective, of_source
from sync.store.money.purposes import objective_share, part_of
from sync.store.money.shares import budget_link, remainder
from sync.store.presence import kept
from sync.store.schema import AnyRow, table_of

past = table_of(tables.BudgetLinePast)

# As many lines as anybody would read one by one.
MOST = 20

Hits = Sequence[AnyRow]


def lines_with(connection: Connection, *conditions: Any) -> Sequence[AnyRow]:
    """Read the first lines that meet some conditions, with the file each was read from."""
    return connection.execute(
        select(budget_line, artifact.c.name.label("file"), artifact.c.sha256)
        .outerjoin(artifact, artifact.c.id == budget_line.c.artifact_id)
        .where(kept(budget_line), *conditions)
        .order_by(budget_line.c.source, budget_line.c.id)
        .limit(MOST)
    ).all()


def lines_named(connection: Connection, name: str) -> Sequence[AnyRow]:
    """Find lines by their id, or by `FILE:LINE` or `SOURCE:LINE`, where several amounts may stand."""
    place, _, number = name.rpartition(":")
    found = lines_with(connection, budget_line.c.source_id == name)
    if found or not (place and number.isdecimal() and len(number) < 10):
        return found
    ends = artifact.c.name.endswith("/" + place, autoescape=True)
    file = or_(artifact.c.name == place, ends, budget_line.c.source == place)
    return lines_with(connection, budget_line.c.line == int(number), file)


def past_of(connection: Connection, line_id: int) -> Sequence[AnyRow]:
    """Read what a line said before, the newest first."""
    return connection.execute(
        select(past, artifact.c.name.label("file"))
        .outerjoin(artifact, artifact.c.id == past.c.artifact_id)
        .where(past.c.budget_line_id == line_id)
        .order_by(past.c.valid_to_run.desc(), past.c.id.desc())
    ).all()


def tried_levels(connection: Connection, line_ids: Sequence[int]) -> dict[int, list[tuple[Level, Hits]]]:
    """Try the levels on some lines, for each up to the one that settles it."""
    tried: dict[int, list[tuple[Level, Hits]]] = {line_id: [] for line_id in line_ids}
    set_up(connection)
    for level in levels(connection):
        for line_id, so_far in tried.items():
            if not (so_far and so_far[-1][1]):
                so_far.append((level, hits_of(connection, level, line_id)))
    tear_down(connection)
    return tried


def hits_of(connection: Connection, level: Level, line_id: int) -> Hits:
    """Read what one level finds for a line: (key or id, evidence, millionths)."""
    found: list[AnyRow] = []
    for statement in level.statements:
        hit = statement.where(budget_line.c.id == line_id).subquery()
        item, goal, evidence, millionths = (hit.c[number] for number in (1, 2, 4, 5))
        named: Select[Any] = (
            select(
                work_item.c.key, objective.c.source_id, evidence.label("evidence"), millionths.label("share")
            )
            .select_from(hit)
            .outerjoin(work_item, work_item.c.id == item)
            .outerjoin(objective, objective.c.id == goal)
        )
        found += connection.execute(named.order_by(work_item.c.key, objective.c.source_id)).all()
    return found


def shares_of(connection: Connection, line_id: int, field: str | None) -> Sequence[AnyRow]:
    """Read the shares of a line that fall to work items, with what these hold in a field."""
    held = and_(value.c.work_item_id == work_item.c.id, value.c.name == field)
    return connection.execute(
        select(budget_link, work_item.c.key, work_item.c.summary, value.c.text.label("weight"))
        .join(work_item, work_item.c.id == budget_link.c.work_item_id)
        .outerjoin(value, held)
        .where(budget_link.c.budget_line_id == line_id)
        .order_by(budget_link.c.amount_minor.desc(), work_item.c.key)
    ).all()


def remainders_of(connection: Connection, line_id: int, today: date) -> Sequence[AnyRow]:
    """Read the parts of a line that fall to no work item."""
    return connection.execute(
        select(remainder, objective.c.source_id.label("objective"), objective_is_live(today).label("live"))
        .outerjoin(objective, objective.c.id == remainder.c.objective_id)
        .where(remainder.c.budget_line_id == line_id)
        .order_by(remainder.c.amount_minor.desc(), remainder.c.id)
    ).all()


def served_by(connection: Connection, share: AnyRow, today: date) -> Sequence[AnyRow]:
    """Read the objectives that the work item of a share serves, each with its part of the amount."""
    mine = and_(
        objective_share.c.objective_id == objective.c.id,
        objective_share.c.work_item_id == objective_link.c.work_item_id,
    )
    part = part_of(literal(share.amount_minor, BigInteger))
    return connection.execute(
        select(objective.c.source_id, objective.c.title, objective_is_live(today).label("live"))
        .add_columns(part.label("amount"), objective_share.c.sharers)
        .join_from(objective_link, objective, objective.c.id == objective_link.c.objective_id)
        .outerjoin(objective_share, mine)
        .where(objective_link.c.work_item_id == share.work_item_id, objective_link.c.counts)
        .order_by(objective.c.source_id)
    ).all()


def decisions_on(connection: Connection, line_id: int) -> Sequence[AnyRow]:
    """Read what people said of a line or of its codes, and did not withdraw."""
    codes = [
        and_(decision.c.field == field, decision.c.code_folded == code) for field, code in COLUMNS.items()
    ]
    now_called = and_(
        decision.c.target == ITEM,
        work_item.c.source == decision.c.target_source,
        work_item.c.source_id == decision.c.target_id,
    )
    return connection.execute(
        select(decision, work_item.c.key.label("called"))
        .join_from(decision, budget_line, and_(of_source(decision), or_(*codes)))
        .outerjoin(work_item, now_called)
        .where(budget_line.c.id == line_id, decision.c.withdrawn_at.is_(None))
        .order_by(decision.c.id)
    ).all()
