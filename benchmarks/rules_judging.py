"""Measure what judging costs: 20 rules over a store of work items, each hit a finding with its evidence.

    python benchmarks/rules_judging.py                    # 10,000 and 100,000 items on SQLite
    python benchmarks/rules_judging.py --sizes 1000000 --rules 50    # a large site
    python benchmarks/rules_judging.py --each             # and what each rule takes, with its query plan

*CPU s* is what judging takes: each hit written as a finding, with its evidence; the peak memory behind it is
that of the process until then. *First* and *second night* are all of a night's step, links and states of
findings included, with the peak of it all; nothing that is done is kept, so that a store can be judged again.

Every size is filled into a fresh store and judged by a fresh process, so that the peak of one does not hide
in that of another. CPU seconds count; wall time suffers from whatever else the machine is doing.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, case, func, insert, literal, null, select, text

from connectors.records import How
from rules.catalogue import fold
from rules.moments import Context
from rules.pack import load
from rules.ruleset import RuleSet
from rules.sql import hits
from sync.judge import hits_of, judge, verdict_of
from sync.labels.limits import Limit, Limits
from sync.preview import Frame as PreviewFrame
from sync.preview import Previewer
from sync.store import findings, runs, tables
from sync.store.bulk import insert_rows
from sync.store.catalogue import Frame, bind_catalogue
from sync.store.database import open_store, read_only
from sync.store.links import relink_objectives
from sync.store.money.matching import rematch
from sync.store.schema import table_of

NOW = datetime(2026, 7, 15, 3, 0, tzinfo=UTC)
CONTEXT = Context(now=NOW)
FRAME = Frame(today=NOW.date(), fiscal_year=2026, currency="USD", prefix="align-")
PAGE = 5_000
DRAWN = ITEMS = 100_000
LINES = 1_000_000

CONDITIONS = [
    "objective IS EMPTY AND statusCategory != Done AND budget.amount > 100000",
    'updated < -90d AND statusCategory = "In Progress"',
    "labels = regulatory AND objective IS EMPTY",
    "summary ~ migration AND statusCategory != Done",
    'summary ~ matches("^\\\\[(POC|SPIKE)\\\\]") AND budget.amount IS NOT EMPTY',
    "budget.actual > budget.amount",
    "priority IN (Highest, High) AND assignee IS EMPTY",
    "due < now() AND statusCategory != Done",
    "objective IS EMPTY AND budget.amount > 0",
    "assignee != jane AND labels = platform",
    'issuetype = Epic AND hierarchyLevel >= 1 AND statusCategory = "To Do"',
    "objective.ends < startOfDay() AND statusCategory != Done",
    'issuetype = Epic AND objective.live != "true"',
    "budget.actual > percentOf(90, budget.amount) AND statusCategory != Done",
    "NOT (labels IN (platform, regulatory) OR assignee IS EMPTY) AND due IS EMPTY",
    "created < -365d AND statusCategory = new",
    "summary ~ startsWith(POC) OR summary ~ endsWith(tbd)",
    "budget.forecast IS EMPTY AND budget.amount IS NOT EMPTY",
    "project IN (PAY, OPS, CRM) AND objective.owner IS EMPTY AND objective IS NOT EMPTY",
    "parent IS EMPTY AND issuetype != Epic AND statusCategory != Done",
]
STATES = [("To Do", "new"), ("In Progress", "indeterminate"), ("Done", "done")]
WORDS = [
    "invoice",
    "migration",
    "portal",
    "ledger",
    "[POC]",
    "POC",
    "[SPIKE]",
    "mobile",
    "billing",
    "search",
    "tbd",
    "report",
]


def fill(engine: Engine, size: int) -> None:
    """Write items, 400 objectives at most, links for six items in ten and money for half of them.

    What goes beyond a hundred thousand repeats what there is under ids of its own: drawing a million takes
    longer than judging them.
    """
    draw_all(engine, min(size, DRAWN))
    with engine.begin() as connection:
        for turn in range(1, size // DRAWN):
            repeat(connection, turn)
        relink_objectives(connection)
        rematch(connection)
    engine.dispose()


def repeat(connection: Connection, turn: int) -> None:
    """Write the first rows of every table once more, `turn` strides further on."""
    code_of_money = table_of(tables.BudgetLine).c.project_folded
    for model in (
        tables.WorkItem,
        tables.WorkItemLabel,
        tables.WorkItemReference,
        tables.BudgetLine,
    ):
        table = table_of(model)
        first = table.c.work_item_id if "work_item_id" in table.c else table.c.id
        stride = LINES if model is tables.BudgetLine else ITEMS
        columns: list[Any] = []
        for column in table.c:
            if column.name == "id":
                new: Any = null() if "work_item_id" in table.c else column + turn * stride
            elif column.name in {"id", "work_item_id"}:
                new = column + turn * stride
            elif column.name in {"source_id", "key", "key_folded"} or column is code_of_money:
                new = column + literal(f"x{turn}")
            elif column.name.startswith("target"):
                coded = table.c.how == How.COST_CODE.value
                new = case((coded, column + literal(f"x{turn}")), else_=column)
            else:
                new = column
            columns.append(new.label(column.name))
        old = select(*columns).where(first <= stride)
        connection.execute(insert(table).from_select([column.name for column in table.c], old))


def draw_all(engine: Engine, size: int) -> None:
    """Draw the rows of every table."""
    draw = random.Random(7)
    goals = max(1, min(400, size // 25))
    with engine.begin() as connection:
        put(connection, tables.Objective, (objective(number, draw) for number in range(1, goals + 1)))
        put(connection, tables.WorkItem, (work_item(number, draw) for number in range(1, size + 1)))
        put(connection, tables.WorkItemLabel, labels(size, draw))
        put(connection, tables.WorkItemReference, references(size, goals, draw))
        put(connection, tables.BudgetLine, money(size))


def put(connection: Connection, model: type, rows: Iterator[dict[str, Any]]) -> None:
    """Write rows page by page."""
    table: Table = table_of(model)
    page: list[dict[str, Any]] = []
    for row in rows:
        page.append(row)
        if len(page) == PAGE:
            insert_rows(connection, table, page)
            page = []
    insert_rows(connection, table, page)


def seen(source: str, number: int) -> dict[str, Any]:
    """Give what every row of the outside world carries."""
    known = {"first_run": 1, "first_seen": NOW, "last_run": 1, "last_seen": NOW}
    return {"source": source, "source_id": str(number), "row_hash": f"{number:032x}", **known}


def objective(number: int, draw: random.Random) -> dict[str, Any]:
    """Draw an objective; one in five has ended, one in four has no owner."""
    owner = draw.choice(["jane", "joe", "pmo", None])
    return {
        **seen("goals", number),
        "id": number,
        "key_folded": str(number),
        "title": f"Objective {number}",
        "title_folded": f"objective {number}",
        "state": draw.choice(["active", "active", "active", "closed"]),
        "owner": owner,
        "owner_folded": owner,
        "starts_on": date(2025, 1, 1),
        "ends_on": draw.choice([date(2026, 3, 31), *[date(2027, 12, 31)] * 4]),
    }


def work_item(number: int, draw: random.Random) -> dict[str, Any]:
    """Draw a work item; a third of what may be empty is."""
    project = draw.choice(["PAY", "OPS", "CRM", "WEB", "HR"])
    summary = " ".join(draw.sample(WORDS, 4))
    status, category = draw.choice(STATES)
    kind = draw.choice(["Epic", "Epic", "Story"])
    words = {
        "key": f"{project}-{number}",
        "project": project,
        "summary": summary,
        "type": kind,
        "status": status,
        "assignee": draw.choice(["jane", "joe", None]),
        "priority": draw.choice(["Highest", "High", "Medium", None]),
        "parent": draw.choice([f"{project}-{number // 10 + 1}", f"{project}-1", None]),
    }
    columns = {"project": "project_key", "type": "type_name", "parent": "parent_key"}
    row = {columns.get(name, name): word for name, word in words.items()}
    folded = {f"{name}_folded": word and fold(word) for name, word in words.items()}
    return {
        **seen("jira", number),
        **row,
        **folded,
        "id": number,
        "project_name": project.title(),
        "hierarchy_level": 1 if kind == "Epic" else 0,
        "status_category": category,
        "created_at": NOW - timedelta(days=draw.randrange(900)),
        "updated_at": NOW - timedelta(days=draw.randrange(300)),
        "due_on": draw.choice([None, NOW.date() + timedelta(days=draw.randrange(-200, 400))]),
        "url": f"https://jira.example/browse/{project}-{number}",
        "in_scope": True,
    }


def labels(size: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    """Draw none to two labels of an item; one in twenty also bears one of ours."""
    for number in range(1, size + 1):
        theirs = draw.sample(["regulatory", "platform", "q3"], draw.choice([0, 1, 2]))
        for label in [*theirs, *(["align-no-objective"] if number % 20 == 0 else [])]:
            yield {"work_item_id": number, "label": label, "label_folded": label}


def references(size: int, goals: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    """Have six items in ten name an objective, some of them a second one, and every other item a code."""
    for number in range(1, size + 1):
        for goal in draw.sample(range(1, goals + 1), min(goals, draw.choice([0, 0, 1, 1, 1, 2]))):
            yield reference(number, How.CUSTOM_FIELD, str(goal), f"field Objective = {goal}")
        if number % 2:
            yield reference(number, How.COST_CODE, f"c{number}", f"field Cost code = C{number}")


def reference(item: int, how: How, target: str, evidence: str) -> dict[str, Any]:
    """Give one tie that an item claims."""
    said = {"how": how.value, "target": target, "target_folded": target, "evidence": evidence}
    return {"work_item_id": item, **said, "meant": how is How.CUSTOM_FIELD}


def money(size: int) -> Iterator[dict[str, Any]]:
    """Give the code of every other item a budget, and half of them an actual and a forecast as well."""
    draw, number = random.Random(8), 0
    for item in range(1, size + 1, 2):
        for version in ["budget", "actual", "forecast"][: draw.choice([1, 3])]:
            number += 1
            said = {"version": version, "fiscal_year": 2026, "period": "FY2026", "currency": "USD"}
            known = {"source": "finance", "source_id": str(number), "valid_from_run": 1}
            amount = draw.randrange(1_000, 30_000_000)
            code = {"project": f"C{item}", "project_folded": f"c{item}"}
            yield {**known, "id": number, "key_folded": str(number), **said, **code, "amount_minor": amount}


def rule_set(count: int, *, edited: bool = False) -> RuleSet:
    """Load so many rules, bound to the tables, by the loader of every night; edit the first one if asked."""
    rules = "".join(
        f"  - id: rule-{number}\n    when: |\n      {condition}\n    message: '{{key}} {{summary}}'\n"
        "    tests: [{flag: {key: PAY-1}}, {pass: {}}]\n"
        for number, condition in enumerate(islice(cycle(CONDITIONS), count), start=1)
    )
    if edited:
        rules = rules.replace("> 100000", "> 120000", 1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.yaml"
        path.write_text(f"version: 1\nrules:\n{rules}")
        return load([path], bind_catalogue(FRAME), CONTEXT)


def measure(url: str, *, count: int, each: bool) -> None:
    """Judge a store, and print the figures as one line of JSON."""
    engine, rules = open_store(url), rule_set(count)
    with engine.connect() as connection:
        figures: dict[str, Any] = {"cpu": raise_all(connection, rules, each=each)}
        figures["hits"] = connection.scalar(select(func.count()).select_from(table_of(tables.Finding)))
        connection.rollback()
        figures["judging"] = peak_rss()
        figures["preview"] = preview(engine, rules)
        figures["first"], figures["second"] = (night(connection, rules, day) for day in (0, 1))
        connection.rollback()
    print(json.dumps({**figures, "peak": peak_rss()}))


def raise_all(connection: Connection, rules: RuleSet, *, each: bool) -> float:
    """Write the hits of every rule as findings; give the CPU seconds it takes."""
    run_id = runs.begin(connection, "bench", NOW, dry_run=False)
    before = time.process_time()
    for rule in rules.rules:
        began = time.process_time()
        findings.raise_findings(connection, verdict_of(rule), hits_of(rule), run_id, NOW)
        if each:
            show(connection, rule, time.process_time() - began)
    return time.process_time() - before


def night(connection: Connection, rules: RuleSet, day: int) -> float:
    """Do all that a night does to judge: links, hits, findings, waivers; give the CPU seconds it takes."""
    now = NOW + timedelta(days=day)
    run_id = runs.begin(connection, "bench", now, dry_run=False)
    began = time.process_time()
    judge(connection, rules, (), run_id, now)
    return time.process_time() - began


def preview(engine: Engine, rules: RuleSet) -> float:
    """Give the CPU seconds that the preview of one edited rule takes."""
    frame = PreviewFrame(NOW, NOW.date(), FRAME.prefix, Limits(Limit(500, 0.2)))
    edited = rule_set(len(rules.rules), edited=True)
    with read_only(engine) as connection:
        began = time.process_time()
        found = Previewer(connection, frame).compare(rules, edited)
        assert len(found.effects) == 1
        return time.process_time() - began


def show(connection: Connection, rule: Any, seconds: float) -> None:
    """Print what a rule took, and how SQLite went about it."""
    statement = hits(rule).compile(connection, compile_kwargs={"literal_binds": True})
    print(f"{seconds:6.3f} s  {rule.when}")
    for row in connection.execute(text("EXPLAIN QUERY PLAN " + str(statement).replace(":", "\\:"))):
        print(f"            {row.detail}")


def peak_rss() -> float:
    """Give the most memory this process ever held, in MiB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Fill a store of each size and have it judged."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="10000,100000", help="how many items, separated by commas")
    parser.add_argument("--each", action="store_true", help="show what each rule takes, with its query plan")
    parser.add_argument("--rules", type=int, default=len(CONDITIONS), help="how many rules, 20 by default")
    parser.add_argument(
        "--store", type=Path, help="keep the store of one size in this file, to judge it again"
    )
    parser.add_argument("--judge", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        measure(options.judge, count=options.rules, each=options.each)
        return
    print(f"{options.rules} rules, evidence stored, SQLite {sqlite3.sqlite_version}")
    print("    items      hits   CPU s  ns/item/rule  peak MiB  preview  first night  second night  peak MiB")
    for size in (int(part) for part in options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            file = options.store or Path(folder) / "bench.db"
            url, there = f"sqlite:///{file}", file.exists()
            if not there:
                fill(open_store(url), size)
            command = [sys.executable, __file__, "--judge", url, "--rules", str(options.rules)]
            command += ["--each"] if options.each else []
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            *details, last = done.stdout.splitlines()
            print(*details, sep="\n", end="\n" if details else "")
            found = json.loads(last)
            each = found["cpu"] / size / options.rules * 1e9
            print(
                f"{size:>9,} {found['hits']:>9,} {found['cpu']:>7.2f} {each:>13.0f} {found['judging']:>9.0f} "
                f"{found['preview']:>8.2f} {found['first']:>12.2f} {found['second']:>13.2f} "
                f"{found['peak']:>9.0f}"
            )


if __name__ == "__main__":
    main()
