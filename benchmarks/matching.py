"""Measure what matching money with work costs, and dividing it among objectives with the proof of all sums.

Every level is in use, with lines and items in any number.

    python benchmarks/matching.py                              # 1,000,000 lines, 100,000 items, SQLite
    python benchmarks/matching.py --lines 100000 --items 10000
    python benchmarks/matching.py --url postgresql://…         # an empty database; it is filled and left so

The store is filled by one process and matched by another, so that the peak of filling does not hide that of
matching. CPU seconds count; on PostgreSQL they are the client's, so the wall time is given beside them.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from sync.store import runs, tables
from sync.store.bulk import analyze, insert_rows
from sync.store.database import open_store
from sync.store.money.balance import save_balance
from sync.store.money.matching import rematch
from sync.store.money.purposes import divide
from sync.store.money.shares import budget_link, remainder
from sync.store.schema import table_of

NOW = datetime(2026, 7, 15, 3, 0, tzinfo=UTC)
PAGE = 5_000
OBJECTIVES = 200

Row = dict[str, Any]


def seen(source: str, number: int) -> Row:
    """Give what every row of the outside world carries."""
    known = {"first_run": 1, "first_seen": NOW, "last_run": 1, "last_seen": NOW}
    return {"source": source, "source_id": str(number), "row_hash": f"{number:032x}", **known}


def put(connection: Connection, model: Any, rows: Iterator[Row]) -> None:
    """Write rows page by page."""
    table, page = table_of(model), []
    for row in rows:
        page.append(row)
        if len(page) == PAGE:
            insert_rows(connection, table, page)
            page = []
    insert_rows(connection, table, page)


def items(number: int) -> Iterator[Row]:
    """Give work items; every tenth stands above the next nine."""
    for n in range(1, number + 1):
        key = f"PAY-{n}"
        yield seen("jira", n) | {
            "key": key,
            "key_folded": key.casefold(),
            "project_key": "PAY",
            "project_folded": "pay",
            "project_name": "Payments",
            "summary": f"Work {n}",
            "summary_folded": f"work {n}",
            "type_name": "Epic",
            "type_folded": "epic",
            "status": "Open",
            "status_folded": "open",
            "status_category": "new",
            "parent_id": n - n % 10 if n % 10 and n > 10 else None,
            "url": f"https://jira.example/browse/{key}",
            "in_scope": True,
        }


def references(number: int) -> Iterator[Row]:
    """Give the cost codes of half the items; each code is carried by two of them."""
    for n in range(1, number // 2 + 1):
        code = f"c{n // 2}"
        yield {
            "work_item_id": n,
            "how": "cost code",
            "target": code,
            "target_folded": code,
            "evidence": "Cost code (customfield_1)",
            "meant": True,
        }


def rules(number: int) -> Iterator[Row]:
    """Give an allocation table: whole codes with two percents each, and prefixes."""
    for n in range(1, number // 20 + 1):
        prefix = n % 20 == 0
        code = f"p{n % 97:02}" if prefix else f"a{n // 2}"
        yield seen("mapping", n) | {
            "field": "project",
            "code": code,
            "code_folded": code,
            "prefix": prefix,
            "issue": f"PAY-{n}",
            "issue_folded": f"pay-{n}",
            "millionths": None if prefix else 450_000,
            "evidence": f"mapping.csv, line {n}",
        }


def lines(number: int, of_items: int) -> Iterator[Row]:
    """Give budget lines for every level; one in ten finds nothing."""
    draw = random.Random(7)
    forms = {
        "c": of_items // 4,
        "pay-": of_items,
        "a": of_items // 40,
        "p": 9_999,
        "w": of_items // 4,
        "none": number,
    }
    names = list(forms)
    for n in range(1, number + 1):
        form = names[n % 10 % 6] if n % 10 < 9 else "none"
        place = draw.randrange(1, max(2, forms[form]))
        project = f"p{place:04}" if form == "p" else f"{form}{place}"
        yield {
            "source": "erp",
            "source_id": str(n),
            "key_folded": str(n),
            "version": "budget",
            "fiscal_year": 2026,
            "period": f"FY2026-{n % 12 + 1:02}",
            "currency": "USD",
            "amount_minor": draw.randrange(-10_000, 10_000_000),
            "project": project,
            "project_folded": project,
            "cost_centre": f"cc{n % 500}",
            "cost_centre_folded": f"cc{n % 500}",
            "parents_folded": f"c{place}" if form == "w" else None,
            "line": n,
            "valid_from_run": 1,
        }


def objectives() -> Iterator[Row]:
    """Give the objectives that the work serves."""
    for n in range(1, OBJECTIVES + 1):
        said = {"key_folded": f"o{n}", "title": f"Objective {n}", "title_folded": f"objective {n}"}
        yield {"id": n, "state": "active", **said, **seen("objectives", n)}


def ties(number: int) -> Iterator[Row]:
    """Give what work serves: one objective each item, two every third."""
    for n in range(1, number + 1):
        for goal in {n % OBJECTIVES + 1, n * 7 % OBJECTIVES + 1} if n % 3 == 0 else {n % OBJECTIVES + 1}:
            said = {"how": "custom field", "evidence": "Objective ids", "depth": 0, "counts": True}
            yield {"work_item_id": n, "objective_id": goal, **said}


def fill(url: str, number: int, of_items: int) -> None:
    """Fill a store."""
    engine = open_store(url)
    with engine.begin() as connection:
        put(connection, tables.WorkItem, items(of_items))
        put(connection, tables.Objective, objectives())
        put(connection, tables.ObjectiveLink, ties(of_items))
        put(connection, tables.WorkItemReference, references(of_items))
        put(connection, tables.AllocationRule, rules(of_items))
        put(connection, tables.BudgetLine, lines(number, of_items))
    engine.dispose()


def measure(url: str) -> dict[str, Any]:
    """Match once and say what it cost and came to."""
    engine = open_store(url)
    started, wall = time.process_time(), time.perf_counter()
    with engine.begin() as connection:
        analyze(connection, *(table_of(it) for it in (tables.WorkItem, tables.BudgetLine)))
        rematch(connection)
        cost, took = time.process_time() - started, time.perf_counter() - wall
        run_id = runs.begin(connection, "benchmark", NOW, dry_run=True)
        divide(connection, NOW.date())
        off = save_balance(connection, run_id)
        proved = time.process_time() - started - cost, time.perf_counter() - wall - took
    with engine.connect() as connection:
        whole = connection.scalar(select(func.sum(table_of(tables.BudgetLine).c.amount_minor)))
        sums = [
            connection.scalar(select(func.sum(it.c.amount_minor))) or 0 for it in (budget_link, remainder)
        ]
        links = connection.scalar(select(func.count()).select_from(budget_link))
        left = connection.scalar(select(func.count()).select_from(remainder))
    engine.dispose()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "cpu_seconds": round(cost, 1),
        "wall_seconds": round(took, 1),
        "dividing_and_proving_cpu_seconds": round(proved[0], 1),
        "dividing_and_proving_wall_seconds": round(proved[1], 1),
        "peak_rss_mib": peak,
        "links": links,
        "remainders": left,
        "off": off,
        "difference_minor": int(whole or 0) - int(sum(sums)),
    }


def child(step: str, url: str, options: argparse.Namespace) -> str:
    """Run one step in a process of its own and give what it printed."""
    sizes = ["--lines", str(options.lines), "--items", str(options.items)]
    command = [sys.executable, __file__, "--url", url, "--step", step, *sizes]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def main() -> None:
    """Fill, match, print."""
    parser = argparse.ArgumentParser(description="Measure matching money with work.")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--url")
    parser.add_argument("--step", choices=["fill", "match"])
    options = parser.parse_args()
    if options.step == "fill":
        fill(options.url, options.lines, options.items)
        return
    if options.step == "match":
        print(json.dumps(measure(options.url)))
        return
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{Path(folder) / 'matching.db'}"
        child("fill", url, options)
        print(
            f"{options.lines:,} budget lines, {options.items:,} work items: {child('match', url, options)}",
            end="",
        )


if __name__ == "__main__":
    main()
