"""A firm of several Jira sites, nights over them, and machines that help: processes of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from sync.sandbox import Deployment, Sandbox
from tests import postgres
from tests.sync.alike import Picture, picture_of

ROOT = Path(__file__).parents[2]
PROMPT = 120.0
BIG = "s2"
# A thousand go into one transaction: so there are two, and a place to be killed between them.
MANY = 1250
LAST_WEEK = "2026-01-05T09:00:00.000+0000"
LINKS = "https://goals.example.com/{objective}"
OBJECTIVES = "id,title\nO1,Grow\nO2,Save\n"
REST = """\
objectives: [{name: goals, path: objectives.csv, columns: {id: id, title: title}}]
finance: [{name: money, path: money.csv, currency: USD, columns: {project: project},
           amount: {column: amount, fiscal_year: 2026}}]
"""
MONEY = "project,amount\n" + "".join(
    f"C-{site}-{number},{100 + number}.50\n" for site in range(4) for number in range(5)
)


@dataclass
class Firm:
    """Sites s1 to s4 as they are in the morning; each night over them begins with a copy."""

    folder: Path
    server: str
    sites: dict[str, Sandbox] = field(default_factory=dict)
    mornings: dict[str, Any] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def furnish(self) -> None:
        lines = []
        for number, (name, jira) in enumerate(self.sites.items()):
            site = jira.site
            site.permissions.admin = True
            site.add_project("PAY", "Payments")
            goal, code = site.add_field("Objective ids"), site.add_field("Cost code")
            for issue in range(1, (MANY if name == BIG else 12) + 1):
                epic = {"project": "PAY", "key": f"PAY-{issue}", "summary": f"{name} {issue}"}
                tied = issue % (97 if name == BIG else 3)
                also = ",PAY-9001" if issue == 1 else ""
                named = {goal: f"O{1 + issue % 2}{also}", code: f"C-{number}-{issue % 5}"} if tied else {}
                site.add_issue(epic | {"issuetype": "Epic"} | named)
            site.add_issue({"project": "PAY", "key": "PAY-9000", "summary": "Goal", "issuetype": "Story"})
            site.add_issue({"project": "PAY", "key": "PAY-9001", "summary": "Old goal", "issuetype": "Task"})
            link = {"url": "https://goals.example.com/O2", "title": "The goal"}
            site.get("PAY-3").remote_links.append({"id": 1, "self": "", "object": link})
            for known in site.issues.values():
                known.fields["updated"] = (
                    LAST_WEEK  # a read that goes on looks first at what changed meanwhile
                )
            self.mornings[name] = self.copy_of(site)
            account = jira.credentials
            entry = f"email: {account.email}, api_token: {account.token}"
            if jira.deployment is Deployment.DATA_CENTER:
                entry = f"pat: {account.pat}"
            # The pages of the big site come one after the other: so its twelfth request is its twelfth page.
            entry += ", parallel: 1" if name == BIG else ""
            lines.append(
                f'  - {{name: {name}, url: "{jira.url}", jql: issuetype = Epic, {entry},\n'
                f"     objective_field: Objective ids, cost_code_field: Cost code, markers: [],\n"
                f"     objective_jql: issuetype = Story, remote_links: {{urls: '{LINKS}'}}}}\n"
            )
        (self.folder / "sources.yaml").write_text(
            "jira:\n" + "".join(lines) + REST,
            encoding="utf-8",
        )
        (self.folder / "objectives.csv").write_text(OBJECTIVES, encoding="utf-8")
        (self.folder / "money.csv").write_text(MONEY, encoding="utf-8")

    def copy_of(self, site: Any) -> Any:
        return deepcopy(site, {id(site.lock): site.lock, id(site.now): site.now})

    @contextmanager
    def morning(self, *, queue: bool) -> Iterator[Morning]:
        """Begin the day once more, with an empty store of its own."""
        for name, jira in self.sites.items():
            jira.site = jira._application.site = self.copy_of(self.mornings[name])
            jira._application.hooks.clear()
            jira.clear_requests()
        with postgres.fresh_database(self.server) as url:
            morning = Morning(self, url, "postgresql" if queue else "none")
            try:
                yield morning
            finally:
                for process in morning.started:
                    process.kill()
                    process.communicate()


@dataclass
class Morning:
    """One day of the firm: `night` and `worker` start processes."""

    firm: Firm
    url: str
    queue: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def environ(self) -> Mapping[str, str]:
        return os.environ | {
            "PYTHONPATH": str(ROOT),
            "TIELINE_SOURCES": "sources.yaml",
            "TIELINE_DATABASE_URL": self.url,
            "TIELINE_QUEUE": self.queue,
            "TIELINE_WORKER_TIMEOUT": "3s",
            "TIELINE_FISCAL_YEAR": "2026",
            "TIELINE_MAX_SHARE": "100%",
            "TIELINE_MAX_CHANGES": "5000",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "sync", *arguments],
            cwd=self.firm.folder,
            env=self.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def say(self, *arguments: str) -> tuple[int, str, str]:
        return heard(self.start(*arguments))

    def rows(self, statement: str) -> list[Any]:
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                return list(connection.execute(text(statement)))
        finally:
            engine.dispose()

    def wait_for(self, statement: str, least: int) -> None:
        """Wait until a statement gives so many rows."""
        until = time.monotonic() + PROMPT
        while len(self.rows(statement)) < least:
            assert time.monotonic() < until, statement
            time.sleep(0.1)

    def pictures(self) -> dict[str, Picture]:
        """What there is, but for when the lease ended: the processes go by their own clock."""
        return {
            name: replace(picture_of(self.url, jira.site), open_ends=())
            for name, jira in self.firm.sites.items()
        }

    def differences(self, other: Mapping[str, Picture]) -> list[str]:
        mine = self.pictures()
        return [f"{name}: {text}" for name, one in other.items() for text in one.differences(mine[name])]


def heard(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a process and give its exit code and what it said."""
    out, err = process.communicate(timeout=PROMPT)
    return process.returncode, out, err


@contextmanager
def firm_of_four(folder: Path, server: str) -> Iterator[Firm]:
    with ExitStack() as stack:
        firm = Firm(folder, server)
        for number in range(1, 5):
            kind = Deployment.DATA_CENTER if number == 3 else Deployment.CLOUD
            jira = Sandbox(kind).start()
            stack.callback(jira.stop)
            firm.sites[f"s{number}"] = jira
        firm.furnish()
        yield firm
