"""Serve hourly nights by a fast clock while everything under it breaks; at the end all is as if nothing had.

The process is killed again and again, PostgreSQL is stopped and started, Jira is down for two nights, the
disk is full, and people work on. Then it is left alone for some nights: its figures and labels must be those
of one undisturbed night over the same Jira, and no hour may have two nights that came to their end.
`make soak-serve` (ARGS="--minutes 60 --kills 50 --postgresql"); ARGS="--memory 300" compares what the process
holds after 30 nights and after so many.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from threading import Event
from typing import Any

from sqlalchemy import func, select

from sync.sandbox import Answer, Deployment, Sandbox
from sync.store import tables
from sync.store.database import open_store
from sync.store.schema import table_of
from tests.sync.alike import Picture, jira_of, names_of, newest_of, open_ends, rows_of
from tests.sync.house import NO_OBJECTIVE, House
from tests.sync.own_server import OwnServer, own_server
from tests.sync.served_child import BEGINNING, ahead

ROOT = Path(__file__).parents[2]
EPICS = 40
# An hour passes in 20 seconds, so that the lease of a night that was killed runs out after five.
FACTOR = 180.0
HOUR = 3600 / FACTOR
QUIET_HOURS = 3
# A night takes about as many seconds.
NIGHT = 1.5
SCHEDULE = {"TIELINE_SCHEDULE": "0 * * * *", "TIELINE_TIMEZONE": "UTC"}
MONEY = {"TIELINE_FISCAL_YEAR": "2026", "TIELINE_MAX_SHARE": "1"}
DOWN = Answer(503, {"message": "down for maintenance"})
# What the process may write to one file while the disk is full: less than the report's page.
FULL = 20_000
# What is the same however often a night broke off.
STANDING = (
    tables.WorkItem, tables.WorkItemLabel, tables.WorkItemReference, tables.Objective, tables.ObjectiveLink,
    tables.BudgetLine, tables.BudgetLink, tables.Project,
)  # fmt: skip


@dataclass
class Service:
    """The process that serves, begun again whenever it is gone."""

    folder: Path
    began: float
    process: subprocess.Popen[bytes] | None = None

    def start(self, *, full: bool = False) -> None:
        """Begin it; on a full disk no file may grow."""
        limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (FULL, FULL)) if full else None
        command = [
            sys.executable,
            "-m",
            "tests.sync.served_child",
            str(self.folder),
            str(self.began),
            str(FACTOR),
        ]
        with (self.folder / "said").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, preexec_fn=limit)  # noqa: PLW1509

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def is_gone(self) -> bool:
        return self.process is None or self.process.poll() is not None


@dataclass
class Ordeal:
    """What happens to one service; `tally` counts it."""

    house: House
    service: Service
    random: Random
    url: str
    server: OwnServer | None = None
    keys: list[str] = field(default_factory=list)
    tally: Counter[str] = field(default_factory=Counter)

    def live(self, minutes: float, kills: int) -> None:
        """Let everything happen in so many minutes, evenly strewn."""
        end = time.time() + minutes * 60
        todo = ["kill"] * kills + ["full"] * max(1, kills // 10) + ["jira"] * max(1, kills // 20)
        todo += ["postgresql"] * (max(2, kills // 10) if self.server else 0)
        self.random.shuffle(todo)
        for left, act in zip(range(len(todo), 0, -1), todo, strict=True):
            pause = max(0.0, end - time.time()) / left
            time.sleep(self.random.uniform(0.3, 1.0) * pause)
            self.people()
            getattr(self, act)()
            if self.service.is_gone():
                self.tally["ended by itself"] += 1
                self.service.start()

    def kill(self) -> None:
        """Kill the process in the middle of a night, as far as one can tell from the outside."""
        asked = Event()
        self.house.jira.before("POST", "/search/jql", lambda call: asked.set(), 1)
        asked.wait(2 * HOUR)
        time.sleep(self.random.uniform(0, NIGHT))
        self.service.kill()
        self.service.start()
        self.tally["killed"] += 1

    def full(self) -> None:
        """The disk is full for an hour: the process is killed, and begun where no file can grow."""
        self.service.kill()
        self.service.start(full=True)
        time.sleep(HOUR)
        self.service.kill()
        self.service.start()
        self.tally["disk full"] += 1

    def jira(self) -> None:
        """Jira is down for two nights."""
        self.house.jira.before("GET|POST|PUT|DELETE", "", lambda call: DOWN, None)
        time.sleep(2 * HOUR)
        self.house.jira.clear_hooks()
        self.tally["Jira down"] += 1

    def postgresql(self) -> None:
        assert self.server is not None
        self.server.stop()
        time.sleep(self.random.uniform(0, HOUR))
        self.server.start()
        self.tally["PostgreSQL stopped"] += 1

    def people(self) -> None:
        """People give epics objectives and take them away, and put labels of their own on."""
        site = self.house.jira.site
        for key in self.random.sample(self.keys, 5):
            site.edit(key, {self.house.field_id: self.random.choice(["O1", "O2", None])})
            site.label(key, add=[self.random.choice(["theirs", "q3", "align-by-hand"])])
        self.tally["edits"] += 5

    def judge(self) -> list[str]:
        """Leave it alone for some hours, stop it, and say what is not as an undisturbed night has it."""
        if self.service.is_gone():
            self.service.start()
        time.sleep(QUIET_HOURS * HOUR + 10)
        assert self.service.process is not None
        self.service.process.terminate()
        wrong = [] if self.service.process.wait(60) == 0 else ["the service did not stop cleanly"]
        site = self.house.jira.site
        have = snapshot(self.url, site)
        with tempfile.TemporaryDirectory() as name:
            fresh = House(self.house.jira, self.house.folder, open_store(f"sqlite:///{name}/fresh.db"))
            fresh.field_id, fresh.more = self.house.field_id, self.house.more
            fresh.now = ahead(self.service.began, FACTOR)
            fresh.night(dry_run=True)
            want = snapshot(f"sqlite:///{name}/fresh.db", site)
        wrong += want.differences(have)
        for key in self.keys:
            issue = site.get(key).fields
            if (NO_OBJECTIVE in issue["labels"]) != (not issue.get(self.house.field_id)):
                wrong.append(f"{key} has objective {issue.get(self.house.field_id)} and {issue['labels']}")
        return wrong + self.doubled()

    def doubled(self) -> list[str]:
        """Say whether more nights came to their end than hours were begun, and count them."""
        run, slot = table_of(tables.Run), table_of(tables.ScheduleSlot)
        engine = open_store(self.url)
        with engine.connect() as connection:
            begun = connection.scalar(select(func.count()).select_from(slot)) or 0
            ended = Counter(connection.scalars(select(run.c.status)))
        engine.dispose()
        self.tally.update({f"runs {status}": number for status, number in ended.items()} | {"hours": begun})
        return ["an hour was run twice"] if ended["done"] > begun else []


def snapshot(url: str, site: Any) -> Picture:
    """What tells how things stand now, whatever came before: Jira, work, money, links, figures, findings."""
    engine = open_store(url)
    with engine.connect() as connection:
        names = names_of(connection)
        rows = {table_of(t).name: rows_of(connection, table_of(t), names) for t in STANDING}
        rows["coverage"] = newest_of(connection, table_of(tables.Coverage), names)
        finding = table_of(tables.Finding)
        rows["open"] = Counter(
            (("rule", row.rule), ("subject", names.get(("work_item", row.subject_id))))
            for row in connection.execute(select(finding).where(finding.c.state == "open"))
            if row.entity == "workItem"
        )
        ends = tuple(open_ends(connection)) if url.startswith("postgresql") else ()
    engine.dispose()
    return Picture(jira_of(site), rows, ends)


@contextmanager
def house(url: str, folder: Path, began: float) -> Iterator[tuple[House, list[str]]]:
    """A company with some epics, money and settings; its Jira goes by the fast clock."""
    with Sandbox(Deployment.CLOUD, now=lambda: ahead(began, FACTOR)) as jira:
        made = House(jira, folder, open_store(url), now=BEGINNING).furnish()
        keys = [made.add_epic(*(["O1"] if number % 2 else []), labels=["old"]) for number in range(EPICS)]
        lines = "".join(f"{key},2026,USD,{number}00.50\n" for number, key in enumerate(keys, start=1))
        (folder / "money.csv").write_text("project,fiscal_year,currency,amount\n" + lines)
        made.more = MONEY | {"FINANCE_PATH": str(folder / "money.csv")}
        said = made.environ() | SCHEDULE | {"TIELINE_DATABASE_URL": url, "JIRA_MARKERS": "property, link"}
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in said.items()))
        yield made, keys


def soak(options: argparse.Namespace, url: str, folder: Path, server: OwnServer | None) -> list[str]:
    """Live through it all, and give what is wrong at the end."""
    began = time.time()
    with house(url, folder, began) as (made, keys):
        service = Service(folder, began)
        ordeal = Ordeal(made, service, Random(options.seed), url, server, keys)
        try:
            service.start()
            ordeal.live(options.minutes, options.kills)
            wrong = ordeal.judge()
        finally:
            service.kill()
        told = ", ".join(f"{number} {name}" for name, number in sorted(ordeal.tally.items()))
        sys.stdout.write(f"{told}, seed {options.seed}\n")
        return wrong


def hold(nights: int, url: str, folder: Path) -> list[str]:
    """Compare what the process holds after a tenth of the nights and after all."""
    with house(url, folder, time.time()):
        command = [sys.executable, "-m", "tests.sync.served_child", str(folder), "0", "1", str(nights)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [line.split() for line in done.stdout.splitlines() if line.startswith("held ")]
    held = [float(line[1]) for line in lines]
    sys.stdout.write(" ".join(f"{one:.0f}" for one in held) + "\n")
    early, late = held[nights // 10 - 1], held[-1]
    sys.stdout.write(f"{early:.1f} MiB after {nights // 10} nights, {late:.1f} MiB after {nights}; ")
    sys.stdout.write(f"what draws charts, {max(float(line[2]) for line in lines):.0f} MiB at most\n")
    return [f"grew by {late / early - 1:.0%}"] if late > 1.1 * early else []


def main() -> int:
    """Soak from the command line, and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgresql", action="store_true", help="on a server that is stopped and started")
    parser.add_argument("--memory", type=int, metavar="NIGHTS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.memory:
            wrong = hold(options.memory, f"sqlite:///{folder}/tieline.db", folder)
        elif options.postgresql:
            with own_server() as server:
                wrong = soak(options, server.url, folder, server)
        else:
            wrong = soak(options, f"sqlite:///{folder}/tieline.db", folder, None)
    sys.stdout.write("".join(f"{text}\n" for text in wrong[:20]) or "all is as after an undisturbed night\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
