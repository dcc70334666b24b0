"""Two small Jiras that search as the real ones do: Cloud by token and bulk fetch, Data Center by offset."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from connectors.jira import JiraIssues, JiraSite
from connectors.jira.values import moment_of
from connectors.pages import Page
from connectors.records import Objective, WorkItem
from tests.connectors.jira.conftest import issue
from tests.fakes.scripted_http import Answer, Asked

BERLIN = ZoneInfo("Europe/Berlin")
RawIssue = dict[str, Any]


def records(pages: Iterable[Page]) -> list[WorkItem | Objective]:
    found = [record for page in pages for record in page.records]
    assert all(isinstance(record, WorkItem | Objective) for record in found)
    return found  # type: ignore[return-value]


def keys(pages: Iterable[Page]) -> list[str]:
    return [record.key for record in records(pages) if isinstance(record, WorkItem)]


def read(site: JiraSite, cursor: str | None = None) -> list[Page]:
    return list(JiraIssues(site, "align-").pages(cursor))


def found(issues: Sequence[RawIssue], token: str | None = None, **more: Any) -> Answer:
    return Answer({"issues": list(issues)} | ({"nextPageToken": token} if token else {}) | more)


def minutes(count: int, per_minute: int = 1) -> list[RawIssue]:
    """Issues created `per_minute` to each minute, through the night in which Berlin repeats an hour."""
    start = datetime(2026, 10, 24, 22, 0, 30, tzinfo=UTC)
    return [
        issue(n, created=(start + timedelta(minutes=n // per_minute)).strftime("%Y-%m-%dT%H:%M:%S.000+0000"))
        for n in range(count)
    ]


class Deployment(ABC):
    """Issues, of which those of PAY are in scope; `changed` are the keys edited since the read began.

    `before` holds what is to be done before the n-th search or bulk fetch (1 is the first) is answered.
    """

    def __init__(self, issues: Sequence[RawIssue]) -> None:
        self.issues = list(issues)
        self.changed: set[str] = set()
        self.before: dict[int, Callable[[], object]] = {}
        self._requests = count(1)

    def __call__(self, asked: Asked) -> Answer:
        self.before.pop(next(self._requests), lambda: None)()
        return self.answer(asked)

    @abstractmethod
    def answer(self, asked: Asked) -> Answer: ...

    def in_scope(self, jql: str) -> list[RawIssue]:
        scope = [raw for raw in self.issues if raw["key"].startswith("PAY")]
        return [raw for raw in scope if "updated >=" not in jql or raw["key"] in self.changed]

    def named(self, wanted: Iterable[str]) -> list[RawIssue]:
        names = set(wanted)
        return [raw for raw in self.issues if raw["key"] in names or raw["id"] in names]

    def remove(self, *numbers: int) -> Callable[[], None]:
        gone = {f"PAY-{number}" for number in numbers}

        def act() -> None:
            self.issues = [raw for raw in self.issues if raw["key"] not in gone]

        return act


class Cloud(Deployment):
    """Pages of at most `cap` issues, or of `sweep` bare ids; `withheld` ids are listed and never given."""

    def __init__(self, issues: Sequence[RawIssue], cap: int = 100, sweep: int = 5000) -> None:
        super().__init__(issues)
        self.cap = cap
        self.sweep = sweep
        self.withheld: set[str] = set()
        self.failing: dict[str, int] = {}

    def answer(self, asked: Asked) -> Answer:
        return self.fetched(asked.body) if asked.path.endswith("bulkfetch") else self.page(asked.body)

    def page(self, body: Any) -> Answer:
        only_ids = body["fields"] == ["id"]
        size = min(body["maxResults"], self.sweep if only_ids else self.cap)
        matching = sorted(self.in_scope(body["jql"]), key=lambda raw: str(raw["fields"].get("created")))
        start = int(body.get("nextPageToken") or 0)
        page = [{"id": raw["id"]} if only_ids else raw for raw in matching[start : start + size]]
        end = start + size
        return found(page, str(end)) if end < len(matching) else found(page, isLast=True)

    def fetched(self, body: Any) -> Answer:
        assert len(body["issueIdsOrKeys"]) <= 100
        failed = [name for name in body["issueIdsOrKeys"] if self.failing.get(name, 0) > 0]
        for name in failed:
            self.failing[name] -= 1
        hit = [
            raw
            for raw in self.named(body["issueIdsOrKeys"])
            if raw["id"] not in self.withheld and raw["id"] not in failed and raw["key"] not in failed
        ]
        errors = [{"id": name, "errorMessage": "timed out"} for name in failed]
        return Answer({"issues": sorted(hit, key=lambda raw: int(raw["id"])), "issueErrors": errors})


class DataCenter(Deployment):
    """`POST search` by offset, with a total, at most `clamp` a page, times read in the account's zone."""

    def __init__(self, issues: Sequence[RawIssue], clamp: int = 1000, zone: ZoneInfo = BERLIN) -> None:
        super().__init__(issues)
        self.clamp = clamp
        self.zone = zone

    def answer(self, asked: Asked) -> Answer:
        if not asked.path.endswith("/search"):
            return self.one(asked.path.rpartition("/")[2])
        jql, start = asked.body["jql"], asked.body["startAt"]
        if jql.startswith("key in"):
            return self.listed(re.findall(r"[\w-]+", jql.removeprefix("key in")))
        matching = sorted(self.since(jql), key=lambda raw: (raw["fields"]["created"], int(raw["id"])))
        size = min(self.clamp, asked.body["maxResults"])
        page = matching[start : start + size]
        return Answer({"issues": page, "total": len(matching), "startAt": start, "maxResults": size})

    def since(self, jql: str) -> list[RawIssue]:
        bound = re.search(r'created >= "([^"]+)"', jql)
        if not bound:
            return self.in_scope(jql)
        since = datetime.strptime(bound[1], "%Y-%m-%d %H:%M").replace(tzinfo=self.zone)
        return [raw for raw in self.in_scope(jql) if (moment_of(raw["fields"]["created"]) or since) >= since]

    def listed(self, wanted: list[str]) -> Answer:
        hit = self.named(wanted)
        if len(hit) < len(wanted):
            said = "An issue with key 'X' does not exist for field 'key'."
            return Answer({"errorMessages": [said]}, status=400)
        return Answer({"issues": hit, "total": len(hit)})

    def one(self, name: str) -> Answer:
        hit = self.named([name])
        return Answer(hit[0]) if hit else Answer({"errorMessages": ["Issue Does Not Exist"]}, status=404)
