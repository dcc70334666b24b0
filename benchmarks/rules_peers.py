"""Measure the rule engine beside the fastest expression library we know: 20 conditions over flat records.

    python benchmarks/rules_peers.py                  # 100,000 records, best of three
    python benchmarks/rules_peers.py --size 20000

Both judge the same table by the same conditions and must find the same hits. Ours writes each hit with its
evidence; for CEL (Google's C++ evaluator under Python) it is shown what judging takes alone, and what with
reading the records and writing the hits. It gets an environment of its own that is thrown away. CPU seconds
are compared, since wall time suffers from whatever else the machine is doing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    insert,
    literal,
)

from rules.catalogue import Catalogue, Entity, EntityBinding, Field, Kind, fold
from rules.catalogue import Column as Place
from rules.catalogue import Path as FieldPath
from rules.check import check
from rules.condition import All, Condition, Constants, Leaf, Test, named_paths
from rules.jql import parse
from rules.moments import Context
from rules.sql import hits
from rules.sql_functions import register

NOW = datetime(2026, 7, 15, tzinfo=UTC)
CONTEXT = Context(now=NOW)
WORDS = ["project", "issuetype", "summary", "statusCategory", "priority", "team", "assignee", "objective"]
DATES = ["objectiveEnd", "updated", "created", "due"]
NUMBERS = ["budget", "spent", "points"]
PEER = ["cel-expr-python==0.1.3", "protobuf"]

CONDITIONS = [
    "objective IS EMPTY AND statusCategory != Done AND budget > 100000",
    'updated < -90d AND statusCategory = "In Progress"',
    "labels = regulatory AND objective IS EMPTY",
    "summary ~ migration AND statusCategory != Done",
    "summary ~ startsWith(POC) AND budget IS NOT EMPTY",
    "spent > budget",
    "priority IN (Highest, High) AND assignee IS EMPTY",
    "due < startOfDay() AND statusCategory != Done",
    "team IS EMPTY AND budget > 0",
    "team != Platform AND labels = platform",
    'issuetype = Epic AND points > 100 AND statusCategory = "To Do"',
    "created < -365d AND statusCategory != Done",
    "project NOT IN (ALPHA, BETA, GAMMA) AND budget > 500000",
    "objectiveEnd < startOfDay() AND statusCategory != Done",
    "statusCategory = Done AND spent IS EMPTY AND budget IS NOT EMPTY",
    "labels IS EMPTY AND team IS EMPTY",
    "labels != regulatory AND budget > 900000",
    "NOT (team = Data OR objective = OBJ-7) AND due IS EMPTY",
    "budget > 250000 AND due > 60d",
    "(summary ~ test OR summary ~ tmp) AND objective IS NOT EMPTY",
]

METADATA = MetaData()
ITEM = Table(
    "item",
    METADATA,
    Column("id", Integer, primary_key=True),
    *(Column(part, String) for name in WORDS for part in (name, f"{name}_folded")),
    *(Column(name, Date) for name in DATES),
    *(Column(name, BigInteger) for name in NUMBERS),
)
LABEL = Table(
    "label",
    METADATA,
    Column("item", Integer, primary_key=True),
    Column("name", String, primary_key=True),
    Column("name_folded", String),
)
HIT = Table(
    "hit",
    METADATA,
    Column("rule", String, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("evidence", String),
)


def catalogue() -> Entity:
    """Give the words of the table, bound to its columns."""
    texts = [Field(name, Kind.TEXT if name == "summary" else Kind.OPTION) for name in WORDS]
    others = [Field(name, Kind.DATE) for name in DATES] + [Field(name, Kind.NUMBER) for name in NUMBERS]
    entity = Entity("item", (*texts, *others, Field("labels", Kind.OPTION, many=True)))
    columns: dict[str, Any] = {name: Place(ITEM.c[name], ITEM.c[f"{name}_folded"]) for name in WORDS}
    columns |= {name: ITEM.c[name] for name in (*DATES, *NUMBERS)}
    columns["labels"] = Place(LABEL.c.name, LABEL.c.name_folded, LABEL, LABEL.c.item == ITEM.c.id)
    return Catalogue((entity,)).bind({"item": EntityBinding(ITEM, ITEM.c.id, columns, {})}).entities[0]


def items(size: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    """Draw records as a portfolio has them: of what may be empty a third is, and few sums are large."""
    nouns = ["invoice", "migration", "portal", "ledger", "poc", "test", "tmp", "billing", "search", "report"]
    nouns += ["mobile", "data", "cloud", "audit", "login", "batch", "mail", "price", "stock", "store"]

    def maybe(value: Any, share: float = 0.7) -> Any:
        return value if draw.random() < share else None

    def day(low: int, high: int) -> date:
        return NOW.date() + timedelta(days=draw.randrange(low, high))

    for number in range(1, size + 1):
        budget = maybe(round(draw.lognormvariate(11.5, 1.2)))
        begun = draw.randrange(-1500, 0)
        words = {
            "project": draw.choice(["ALPHA", "BETA", "GAMMA", "DELTA", "OMEGA"]),
            "issuetype": draw.choice(["Epic", "Epic", "Epic", "Initiative"]),
            "summary": " ".join(draw.sample(nouns, 5)),
            "statusCategory": draw.choices(["To Do", "In Progress", "Done"], [3, 4, 3])[0],
            "priority": draw.choice(["Highest", "High", "Medium", "Low", "Lowest"]),
            "team": maybe(draw.choice(["Platform", "Data", "Core", "Edge"]), 0.8),
            "assignee": maybe(f"user{draw.randrange(400)}", 0.75),
            "objective": maybe(f"OBJ-{draw.randrange(200)}"),
        }
        yield {
            "id": number,
            **words,
            **{f"{name}_folded": word and fold(word) for name, word in words.items()},
            "objectiveEnd": maybe(day(-400, 600)),
            "updated": day(begun, 1),
            "created": NOW.date() + timedelta(days=begun),
            "due": maybe(day(-300, 700), 0.6),
            "budget": budget,
            "spent": maybe(round(budget * draw.uniform(0, 1.3)), 0.8) if budget else None,
            "points": maybe(draw.randrange(200)),
        }


def fill(engine: Engine, size: int) -> None:
    """Write the records, with none to three labels each."""
    draw = random.Random(20)
    METADATA.create_all(engine)
    with engine.begin() as connection:
        rows = items(size, draw)
        while page := [row for row, _ in zip(rows, range(5_000), strict=False)]:
            connection.execute(insert(ITEM), page)
        names = ["regulatory", "platform", "q3", "legacy"]
        tied = [
            {"item": number, "name": name, "name_folded": name}
            for number in range(1, size + 1)
            for name in draw.sample(names, draw.choice([0, 0, 1, 1, 2, 3]))
        ]
        connection.execute(insert(LABEL), tied)


@dataclass(frozen=True)
class Judged:
    """A condition as a rule: its evidence are the fields it names."""

    name: str
    entity: Entity
    condition: Condition

    @property
    def evidence(self) -> dict[str, FieldPath]:
        return named_paths(self.condition)


def judge(connection: Connection, rules: list[Judged]) -> float:
    """Write the hits of every rule with their evidence; give the CPU seconds it took."""
    began = time.process_time()
    connection.execute(HIT.delete())
    for rule in rules:
        found = hits(rule).subquery()
        chosen = found.select().with_only_columns(literal(rule.name), found.c.item_id, found.c.evidence)
        connection.execute(insert(HIT).from_select(["rule", "item", "evidence"], chosen))
    return time.process_time() - began


def to_cel(condition: Condition) -> str:
    """Write a condition in CEL: an empty field passes no test, whichever way it is asked."""
    if not isinstance(condition, Leaf):
        word = " && " if isinstance(condition, All) else " || "
        return f"({word.join(to_cel(part) for part in condition.parts)})"
    name, operand = condition.path.name, condition.operand
    if condition.path.field.many:
        return list_test(name, condition)
    if condition.test is Test.EMPTY:
        return f"{name} {'!=' if condition.negated else '=='} null"
    guard = f"{name} != null && "
    if not isinstance(operand, Constants):
        other = operand.path.name if operand else ""
        return f"({guard}{other} != null && {name} {condition.test.value} {other})"
    test = {
        Test.CONTAINS: f"{name}.contains({constant(operand.values[0])})",
        Test.STARTS: f"{name}.startsWith({constant(operand.values[0])})",
        Test.EQUAL: f"{name} in [{', '.join(map(constant, operand.values))}]"
        if len(operand.values) > 1
        else f"{name} == {constant(operand.values[0])}",
    }.get(condition.test, f"{name} {condition.test.value} {constant(operand.values[0])}")
    return f"({guard}{f'!({test})' if condition.negated else test})"


def list_test(name: str, leaf: Leaf) -> str:
    """Write the test of a list."""
    if leaf.test is Test.EMPTY:
        return f"size({name}) {'>' if leaf.negated else '=='} 0"
    assert isinstance(leaf.operand, Constants)
    inside = f"{constant(leaf.operand.values[0])} in {name}"
    return f"(size({name}) > 0 && !({inside}))" if leaf.negated else inside


def constant(value: Any) -> str:
    """Write a constant in CEL."""
    if isinstance(value, date):
        return f'timestamp("{value.isoformat()}T00:00:00Z")'
    return json.dumps(value) if isinstance(value, str) else str(int(value))


def peer(folder: Path) -> Path:
    """Build the environment of the other library, and give its interpreter."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True)
    return python


