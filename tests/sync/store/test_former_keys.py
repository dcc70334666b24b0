"""An objective that is an issue keeps what it is and who serves it when it is moved to another project."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, text

from connectors.pages import FormerKey, Page
from connectors.records import How, LinkClaim, Objective, OutsideObjective, Record
from sync.store import links, save
from sync.store.dangling import list_dangling
from sync.store.former_keys import former_key, note_former_keys
from sync.store.links import objective
from sync.store.ties import claims_on, find_work_item, references_of
from tests.clock import NOW
from tests.sync.making import SITE, begin_run, epic, goal, names, origin_of, put, relink, ties

GOALS, OUTSIDE = "jira-objectives", "jira-outside-objectives"
BROWSE = "https://jira.example/browse/"


def issue(key: str, identity: str = "101", **more: Any) -> Objective:
    """An objective that is an issue of the site."""
    return goal(key, issue_id=identity, url=f"{BROWSE}{key}", **more)


def read(engine: Engine, *records: Record, source: str = GOALS) -> save.Absent:
    """Read a source of the site as one night does; give how many rows it no longer has."""
    run_id = begin_run(engine)
    origin = replace(origin_of(source, run_id), site=SITE)
    with engine.begin() as connection:
        save.save_page(connection, origin, Page(records))
        gone = save.count_absent(connection, origin)
        save.bury_absent(connection, origin, at_once=False)
        return gone


def work(engine: Engine, *records: Record, source: str = SITE) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, records, source)


def tied(engine: Engine) -> dict[str, list[tuple[str, str]]]:
    """Link; give (objective, evidence) of the ties of each item."""
    with engine.begin() as connection:
        relink(connection)
        found: dict[str, list[tuple[str, str]]] = {}
        for tie in ties(connection):
            found.setdefault(tie.key, []).append((tie.source_id, tie.evidence))
        return found


def vain(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [(row.subject, row.target) for row in list_dangling(connection)]


NAMED: dict[str, tuple[list[Record], str]] = {
    "a field": ([epic("PAY-1", names("obj-7"))], "custom field says obj-7"),
    "a goal": ([epic("PAY-1", names("OBJ-7", How.GOALS_FIELD))], "goals field says OBJ-7"),
    "a label": ([epic("PAY-1", names("OBJ-7", How.LABEL))], "label says OBJ-7"),
    "an address": ([epic("PAY-1", names(f"{BROWSE}OBJ-7"))], f"custom field says {BROWSE}OBJ-7"),
    "a mapping file": ([epic("PAY-1"), LinkClaim("PAY-1", "OBJ-7", "line 2")], "line 2"),
    "a remote link": (
        [epic("PAY-1"), LinkClaim("1", "OBJ-7", "link x", site=SITE, how=How.REMOTE_LINK)],
        "link x",
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", NAMED)
def test_work_that_names_an_objective_by_the_key_of_before_its_move_stays_tied(
    engine: Engine, way: str
) -> None:
    records, evidence = NAMED[way]
    read(engine, issue("OBJ-7"))
    work(engine, *(one for one in records if not isinstance(one, LinkClaim)))
    work(engine, *(one for one in records if isinstance(one, LinkClaim)), source="links")
    assert tied(engine) == {"PAY-1": [("OBJ-7", evidence)]}
    # no night reads the work again, for nothing about it has changed
    for number, key in enumerate(("GOAL-7", "AIM-1")):
        assert read(engine, issue(key)) == save.Absent(1, 0)
        assert tied(engine) == {"PAY-1": [(key, f"{evidence} names OBJ-7, now {key}")]}, number
        assert vain(engine) == []
        with engine.connect() as connection:
            item = find_work_item(connection, "PAY-1")
            assert item is not None
            claimed = [*references_of(connection, item.id), *claims_on(connection, item)]
            assert [one.objective_id is not None for one in claimed] == [True]


def test_an_objective_that_is_moved_stays_the_same_row_and_one_that_comes_back_has_its_key_again(
    engine: Engine,
) -> None:
    work(engine, epic("PAY-1", names("OBJ-7")), epic("PAY-2", names("GOAL-7")))
    kept = []
    for key in ("OBJ-7", "GOAL-7", "OBJ-7"):
        read(engine, issue(key, title=f"As {key}"))
        with engine.connect() as connection:
            (row,) = connection.execute(select(objective)).all()
        kept.append((row.id, row.first_run, row.source_id, row.key_folded, row.title))
    first = kept[0][:2]
    assert kept == [(*first, key, key.lower(), f"As {key}") for key in ("OBJ-7", "GOAL-7", "OBJ-7")]
    assert tied(engine) == {
        "PAY-1": [("OBJ-7", "custom field says OBJ-7")],
        "PAY-2": [("OBJ-7", "custom field says GOAL-7 names GOAL-7, now OBJ-7")],
    }


def test_moving_all_objectives_is_no_loss_and_two_may_change_places(engine: Engine) -> None:
    before = [issue(f"OBJ-{number}", str(number)) for number in (1, 2, 3)]
    after = [issue(f"OBJ-{number % 3 + 1}", str(number)) for number in (1, 2, 3)]
    read(engine, *before)
    assert read(engine, *after) == save.Absent(3, 0)
    with engine.connect() as connection:
        rows = connection.execute(select(objective.c.issue_id, objective.c.source_id))
        assert {row.issue_id: row.source_id for row in rows} == {"1": "OBJ-2", "2": "OBJ-3", "3": "OBJ-1"}
    work(engine, epic("PAY-1", names("OBJ-1")))
    assert tied(engine) == {"PAY-1": [("OBJ-1", "custom field says OBJ-1")]}


def test_a_store_that_has_both_rows_from_before_ends_the_old_one(engine: Engine) -> None:
    read(engine, issue("OBJ-7"), issue("GOAL-7", "102"))
    work(engine, epic("PAY-1", names("OBJ-7")))
    assert read(engine, issue("GOAL-7")) == save.Absent(1, 0)
    assert tied(engine) == {"PAY-1": [("GOAL-7", "custom field says OBJ-7 names OBJ-7, now GOAL-7")]}


LIVING: dict[str, Callable[[Engine], object]] = {
    "an objective": lambda engine: read(engine, issue("GOAL-7"), issue("OBJ-7", "102")),
    "an objective of a file": lambda engine: work(engine, goal("obj-7"), source="file"),
    "an issue outside the query": lambda engine: read(
        engine, OutsideObjective("102", "OBJ-7", "Another"), source=OUTSIDE
    ),
    "an issue of the site": lambda engine: work(engine, epic("OBJ-7")),
}


@pytest.mark.parametrize("taken", LIVING)
def test_a_key_that_another_has_by_now_is_the_name_of_that_one(engine: Engine, taken: str) -> None:
    read(engine, issue("OBJ-7"))
    work(engine, epic("PAY-1", names("OBJ-7")))
    read(engine, issue("GOAL-7"))
    assert [goal for goal, _ in tied(engine)["PAY-1"]] == ["GOAL-7"]
    LIVING[taken](engine)
    found = [name for name, _ in tied(engine).get("PAY-1", [])]
    assert found == (["OBJ-7"] if taken == "an objective" else ["obj-7"] if "file" in taken else [])
    assert (not found) == (vain(engine) == [("PAY-1", "OBJ-7")])


def test_the_issue_itself_read_as_work_under_its_old_key_and_one_of_another_site_take_nothing(
    engine: Engine,
) -> None:
    read(engine, issue("OBJ-7"))
    work(engine, epic("PAY-1", names("OBJ-7")), epic("OBJ-7", id="101"))
    work(engine, epic("OBJ-7"), source="other site")
    read(engine, issue("GOAL-7"))
    assert [name for name, _ in tied(engine)["PAY-1"]] == ["GOAL-7"]


def test_what_jira_tells_of_a_former_key_ties_to_an_objective_and_to_what_is_outside(engine: Engine) -> None:
    read(engine, issue("GOAL-7"))
    work(engine, epic("PAY-1", names("OBJ-7")), epic("PAY-2", names("OBJ-8")), epic("PAY-3", names("OBJ-9")))
    assert vain(engine) == [("PAY-1", "OBJ-7"), ("PAY-2", "OBJ-8"), ("PAY-3", "OBJ-9")]
    told = (FormerKey("OBJ-7", "101"), FormerKey("OBJ-8", "108"), FormerKey("OBJ-9", "109"))
    origin = replace(origin_of(OUTSIDE, begin_run(engine)), site=SITE)
    closed = OutsideObjective("108", "GOAL-8", "Closed", url=f"{BROWSE}GOAL-8")
    with engine.begin() as connection:
        for _ in range(2):
            save.save_page(connection, origin, Page((closed,), former_keys=told))
    assert tied(engine) == {"PAY-1": [("GOAL-7", "custom field says OBJ-7 names OBJ-7, now GOAL-7")]}
    with engine.connect() as connection:
        assert len(connection.execute(select(former_key)).all()) == 3
        found = {(row.subject, row.fault, row.reason) for row in list_dangling(connection)}
        evidence = connection.scalars(select(links.outside_link.c.evidence)).all()
    assert found == {
        ("PAY-2", "issue outside the objectives", "GOAL-8 Closed"),
        ("PAY-3", "objective not known", None),
    }
    assert evidence == ["custom field says OBJ-8 names OBJ-8, now GOAL-8"]


def furnish(connection: Connection, run_id: int, moved: int) -> None:
    """So many objectives that were moved, ten epics that name each, and a row of a mapping file for each."""
    goals = [issue(f"GOAL-{n}", str(1_000_000 + n)) for n in range(moved)]
    save.save_page(connection, replace(origin_of(GOALS, run_id), site=SITE), Page(tuple(goals)))
    put(connection, run_id, [epic(f"PAY-{n}", names(f"OBJ-{n % moved}")) for n in range(10 * moved)])
    put(connection, run_id, [LinkClaim(f"PAY-{n}", f"OBJ-{n}", "a line") for n in range(moved)], "links")
    told = [FormerKey(f"OBJ-{n}", str(1_000_000 + n)) for n in range(moved)]
    note_former_keys(connection, SITE, NOW, told)


@contextmanager
def statements(connection: Connection) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    event.listen(connection, "before_cursor_execute", note)
    yield sent
    event.remove(connection, "before_cursor_execute", note)


def plan(connection: Connection, statement: Any) -> str:
    said = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
    ask = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    rows = connection.execute(text(f"{ask} {said}".replace("%%", "%")))
    return "\n".join(str(row[-1]) for row in rows)


def test_former_keys_are_worked_out_once_and_looked_up_and_every_tie_costs_no_statement(
    engine: Engine,
) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        furnish(connection, run_id, 300)
        with statements(connection) as many:
            links.relink_objectives(connection)
        assert len(ties(connection)) == 300 * 11
        plans = {
            way: plan(connection, direct(links.SERVED))
            for way, direct in {
                "target_folded": links.by_former_key,
                "objective_folded": links.by_claim_of_former_key,
            }.items()
        }
        connection.execute(text("DELETE FROM former_key WHERE key_folded <> 'obj-1'"))
        with statements(connection) as few:
            links.relink_objectives(connection)
        assert len(many) == len(few)
        connection.execute(text("DELETE FROM former_key"))
        with statements(connection) as none:
            links.relink_objectives(connection)
        assert len(none) == len(few) - 2
    for column, said in plans.items():
        if engine.dialect.name == "postgresql":
            assert re.search(rf"Hash Cond: \(.*{column}.* = \(former\.key_folded", said)
        else:
            assert "SEARCH former USING AUTOMATIC COVERING INDEX (key_folded=?)" in said


def test_moving_many_objectives_costs_as_many_statements_as_moving_one(engine: Engine) -> None:
    read(engine, *(issue(f"OBJ-{n}", str(n)) for n in range(100)))
    looked = []
    for moved in (1, 100):
        origin = replace(origin_of(GOALS, begin_run(engine)), site=SITE)
        goals = tuple(issue(f"NEW-{n}" if n < moved else f"OBJ-{n}", str(n)) for n in range(100))
        with engine.begin() as connection, statements(connection) as sent:
            save.save_page(connection, origin, Page(goals))
        looked.append([one for one in sent if one.startswith(("SELECT", "UPDATE"))])
    assert len(looked[0]) == len(looked[1])
