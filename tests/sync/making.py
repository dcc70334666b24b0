"""Turn a few words into records, pages and runs of a store: what the tests of the night start from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Engine, select

from connectors.base import Terms
from connectors.errors import ConnectorError
from connectors.pages import Page
from connectors.records import (
    BudgetLine,
    BudgetVersion,
    How,
    Objective,
    Record,
    Reference,
    StatusCategory,
    WorkItem,
)
from connectors.textfiles import File
from sync.store import links, runs, save, tables
from sync.store.money import promotion
from sync.store.money.matching import rematch
from sync.store.money.purposes import divide
from sync.store.money.staging import empty_stage, stage_lines
from sync.store.save import Origin
from sync.store.schema import AnyRow, table_of
from tests.clock import NOW, TODAY

SITE = "jira"
FILE = "objectives"
MONEY = "finance"

work_item = table_of(tables.WorkItem)
objective_link = table_of(tables.ObjectiveLink)


def epic(key: str, *references: Reference, **more: Any) -> WorkItem:
    """An epic in progress; its id is its number, so that `PAY-7` has the id 7."""
    said: dict[str, Any] = {
        "id": key.rpartition("-")[2],
        "key": key,
        "project_key": key.rpartition("-")[0],
        "project_name": key.rpartition("-")[0].title(),
        "summary": f"Summary of {key}",
        "type_name": "Epic",
        "hierarchy_level": 1,
        "status": "In Progress",
        "status_category": StatusCategory.IN_PROGRESS,
        "url": f"https://jira.example/browse/{key}",
        "references": references,
    }
    return WorkItem(**(said | more))


def names(target: str, how: How = How.CUSTOM_FIELD) -> Reference:
    return Reference(how, target, f"{how.value} says {target}")


def goal(identity: str, **more: Any) -> Objective:
    return Objective(**({"id": identity, "title": f"Objective {identity}"} | more))


def money(project: str | None, amount_minor: int, **more: Any) -> BudgetLine:
    said: dict[str, Any] = {
        "id": f"{project}|2026|budget|{amount_minor}",
        "version": BudgetVersion.BUDGET,
        "fiscal_year": 2026,
        "period": "FY2026",
        "currency": "USD",
        "amount_minor": amount_minor,
        "project": project,
    }
    return BudgetLine(**(said | more))


def begin_run(engine: Engine, now: datetime = NOW) -> int:
    with engine.begin() as connection:
        return runs.begin(connection, "test", now, dry_run=False)


def origin_of(source: str, run_id: int, now: datetime = NOW) -> Origin:
    return Origin(source, SITE if source == SITE else None, run_id, run_id, now)


def put(
    connection: Connection, run_id: int, records: Iterable[Record], source: str = SITE, **more: Any
) -> save.Saved:
    """Save one page of records as read by a run; budget lines take the place of those of their source."""
    origin, every = origin_of(source, run_id, **more), list(records)
    lines = [record for record in every if isinstance(record, BudgetLine)]
    saved = save.save_page(connection, origin, Page(tuple(it for it in every if it not in lines)))
    if not lines:
        return saved
    found = promote(connection, origin, lines)
    return replace(saved, records=len(every), changed=saved.changed + found.added + found.restated)


def promote(connection: Connection, origin: Origin, lines: list[BudgetLine]) -> promotion.Difference:
    """Stage these lines and make them all that counts of their source."""
    empty_stage(connection)
    stage_lines(connection, lines, None)
    found = promotion.compare(connection, origin.source)
    promotion.promote(connection, origin)
    return found


def relink(connection: Connection, today: date = TODAY, *, drivers: Mapping[str, str] | None = None) -> None:
    """Rebuild every link and every share, as a night does before it judges."""
    links.relink_objectives(connection)
    rematch(connection, drivers)
    divide(connection, today)


def item_id(connection: Connection, key: str) -> int:
    return int(connection.scalars(select(work_item.c.id).where(work_item.c.key == key)).one())


def labels_of(connection: Connection, key: str) -> list[str]:
    label = table_of(tables.WorkItemLabel)
    return sorted(
        connection.scalars(
            select(label.c.label)
            .join(work_item, work_item.c.id == label.c.work_item_id)
            .where(work_item.c.key == key)
        )
    )


def ties(connection: Connection) -> list[AnyRow]:
    """Every link as (item key, objective id, how, evidence, depth, counts), sorted."""
    return list(
        connection.execute(
            select(
                work_item.c.key,
                links.objective.c.source_id,
                objective_link.c.how,
                objective_link.c.evidence,
                objective_link.c.depth,
                objective_link.c.counts,
            )
            .join_from(objective_link, work_item, work_item.c.id == objective_link.c.work_item_id)
            .join(links.objective, links.objective.c.id == objective_link.c.objective_id)
            .order_by(work_item.c.key, links.objective.c.source_id, objective_link.c.depth)
        ).all()
    )


@dataclass
class Pages:
    """A source that gives pages out of memory: it stands for the outside. An exception among them is raised.

    A cursor is the number of the page to go on with; `stale` cursors are refused as the protocol says.
    """

    name: str
    given: list[Page | BaseException]
    stale: ConnectorError | None = None
    asked: list[str | None] = field(default_factory=list)

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        self.asked.append(cursor)
        if cursor is not None and self.stale is not None:
            raise self.stale
        for page in self.given[int(cursor or 0) :]:
            if isinstance(page, BaseException):
                raise page
            yield page


class Books(Pages):
    """Pages of money."""

    parser = ""
    terms = Terms()

    def files(self) -> tuple[File, ...]:
        return ()


def in_pages(records: Iterable[Record], size: int) -> list[Page]:
    """Cut records into pages whose cursors are the number of the next page; the last one has none."""
    every = list(records)
    cuts = [tuple(every[start : start + size]) for start in range(0, len(every), size)] or [()]
    last = len(cuts)
    return [
        Page(cut, cursor=None if number == last else str(number)) for number, cut in enumerate(cuts, start=1)
    ]


def snapshot(connection: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """What the store says of the outside world, apart from surrogate keys, runs and times."""
    said = {}
    for model in (tables.WorkItem, tables.Objective, tables.BudgetLine, tables.LinkClaim):
        table = table_of(model)
        aside = {"id", "parent_id", "first_run", "last_run", "first_seen", "last_seen", "valid_from_run"}
        columns = [column for column in table.c if column.name not in aside]
        rows = connection.execute(select(*columns).order_by(table.c.source, table.c.source_id))
        said[table.name] = [tuple(row) for row in rows]
    for child in (tables.WorkItemLabel, tables.WorkItemReference):
        table = table_of(child)
        columns = [column for column in table.c if column.name not in {"id", "work_item_id"}]
        rows = connection.execute(
            select(work_item.c.source_id, *columns).join_from(
                table, work_item, work_item.c.id == table.c.work_item_id
            )
        )
        said[table.name] = sorted(tuple(row) for row in rows)
    return said


YESTERDAY = date(2026, 3, 2)