def main() -> None:
    """Judge the same records by both, and compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3, help="best of so many runs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        compare(Path(name), options.size, options.repeat)


def compare(folder: Path, size: int, repeat: int) -> None:
    """Fill a table, have it judged by both, and print what they took."""
    path, entity = folder / "flat.db", catalogue()
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda connection, _: register(connection))
    fill(engine, size)
    rules = [
        Judged(f"rule-{number}", entity, check(parse(text), entity, CONTEXT))
        for number, text in enumerate(CONDITIONS, start=1)
    ]
    with engine.begin() as connection:
        ours = min(judge(connection, rules) for _ in range(repeat))
        found = [f"{row.rule} {row.item}" for row in connection.execute(HIT.select())]
    engine.dispose()
    fields = dict.fromkeys(WORDS, "text") | dict.fromkeys(DATES, "date") | dict.fromkeys(NUMBERS, "number")
    asked = {
        "path": str(path),
        "fields": {**fields, "labels": "list"},
        "rules": {rule.name: to_cel(rule.condition) for rule in rules},
        "evidence": {rule.name: list(rule.evidence) for rule in rules},
    }
    python = peer(folder / "peer")
    worker = Path(__file__).with_name("cel_worker.py")
    runs = [
        json.loads(
            subprocess.run(
                [python, worker], input=json.dumps(asked), capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(repeat)
    ]
    theirs = min(runs, key=lambda run: run["cpu"])
    digest = hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
    if digest != theirs["digest"]:
        sys.exit(f"the two do not agree: {len(found)} hits and {theirs['hits']}")
    print(f"{len(rules)} conditions over {size:,} flat records, {len(found):,} hits found by both")
    reading = theirs["cpu"] + theirs["load"]
    for what, seconds in (
        ("rules as SQL, hits stored with evidence", ours),
        ("CEL in C++, hits not stored", theirs["cpu"]),
        ("CEL, with reading the records first", reading),
        ("CEL, with reading and storing as well", reading + theirs["store"]),
    ):
        print(f"{what:<41} {seconds:6.2f} CPU s   {seconds / ours:5.1f}")


if __name__ == "__main__":
    main()
