"""What it costs to bring a budget file of a million rows into the store, beside bare loads by other readers.

Ours is the whole intake, as a night does it: the file kept by its hash, staged, every row and cent accounted
for, compared with what stands, promoted in one transaction, queryable. The others read the same file exactly
and insert it into the same table of a store made by the same migrations (`budget_line`, with its keys and
indexes), and no more. On PostgreSQL the bare load is one COPY of the same rows, ready in memory as the text
that COPY takes, into the same empty table with the same keys and indexes, logged like any other; wall time is
compared there, since the server's time is not ours.

Each round is a process of its own, over a store that was made before; on SQLite CPU seconds are compared,
because a machine may be shared. The best round counts. Without the other libraries (--no-peers) only ours is
measured.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import func, inspect, select, text

from connectors.finance import FinanceSource, FinanceSourceConfig
from sync.feeds import Feed, Kind
from sync.frame.progress import Quiet
from sync.pull import Pull
from sync.store import runs
from sync.store.database import connect, open_store
from sync.store.money.guards import Allowed
from sync.store.money.promotion import budget_line

PEERS = ("pyarrow", "polars", "duckdb", "pandas")
HERE = Path(__file__).parent
SEED = 20260401
NOW = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
HEADER = ("line_id", "company", "cost_center", "account", "project_code", "period", "scenario", "currency",
          "amount", "note")  # fmt: skip
MAPPING: dict[str, Any] = {
    "name": "finance",
    "currency": {"column": "currency"},
    "columns": {"id": "line_id", "project": "project_code", "cost_centre": "cost_center",
                "account": "account", "description": "note"},
    "amount": {"column": "amount", "dated": {"column": "period", "label": "{yyyy}-{mm}"},
               "version": {"column": "scenario"}},
}  # fmt: skip


def write_file(path: Path, rows: int) -> int:
    """Write a budget file as finance systems export it, and give the sum of its amounts in minor units."""
    chance, total = random.Random(SEED), 0
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        for number in range(rows):
            minor = chance.randrange(-5_000_000, 50_000_000)
            total += minor
            sign, whole = ("-" if minor < 0 else ""), abs(minor)
            writer.writerow(
                (
                    f"L{number:08d}",
                    f"C{chance.randrange(12):02d}",
                    f"CC{chance.randrange(400):04d}",
                    str(400000 + chance.randrange(900)),
                    f"PRJ-{chance.randrange(2500)}",
                    f"20{25 + number % 2}-{1 + number % 12:02d}",
                    ("budget", "forecast", "actual")[number % 3],
                    ("USD", "EUR", "GBP")[number % 3],
                    f"{sign}{whole // 100}.{whole % 100:02d}",
                    "licence renewal" if number % 50 else 'licence, renewal "Q1"',
                )
            )
    return total


def take_in(path: str, url: str, total: str) -> None:
    """Bring the file into a store, twice; print what each time cost."""
    engine = open_store(url)
    for round_name in ("ours", "again"):
        with engine.begin() as connection:
            run_id = runs.begin(connection, "benchmark", NOW, dry_run=False)
        config = FinanceSourceConfig.model_validate(MAPPING | {"path": path})
        feed = Feed("finance", Kind.FINANCE, lambda config=config: FinanceSource(config))  # type: ignore[misc]
        cpu, wall = time.process_time(), time.perf_counter()
        pulled = Pull(engine, feed, run_id, lambda: NOW, Allowed(0.2), Quiet()).read()
        cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
        assert pulled.complete, pulled.message
        with engine.connect() as connection:
            found = connection.scalar(select(func.sum(budget_line.c.amount_minor)))
        assert int(found or 0) == int(total), "the store does not hold what was written"
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write(json.dumps({"what": round_name, "peak_mib": peak} | cost) + "\n")
    engine.dispose()


def peers_python(folder: Path) -> Path:
    """Make the environment of the other readers, and give its interpreter."""
    where = folder / "peers"
    venv.create(where, with_pip=True)
    python = where / "bin" / "python"
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([python, "-m", "pip", "install", *quiet, *PEERS], check=True)
    return python


def measure(python: Path | str, *arguments: str) -> list[dict[str, Any]]:
    """Run one round in a process of its own, and give what it printed."""
    done = subprocess.run([str(python), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    sys.stderr.write(done.stdout)
    return [json.loads(line) for line in done.stdout.splitlines()]


def empty_store(folder: Path) -> Path:
    """Make a store by our migrations, for a bare load."""
    path = folder / "peer.db"
    for leftover in folder.glob("peer.db*"):
        leftover.unlink()
    open_store(f"sqlite:///{path}").dispose()
    return path


def best(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the round that cost least: noise only adds."""
    return min(rounds, key=lambda it: float(it[it.get("by", "cpu")]))


