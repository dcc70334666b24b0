"""Random nights of pulling a Jira, each followed by a quiet one that must leave the store equal to it.

People edit, delete, move, archive, hide and show issues, also while pages are read; the index lags; answers
fail, pages are short or empty or repeat themselves, bulk fetch withholds issues; the process is killed
between pages and goes on, or not. `python -m tests.sync.pull_soak --nights 500 --deployment cloud --seed 1`.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from sync.sandbox import Answer, Call, Deployment, Sandbox, Site
from sync.sandbox.mischief import Mischief
from sync.sandbox.state import Issue
from sync.store import tables
from sync.store.database import open_store
from sync.store.presence import live
from sync.store.schema import table_of
from tests.sync.making import work_item
from tests.sync.office import Clock, Office

SCOPE = "issuetype = Epic AND statusCategory != Done"
PROJECTS = ("PAY", "WEB", "NET")
OUTSIDE = "TOP"
MOST = 60
# A parent nobody shows us may get another key without a sign; the store keeps the one it was told.
HIDDEN = "a hidden parent"
FAULTS = (
    Answer(429, {}, {"Retry-After": "1"}),
    Answer(429, {}),
    Answer(500, {"errorMessages": ["Internal server error"], "errors": {}}),
    Answer(503, "<html>busy</html>"),
)


class Killed(BaseException):
    """The process ends here: nobody handles this."""


@dataclass
class Deadly:
    """Progress that ends the process after so many pages."""

    left: int

    def advance(self, done: int, total: int | None = None) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


@dataclass
class People:
    """Those who work in Jira: each act changes something at random."""

    site: Site
    clock: Clock
    random: Random
    done: Counter[str] = field(default_factory=Counter)

    def act(self, times: int = 1) -> None:
        for _ in range(times):
            self.clock.now += timedelta(seconds=self.random.randint(1, 900))
            name = self.random.choice(sorted(ACTS))
            issues = sorted(self.site.issues, key=int)
            if name == "create" or len(issues) < 8:
                self.create()
            else:
                ACTS[name](self, self.site.issues[self.random.choice(issues)])
            self.done[name] += 1

    def create(self, _: Issue | None = None) -> None:
        if len(self.site.issues) >= MOST:
            return
        outside = self.random.random() < 0.2
        kind = "Initiative" if outside else self.random.choice(["Epic", "Epic", "Epic", "Task"])
        project = OUTSIDE if outside else self.random.choice(PROJECTS)
        self.site.add_issue({"project": project, "issuetype": kind, "summary": f"Issue {self.word()}"})

    def edit(self, issue: Issue) -> None:
        self.site.edit(issue.id, {"summary": f"Edited {self.word()}"})

    def label(self, issue: Issue) -> None:
        self.site.label(issue.id, [f"l{self.word()}"], issue.fields["labels"][:1])

    def finish(self, issue: Issue) -> None:
        self.site.edit(issue.id, {"status": self.random.choice(["Done", "To Do", "In Progress"])})

    def retype(self, issue: Issue) -> None:
        if issue.project_key != OUTSIDE:
            self.site.edit(issue.id, {"issuetype": self.random.choice(["Epic", "Epic", "Task"])})

    def delete(self, issue: Issue) -> None:
        self.site.delete(issue.id)

    def move(self, issue: Issue) -> None:
        self.site.move(issue.id, self.random.choice([*PROJECTS, OUTSIDE]))

    def adopt(self, issue: Issue) -> None:
        parents = [other for other in self.site.issues.values() if other.level() > issue.level()]
        if parents:
            self.site.edit(issue.id, {"parent": self.random.choice(parents).key})

    def hide(self, issue: Issue) -> None:
        self.site.permissions.hidden_issues ^= {issue.id}

    def close(self, issue: Issue) -> None:
        if len(self.site.permissions.hidden_projects ^ {issue.project_key}) < 2:
            self.site.permissions.hidden_projects ^= {issue.project_key}

    def archive(self, issue: Issue) -> None:
        self.site.archive(issue.id)

    def word(self) -> int:
        return self.random.randint(1, 999)


ACTS: dict[str, Callable[[People, Issue], None]] = {
    "create": People.create,
    "create more": People.create,
    "edit": People.edit,
    "edit more": People.edit,
    "label": People.label,
    "finish": People.finish,
    "retype": People.retype,
    "delete": People.delete,
    "move": People.move,
    "adopt": People.adopt,
    "adopt more": People.adopt,
    "hide": People.hide,
    "close": People.close,
    "archive": People.archive,
}


@dataclass
class Soak:
    """One office over many nights. `tally` counts what happened: a soak that does nothing proves nothing."""

    office: Office
    random: Random
    tally: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        site = self.office.jira.site
        for key in (*PROJECTS, OUTSIDE):
            site.add_project(key, key.title())
        site.registry.add_issue_type("Initiative", 2)
        self.people = People(site, self.office.clock, self.random)
        for _ in range(25):
            self.people.create()

    def night(self) -> list[str]:
        """Live through a day and a bad night, then a quiet one; say what differs between store and Jira."""
        site, random = self.office.jira.site, self.random
        site.index.lagging = random.random() < 0.5
        self.people.act(random.randint(0, 8))
        self.prepare_faults()
        self.bad_night()
        self.office.jira._application.hooks.clear()
        site.mischief = Mischief(Random(random.random()))
        site.reindex()
        self.people.act(random.randint(0, 3))
        pulled = self.office.pull()
        self.tally["quiet"] += 1
        self.tally[f"quiet, reading {self.office.told().reading}"] += 1
        return [pulled.message or "?"] if not pulled.complete else differences(self.office)

    def prepare_faults(self) -> None:
        """Arrange for tonight's mischief."""
        jira, random = self.office.jira, self.random
        jira.site.mischief = Mischief(Random(random.random()), short_pages=random.random() < 0.5)
        mischief = jira.site.mischief
        if random.random() < 0.15:
            mischief.repeat_tokens = 1
        if random.random() < 0.3:
            mischief.withheld = set(random.sample(sorted(jira.site.issues), 2))
        if random.random() < 0.3:
            mischief.failing = dict.fromkeys(random.sample(sorted(jira.site.issues), 2), random.randint(1, 3))
        if random.random() < 0.4:
            fault = random.choice(FAULTS)
            times = random.choice([1, 2, 3, 50])
            jira.before("*", r"search|bulkfetch|issue|project", lambda _: fault, times)
        if random.random() < 0.5:
            jira.before("*", r"search|bulkfetch", self.meddle)

    def meddle(self, call: Call) -> None:
        """Let people do something between two requests."""
        if self.random.random() < 0.3:
            with self.office.jira.site.lock:
                self.people.act()
            self.tally["edits while reading"] += 1

    def bad_night(self) -> None:
        """Pull, maybe killed again and again; a night may go on in another process soon, or be given up."""
        for _ in range(self.random.randint(0, 3)):
            if self.random.random() < 0.5:
                break
            try:
                self.office.pull(Deadly(self.random.randint(0, 5)), after=timedelta(minutes=20))
            except Killed:
                self.tally["killed"] += 1
                self.people.act(self.random.randint(0, 2))
        whole = self.random.random() < 0.1
        pulled = self.office.pull(after=timedelta(hours=self.random.choice([1, 20])), whole=whole)
        self.tally[f"bad, ended {pulled.status}"] += 1


