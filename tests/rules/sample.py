"""A small world with every kind of field, empties, lists and relations: as catalogue, tables and items."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    cast,
    func,
    select,
)
from sqlalchemy.engine import Connection

from rules.catalogue import Catalogue, Entity, EntityBinding, Field, Kind, Relation, RelationBinding, fold
from rules.catalogue import Column as Place
from rules.check import check
from rules.condition import Condition, Rollup
from rules.jql import parse
from rules.moments import Context

NOW = datetime(2026, 7, 15, 9, 30, tzinfo=UTC)
CONTEXT = Context(now=NOW)
Item = Mapping[str, Any]

GOAL_FIELDS = (
    Field("id", Kind.OPTION),
    Field("name", Kind.TEXT),
    Field("starts", Kind.DATE),
    Field("ends", Kind.DATE),
    Field("weight", Kind.NUMBER),
    Field("live", Kind.BOOLEAN),
    Field("marks", Kind.OPTION, many=True),
)
THING = Entity(
    "thing",
    (
        Field("key", Kind.OPTION),
        Field("status", Kind.OPTION, synonyms=(("Done", "finished"), ("Open", "new"))),
        Field("owner", Kind.OPTION, aliases=("assignee",)),
        Field("title", Kind.TEXT),
        Field("points", Kind.NUMBER),
        Field("plan", Kind.MONEY),
        Field("spent", Kind.MONEY),
        Field("due", Kind.DATE),
        Field("begun", Kind.DATE),
        Field("touched", Kind.DATETIME),
        Field("flag", Kind.BOOLEAN),
        Field("tags", Kind.OPTION, many=True),
    ),
    (Relation("goal", GOAL_FIELDS, "id"),),
)
UNBOUND = Catalogue((THING,))

METADATA = MetaData()
THINGS = Table(
    "thing",
    METADATA,
    Column("id", Integer, primary_key=True),
    *(
        Column(name, String)
        for word in ("key", "status", "owner", "title")
        for name in (word, f"{word}_folded")
    ),
    Column("points", Integer),
    Column("due", Date),
    Column("begun", Date),
    Column("touched", DateTime(timezone=True)),
    Column("flag", Boolean),
)
MONEY = Table(
    "money",
    METADATA,
    Column("thing", ForeignKey("thing.id")),
    Column("plan", BigInteger),
    Column("spent", BigInteger),
)
TOTALS = (
    select(
        MONEY.c.thing,
        cast(func.sum(MONEY.c.plan), BigInteger).label("plan"),
        cast(func.sum(MONEY.c.spent), BigInteger).label("spent"),
    )
    .group_by(MONEY.c.thing)
    .subquery("totals")
)
TAGS = Table(
    "tag",
    METADATA,
    Column("thing", ForeignKey("thing.id")),
    Column("name", String),
    Column("name_folded", String),
)
GOALS = Table(
    "goal",
    METADATA,
    Column("row", Integer, primary_key=True),
    Column("thing", ForeignKey("thing.id")),
    *(Column(name, String) for word in ("id", "name") for name in (word, f"{word}_folded")),
    Column("starts", Date),
    Column("ends", Date),
    Column("weight", Integer),
    Column("live", Boolean),
)
MARKS = Table(
    "mark",
    METADATA,
    Column("goal", ForeignKey("goal.row")),
    Column("name", String),
    Column("name_folded", String),
)


def _word(table: Table, name: str) -> Place:
    return Place(table.c[name], table.c[f"{name}_folded"])


def _list(table: Table, owner: Any, tie: Any) -> Place:
    return Place(table.c.name, table.c.name_folded, source=table, on=tie == owner)


SOURCE = THINGS.outerjoin(TOTALS, TOTALS.c.thing == THINGS.c.id)
BOUND = UNBOUND.bind(
    {
        "thing": EntityBinding(
            source=SOURCE,
            id=THINGS.c.id,
            columns={
                **{name: _word(THINGS, name) for name in ("key", "status", "owner", "title")},
                **{name: THINGS.c[name] for name in ("points", "due", "begun", "touched", "flag")},
                **{name: TOTALS.c[name] for name in ("plan", "spent")},
                "tags": _list(TAGS, THINGS.c.id, TAGS.c.thing),
            },
            relations={
                "goal": RelationBinding(
                    source=GOALS,
                    on=GOALS.c.thing == THINGS.c.id,
                    columns={
                        **{name: _word(GOALS, name) for name in ("id", "name")},
                        **{name: GOALS.c[name] for name in ("starts", "ends", "weight", "live")},
                        "marks": _list(MARKS, GOALS.c.row, MARKS.c.goal),
                    },
                )
            },
        )
    }
)


def with_rollups(entity: Entity) -> Entity:
    """Add counts, a sum, a minimum and a maximum over the goals, with conditions and without."""
    (goal,) = entity.relations
    weight, starts, ends = (
        next(field for field in goal.fields if field.name == name) for name in ("weight", "starts", "ends")
    )
    live = check(parse('live = "true" AND marks != x'), goal, CONTEXT)
    running = check(parse("starts <= startOfDay() AND (ends IS EMPTY OR ends >= now())"), goal, CONTEXT)
    marked = check(parse("marks IN (x, EMPTY) OR name ~ über"), goal, CONTEXT)
    return entity.with_fields(
        Field("goalCount", Kind.NUMBER, rollup=Rollup("count", goal, None, None)),
        Field("liveCount", Kind.NUMBER, rollup=Rollup("count", goal, None, running)),
        Field("markedCount", Kind.NUMBER, rollup=Rollup("count", goal, None, marked)),
        Field("firstStart", Kind.DATE, rollup=Rollup("min", goal, starts, marked)),
        Field("liveWeight", Kind.NUMBER, rollup=Rollup("sum", goal, weight, live)),
        Field("lastEnd", Kind.DATE, rollup=Rollup("max", goal, ends, None)),
    )


def condition_of(text: str, entity: Entity = THING, context: Context = CONTEXT) -> Condition:
    return check(parse(text), entity, context)


WORDS = ["x", "y", "Über", "ÜBER uns", "a_b", "100%", "o'clock", 'say "hi"', "back\\slash"]
STATUSES = ["Done", "finished", "new", "Open", "Stuck"]


def items(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Draw items, always the same ones: about a third of every field is empty."""
    draw = random.Random(seed)

    def maybe(value: Any) -> Any:
        return value if draw.random() > 0.3 else None

    def day() -> date:
        return NOW.date() + timedelta(days=draw.choice([-400, -31, -30, -1, 0, 1, 30, 200]))

    def goal(number: int) -> dict[str, Any]:
        return {
            "id": f"OBJ-{number}",
            "name": maybe(draw.choice(WORDS)),
            "starts": maybe(day()),
            "ends": maybe(day()),
            "weight": maybe(draw.randint(0, 3)),
            "live": maybe(draw.random() < 0.5),
            "marks": draw.sample(WORDS[:4], draw.choice([0, 0, 1, 2])),
        }

    return [
        {
            "key": f"T-{number}",
            "status": draw.choice(STATUSES),
            "owner": maybe(draw.choice(WORDS)),
            "title": maybe(" ".join(draw.sample(WORDS, 2))),
            "points": maybe(draw.randint(-2, 5)),
            "plan": maybe(draw.randint(0, 5) * 100),
            "spent": maybe(draw.randint(0, 5) * 110),
            "due": maybe(day()),
            "begun": maybe(day()),
            "touched": maybe(NOW + timedelta(hours=draw.choice([-800, -24, -1, 0, 1]))),
            "flag": maybe(draw.random() < 0.5),
            "tags": draw.sample(WORDS, draw.choice([0, 0, 1, 2, 3])),
            "goal": [goal(n) for n in draw.sample(range(6), draw.choice([0, 0, 1, 2]))],
        }
        for number in range(count)
    ]


def store(connection: Connection, things: list[dict[str, Any]]) -> None:
    """Create the tables and write the items; row ids count from 0 in the order given."""
    METADATA.create_all(connection)
    row = 0
    for number, thing in enumerate(things):
        plain = {name: value for name, value in thing.items() if name in THINGS.c}
        connection.execute(THINGS.insert().values(id=number, **_with_folded(THINGS, plain)))
        if number % 5 or thing["plan"] is not None or thing["spent"] is not None:
            connection.execute(MONEY.insert().values(thing=number, plan=thing["plan"], spent=thing["spent"]))
        for tag in thing["tags"]:
            connection.execute(TAGS.insert().values(thing=number, name=tag, name_folded=fold(tag)))
        for goal in thing["goal"]:
            row += 1
            plain = {name: value for name, value in goal.items() if name != "marks"}
            connection.execute(GOALS.insert().values(row=row, thing=number, **_with_folded(GOALS, plain)))
            for mark in goal["marks"]:
                connection.execute(MARKS.insert().values(goal=row, name=mark, name_folded=fold(mark)))


def _with_folded(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    folded = {
        f"{name}_folded": None if value is None else fold(value)
        for name, value in values.items()
        if f"{name}_folded" in table.c
    }
    return {**values, **folded}
