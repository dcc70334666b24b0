"""Give projects and cost centres rows of their own, so that findings about them can hang on something."""

from __future__ import annotations

from sqlalchemy import Connection, Table, exists, func, insert, select, update

from rules.catalogue import fold
from sync.store import tables
from sync.store.schema import table_of

work_item = table_of(tables.WorkItem)
budget_line = table_of(tables.BudgetLine)
project = table_of(tables.Project)
cost_centre = table_of(tables.CostCentre)


def gather(connection: Connection) -> None:
    """Add the projects and cost centres that are new, and take over new names of projects.

    None is ever removed: whether it still has anything is what the rules see.
    """
    gather_projects(connection)
    gather_cost_centres(connection)


def gather_projects(connection: Connection) -> None:
    """Bring the projects up to date with the work items in scope; they are few and compared here."""
    named = connection.execute(
        select(
            work_item.c.source,
            work_item.c.project_folded,
            func.min(work_item.c.project_key).label("key"),
            func.min(work_item.c.project_name).label("name"),
        )
        .where(work_item.c.in_scope, work_item.c.deleted_at.is_(None))
        .group_by(work_item.c.source, work_item.c.project_folded)
    ).all()
    known = {(row.source, row.key_folded): row.name for row in connection.execute(select(project))}
    said = [
        {
            "source": row.source,
            "key_folded": row.project_folded,
            "key": row.key,
            "name": row.name,
            "name_folded": fold(row.name),
        }
        for row in named
        if known.get((row.source, row.project_folded)) != row.name
    ]
    new = [row for row in said if (row["source"], row["key_folded"]) not in known]
    if new:
        connection.execute(insert(project), new)
    for row in said:
        if (row["source"], row["key_folded"]) in known:
            connection.execute(
                update(project)
                .where(project.c.source == row["source"], project.c.key_folded == row["key_folded"])
                .values(name=row["name"], name_folded=row["name_folded"])
            )


def gather_cost_centres(connection: Connection) -> None:
    """Add the cost centres that budget lines name for the first time."""
    table: Table = cost_centre
    is_known = exists().where(table.c.name_folded == budget_line.c.cost_centre_folded)
    connection.execute(
        insert(table).from_select(
            ["name", "name_folded"],
            select(func.min(budget_line.c.cost_centre), budget_line.c.cost_centre_folded)
            .where(budget_line.c.cost_centre_folded.is_not(None), ~is_known.correlate(budget_line))
            .group_by(budget_line.c.cost_centre_folded),
        )
    )
