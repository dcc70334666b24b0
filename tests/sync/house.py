"""A small company with everything a night needs: a sandbox Jira, an objectives file, money and a store."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from connectors.http import RetryPolicy
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options, Service
from sync.night import run_night
from sync.sandbox import Call, Deployment, Sandbox
from sync.settings import load_settings
from sync.sites import Sites
from sync.sources import load_sources
from sync.store import labels, tables
from sync.store.schema import AnyRow, table_of
from sync.wiring import build_service
from tests.clock import NOW

NO_OBJECTIVE = "align-no-objective"
OBJECTIVES = "id,title\nO1,Grow\nO2,Save\n"


def no_report(run_id: int) -> Path:
    return Path(f"report-{run_id}")


def nap(seconds: float) -> None:
    """Wait as little as a test needs: the sandbox on this machine is back at once or never."""
    time.sleep(min(seconds, 0.01))


@dataclass
class House:
    """One Jira and one store; `night()` runs a night as `tieline run` would, a day after the last one."""

    jira: Sandbox
    folder: Path
    engine: Engine
    more: dict[str, str] = field(default_factory=dict)
    now: datetime = NOW
    field_id: str = ""

    def furnish(self) -> House:
        self.field_id = self.jira.site.add_field("Objective ids")
        self.jira.site.add_project("PAY", "Payments")
        self.jira.site.permissions.project_admin.add("PAY")  # then a quiet change takes one request
        (self.folder / "objectives.csv").write_text(OBJECTIVES, encoding="utf-8")
        return self

    def add_epic(self, *objectives: str, **fields: Any) -> str:
        said: dict[str, Any] = {"project": "PAY", "issuetype": "Epic", "summary": "An epic"}
        if objectives:
            said[self.field_id] = ", ".join(objectives)
        return self.jira.site.add_issue(said | fields)

    def serve(self, key: str, *objectives: str) -> None:
        """Name the objectives of an epic, as a person does."""
        self.jira.site.edit(key, {self.field_id: ", ".join(objectives)})

    def environ(self) -> dict[str, str]:
        known = self.jira.credentials
        entry = (
            {"JIRA_EMAIL": known.email, "JIRA_API_TOKEN": known.token}
            if self.jira.deployment is Deployment.CLOUD
            else {"JIRA_PAT": known.pat}
        )
        said = {
            "JIRA_URL": self.jira.url,
            "JIRA_OBJECTIVE_FIELD": self.field_id,
            "OBJECTIVES_PATH": str(self.folder / "objectives.csv"),
            "JIRA_MARKERS": "none",  # tests that count requests count those of labels
        }
        return entry | said | self.more

    def service(self) -> tuple[Service, Sites]:
        settings = load_settings(self.environ())
        sources = load_sources(settings, self.environ())
        service, sites = build_service(settings, sources, self.engine, no_report, lambda: self.now)
        sites.policy = RetryPolicy(sleep=nap)
        return service, sites

    def night(self, **options: Any) -> RunResult:
        self.jira.clear_requests()
        self.now += timedelta(days=1)
        service, sites = self.service()
        try:
            return run_night(service, replace(Options(), **options), Quiet())
        finally:
            sites.close()

    def labels(self, key: str) -> list[str]:
        return sorted(self.jira.site.get(key).fields["labels"])

    def writes(self) -> int:
        return self.jira.write_requests()

    def ledger(self) -> list[tuple[str, str, str]]:
        """Every row of the ledger as (key, operation, state), in order."""
        work_item = table_of(tables.WorkItem)
        rows = self.rows(
            select(work_item.c.key, labels.ledger.c.operation, labels.ledger.c.state)
            .join_from(labels.ledger, work_item, work_item.c.id == labels.ledger.c.work_item_id)
            .order_by(labels.ledger.c.id)
        )
        return [(row.key, row.operation, row.state) for row in rows]

    def findings(self) -> list[tuple[str, str, str]]:
        """Every finding on a work item as (key, rule, state)."""
        work_item, finding = table_of(tables.WorkItem), table_of(tables.Finding)
        rows = self.rows(
            select(work_item.c.key, finding.c.rule, finding.c.state)
            .join_from(finding, work_item, work_item.c.id == finding.c.subject_id)
            .where(finding.c.entity == "workItem")
            .order_by(work_item.c.key, finding.c.rule)
        )
        return [(row.key, row.rule, row.state) for row in rows]

    def rows(self, statement: Any) -> Sequence[AnyRow]:
        with self.engine.connect() as connection:
            return connection.execute(statement).all()

    def before_write(self, action: Any, times: int | None = 1) -> None:
        """Do something in Jira just before a write of ours is answered."""

        def act(call: Call) -> Any:
            return action(call)

        self.jira.before("PUT", r"/issue/", act, times)
