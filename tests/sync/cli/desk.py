"""A person's desk: a folder with .env, objectives and money, a running sandbox Jira, and the command line."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from connectors.http import RetryPolicy
from sync.cli import main
from sync.frame.service import Service
from sync.sandbox import Credentials, Deployment, Sandbox
from sync.sites import Sites
from sync.store.database import open_store
from sync.wiring import build_service

ROOT = Path(__file__).parents[3]
NO_OBJECTIVE = "align-no-objective"
OBJECTIVES = """\
id,title,status,ends
GROW,Grow the business,active,
SAVE,Save money,active,
OLD,Last year's goal,closed,2020-12-31
"""
MONEY = """\
project,fiscal_year,currency,amount,version
C-1,2026,USD,1000.50,budget
C-2,2026,USD,250.25,budget
C-2,2026,USD,300.00,actual
C-9,2026,USD,70.00,budget
"""


# Every credential holds it: where it turns up beside .env, a secret leaked.
CANARY = "canary-7f3a"
SECRETS = Credentials(token=f"{CANARY}-token", password=f"{CANARY}-password", pat=f"{CANARY}-pat")
# The same as it is sent: whoever reads that can undo it.
SENT = base64.b64encode(f"{SECRETS.email}:{SECRETS.token}".encode()).decode()


def hurried(*given: Any, **named: Any) -> tuple[Service, Sites]:
    """Build the service as ever, but try again at once what a night tries again after a pause."""
    service, sites = build_service(*given, **named)
    sites.policy = RetryPolicy(sleep=lambda seconds: None)
    return service, sites


def tells(text: str) -> bool:
    """Say whether a text holds a secret, as it is or as it is sent."""
    return CANARY in text or SENT in text


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; fails where there is more, or less, or anything beside it."""
        return json.loads(self.out)


@dataclass
class Desk:
    """`say` types a command in this process, `spawn` in a process of its own."""

    jira: Sandbox
    folder: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    objective_field: str = ""
    cost_field: str = ""

    def furnish(self) -> Desk:
        site = self.jira.site
        site.permissions.admin = True
        site.add_project("PAY", "Payments")
        self.objective_field = site.add_field("Objective ids")
        self.cost_field = site.add_field("Cost code")
        self.add("PAY-1", "Card payments", self.objective_field, "GROW", cost="C-1")
        self.add("PAY-2", "Nobody knows why", cost="C-2", labels=["people"])
        self.add("PAY-3", "Outlived its goal", self.objective_field, "OLD")
        site.add_issue({"project": "PAY", "key": "PAY-4", "summary": "A story", "issuetype": "Story"})
        self.furnish_files()
        return self

    def furnish_files(self) -> None:
        self.write("objectives.csv", OBJECTIVES)
        self.write("money.csv", MONEY)
        self.write(".env", "".join(f"{key}={value}\n" for key, value in self.settings().items()))

    def add(self, key: str, summary: str, *field: str, cost: str | None = None, **more: Any) -> str:
        fields: dict[str, Any] = {"project": "PAY", "issuetype": "Epic", "key": key, "summary": summary}
        if field:
            fields[field[0]] = field[1]
        return self.jira.site.add_issue(fields | {self.cost_field: cost} | more)

    def settings(self) -> dict[str, str]:
        account = self.jira.credentials
        entry = (
            {"JIRA_EMAIL": account.email, "JIRA_API_TOKEN": account.token}
            if self.jira.deployment is Deployment.CLOUD
            else {"JIRA_PAT": account.pat}
        )
        return entry | {
            "JIRA_URL": self.jira.url,
            "JIRA_OBJECTIVE_FIELD": "Objective ids",
            "JIRA_COST_CODE_FIELD": "Cost code",
            "OBJECTIVES_PATH": "objectives.csv",
            "FINANCE_PATH": "money.csv",
            "TIELINE_FISCAL_YEAR": "2026",
            "JIRA_MARKERS": "none",  # tests that count requests count those of labels
        }

    def entry_lines(self) -> str:
        """The credentials as a sources file writes them."""
        if self.jira.deployment is Deployment.CLOUD:
            return "email: ${JIRA_EMAIL}\n    api_token: ${JIRA_API_TOKEN}"
        return "pat: ${JIRA_PAT}"

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def say(self, *arguments: str, **environ: str) -> Said:
        """Run a command here and now, with these variables set."""
        self.capture.readouterr()
        with self.patch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr("sync.cli.session.build_service", hurried)
            for key, value in environ.items():
                patch.setenv(key, value)
            code = main(list(arguments))
        out, err = self.capture.readouterr()
        assert not tells(out + err)
        return Said(code, out, err)

    def spawn(self, *arguments: str, **environ: str) -> Said:
        """Run a command as `python -m sync` does."""
        done = subprocess.run(
            [sys.executable, "-m", "sync", *arguments],
            cwd=self.folder,
            env=self.environ(environ),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert not tells(done.stdout + done.stderr)
        return Said(done.returncode, done.stdout, done.stderr)

    def environ(self, more: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **more}

    def leaks(self) -> list[str]:
        """The files that hold a secret and should not: store, write-ahead log, report and plan alike."""
        return [
            path.name
            for path in self.folder.rglob("*")
            if path.is_file() and path.name != ".env" and tells(path.read_bytes().decode("latin-1"))
        ]

    def store(self) -> Engine:
        return open_store(f"sqlite:///{self.folder / 'tieline.db'}")

    def labels(self, key: str) -> list[str]:
        return list(self.jira.site.get(key).fields["labels"])

    def writes(self) -> int:
        return self.jira.write_requests()

    def tomorrow(self) -> date:
        """The day after today, in UTC."""
        return datetime.now(UTC).date() + timedelta(days=1)
