"""Measure what more workers are good for: many sites that answer slowly, read by 1, 2, 4 and 8 processes.

    .ci/with-postgresql .venv/bin/python benchmarks/scale.py
    … --kill 3                                      # besides, SIGKILL one worker every three seconds
    … --sites 50 --projects 20 --issues 1000        # a million issues: hours on two cores

The first row is one process without a queue; the others are a night and its `tieline worker`s. Each reads
into an empty PostgreSQL store. The sites are processes of their own, count what they are asked in each second
and refuse what is beyond their limit. Every site is read as several sources, so that several workers ask it
at the same time. Stores are held against that of the one process, row by row.
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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
"""
DIGEST = f"SELECT md5(string_agg(md5(r::text), '' ORDER BY md5(r::text))) FROM ({CONTENT}) r"
READ = (
    "SELECT extract(epoch FROM max(finished_at) - min(started_at)) FROM source_run WHERE kind = 'work items'"
)
WHOLE = "SELECT count(*) FROM source_run WHERE status <> 'complete'"


@dataclass(frozen=True)
class Told:
    """What reading everything once cost, and what came of it."""

    readers: int
    seconds: float
    whole: bool
    issues: int
    requests: int
    beyond: int
    fullest: int
    again: int
    written_again: int
    killed: int
    digest: str


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
                killed = self._read(environment, workers, kill)
            return self._told(readers, url, killed)

    def _hosts(self) -> list[str]:
        """One address of each process that serves sites."""
        return [*self.sites[:: -(-len(self.sites) // self.options.stand_ins)]]

    def _read(self, environment: dict[str, str], workers: Workers, kill: float | None) -> int:
        night = subprocess.Popen(
            [*TIELINE, "run", "--allow-changes", "1000000", "--json"],
            env=environment, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        ended = threading.Event()
        killer = threading.Thread(target=workers.die_one_by_one, args=(kill, ended))
        if kill:
            killer.start()
        out, err = night.communicate()
        ended.set()
        if kill:
            killer.join()
        if night.returncode not in {0, 3, 5}:
            raise SystemExit(f"tieline run ended with {night.returncode}:\n{err}{out[-2000:]}")
        return workers.killed

    def _told(self, readers: int, url: str, killed: int) -> Told:
        seen = [one for host in self._hosts() for one in requests.get(f"{host}/__bench__", timeout=60).json()]
        engine = create_engine(url)
        with engine.connect() as connection:
            seconds = float(connection.scalar(text(READ)) or 0)
            broken = connection.scalar(text(WHOLE))
            issues = connection.scalar(text("SELECT count(*) FROM work_item")) or 0
            digest = connection.scalar(text(DIGEST))
        engine.dispose()
        return Told(
            readers,
            seconds,
            not broken,
            issues,
            sum(one["requests"] for one in seen),
            sum(one["refused"] for one in seen),
            max(one["fullest"] for one in seen),
            sum(one["again"] for one in seen),
            sum(one["written again"] for one in seen),
            killed,
            str(digest),
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

    def die_one_by_one(self, seconds: float, ended: threading.Event) -> None:
        dice = random.Random(1)
        while not ended.wait(seconds):
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
            command += ["--latency", str(options.latency / 1000)]
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
                    "rate_limits": dict.fromkeys(("GET", "POST", "PUT", "DELETE"), options.limit),
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
        f"| {one.fullest} | {one.again} | {one.written_again} | {one.killed} "
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
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4, 8], help="processes that read")
    parser.add_argument("--kill", type=float, metavar="SECONDS", help="kill a worker so often, in a last row")
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
            f"{options.latency:g} ms a request, limit {options.limit} a second"
        )
        print("| readers | s | speed-up | asked | requests | beyond the limit | fullest second ", end="")
        print("| issues read again | labels written again | killed | store |")
        print("|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---|", flush=True)
        rows = [(readers, None) for readers in options.workers]
        base: Told | None = None
        for readers, kill in [*rows, *([(options.workers[-1], options.kill)] if options.kill else [])]:
            one = bench.measure(readers, kill)
            base = base or one
            show(base, one)


if __name__ == "__main__":
    main()