def on_postgresql(url: str, path: Path, total: int) -> Iterator[dict[str, Any]]:
    """Measure ours and then the bare COPY over a store made anew, and leave the database empty."""
    engine = connect(url)
    open_store(url).dispose()
    for it in measure(sys.executable, __file__, "--take-in", str(path), url, str(total)):
        yield it | {"what": f"{it['what']} on PostgreSQL", "by": "wall"}
    copied = measure(sys.executable, str(HERE / "finance_peers.py"), "copy", str(path), url, str(total))
    yield copied[0] | {"what": "bare COPY", "by": "wall"}
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()


def refuse_filled(url: str) -> None:
    """Refuse a database in which there is anything: it is emptied after each round."""
    engine = connect(url)
    tables = inspect(engine).get_table_names()
    engine.dispose()
    if tables:
        raise SystemExit("--postgresql: the database is not empty, and would be emptied; name an empty one")


def main() -> None:
    """Measure ours and the others in turn, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--postgresql", metavar="URL", help="an empty PostgreSQL database to measure too")
    parser.add_argument("--take-in", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.take_in:
        take_in(*asked.take_in)
        return
    if asked.postgresql:
        refuse_filled(asked.postgresql)
    with TemporaryDirectory(prefix="tieline-bench-") as name:
        folder = Path(name)
        path = folder / "plan.csv"
        total = write_file(path, asked.rows)
        found: dict[str, list[dict[str, Any]]] = {}
        python = None if asked.no_peers else peers_python(folder)
        for number in range(asked.rounds):
            url = f"sqlite:///{folder}/{number}.db"
            open_store(url).dispose()
            ours = measure(sys.executable, __file__, "--take-in", str(path), url, str(total))
            for it in ours:
                found.setdefault(it["what"], []).append(it)
            (folder / f"{number}.db").unlink()
            for peer in PEERS if python else ():
                store = empty_store(folder)
                theirs = measure(
                    python or "", str(HERE / "finance_peers.py"), peer, str(path), str(store), str(total)
                )
                found.setdefault(peer, []).append(theirs[0])
            for it in on_postgresql(asked.postgresql, path, total) if asked.postgresql else ():
                found.setdefault(it["what"], []).append(it)
        show(asked.rows, found)


def show(rows: int, found: dict[str, list[dict[str, Any]]]) -> None:
    """Print the table and the ratios that are asked about."""
    sys.stdout.write(f"{rows:,} rows\n{'':22s}{'CPU s':>8s}{'wall s':>8s}{'peak MiB':>10s}\n")
    chosen = {what: best(rounds) for what, rounds in found.items()}
    for what, it in chosen.items():
        sys.stdout.write(f"{what:22s}{it['cpu']:8.2f}{it['wall']:8.2f}{it['peak_mib']:10.0f}\n")
    ours = float(chosen["ours"]["cpu"])
    others = {what: float(it["cpu"]) for what, it in chosen.items() if what in PEERS}
    if others:
        fastest = min(others, key=lambda what: others[what])
        sys.stdout.write(f"ours / fastest bare load ({fastest}): {ours / others[fastest]:.2f}\n")
    sys.stdout.write(f"again / first time: {100 * float(chosen['again']['cpu']) / ours:.2f} %\n")
    if "bare COPY" in chosen:
        ratio = float(chosen["ours on PostgreSQL"]["wall"]) / float(chosen["bare COPY"]["wall"])
        sys.stdout.write(f"ours on PostgreSQL / bare COPY (wall): {ratio:.2f}\n")


if __name__ == "__main__":
    main()
