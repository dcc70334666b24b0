"""The SELECT of a rule's hits: whom it names, and the values it gives as evidence, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, event, insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

from rules.catalogue import BindingError, find
from rules.condition import named_paths
from rules.sql import Unbound, hits
from rules.sql_functions import register
from tests import postgres
from tests.rules.sample import BOUND, THING, THINGS, UNBOUND, condition_of, store, with_rollups

COMPILED = with_rollups(BOUND.entities[0])
THING_ONE: dict[str, Any] = {
    "key": "T-1",
    "status": "Done",
    "owner": None,
    "title": 'say "hi"',
    "points": 3,
    "plan": 4_337_598_758_800,
    "spent": None,
    "due": date(2026, 3, 31),
    "begun": None,
    "touched": datetime(2026, 3, 31, 12, 0, tzinfo=UTC),
    "flag": True,
    "tags": ["b", "a", "b"],
    "goal": [
        {
            "id": "OBJ-2",
            "name": "n",
            "starts": None,
            "ends": None,
            "weight": 2,
            "live": False,
            "marks": ["m"],
        },
        {
            "id": "OBJ-1",
            "name": None,
            "starts": None,
            "ends": None,
            "weight": 5,
            "live": True,
            "marks": ["k"],
        },
    ],
}
THING_TWO: dict[str, Any] = {**dict.fromkeys(THING_ONE), "key": "T-2", "tags": [], "goal": []}


def _connections(url: str) -> Iterator[Connection]:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: register(connection))
    with engine.connect() as connection:
        store(connection, [THING_ONE, THING_TWO])
        yield connection
    engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def connection(request: pytest.FixtureRequest) -> Iterator[Connection]:
    if request.param == "sqlite":
        yield from _connections("sqlite://")
        return
    with postgres.fresh_database(postgres.server()) as url:
        yield from _connections(url)


def _rule(text: str, *named: str) -> Any:
    condition = condition_of(text, COMPILED)
    extra = {name: path for name in named if (path := find(COMPILED, name)) is not None}
    return SimpleNamespace(entity=COMPILED, condition=condition, evidence={**named_paths(condition), **extra})


def _evidence(connection: Connection, text: str, *named: str) -> dict[int, Any]:
    rows = connection.execute(hits(_rule(text, *named)))
    return {row.item_id: json.loads(row.evidence) for row in rows}


def test_evidence_holds_every_field_the_rule_names(connection: Connection) -> None:
    text = 'status = Done AND due < "2026-07-01" AND plan > 1 AND owner IS EMPTY AND liveWeight >= goalCount'
    assert _evidence(connection, text, "key", "title") == {
        0: {
            "status": "Done",
            "due": "2026-03-31",
            "plan": 4_337_598_758_800,
            "owner": None,
            "liveWeight": 5,
            "goalCount": 2,
            "key": "T-1",
            "title": 'say "hi"',
        }
    }


def test_evidence_shows_moments_in_utc_and_booleans_as_words(connection: Connection) -> None:
    found = _evidence(connection, 'flag = "true" AND touched < now() AND goal.live = "true"')
    assert found == {
        0: {"flag": "true", "touched": "2026-03-31T12:00:00Z", "goal.live": ["false", "true"]},
    }


def test_evidence_of_lists_is_sorted_and_without_repetition(connection: Connection) -> None:
    found = _evidence(connection, "tags = a AND goal = OBJ-2 AND goal.marks != x", "goal.name")
    assert found == {
        0: {"tags": ["a", "b"], "goal": ["OBJ-1", "OBJ-2"], "goal.marks": ["k", "m"], "goal.name": ["n"]}
    }


def test_evidence_of_an_empty_list_is_an_empty_array(connection: Connection) -> None:
    assert _evidence(connection, "tags IS EMPTY AND goal IS EMPTY", "goalCount") == {
        1: {"tags": [], "goal": [], "goalCount": 0}
    }


def test_the_select_can_be_written_into_a_table(connection: Connection) -> None:
    table = Table("hit", MetaData(), Column("item", Integer), Column("evidence", String))
    table.create(connection)
    connection.execute(insert(table).from_select(["item", "evidence"], hits(_rule("status = Done"))))
    assert connection.execute(table.select()).all() == [(0, '{"status":"Done"}')] or connection.execute(
        table.select()
    ).all() == [(0, '{"status" : "Done"}')]


def test_an_amount_beyond_32_bits_is_compared_exactly(connection: Connection) -> None:
    assert list(_evidence(connection, "plan = 43375987588")) == [0]
    assert list(_evidence(connection, "plan > 43375987587.99")) == [0]
    assert list(_evidence(connection, "plan > 43375987588")) == []


@pytest.mark.parametrize(
    ("text", "named", "joined"),
    [
        ("status = Done", [], False),
        ("goal.ends < due AND tags = x AND liveWeight > 1", ["key"], False),
        ("plan > 1", [], True),
        ("status = Done", ["plan"], True),
        ("status = Done OR NOT spent = 3", [], True),
    ],
)
def test_what_an_outer_join_brings_is_joined_only_where_the_rule_names_it(
    text: str, named: list[str], joined: bool
) -> None:
    assert ("totals" in str(hits(_rule(text, *named)).compile(dialect=sqlite.dialect()))) is joined


def test_a_rule_over_an_unbound_catalogue_cannot_be_compiled() -> None:
    condition = condition_of("status = Done")
    rule: Any = SimpleNamespace(entity=THING, condition=condition, evidence=named_paths(condition))
    with pytest.raises(Unbound, match="thing has no source"):
        hits(rule)


def test_binding_lists_everything_that_is_missing() -> None:
    binding: Any = SimpleNamespace(
        source=THINGS, id=THINGS.c.id, columns={"key": THINGS.c.key, "kee": THINGS.c.key}, relations={}
    )
    with pytest.raises(BindingError) as caught:
        UNBOUND.bind({"thing": binding})
    text = str(caught.value)
    assert "thing.kee: unknown field" in text
    assert "thing.key: no folded column" in text
    assert "thing.plan: no column" in text
    assert "thing.goal: no binding" in text
