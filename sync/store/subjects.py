"""Name the rows that findings are about: work items, objectives, budget lines, projects, cost centres."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, literal, select, true

from sync.labels.plan import Ticket
from sync.store.findings import SUBJECTS, WORK_ITEM
from sync.store.groups import cost_centre, project
from sync.store.links import budget_line, objective, work_item
from sync.store.presence import live
from sync.store.waivers import waiver

# Within what a statement may bind on either database.
AT_ONCE = 5000

TABLES: dict[str, Table] = {**SUBJECTS, "project": project, "costCentre": cost_centre, "waiver": waiver}
TITLES: dict[str, tuple[ColumnElement[Any], ...]] = {
    WORK_ITEM: (work_item.c.key, work_item.c.summary, work_item.c.url),
    "objective": (objective.c.source_id, objective.c.title, objective.c.url),
    "budgetLine": (budget_line.c.source_id, budget_line.c.description, literal("")),
    "project": (project.c.key, project.c.name, literal("")),
    "costCentre": (cost_centre.c.name, literal(""), literal("")),
    "waiver": (waiver.c.place, waiver.c.reason, literal("")),
}


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A row by its name; a work item that may be changed is a ticket as well."""

    name: str
    title: str
    url: str
    row: int = field(compare=True)
    ticket: Ticket | None = field(default=None, compare=False)


def names(
    connection: Connection, entity: str, rows: Collection[int], *, gone: bool = False
) -> dict[int, Subject]:
    """Name rows of an entity by their surrogate keys; those that rules no longer see only with `gone`."""
    table = TABLES[entity]
    seen = live(table) if entity in SUBJECTS and not gone else true()
    extra = (work_item.c.source, work_item.c.source_id) if entity == WORK_ITEM else ()
    found: dict[int, Subject] = {}
    for part in portions(sorted(rows)):
        statement = select(table.c.id, *TITLES[entity], *extra).where(table.c.id.in_(part), seen)
        for row in connection.execute(statement):
            ticket = Ticket(row[4], row[1], row[5], row[0]) if extra else None
            found[row[0]] = Subject(row[1], row[2] or "", row[3] or "", row[0], ticket)
    return found


def portions(rows: list[int]) -> Iterator[list[int]]:
    """Cut a list into parts that one statement can name."""
    for start in range(0, len(rows), AT_ONCE):
        yield rows[start : start + AT_ONCE]


def out_of_sight(connection: Connection, entity: str) -> frozenset[int]:
    """Give the rows that are missing, but not yet known to be deleted: their findings stay as they are."""
    table = SUBJECTS.get(entity)
    if table is None:  # what is not read from a source never goes missing
        return frozenset()
    return frozenset(
        connection.scalars(
            select(table.c.id).where(table.c.missing_since.is_not(None), table.c.deleted_at.is_(None))
        )
    )


def sites(connection: Connection) -> set[str]:
    """Give the Jira sites that work items come from."""
    return set(connection.scalars(select(work_item.c.source).distinct()))