def differences(office: Office) -> list[str]:
    """Hold the store against Jira: what is lost, resurrected, buried alive or simply wrong."""
    wanted = expected(office.jira.site)
    found = stored(office)
    said = [f"lost: {key}" for key in sorted(wanted.keys() - found.keys())]
    said += [f"resurrected: {key}" for key in sorted(found.keys() - wanted.keys())]
    said += [
        f"wrong: {key}: {found[key]} instead of {wanted[key]}"
        for key in sorted(wanted.keys() & found.keys())
        if wanted[key][:-1] != found[key][:-1] or wanted[key][-1] not in {HIDDEN, found[key][-1]}
    ]
    with office.engine.connect() as connection:
        buried = connection.scalars(select(work_item.c.source_id).where(work_item.c.deleted_at.is_not(None)))
        said += [f"buried alive: {name}" for name in buried if name in wanted]
    proof = office.told()
    if (proof.expected, proof.seen, proof.unexplained) != (in_scope(wanted), in_scope(wanted), 0):
        said.append(f"proof: {proof.expected} listed, {proof.seen} seen of {in_scope(wanted)}")
    return said


def in_scope(rows: dict[str, tuple[Any, ...]]) -> int:
    return sum(row[0] for row in rows.values())


def expected(site: Site) -> dict[str, tuple[Any, ...]]:
    """What the account can see: the issues in scope and, all the way up, the parents they name."""
    rows = {
        issue.id: row_of(site, issue, scope=True)
        for issue in site.issues.values()
        if site.may_find(issue)
        and issue.fields["issuetype"]["name"] == "Epic"
        and issue.fields["status"]["statusCategory"]["key"] != "done"
    }
    level = list(rows.values())
    while level:
        parents = [site.visible(row[-1]) for row in level if row[-1] not in {None, HIDDEN}]
        fresh = {one.id: one for one in parents if one is not None and one.id not in rows}
        level = [row_of(site, issue, scope=False) for issue in fresh.values()]
        rows |= dict(zip(fresh, level, strict=True))
    return rows


