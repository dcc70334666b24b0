"""The whole service on a sandbox Jira: nights run as the command line runs them, and what they came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from sync.cli.session import Session, open_engine, open_service
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.night import run_night
from sync.sandbox import Deployment, Sandbox
from sync.settings import load_settings
from sync.sources import load_sources
from sync.store import history, tables
from sync.store.schema import table_of

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
# Real issues name no objectives of ours: a rule that is suddenly true of all of them is meant here.
ALL_MAY_BE_FLAGGED = {"TIELINE_MAX_SHARE": "100%"}


@dataclass
class Service:
    """A sandbox Jira with a service on it; `night()` runs one night and counts what it asked of Jira."""

    jira: Sandbox
    session: Session

    @property
    def engine(self) -> Engine:
        return self.session.engine

    def night(self) -> Night:
        self.jira.clear_requests()
        result = run_night(self.session.service, Options("test"), Quiet())
        return Night(result, self.jira.write_requests(), labels_in(self.jira), coverage(self.engine, result))


@dataclass(frozen=True)
class Night:
    """What one night did: its result, its write requests, the labels in Jira after it, and its figures."""

    result: RunResult
    writes: int
    labels: Mapping[str, list[str]]
    coverage: frozenset[tuple[Any, ...]]

    def figures(self, version: str, year: int) -> dict[str, int]:
        """The money of the whole portfolio by state, in minor units."""
        return {
            state: amount
            for project, currency, said, fiscal_year, state, amount, _ in self.coverage
            if (project, currency, said, fiscal_year) == ("", "USD", version, year)
        }

    def work(self) -> dict[str, int]:
        """The work items of the whole portfolio by state."""
        return {row[4]: row[6] for row in self.coverage if row[:4] == ("", "", "", 0)}


@contextmanager
def serve(jira: Sandbox, folder: Path, settings: Mapping[str, str]) -> Iterator[Service]:
    """Build the service on a running sandbox with a store in the folder."""
    account = jira.credentials
    entry = (
        {"JIRA_EMAIL": account.email, "JIRA_API_TOKEN": account.token}
        if jira.deployment is Deployment.CLOUD
        else {"JIRA_PAT": account.pat}
    )
    environ = {
        "JIRA_URL": jira.url,
        "JIRA_MARKERS": "none",  # tests that count requests count those of labels
        "TIELINE_DATABASE_URL": f"sqlite:///{folder / 'tieline.db'}",
        "TIELINE_REPORT_DIR": str(folder / "report"),
    }
    environ |= entry | dict(settings)
    read = load_settings(environ)
    sources = load_sources(read, environ)
    with open_engine(read) as engine, open_service(read, sources, engine) as session:
        yield Service(jira, session)


def labels_in(jira: Sandbox) -> dict[str, list[str]]:
    """The labels of every issue, in Jira's order."""
    return {issue.key: list(issue.fields.get("labels") or []) for issue in jira.site.issues.values()}


def labels_in_store(engine: Engine) -> dict[str, list[str]]:
    """The labels the store holds of every issue, sorted."""
    item, label = table_of(tables.WorkItem), table_of(tables.WorkItemLabel)
    found: dict[str, list[str]] = {}
    with engine.connect() as connection:
        rows = connection.execute(
            select(item.c.key, label.c.label).outerjoin_from(item, label, label.c.work_item_id == item.c.id)
        )
        for row in rows:
            found.setdefault(row.key, []).extend([] if row.label is None else [row.label])
    return {key: sorted(names) for key, names in found.items()}


def coverage(engine: Engine, result: RunResult) -> frozenset[tuple[Any, ...]]:
    """Every figure of a run: project, currency, version, year, state, amount in minor units, items."""
    table = history.coverage
    columns = (table.c.project_key, table.c.currency, table.c.version, table.c.fiscal_year, table.c.state)
    statement = select(*columns, table.c.amount_minor, table.c["items"]).where(
        table.c.run_id == result.run_id
    )
    with engine.connect() as connection:
        return frozenset(tuple(row) for row in connection.execute(statement))


def findings(engine: Engine) -> Counter[tuple[str, str, str, str]]:
    """Every finding that is not closed: rule, kind of subject, its key, state."""
    with engine.connect() as connection:
        rows = history.open_findings(connection)
    return Counter((row.rule, row.entity, row.subject, row.state) for row in rows)
