"""A project that gets another key takes its children along, without a question for each of its issues."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event, select

from connectors.records import WorkItem
from sync.store import renames, tables
from sync.store.schema import table_of
from tests.sync.making import SITE, begin_run, epic, put

work_item = table_of(tables.WorkItem)
MANY = 400


def families(project: str) -> list[WorkItem]:
    """Parents under the keys they have by now, and children that name them by those of before."""
    parents = [epic(f"{project}-{number}", project_key=project) for number in range(1, MANY + 1)]
    children = [epic(f"PAY-{MANY + number}", parent_key=f"OLD-{number}") for number in range(1, MANY + 1)]
    return [*parents, *children]


def named_parents(connection: Connection) -> list[str]:
    named = select(work_item.c.parent_key).where(work_item.c.parent_key.is_not(None)).order_by(work_item.c.id)
    return list(connection.scalars(named))


def test_children_follow_a_project_that_gets_another_key_whatever_its_size(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, families("OLD"))
        asked: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda *seen: asked.append(seen[2]))
        put(connection, run_id, families("NEW")[:MANY])
        renames.name_parents(connection, SITE)
        assert len(asked) < MANY / 2
        assert named_parents(connection) == [f"NEW-{number}" for number in range(1, MANY + 1)]
