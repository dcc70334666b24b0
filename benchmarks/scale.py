"""Measure what more workers are good for: many sites that answer slowly, read by 1, 2, 4 and 8 processes.

    .ci/with-postgresql .venv/bin/python benchmarks/scale.py
    … --kill 3                                      # besides, SIGKILL one worker every three seconds
    … --prove --sites 50 --projects 20 --issues 1000 --parts 1 --latency 0     # `make soak-scale`

The first row is one process without a queue; the others are a night and its `tieline worker`s. Each reads
into an empty PostgreSQL store, judges and labels. The sites are processes of their own, count what they are
asked in each second and refuse what is beyond their limit; they keep the labels, and tell of a change that
changed nothing. Stores are held against that of the one process, every row. `--prove` has one process read,
then a night with eight workers one of which is killed every few seconds, and a night after that, which must
not write anything; it fails if anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import requests
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

from sync.sandbox.credentials import Credentials
from sync.store.database import open_store

HERE = Path(__file__).parent
TIELINE = [sys.executable, "-m", "sync"]
KNOWN = Credentials()
PROJECTS_OF_A_SITE = 20
PROVING_WORKERS = 8
ASKED = {2: 1.8, 4: 3.4, 8: 6.0}
READY = "waits for"

# Rows without what tells only when, and by which run, something came to be.
CONTENT = """
    SELECT source, source_id, key, row_hash, deleted_at IS NULL, missing_since IS NULL FROM work_item
    UNION ALL SELECT i.source, i.source_id, l.label, '', true, true
      FROM work_item_label l JOIN work_item i ON i.id = l.work_item_id
    UNION ALL SELECT i.source, i.source_id, r.how, r.target, r.meant, true
      FROM work_item_reference r JOIN work_item i ON i.id = r.work_item_id
    UNION ALL SELECT i.source, i.source_id, o.source_id, l.how, true, true
      FROM objective_link l JOIN work_item i ON i.id = l.work_item_id
      JOIN objective o ON o.id = l.objective_id
    UNION ALL SELECT i.source, i.source_id, f.rule, f.label, f.state = 'open', true
      FROM finding f JOIN work_item i ON f.entity = 'workItem' AND i.id = f.subject_id
    UNION ALL SELECT i.source, i.source_id, w.label, w.operation, w.state = 'done', true
      FROM label_write w JOIN work_item i ON i.id = w.work_item_id
"""
# The sum of hashes knows no order: ten million rows need not be sorted.
DIGEST = f"""
    SELECT count(*) || ' ' || sum(('x' || md5(r::text))::bit(64)::bigint::numeric) FROM ({CONTENT}) r