def row_of(site: Site, issue: Issue, *, scope: bool) -> tuple[Any, ...]:
    fields = issue.fields
    epic_link = next((f["id"] for f in site.registry.custom_fields() if f["name"] == "Epic Link"), "")
    parent = fields.get("parent")
    named = parent["key"] if parent else fields.get(epic_link)
    if named:
        there = site.visible(parent["id"] if parent else named)
        named = there.key if there else HIDDEN
    labels = tuple(sorted(fields["labels"]))
    return scope, issue.key, fields["summary"], fields["status"]["name"], labels, named


def stored(office: Office) -> dict[str, tuple[Any, ...]]:
    """The rows of the store that count: those in scope and, all the way up, the parents they name."""
    label = table_of(tables.WorkItemLabel)
    with office.engine.connect() as connection:
        labels: dict[int, list[str]] = {}
        for row in connection.execute(select(label)):
            labels.setdefault(row.work_item_id, []).append(row.label)
        rows = connection.execute(select(work_item).where(live(work_item))).all()
    names = {name: row for row in rows for name in (row.source_id, row.key)}
    counted = {row.source_id: row for row in rows if row.in_scope}
    level = list(counted.values())
    while level:
        parents = [names.get(row.parent_source_id or row.parent_key) for row in level]
        level = [row for row in parents if row is not None and row.source_id not in counted]
        counted |= {row.source_id: row for row in level}
    return {
        row.source_id: (
            row.in_scope,
            row.key,
            row.summary,
            row.status,
            tuple(sorted(labels.get(row.id, []))),
            row.parent_key,
        )
        for row in counted.values()
    }


def soak(deployment: Deployment, nights: int, seed: int, folder: Path) -> tuple[list[str], Counter[str]]:
    """Live through so many nights; end with the first that leaves a difference."""
    clock = Clock()
    engine = open_store(f"sqlite:///{folder / f'{deployment.value}-{seed}.db'}")
    zones = Random(seed).sample(["Etc/UTC", "Asia/Tokyo", "America/Los_Angeles", "Asia/Kathmandu"], 2)
    try:
        with Sandbox(deployment, now=clock, views_max=7, site_zone=zones[0], account_zone=zones[1]) as jira:
            it = Soak(Office(jira, engine, clock, jql=SCOPE, max_shrink=1.0), Random(seed))
            for night in range(1, nights + 1):
                wrong = it.night()
                if wrong:
                    return [f"night {night} of seed {seed}: {text}" for text in wrong], it.tally
            return [], it.tally + Counter({f"did {name}": n for name, n in it.people.done.items()})
    finally:
        engine.dispose()


def main() -> int:
    """Soak from the command line, and say what happened."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=500)
    parser.add_argument("--deployment", choices=[one.value for one in Deployment], action="append")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    logging.disable(logging.WARNING)  # that a site asks for a pause is no news here
    wrong: list[str] = []
    for deployment in given.deployment or [one.value for one in Deployment]:
        with tempfile.TemporaryDirectory() as folder:
            found, tally = soak(Deployment(deployment), given.nights, given.seed, Path(folder))
        wrong += found
        counts = ", ".join(f"{number} {name}" for name, number in sorted(tally.items()))
        sys.stdout.write(f"{deployment}, seed {given.seed}: {counts}\n")
        sys.stdout.write("".join(f"{text}\n" for text in found) or "0 lost, 0 resurrected, 0 buried alive\n")
        sys.stdout.flush()
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
