"""Measure what a page costs over a large store: real HTTP to a served store, time and memory of the process.

    python benchmarks/pages.py                       # 100,000 findings on SQLite
    python benchmarks/pages.py --findings 1000000
    python benchmarks/pages.py --database postgresql://tieline@/empty   # a database of one's own

The median of several times counts. Memory is the peak of the process that serves; another fills the store.
"""

from __future__ import annotations

import argparse
import http.client
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from rules.catalogue import fold
from sync.hooks.serving import no_report
from sync.settings import load_settings
from sync.sources import SourcesConfig
from sync.store import runs, tables
from sync.store.bulk import insert_rows
from sync.store.database import open_store
from sync.store.schema import table_of
from sync.web import Office, PageServer, build
from sync.wiring import build_service

NOW = datetime(2026, 7, 15, 3, 0, tzinfo=UTC)
TOKEN = "a-token-for-the-benchmark"
RULES = ("epic-without-objective", "epic-over-budget", "epic-is-stalled", "epic-without-owner")
STATES = ("open", "open", "pending", "closed")
SEVERITIES = ("warning", "error", "info", "warning")
WORDS = (
    "invoice",
    "migration",
    "portal",
    "ledger",
    "mobile",
    "billing",
    "search",
    "report",
    "archive",
    "tax",
)
BATCH = 20_000
PAGES = {
    "all, the first page": "/findings",
    "all, the last page": "/findings?page=999999",
    "one rule, most severe first": f"/findings?rule={RULES[1]}&order=severity",
    "two words": "/findings?text=migration+tax",
    "one project, by ticket": "/findings?project=P7&order=subject",
    "a key": "/findings?text=p7-77",
    "one item explained": "/items/jira/777",
    "runs": "/runs",
    "overview": "/",
}


def fill(url: str, number: int) -> None:
    """Put so many work items into a store, each with a finding."""
    engine = open_store(url)
    item, finding = table_of(tables.WorkItem), table_of(tables.Finding)
    with engine.begin() as connection:
        run_id = runs.begin(connection, "benchmark", NOW, dry_run=False)
        runs.finish(connection, run_id, NOW, status="done", exit_code=0, message=None)
    for start in range(0, number, BATCH):
        numbers = range(start + 1, min(number, start + BATCH) + 1)
        with engine.begin() as connection:
            insert_rows(connection, item, [item_row(at, run_id) for at in numbers])
            ids = dict(
                connection.execute(
                    select(item.c.source_id, item.c.id).where(item.c.id > 0).order_by(item.c.id.desc())
                ).fetchmany(len(numbers))
            )
            insert_rows(connection, finding, [finding_row(at, ids[str(at)], run_id) for at in numbers])
    engine.dispose()


def item_row(at: int, run_id: int) -> dict[str, object]:
    key = f"P{at % 40}-{at}"
    summary = f"{WORDS[at % 10].title()} of {WORDS[at // 10 % 10]} and {WORDS[at // 100 % 10]} {at}"
    return {
        "source": "jira", "source_id": str(at), "row_hash": "x", "first_run": run_id, "last_run": run_id,
        "first_seen": NOW, "last_seen": NOW, "key": key, "key_folded": fold(key),
        "project_key": f"P{at % 40}",
        "project_folded": f"p{at % 40}", "project_name": f"Project {at % 40}", "summary": summary,
        "summary_folded": fold(summary), "type_name": "Epic", "type_folded": "epic", "status": "Open",
        "status_folded": "open", "status_category": "new", "url": f"https://jira.example/browse/{key}",
        "in_scope": True,
    }  # fmt: skip


def finding_row(at: int, item_id: int, run_id: int) -> dict[str, object]:
    return {
        "rule": RULES[at % 4],
        "entity": "workItem",
        "subject_id": item_id,
        "rule_hash": "x",
        "severity": SEVERITIES[at % 4],
        "mode": "label",
        "state": STATES[at % 17 % 4],
        "alignment": False,
        "since": NOW - timedelta(hours=at % 5000),
        "opened_run": run_id,
        "last_run": run_id,
        "evidence": "{}",
    }


def measure(url: str, times: int) -> None:
    """Serve the store and ask for each page."""
    engine = open_store(url)
    settings = load_settings({"TIELINE_LOGINS": f"bench:{TOKEN}"})
    service, _ = build_service(settings, SourcesConfig(), engine, no_report, lambda: NOW)
    office = Office(settings, SourcesConfig(), engine, service.rules, service, lambda: NOW)
    with PageServer(build(office), "127.0.0.1:0") as server:
        print(f"{'page':<30} {'median':>8} {'slowest':>8} {'size':>9}")
        for name, path in PAGES.items():
            asked = [ask(server.url, path) for _ in range(times)]
            seconds = [one for one, _ in asked]
            middle = statistics.median(seconds)
            print(f"{name:<30} {middle:>6.3f} s {max(seconds):>6.3f} s {asked[0][1] / 1000:>6.0f} kB")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    engine.dispose()


def ask(url: str, path: str) -> tuple[float, int]:
    """Give the seconds that a page took, and its size."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=600)
    began = time.perf_counter()
    connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
    answer = connection.getresponse()
    text = answer.read()
    took = time.perf_counter() - began
    connection.close()
    assert answer.status == 200, (path, answer.status)
    return took, len(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument(
        "--database", help="an empty database to fill; SQLite in a folder of its own by default"
    )
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        fill(options.database, options.findings)
        return
    with tempfile.TemporaryDirectory() as folder:
        url = options.database or f"sqlite:///{Path(folder) / 'tieline.db'}"
        command = [sys.executable, __file__, "--fill", "--database", url, "--findings", str(options.findings)]
        subprocess.run(command, check=True)
        print(f"{options.findings:,} findings on {url.partition(':')[0]}")
        measure(url, options.times)


if __name__ == "__main__":
    main()
