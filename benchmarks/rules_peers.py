"""Measure the rule engine beside the fastest expression library we know: 20 conditions over flat records.

    python benchmarks/rules_peers.py                  # 100,000 records, best of three
    python benchmarks/rules_peers.py --size 20000

The records and conditions are those of the yardstick that the engine is held against: 18 fields of an epic,
of which what may be empty often is. Ours writes each hit with its evidence into a table, in a file opened as
the store is. The other is CEL, Google's C++ evaluator under Python, in an environment of its own that is
thrown away. It is run in two ways: as the yardstick has it, on records as Jira tells them, with case-blind
patterns for `~` and moments made into timestamps on the way; and helped, on text that is folded and moments
that are ready, as our store keeps them. Reading its records and writing its hits are shown apart, for ours
does both.

All must find the same hits. CPU seconds are compared, since wall time suffers from whatever else the machine
is doing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
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
from sync.store.database import connect

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
CONTEXT = Context(now=NOW)
# Whether a field may be empty: CEL declares such a one without its type.
WORDS = {"key": False, "project": False, "issuetype": False, "summary": False, "statusCategory": False}
WORDS |= {"priority": False, "team": True, "assignee": True, "costCentre": True, "objective": True}
MOMENTS = {"updated": False, "created": False}
DAYS = {"objectiveEnd": True, "due": True}
MONEY = {"budget": True, "spent": True}
NUMBERS = {"storyPoints": True}
PEER = ["cel-expr-python==0.1.3", "protobuf"]

CONDITIONS = [
    "objective IS EMPTY AND statusCategory != Done AND budget > 100000",
    'updated < -90d AND statusCategory = "In Progress"',
    "labels = regulatory AND objective IS EMPTY",
    "summary ~ migration AND statusCategory != Done",
    'summary ~ matches("^\\\\[(POC|SPIKE)\\\\]") AND budget IS NOT EMPTY',
    "spent > budget",
    "priority IN (Highest, High) AND assignee IS EMPTY",
    "due <= now() AND statusCategory != Done",
    "costCentre IS EMPTY AND budget > 0",
    "team != Platform AND labels = platform",
    'issuetype = Epic AND storyPoints > 100 AND statusCategory = "To Do"',
    "created < -365d AND statusCategory != Done",
    "project NOT IN (ALPHA, BETA, GAMMA) AND budget > 500000",
    "objectiveEnd <= now() AND statusCategory != Done",
    "statusCategory = Done AND spent IS EMPTY AND budget IS NOT EMPTY",
    "labels IS EMPTY AND team IS EMPTY",
    "labels != regulatory AND budget > 900000",
    "NOT (team = Data OR costCentre = CC-100) AND due IS EMPTY",
    "budget > 250000 AND due > 60d",
    "(summary ~ test OR summary ~ tmp) AND objective IS NOT EMPTY",
]
PROJECTS = ["ALPHA", "BETA", "GAMMA", "DELTA", "OMEGA", "PAY", "RISK", "WEB"]
NOUNS = ["payment", "ledger", "migration", "onboarding", "portal", "data", "warehouse", "test", "fraud"]
NOUNS += ["mobile", "app", "report", "tax", "customer", "identity", "cloud", "network", "tmp", "upgrade"]
NOUNS += ["archive", "invoice", "search", "audit"]
LABELS = ["regulatory", "platform", "q1", "q2", "q3", "q4", "techdebt", "customer", "security", "growth"]

METADATA = MetaData()
ITEM = Table(
    "item",
    METADATA,
    Column("id", Integer, primary_key=True),
    *(Column(part, String) for name in WORDS for part in (name, f"{name}_folded")),
    *(Column(name, DateTime) for name in MOMENTS),
    *(Column(name, Date) for name in DAYS),
    *(Column(name, BigInteger) for name in (*MONEY, *NUMBERS)),
)
LABEL = Table(
    "label",
    METADATA,
    Column("item", Integer, primary_key=True),
    Column("name", String, primary_key=True),
    Column("name_folded", String),
    sqlite_with_rowid=False,
)
HIT = Table(
    "hit",
    METADATA,
    Column("rule", String, primary_key=True),
    Column("item", Integer, primary_key=True),
    Column("evidence", String),
    sqlite_with_rowid=False,
)


def catalogue() -> Entity:
    """Give the words of the table, bound to its columns."""
    texts = [Field(name, Kind.TEXT if name == "summary" else Kind.OPTION) for name in WORDS]
    kinds = {Kind.DATETIME: MOMENTS, Kind.DATE: DAYS, Kind.MONEY: MONEY, Kind.NUMBER: NUMBERS}
    others = [Field(name, kind) for kind, names in kinds.items() for name in names]
    entity = Entity("item", (*texts, *others, Field("labels", Kind.OPTION, many=True)))
    columns: dict[str, Any] = {name: Place(ITEM.c[name], ITEM.c[f"{name}_folded"]) for name in WORDS}
    columns |= {field.name: ITEM.c[field.name] for field in others}
    columns["labels"] = Place(
        LABEL.c.name, LABEL.c.name_folded, LABEL, LABEL.c.item == ITEM.c.id, unique=True
    )
    return Catalogue((entity,)).bind({"item": EntityBinding(ITEM, ITEM.c.id, columns, {})}).entities[0]


def items(size: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    """Draw records as the yardstick does, value by value in its order, each with its labels."""
    midnight = NOW.replace(hour=0, tzinfo=None)

    def some(share: float, value: Callable[[], Any]) -> Any:
        return value() if draw.random() < share else None

    def day(low: int, high: int) -> datetime:
        return midnight + timedelta(days=draw.randint(low, high))

    for number in range(size):
        served = draw.random() < 0.65
        budget = some(0.7, lambda: round(draw.lognormvariate(11.5, 1.2), 2))
        begun = draw.randint(-1500, -1)
        summary, tag = " ".join(draw.choices(NOUNS, k=6)).capitalize(), draw.random()
        words = {
            "key": f"EP-{number}",
            "summary": ("[POC] " if tag < 0.02 else "[SPIKE] " if tag < 0.04 else "") + summary,
            "project": draw.choice(PROJECTS),
            "issuetype": some(0.8, lambda: "Epic") or "Initiative",
            "statusCategory": draw.choices(["To Do", "In Progress", "Done"], [3, 4, 3])[0],
            "priority": draw.choice(["Highest", "High", "Medium", "Low", "Lowest"]),
            "team": some(0.8, lambda: draw.choice(["Platform", "Data", "Core", "Edge"])),
            "assignee": some(0.75, lambda: f"user{draw.randint(1, 400)}"),
            "costCentre": some(0.85, lambda: f"CC-{draw.randint(100, 160)}"),
            "objective": f"OBJ-{draw.randint(1, 200)}" if served else None,
        }
        row = {
            "id": number,
            **words,
            **{f"{name}_folded": word and fold(word) for name, word in words.items()},
        }
        row["objectiveEnd"] = some(0.9, lambda: day(-400, 600)) if served else None
        row |= {"created": midnight + timedelta(days=begun), "updated": day(begun, 0)}
        row["due"] = some(0.6, lambda: day(-300, 700))
        share = some(0.8, lambda: draw.uniform(0, 1.3)) if budget else None
        row["budget"] = None if budget is None else round(budget * 100)
        row["spent"] = None if share is None else round(round(budget * share, 2) * 100)
        row["storyPoints"] = some(0.7, lambda: draw.randint(1, 200))
        yield {**row, "labels": draw.sample(LABELS, draw.choice([0, 0, 1, 1, 2, 3]))}


def fill(engine: Engine, size: int) -> None:
    """Write the records and their labels."""
    METADATA.create_all(engine)
    with engine.begin() as connection:
        rows = items(size, random.Random(20))
        while page := list(islice(rows, 5_000)):
            names = [{"item": row["id"], "name": label} for row in page for label in row.pop("labels")]
            connection.execute(insert(ITEM), page)
            connection.execute(insert(LABEL), [{**name, "name_folded": name["name"]} for name in names])


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
    connection.execute(HIT.delete())
    began = time.process_time()
    for rule in rules:
        found = hits(rule).subquery()
        chosen = found.select().with_only_columns(literal(rule.name), found.c.item_id, found.c.evidence)
        connection.execute(insert(HIT).from_select(["rule", "item", "evidence"], chosen))
    return time.process_time() - began


def to_cel(condition: Condition, *, helped: bool) -> str:
    """Write a condition in CEL: an empty field passes no test, whichever way it is asked."""
    if not isinstance(condition, Leaf):
        word = " && " if isinstance(condition, All) else " || "
        return f"({word.join(to_cel(part, helped=helped) for part in condition.parts)})"
    name, operand = condition.path.name, condition.operand
    if condition.path.field.many:
        return list_test(name, condition)
    if condition.test is Test.EMPTY:
        return f"{name} {'!=' if condition.negated else '=='} null"
    may_be_empty = (WORDS | MOMENTS | DAYS | MONEY | NUMBERS)[name]
    guard = f"{name} != null && " if may_be_empty else ""
    if not isinstance(operand, Constants):
        other = operand.path.name if operand else ""
        return f"({guard}{other} != null && {name} {condition.test.value} {other})"
    values: tuple[Any, ...] = operand.values
    if name in MONEY:
        values = tuple(value / 100 for value in values)
    if condition.test is Test.CONTAINS:
        blind = json.dumps(f"(?i){re.escape(str(values[0]))}")
        test = f"{name}.contains({constant(values[0])})" if helped else f"{name}.matches({blind})"
    elif condition.test is Test.MATCHES:
        test = f"{'written' if helped else name}.matches({constant(values[0])})"
    elif condition.test is Test.EQUAL and len(values) > 1:
        test = f"{name} in [{', '.join(map(constant, values))}]"
    else:
        equal = condition.test is Test.EQUAL
        test = f"{name} {'==' if equal else condition.test.value} {constant(values[0])}"
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
        return f'timestamp("{value:%Y-%m-%dT%H:%M:%SZ}")'
    return json.dumps(value) if isinstance(value, str) else repr(float(value))


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
    engine = connect(f"sqlite:///{path}")
    fill(engine, size)
    rules = [
        Judged(f"rule-{number}", entity, check(parse(text), entity, CONTEXT))
        for number, text in enumerate(CONDITIONS, start=1)
    ]
    with engine.begin() as connection:
        ours = min(judge(connection, rules) for _ in range(repeat))
        found = [f"{row.rule} {row.item}" for row in connection.execute(HIT.select())]
    engine.dispose()
    digest = hashlib.sha256("\n".join(sorted(found)).encode()).hexdigest()
    print(f"{len(rules)} conditions over {size:,} flat records, {len(found):,} hits found by all")
    say("rules as SQL, records read, hits stored with evidence", ours, ours)
    python = peer(folder / "peer")
    for how, helped in (("as the yardstick has it", False), ("helped by folded text", True)):
        theirs = judged_by_cel(python, path, rules, repeat, helped=helped)
        if theirs["digest"] != digest:
            sys.exit(f"CEL, {how}, does not agree: {theirs['hits']:,} hits")
        reading = theirs["cpu"] + theirs["load"]
        say(f"CEL, {how}: judging alone", theirs["cpu"], ours)
        say("    with reading the records", reading, ours)
        say("    with reading, and storing as well", reading + theirs["store"], ours)


def judged_by_cel(
    python: Path, path: Path, rules: list[Judged], repeat: int, *, helped: bool
) -> dict[str, Any]:
    """Have the records judged by CEL several times; give the run that took least."""
    kinds = {"text": WORDS, "moment": MOMENTS | DAYS, "money": MONEY, "number": NUMBERS}
    asked = {
        "path": str(path),
        "helped": helped,
        "fields": {name: [kind, empty] for kind, names in kinds.items() for name, empty in names.items()},
        "rules": {rule.name: to_cel(rule.condition, helped=helped) for rule in rules},
        "evidence": {rule.name: list(rule.evidence) for rule in rules},
    }
    command = [python, Path(__file__).with_name("cel_worker.py")]
    runs = [
        json.loads(
            subprocess.run(
                command, input=json.dumps(asked), stdout=subprocess.PIPE, text=True, check=True
            ).stdout
        )
        for _ in range(repeat)
    ]
    return min(runs, key=lambda run: float(run["cpu"]))


def say(what: str, seconds: float, ours: float) -> None:
    """Print a line of the comparison."""
    print(f"{what:<53} {seconds:6.2f} CPU s   {seconds / ours:5.1f}")


if __name__ == "__main__":
    main()
