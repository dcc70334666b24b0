"""Whatever a condition asks of whatever entity, the store's SQL and the evaluator behind `explain` agree."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select

from connectors.records import (
    STANDARD_FIELDS,
    BudgetLine,
    BudgetVersion,
    FieldValue,
    How,
    Objective,
    ObjectiveState,
    OutsideObjective,
    StatusCategory,
    ValueType,
    WorkItem,
)
from rules.catalogue import ORDERED, Entity, Field, Kind, Path, fold, paths
from rules.check import check
from rules.condition import Rollup
from rules.evaluate import holds, values_of
from rules.jql import parse, quote
from rules.moments import Context
from rules.neighbours import decimal
from rules.pack import every_pack
from rules.sql import hits, to_sql
from rules.vocabulary import vocabulary
from sync.store import groups
from sync.store.catalogue import Frame, bind_catalogue
from sync.store.database import open_store
from sync.store.findings import finding
from sync.store.items import Item, read_item
from sync.store.money.conversions import rate_gap
from sync.store.waivers import waiver
from tests import postgres
from tests.clock import NOW, TODAY
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, money, names, put, relink

FIELDS = {
    "description": ValueType.TEXT,
    "risk": ValueType.OPTION,
    "team": ValueType.OPTIONS,
    "benefit": ValueType.NUMBER,
    "review": ValueType.DATE,
}
FRAME = Frame(TODAY, 2026, "USD", "align-", FIELDS)
ALL_FIELDS = Frame(TODAY, 2026, "USD", "align-", {**FIELDS, **STANDARD_FIELDS})
CONTEXT = Context(now=NOW)
WORDS = ["x", "Über", "ÜBER uns", "a_b", "100%", "o'clock", "High", "Low"]
ENTITIES = ["workItem", "objective", "budgetLine", "costCentre", "project", "waiver"]
EXAMPLES = 120


def maybe(draw: random.Random, value: Any) -> Any:
    return value if draw.random() > 0.35 else None


def day(draw: random.Random) -> date:
    return TODAY + timedelta(days=draw.choice([-400, -30, -1, 0, 1, 200]))


def moment(draw: random.Random) -> datetime:
    return NOW + timedelta(hours=draw.choice([-9000, -800, -24, -1, 0]))


def item(number: int, draw: random.Random) -> WorkItem:
    """An epic, a story under it or an initiative above, with about a third of everything empty."""
    level = draw.choice([0, 0, 1, 1, 2])
    values = [
        FieldValue("description", maybe(draw, " ".join(draw.sample(WORDS, 2))) or ""),
        FieldValue("risk", maybe(draw, draw.choice(["High", "low"])) or ""),
        *(FieldValue("team", team) for team in draw.sample(WORDS[:4], draw.choice([0, 1, 2]))),
    ]
    if draw.random() > 0.4:
        millionths = draw.choice([-1_500_000, 0, 2_000_000, 2_500_000, 1, 10**15])
        values.append(FieldValue("benefit", "n", number=millionths))
    if draw.random() > 0.4:
        found = day(draw)
        values.append(FieldValue("review", found.isoformat(), day=found))
    references = [names(f"O{n}") for n in draw.sample(range(1, 6), draw.choice([0, 0, 1, 2]))]
    references += [names(f"C{n}", How.COST_CODE) for n in draw.sample(range(1, 6), draw.choice([0, 1, 1]))]
    references += [names(f"X-{number % 4}")] if number % 2 else []
    touched = maybe(draw, moment(draw))
    parent = maybe(draw, str(draw.randint(1, 24)))
    return epic(
        f"{draw.choice(['PAY', 'OPS'])}-{number}",
        *references,
        type_name=["Story", "Epic", "Initiative"][level],
        hierarchy_level=maybe(draw, level),
        summary=" ".join(draw.sample(WORDS, 2)),
        status_category=draw.choice(list(StatusCategory)),
        status=draw.choice(["Open", "Doing", "done"]),
        assignee=maybe(draw, draw.choice(WORDS)),
        priority=maybe(draw, draw.choice(["High", "Low"])),
        labels=tuple(draw.sample([*WORDS, "align-x"], draw.choice([0, 1, 2]))),
        created=maybe(draw, moment(draw)),
        updated=touched,
        resolved=maybe(draw, moment(draw)),
        due=maybe(draw, day(draw)),
        parent_id=parent,
        parent_key=parent and f"OPS-{parent}",
        values=tuple(value for value in values if value.text),
        in_scope=draw.random() > 0.1,
    )


def objective(number: int, draw: random.Random) -> Objective:
    return goal(
        f"O{number}",
        state=draw.choice(list(ObjectiveState)),
        owner=maybe(draw, draw.choice(WORDS)),
        kind=maybe(draw, draw.choice(["service", "Growth"])),
        starts=maybe(draw, day(draw)),
        ends=maybe(draw, day(draw)),
        target_share=maybe(draw, draw.choice([0, 1050, 2500, 10000])),
    )


def outside(number: int) -> OutsideObjective:
    state = ObjectiveState.CLOSED if number % 2 else ObjectiveState.ACTIVE
    return OutsideObjective(str(number), f"X-{number}", WORDS[number], state, "Theme")


def line(number: int, draw: random.Random) -> BudgetLine:
    return money(
        f"C{draw.randint(1, 5)}",
        draw.choice([-500, 0, 100, 12_345, 40_000_000]),
        id=f"l{number}",
        version=draw.choice(list(BudgetVersion)),
        fiscal_year=draw.choice([2025, 2026, 2026]),
        currency=draw.choice(["USD", "USD", "EUR"]),
        cost_centre=maybe(draw, draw.choice(["CC1", "cc1", "Ü2"])),
        account=maybe(draw, draw.choice(["6100", "run"])),
    )


def fill(engine: Engine) -> None:
    """Read a small world twice: the second time some amounts have changed. Some findings are waived."""
    draw = random.Random(11)
    for turn in range(2):
        run_id = begin_run(engine, NOW + timedelta(minutes=turn))
        with engine.begin() as connection:
            put(connection, run_id, [objective(n, draw) for n in range(1, 7)], FILE)
            put(connection, run_id, [item(n, draw) for n in range(1, 25)])
            put(connection, run_id, map(outside, range(1, 4)))
            lines = random.Random(5)
            booked = [line(n, lines) for n in range(1, 91)]
            if turn:
                booked[:30] = [line(n, draw) for n in range(1, 31)]
            put(connection, run_id, booked, MONEY)
            groups.gather(connection)
            relink(connection)
    with engine.begin() as connection:
        connection.execute(insert(rate_gap).values(currency="EUR", period="FY2026"))


def grant(engine: Engine, draw: random.Random) -> None:
    """Grant waivers, and put findings under some of them."""
    with engine.begin() as connection:
        for number in range(1, 9):
            owner, approver = draw.choice(WORDS), maybe(draw, draw.choice(WORDS))
            said = {"origin": "file", "state": "granted", "reason": "because", "place": f"w.yaml:{number}"}
            names = {"owner": owner, "owner_folded": fold(owner), "approver": approver}
            names["approver_folded"] = approver and fold(approver)
            runs = {"first_run": 1, "last_run": 1, "until": day(draw)}
            row = {"id": number, "rule": f"rule-{number % 3}", "condition": f"key = X-{number}"}
            connection.execute(insert(waiver).values(**said, **names, **runs, **row))
        for subject in range(1, 12):
            state = draw.choice(["open", "open", "closed"])
            row = {"rule": "rule-1", "entity": "workItem", "subject_id": subject, "state": state}
            words = {"rule_hash": "x", "severity": "info", "mode": "label", "alignment": False}
            more = {"since": NOW, "last_run": 1, "evidence": "{}", "waiver_id": draw.choice([1, 1, 2, 3])}
            connection.execute(insert(finding).values(**row, **words, **more))


def with_rollups(entity: Entity) -> Entity:
    """Add a count, a sum, a minimum and a maximum over each relation that has fields for them."""
    extra = []
    for relation in entity.relations:
        by_kind: dict[Kind, Field] = {}
        for found in relation.fields:
            if not found.many and not found.absent:
                by_kind.setdefault(found.kind, found)
        scaled = [found for found in relation.fields if found.name in {"benefit", "targetShare"}]
        text = "key IS NOT EMPTY" if relation.value == "key" else 'id != "l3"'
        where = check(parse(text), relation, CONTEXT)
        counted = Rollup("count", relation, None, where)
        extra.append(Field(f"{relation.name}Count", Kind.NUMBER, rollup=counted))
        for at, found in enumerate([*by_kind.values(), *scaled]):
            if found.kind in ORDERED:
                function = "sum" if found.kind in {Kind.NUMBER, Kind.MONEY} else ["min", "max"][at % 2]
                rollup = Rollup(function, relation, found, None if at % 2 else where)
                extra.append(Field(f"{relation.name}{at}", found.kind, rollup=rollup))
    return entity.with_fields(*extra)


def literal(path: Path, value: Any) -> str:
    """Write a value as JQL does."""
    if path.kind is Kind.MONEY:
        return decimal(Fraction(value, 100))
    if path.kind is Kind.NUMBER:
        return decimal(Fraction(value))
    if isinstance(value, datetime):
        return f'"{value:%Y-%m-%d %H:%M}"'
    return quote(str(value).lower() if isinstance(value, bool) else str(value))


FUNCTIONS = {
    Kind.DATE: ["startOfDay()", "-30d", "endOfFiscalYear(-1)", "startOfFiscalQuarter()"],
    Kind.DATETIME: ["now()", "-24h", "startOfFiscalYear()", "endOfMonth(-1)"],
    Kind.NUMBER: ["0", "2.5", "currentFiscalYear()", "currentFiscalYear(-1)"],
    Kind.MONEY: ["0", "1.50"],
}
TEXT_FORMS = ["{}", "startsWith({})", "endsWith({})", "anyOf({}, über)", "matches({})"]
PARTS = ["x", "über", "_", "%", "'", "1"]


def leaf(draw: st.DrawFn, entity: Entity, found: dict[str, list[Any]]) -> str:
    """Draw a test of any field of an entity, with values that occur and some that do not."""
    names = sorted({path.name for _, path in paths(entity)})
    by_name = {path.name: path for _, path in paths(entity)}
    path = by_name[draw(st.sampled_from(names))]
    name = quote(path.name)
    values = [literal(path, value) for value in found[path.name]] or ["nothing"]
    if draw(st.integers(0, 5)) == 0:
        return f"{name} {draw(st.sampled_from(['IS', 'IS NOT']))} EMPTY"
    if path.kind is Kind.TEXT or (path.kind is Kind.OPTION and not path.field.closed and draw(st.booleans())):
        part = quote(draw(st.sampled_from(PARTS)))
        form = draw(st.sampled_from(TEXT_FORMS))
        return f"{name} {draw(st.sampled_from(['~', '!~']))} {form.format(part)}"
    if path.kind is Kind.BOOLEAN:
        return f'{name} {draw(st.sampled_from(["=", "!="]))} "true"'
    if path.kind is Kind.OPTION:
        if path.field.closed:
            values = [quote(words[0]) for words in path.field.synonyms]
        listed = draw(st.lists(st.sampled_from([*values, "EMPTY"]), min_size=1, max_size=3))
        return f"{name} {draw(st.sampled_from(['IN', 'NOT IN']))} ({', '.join(listed)})"
    alike = [
        other.name
        for other in by_name.values()
        if other.kind is path.kind and not other.field.many and other.relation in (None, path.relation)
    ]
    right = [*values, *FUNCTIONS[path.kind]] if found[path.name] else FUNCTIONS[path.kind]
    operand = draw(st.sampled_from(right))
    if alike and draw(st.integers(0, 3)) == 0:
        operand = f"valueOf({quote(draw(st.sampled_from(sorted(alike))))})"
        if path.kind in {Kind.NUMBER, Kind.MONEY} and draw(st.booleans()):
            operand = operand.replace("valueOf(", "percentOf(33.3, ")
    return f"{name} {draw(st.sampled_from(['=', '!=', '<', '<=', '>', '>=']))} {operand}"


@st.composite
def conditions(draw: st.DrawFn, entity: Entity, found: dict[str, list[Any]]) -> str:
    text = leaf(draw, entity, found)
    for _ in range(draw(st.integers(0, 2))):
        other = leaf(draw, entity, found)
        text = f"({text}) {draw(st.sampled_from(['AND', 'OR']))} ({other})"
    return f"NOT ({text})" if draw(st.booleans()) else text


@dataclass
class World:
    """A store, its rows as `explain` sees them, and the values that occur in each field."""

    connection: Connection
    entity: Entity
    plain: Entity
    rows: dict[int, Item]
    found: dict[str, list[Any]]


def worlds(url: str) -> Iterator[dict[str, World]]:
    engine = open_store(url)
    fill(engine)
    grant(engine, random.Random(3))
    bound, unbound = bind_catalogue(FRAME), vocabulary(FIELDS)
    with engine.connect() as connection:
        yield {
            entity.name: world(connection, entity, unbound.entity(entity.name)) for entity in bound.entities
        }
    engine.dispose()


def world(connection: Connection, entity: Entity, plain: Entity | None) -> World:
    assert plain is not None
    assert entity.source is not None
    assert entity.id is not None
    ids = connection.scalars(select(entity.id).select_from(entity.source)).all()
    rows = {number: read_item(connection, entity, number) or {} for number in ids}
    evaluated = with_rollups(plain)
    found = {
        path.name: sorted({value for row in rows.values() for value in values_of(path, row)})[:12]
        for _, path in paths(evaluated)
    }
    return World(connection, with_rollups(entity), evaluated, rows, found)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    yield from worlds(f"sqlite:///{tmp_path_factory.mktemp('agree')}/store.db")


@pytest.fixture(scope="module")
def postgresql() -> Iterator[dict[str, World]]:
    with postgres.fresh_database(postgres.server()) as url:
        yield from worlds(url)


def assert_agreement(world: World, text: str) -> None:
    condition = check(parse(text), world.plain, CONTEXT)
    expected = sorted(number for number, row in world.rows.items() if holds(condition, row))
    compiled = to_sql(check(parse(text), world.entity, CONTEXT))
    assert world.entity.source is not None
    assert world.entity.id is not None
    query = select(world.entity.id).select_from(world.entity.source).where(compiled)
    assert sorted(world.connection.scalars(query)) == expected, text


@pytest.mark.parametrize("entity", ENTITIES)
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_sqlite_and_explain_agree_on_every_row(
    sqlite: dict[str, World], entity: str, data: st.DataObject
) -> None:
    here = sqlite[entity]
    assert_agreement(here, data.draw(conditions(here.plain, here.found)))


@pytest.mark.postgresql
@pytest.mark.parametrize("entity", ENTITIES)
@given(data=st.data())
@settings(max_examples=EXAMPLES)
def test_postgresql_and_explain_agree_on_every_row(
    postgresql: dict[str, World], entity: str, data: st.DataObject
) -> None:
    here = postgresql[entity]
    assert_agreement(here, data.draw(conditions(here.plain, here.found)))


@dataclass(frozen=True)
class Everything:
    """A rule that is true for every row and names every field there is."""

    entity: Entity
    condition: Any
    evidence: dict[str, Path]


@pytest.mark.parametrize("entity", ENTITIES)
def test_each_entity_has_rows_and_evidence_of_every_field(sqlite: dict[str, World], entity: str) -> None:
    here = sqlite[entity]
    assert here.rows
    every = {path.name: path for _, path in paths(here.entity)}
    whole = list(every.items())
    for start in range(0, len(whole), 30):
        rule = Everything(
            here.entity, check(parse(""), here.entity, CONTEXT), dict(whole[start : start + 30])
        )
        assert len(here.connection.execute(hits(rule)).all()) == len(here.rows)


def test_the_world_has_values_in_every_field_that_can_have_one(sqlite: dict[str, World]) -> None:
    for here in sqlite.values():
        present = [path for _, path in paths(here.plain) if not path.field.absent]
        assert [path.name for path in present if not here.found[path.name]] == []


def test_words_are_compared_folded(sqlite: dict[str, World]) -> None:
    here = sqlite["workItem"]
    assert_agreement(here, f"team = {quote(fold('ÜBER uns'))}")


def test_every_rule_that_ships_judges_each_row_as_explain_does(sqlite: dict[str, World]) -> None:
    rules = every_pack(bind_catalogue(ALL_FIELDS), CONTEXT)
    asked = {path.name for rule in (*rules.rules, *rules.resting) for path in rule.evidence.values()}
    assert {"risk", "approval", "budget.share", "lastTouched", "restated", "findings", "rateMissing"} <= asked
    for rule in (*rules.rules, *rules.resting):
        here = sqlite[rule.entity.name]
        expected = [number for number, row in here.rows.items() if holds(rule.condition, row)]
        found = here.connection.execute(hits(rule)).all()
        assert sorted(row.item_id for row in found) == sorted(expected), rule.id
