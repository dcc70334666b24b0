"""Match every budget line with the work it pays for: level by level, then share by share, set-wise."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, union_all

from sync.store.bulk import analyze
from sync.store.money.candidates import budget_line, candidate, set_up, tear_down
from sync.store.money.drivers import weigh
from sync.store.money.levels import Level, levels
from sync.store.money.shares import budget_link, remainder, share_out

COLUMNS = ["line", "item", "objective", "how", "evidence", "millionths"]


def rematch(connection: Connection, drivers: Mapping[str, str] | None = None) -> None:
    """Rebuild what falls to each work item, and what falls to none.

    `drivers` names the field of the work, by finance source, that its money is shared out by.
    """
    connection.execute(delete(budget_link))
    connection.execute(delete(remainder))
    set_up(connection)
    for level in levels(connection):
        take(connection, level)
    weigh(connection, drivers or {})
    analyze(connection, candidate)
    share_out(connection, driven=bool(drivers))
    tear_down(connection)
    analyze(connection, budget_link, remainder)


def take(connection: Connection, level: Level) -> None:
    """Take what a level finds for the lines that none before it knew."""
    settled = select(candidate.c.line).where(candidate.c.line == budget_line.c.id).exists()
    hits = union_all(*(statement.where(~settled) for statement in level.statements))
    connection.execute(insert(candidate).from_select(COLUMNS, hits))