"""
READ = (
    "SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM source_run WHERE kind = 'work items'"
)
WHOLE = "SELECT count(*) FROM source_run WHERE status <> 'complete'"
TO_READ = "SELECT count(*) FROM shard WHERE state <> 'done'"
# How often somebody else had to go on with what a worker had begun.
TAKEN_OVER = "SELECT coalesce(sum(attempts - 1), 0) FROM shard"


@dataclass(frozen=True)
class Told:
    """What reading everything once cost, and what came of it.

    `fullest` seconds are of reading and of writing. `idle` label changes changed nothing, `later` ones were
    made in a second night.
    """

    readers: int
    seconds: float
    whole: bool
    issues: int
    requests: int
    beyond: int
    fullest: tuple[int, int]
    again: int
    written: int
    idle: int
    later: int
    killed: int
    taken_over: int
    digest: str

    def wrong(self, base: Told, issues: int) -> list[str]:
        """Say what is not as it must be, held against what one process made of so many issues."""
        found = {
            "sources were not read whole": not self.whole,
            f"{self.issues} issues instead of {issues}": self.issues != issues,
            "the store is not that of one process": self.digest != base.digest,
            f"{self.beyond} requests went beyond a limit": self.beyond > 0,
            f"{self.written} labels were written, by one process {base.written}": self.written
            != base.written,
            f"{self.idle} label changes changed nothing": self.idle > 0,
            f"a second night wrote {self.later} labels": self.later > 0,
        }
        return [text for text, is_so in found.items() if is_so]


@dataclass(frozen=True)
class Bench:
    """What is read, and where the stores are made."""

    server: str
    sites: Sequence[str]
    options: argparse.Namespace
    folder: Path

    def measure(self, readers: int, kill: float | None) -> Told:
        """Read all sites into an empty store."""
        with database(self.server) as url:
            open_store(url).dispose()
            for address in self._hosts():
                requests.post(f"{address}/__bench__", timeout=60)
            environment = os.environ | {
                "TIELINE_DATABASE_URL": url,
                "TIELINE_SOURCES": str(self.folder / "sources.yaml"),
                "PYTHONPATH": str(HERE.parent),
            }
            if readers > 1:
                environment |= {"TIELINE_QUEUE": "postgresql", "TIELINE_WORKER_TIMEOUT": "5s"}
            with crew(environment, readers - 1, self.folder) as workers:
                self._night(environment, workers, kill)
                told = self._told(readers, url, workers.killed)
                if kill and self.options.prove:
                    self._night(environment, workers, kill)
                    after = self._told(readers, url, workers.killed)
                    later = after.written - told.written
                    told = replace(told, whole=after.whole, beyond=after.beyond, idle=after.idle, later=later)
            return told

    def _hosts(self) -> list[str]:
        """One address of each process that serves sites."""
        return [*self.sites[:: -(-len(self.sites) // self.options.stand_ins)]]

    def _night(self, environment: dict[str, str], workers: Workers, kill: float | None) -> None:
        began, url = time.monotonic(), environment["TIELINE_DATABASE_URL"]
        night = subprocess.Popen(
            [*TIELINE, "run", "--allow-changes", "1000000", "--json"],
            env=environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        ended = threading.Event()
        killer = threading.Thread(target=workers.die_one_by_one, args=(kill, ended, url))
        if kill:
            killer.start()
        out, err = night.communicate()
        ended.set()
        if kill:
            killer.join()
        if night.returncode:
            raise SystemExit(f"tieline run ended with {night.returncode}:\n{err}{out[-2000:]}")
        if self.options.prove:
            print(f"a night of {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    def _told(self, readers: int, url: str, killed: int) -> Told:
        seen = [one for host in self._hosts() for one in requests.get(f"{host}/__bench__", timeout=60).json()]
        engine = create_engine(url)
        with engine.connect() as connection:
            seconds = float(connection.scalar(text(READ)) or 0)
            broken = connection.scalar(text(WHOLE))
            issues = connection.scalar(text("SELECT count(*) FROM work_item")) or 0
            digest = connection.scalar(text(DIGEST))
            taken_over = connection.scalar(text(TAKEN_OVER))
        engine.dispose()
        total = {name: sum(one[name] for one in seen) for name in seen[0]}
        return Told(
            readers=readers,
            seconds=seconds,
            whole=not broken,
            issues=issues,
            requests=total["requests"],
            beyond=total["refused"],
            fullest=(max(one["fullest"] for one in seen), max(one["fullest writing"] for one in seen)),
            again=total["again"],
            written=total["written"],
            idle=total["idle"],
            later=0,
            killed=killed,
            taken_over=int(taken_over or 0),
            digest=str(digest),
        )


class Workers:
    """Processes that read for the night; one that is killed has another in its place."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.environment = environment
        self.folder = folder
        self.processes: list[subprocess.Popen[str]] = []
        self.killed = 0

    def start(self) -> None:
        process = subprocess.Popen(
            [*TIELINE, "worker"],
            env=self.environment | {"TIELINE_LOG": "off"},
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.processes.append(process)

    def await_ready(self) -> None:
        for process in self.processes:
            assert process.stdout
            line = process.stdout.readline()
            if READY not in line:
                raise SystemExit(f"tieline worker did not start: {line}")
            threading.Thread(target=process.stdout.read, daemon=True).start()

    def die_one_by_one(self, seconds: float, ended: threading.Event, url: str) -> None:
        """Kill them as long as there is something to read."""
        dice, engine = random.Random(1), create_engine(url, poolclass=NullPool)
        while not ended.wait(seconds):
            with engine.connect() as connection:
                if not connection.scalar(text(TO_READ)):
                    continue
            victim = self.processes.pop(dice.randrange(len(self.processes)))
            victim.send_signal(signal.SIGKILL)
            victim.wait()
            self.killed += 1
            self.start()

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
            if process.stdout:
                process.stdout.close()


@contextmanager
def crew(environment: dict[str, str], number: int, folder: Path) -> Iterator[Workers]:
    """So many workers that wait for something to read."""
    workers = Workers(environment, folder)
    try:
        for _ in range(number):
            workers.start()
        workers.await_ready()
        yield workers
    finally:
        workers.stop()


@contextmanager
def database(server: str) -> Iterator[str]:
    """An empty database that goes away afterwards."""
    name = f"tieline_scale_{uuid4().hex[:12]}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def stand_ins(options: argparse.Namespace) -> Iterator[list[str]]:
    """The sites, in a few processes; gives their addresses."""
    each = -(-options.sites // options.stand_ins)
    with ExitStack() as stack:
        told: list[str] = []
        for first in range(0, options.sites, each):
            command = [sys.executable, str(HERE / "scale_stand_in.py"), "--issues", str(options.issues)]
            command += ["--sites", str(min(each, options.sites - first)), "--limit", str(options.limit)]
            command += ["--latency", str(options.latency / 1000), "--write-limit", str(options.write_limit)]
            process = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            assert process.stdin
            assert process.stdout
            stack.callback(process.stdin.close)
            told += process.stdout.readline().split()
        yield told


def write_sources(folder: Path, sites: Sequence[str], options: argparse.Namespace) -> None:
    """Declare every site as several sources, each with a part of its projects."""
    declared: list[dict[str, Any]] = []
    for number, address in enumerate(sites):
        for part in range(options.parts):
            projects = [f"PR{one:02d}" for one in range(options.projects) if one % options.parts == part]
            declared.append(
                {
                    "name": f"site-{number:02d}-{part}",
                    "url": address,
                    "email": KNOWN.email,
                    "api_token": KNOWN.token,
                    "jql": f"project in ({', '.join(projects)})",
                    "objective_field": "Objective ids",
                    "markers": "none",
                    "bulk_edits": False,
                    "rate_limits": dict.fromkeys(("GET", "POST", "DELETE"), options.limit)
                    | {"PUT": options.write_limit},
                }
            )
    rows = "".join(f"OBJ-{number},Objective {number},active\n" for number in range(240))
    (folder / "objectives.csv").write_text(f"id,title,status\n{rows}")
    columns = {"id": "id", "title": "title", "status": "status"}
    objectives = [{"name": "objectives", "path": str(folder / "objectives.csv"), "columns": columns}]
    # JSON is YAML.
    (folder / "sources.yaml").write_text(json.dumps({"jira": declared, "objectives": objectives}))


def show(base: Told, one: Told) -> None:
    speed = base.seconds / one.seconds if one.seconds else 0.0
    asked = ASKED.get(one.readers) if base.readers == 1 else None
    verdict = "" if asked is None or one.killed else f"{asked:.1f}, {'met' if speed >= asked else 'MISSED'}"
    same = "the same" if one.digest == base.digest else "DIFFERENT"
    print(
        f"| {one.readers} | {one.seconds:.1f} | {speed:.2f} | {verdict} | {one.requests} | {one.beyond} "
        f"| {one.fullest[0]}, {one.fullest[1]} | {one.again} | {one.written} | {one.idle} | {one.later} "
        f"| {one.killed} | {one.taken_over} "
        f"| {one.issues}, {same if one.whole else 'INCOMPLETE'} |",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sites", type=int, default=12)
    parser.add_argument("--projects", type=int, default=4, help=f"of each site, up to {PROJECTS_OF_A_SITE}")
    parser.add_argument("--issues", type=int, default=100, help="of each project")
    parser.add_argument("--parts", type=int, default=2, help="sources that a site is read as")
    parser.add_argument("--latency", type=float, default=500, metavar="MS")
    parser.add_argument("--limit", type=int, default=20, help="requests a second, endpoint and method")
    parser.add_argument("--write-limit", type=int, default=100, help="the same for writing labels")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8], help="processes that read")
    parser.add_argument("--kill", type=float, metavar="SECONDS", help="kill a worker so often, in a last row")
    parser.add_argument(
        "--prove",
        action="store_true",
        help="one process, then 8 workers that are killed; fail if anything is wrong",
    )
    parser.add_argument("--stand-ins", type=int, default=2, help="processes that serve the sites")
    parser.add_argument("--database", default=os.environ.get("TEST_POSTGRESQL"), metavar="URL")
    options = parser.parse_args()
    if not options.database:
        raise SystemExit("Name a PostgreSQL server with --database, or run this beside .ci/with-postgresql.")
    with stand_ins(options) as sites, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sources(folder, sites, options)
        bench = Bench(options.database, sites, options, folder)
        total = options.sites * options.projects * options.issues
        print(
            f"{options.sites} sites, {options.projects} projects of {options.issues} issues each: {total:,}; "
            f"{options.latency:g} ms a request, limits {options.limit} and {options.write_limit} a second"
        )
        print("| readers | s | speed-up | asked | requests | beyond the limit | fullest seconds ", end="")
        print("| issues read again | labels written | for nothing | in a second night | killed ", end="")
        print("| taken over | store |")
        print("|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|", flush=True)
        wrong: list[str] = []
        base: Told | None = None
        for readers, kill in rows(options):
            one = bench.measure(readers, kill)
            base = base or one
            show(base, one)
            wrong += one.wrong(base, total)
        if options.prove:
            print("\n".join(wrong) or "all is as it must be")
            raise SystemExit(bool(wrong))


def rows(options: argparse.Namespace) -> list[tuple[int, float | None]]:
    """How many read, and how often one is killed."""
    if options.prove:
        return [(1, None), (1 + PROVING_WORKERS, options.kill or 5.0)]
    last = [(options.workers[-1], options.kill)] if options.kill else []
    return [*((readers, None) for readers in options.workers), *last]


if __name__ == "__main__":
    main()
