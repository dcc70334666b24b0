"""An office with a sandbox Jira and a store that pulls it night after night, all on one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, select

from connectors.http import RetryPolicy
from connectors.jira import JiraIssues, JiraSiteConfig, connect
from sync.feeds import Feed, Kind
from sync.frame.progress import Quiet
from sync.pull import Pull, Pulled
from sync.sandbox import Deployment, Sandbox
from sync.store import runs, tables
from sync.store.money.guards import Allowed
from sync.store.presence import live
from sync.store.schema import AnyRow, table_of
from tests.sync.making import begin_run, work_item

START = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


@dataclass
class Clock:
    """The one clock of Jira, of the connection and of the store."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Office:
    """A sandbox Jira of which PAY and WEB are in scope, and a store that pulls them in pages of five."""

    jira: Sandbox
    engine: Engine
    clock: Clock
    jql: str = "project in (PAY, WEB)"
    max_shrink: float = 0.5
    more: dict[str, Any] = field(default_factory=dict)

    def furnish(self, issues: int = 12) -> Office:
        for key in ("PAY", "WEB", "OUT"):
            self.jira.site.add_project(key, key.title())
        for number in range(issues):
            self.clock.now += timedelta(minutes=1)
            self.add("PAY" if number % 3 else "WEB")
        return self

    def add(self, project: str, **fields: Any) -> str:
        said = {"project": project, "issuetype": "Epic", "summary": "An epic"}
        return self.jira.site.add_issue(said | fields)

    def config(self) -> JiraSiteConfig:
        known = self.jira.credentials
        cloud = self.jira.deployment is Deployment.CLOUD
        login = {"email": known.email, "api_token": known.token} if cloud else {"pat": known.pat}
        said = {"url": self.jira.url, "jql": self.jql, "page_size": 5, "parallel": 2}
        return JiraSiteConfig.model_validate(login | said | self.more)

    def pull(self, step: Any = None, *, whole: bool = False, after: timedelta = timedelta(days=1)) -> Pulled:
        """Read the site as a night does, a day after the last time."""
        self.clock.now += after
        self.jira.clear_requests()
        policy = RetryPolicy(sleep=lambda _: None, now=self.clock)
        with connect(self.config(), policy) as site:
            feed = Feed("jira", Kind.WORK, lambda: JiraIssues(site, "align-"), site="jira", resumable=True)
            run_id = begin_run(self.engine, self.clock.now)
            allowed, told = Allowed(self.max_shrink), step or Quiet()
            pull = Pull(self.engine, feed, run_id, self.clock, allowed, told, whole, at_once=1)
            return pull.read()

    def told(self) -> AnyRow:
        with self.engine.connect() as connection:
            newest = select(runs.source_run).order_by(runs.source_run.c.run_id.desc()).limit(1)
            return connection.execute(newest).one()

    def row(self, key: str) -> AnyRow:
        with self.engine.connect() as connection:
            return connection.execute(select(work_item).where(work_item.c.key == key)).one()

    def held(self) -> dict[str, tuple[str, str | None, tuple[str, ...]]]:
        """What the store counts as in scope: id → key, summary and labels."""
        label = table_of(tables.WorkItemLabel)
        with self.engine.connect() as connection:
            rows = connection.execute(select(work_item).where(live(work_item), work_item.c.in_scope)).all()
            return {
                row.source_id: (
                    row.key,
                    row.summary,
                    tuple(
                        sorted(
                            connection.scalars(select(label.c.label).where(label.c.work_item_id == row.id))
                        )
                    ),
                )
                for row in rows
            }

    def there(self) -> dict[str, tuple[str, str | None, tuple[str, ...]]]:
        """What Jira shows the account of the scope."""
        site = self.jira.site
        return {
            issue.id: (issue.key, issue.fields["summary"], tuple(sorted(issue.fields["labels"])))
            for issue in site.issues.values()
            if issue.project_key in {"PAY", "WEB"} and site.may_browse(issue)
        }
