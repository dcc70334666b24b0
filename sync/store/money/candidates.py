"""Hold what matching works with while it runs: candidates for lines, names of items, projects above codes.

The tables are temporary: they live in the connection, and nothing else sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    CompoundSelect,
    Connection,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    and_,
    func,
    insert,
    literal,
    select,
    union_all,
)

from sync.store import tables
from sync.store.bulk import analyze, insert_rows
from sync.store.former_keys import former_key, of_issue
from sync.store.presence import kept
from sync.store.rows import Row
from sync.store.schema import AnyRow, table_of

BATCH = 5_000
# Deeper than any structure of projects; it also ends the walk around a circle.
MAX_DEPTH = 32

budget_line = table_of(tables.BudgetLine)
work_item = table_of(tables.WorkItem)

_metadata = MetaData()


def temporary(name: str, *parts: Column[Any] | Index) -> Table:
    """Declare a table that ends with the transaction."""
    return Table(name, _metadata, *parts, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


# What a level found for a line: an item or an objective. Only the first level that finds any writes here.
candidate = temporary(
    "match_candidate",
    Column("line", BigInteger),
    Column("item", BigInteger),
    Column("objective", BigInteger),
    Column("how", String),
    Column("evidence", Text),
    Column("millionths", Integer),
    Index("match_candidate_line", "line"),
)
# What an item may be called: its key, a key it had before, its id.
item_name = temporary(
    "match_item_name",
    Column("name", String),
    Column("kind", String),
    Column("item", BigInteger),
    Index("match_item_name_name", "name"),
)
# The issue keys in the column of a line that is declared to hold them, by the text they are kept in.
named_issue = temporary(
    "match_named_issue",
    Column("issues", Text),
    Column("name", String),
    Index("match_named_issue_issues", "issues"),
)
# One step from a project to the one it is part of, and all steps from one.
project_step = temporary(
    "match_project_step",
    Column("project", String),
    Column("above", String),
    Index("match_project_step_project", "project"),
)
project_above = temporary(
    "match_project_above",
    Column("project", String),
    Column("above", String),
    Column("depth", Integer),
    Index("match_project_above_project", "project"),
)
# The sources whose money is shared out by a field of the work, and what weighs how much by it.
driver = temporary("match_driver", Column("source", String), Column("field", String))
driver_weight = temporary(
    "match_driver_weight",
    Column("field", String),
    Column("item", BigInteger),
    Column("weight", BigInteger),
    Index("match_driver_weight_item", "item"),
)
WORKING = (candidate, item_name, named_issue, project_step, project_above, driver, driver_weight)


def set_up(connection: Connection) -> None:
    """Make the working tables and fill those that levels look things up in."""
    tear_down(connection)
    for table in WORKING:
        table.create(connection)
    connection.execute(insert(item_name).from_select(["name", "kind", "item"], names()))
    lists = budget_line.c.issues_folded, budget_line.c.project_folded, budget_line.c.parents_folded
    fill(connection, named_issue, distinct(lists[0]), issues_in)
    fill(connection, project_step, distinct(lists[2], lists[1]), steps_in)
    analyze(connection, item_name, named_issue, project_step)
    connection.execute(insert(project_above).from_select(["project", "above", "depth"], climbed()))
    analyze(connection, project_above)


def tear_down(connection: Connection) -> None:
    """Drop the working tables."""
    for table in WORKING:
        table.drop(connection, checkfirst=True)


def names() -> CompoundSelect[Any]:
    """Select what each item in scope may be called."""
    counted = and_(kept(work_item), work_item.c.in_scope)
    former = (
        select(former_key.c.key_folded, literal("former key"), work_item.c.id)
        .join_from(former_key, work_item, of_issue(work_item))
        .where(counted, former_key.c.key_folded != work_item.c.key_folded)
    )
    return union_all(
        select(work_item.c.key_folded, literal("key"), work_item.c.id).where(counted),
        former,
        select(work_item.c.source_id, literal("id"), work_item.c.id).where(counted),
    )


def distinct(given: Column[Any], *beside: Column[Any]) -> Select[Any]:
    """Select each value that stands on a budget line, with those beside it."""
    return select(given, *beside).where(given.is_not(None), kept(budget_line)).distinct()


def fill(
    connection: Connection, table: Table, read: Select[Any], cut: Callable[[AnyRow], Iterator[Row]]
) -> None:
    """Fill a table with the pieces of what is read, a batch at a time."""
    found = connection.execute(read, execution_options={"yield_per": BATCH})
    for part in found.partitions():
        insert_rows(connection, table, [row for given in part for row in cut(given)])


def issues_in(given: AnyRow) -> Iterator[Row]:
    """Give each issue key of a list."""
    (issues,) = given
    for name in issues.split(" "):
        yield {"issues": issues, "name": name}


def steps_in(given: AnyRow) -> Iterator[Row]:
    """Give each step from a project up to the last one above it."""
    parents, project = given
    chain = [project, *parents.split("\n")]
    for lower, upper in pairwise(chain):
        if lower is not None:
            yield {"project": lower, "above": upper}


def climbed() -> Select[Any]:
    """Select every project above each project with the fewest steps to it; circles end."""
    steps = select(project_step.c.project, project_step.c.above).distinct().subquery()
    start = select(steps.c.project, steps.c.above, literal(1).label("depth")).cte("climb", recursive=True)
    climb = start.union(
        select(start.c.project, steps.c.above, start.c.depth + 1)
        .join_from(start, steps, steps.c.project == start.c.above)
        .where(start.c.depth < MAX_DEPTH, start.c.above != start.c.project)
    )
    return (
        select(climb.c.project, climb.c.above, func.min(climb.c.depth))
        .where(climb.c.project != climb.c.above)
        .group_by(climb.c.project, climb.c.above)
    )
