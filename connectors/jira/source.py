"""Turn one Jira site into pages of work items (with the parents they name) and of objectives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import BadInput, IncompleteRead
from connectors.jira.cloud import CloudSearch
from connectors.jira.datacenter import KeysetSearch
from connectors.jira.jql import scope_of
from connectors.jira.mapping import IssueMapping, Mapped, to_objective, to_work_item
from connectors.jira.search import Raw, Search, unmet
from connectors.jira.site import JiraSite
from connectors.records import Objective, Page, WorkItem

PARENTS_AT_ONCE = 100
LEVELS = 30


def search_for(site: JiraSite) -> Search:
    return CloudSearch(site.client) if site.is_cloud else KeysetSearch(site.client, site.zone)


def mapping_for(site: JiraSite, own_prefix: str) -> IssueMapping:
    config = site.config
    links = config.objective_links
    return IssueMapping(
        source=config.name,
        browse_url=config.url,
        fields=site.fields,
        own_prefix=own_prefix,
        objective_label_prefix=config.objective_label_prefix,
        objective_links=None if links is None else folded(links),
        epic_types=folded(config.epic_types),
    )


def folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a read has come: the search position (None: the scope is read), and parents still to fetch.

    `query` is a fingerprint of what was asked; a cursor of another query is worth nothing.
    """

    query: str
    position: str | None = ""
    parents: tuple[str, ...] = ()

    def written(self) -> str:
        return json.dumps([self.query, self.position, list(self.parents)], separators=(",", ":"))

    @classmethod
    def read(cls, text: str | None, query: str) -> Cursor:
        """The cursor in `text`, or the start where there is none or it belongs to another query."""
        try:
            given, position, parents = json.loads(text or "null")
        except (ValueError, TypeError):
            return cls(query)
        return cls(query, position, tuple(parents)) if given == query else cls(query)


def fingerprint(site: JiraSite, jql: str, fields: Sequence[str]) -> str:
    asked = json.dumps([site.config.api_base, site.deployment, jql, list(fields)])
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


class JiraIssues:
    """A source of work items: the issues in scope, then their parents outside it, level by level.

    After an interruption the ids in scope are asked for again: a parent in scope must not be taken for one
    outside it.
    `expected` comes with the first page, without the parents: exact on Data Center, about right on Cloud.
    """

    def __init__(self, site: JiraSite, own_prefix: str) -> None:
        self.site = site
        self.own_prefix = own_prefix
        self.search = search_for(site)

    @property
    def name(self) -> str:
        return self.site.config.name

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        mapping = mapping_for(self.site, self.own_prefix)
        fields = mapping.fields.to_request
        jql = self.site.config.jql
        state = Cursor.read(cursor, fingerprint(self.site, jql, fields))
        family = Family(state.parents)
        if state.position is not None:
            expected = self.search.count(jql, "JIRA_JQL") if cursor is None else None
            for batch in self.search.batches(jql, "JIRA_JQL", fields, family.seen, state.position or None):
                mapped = family.admit(batch.issues, mapping)
                here = Cursor(state.query, batch.position, family.missing())
                yield page_of(mapped, here, expected)
                expected = None
        if state != Cursor(state.query):
            self._learn_scope(family)
        yield from self._parents(mapping, family, state.query)

    def _learn_scope(self, family: Family) -> None:
        if not family.missing():
            return
        for batch in self.search.batches(self.site.config.jql, "JIRA_JQL", ["created"], set(), None):
            for issue in batch.issues:
                family.seen |= {str(issue.get("id")), str(issue.get("key"))}

    def _parents(self, mapping: IssueMapping, family: Family, query: str) -> Iterator[Page]:
        for _ in range(LEVELS):
            level = family.missing()
            if not level:
                yield Page()
                return
            for start in range(0, len(level), PARENTS_AT_ONCE):
                asked = level[start : start + PARENTS_AT_ONCE]
                issues = self.search.by_id(asked, mapping.fields.to_request)
                family.asked.update(asked)
                mapped = family.admit(unmet(issues, family.seen), mapping, in_scope=False)
                yield page_of(mapped, Cursor(query, None, family.missing()))
        raise IncompleteRead(
            f"{self.site.config.name}: parents were followed {LEVELS} levels up without an end; no real "
            "hierarchy is that deep. Check the parent fields of the issues last read."
        )


class Family:
    """The ids and keys met in one read, and the parents named by issues but not met themselves."""

    def __init__(self, parents: Iterable[str]) -> None:
        self.seen: set[str] = set()
        self.asked: set[str] = set()
        self._named: dict[str, None] = dict.fromkeys(parents)

    def admit(
        self, issues: Iterable[Raw], mapping: IssueMapping, *, in_scope: bool = True
    ) -> list[Mapped[WorkItem]]:
        mapped = [to_work_item(issue, mapping, in_scope=in_scope) for issue in issues]
        for item in (entry.record for entry in mapped if entry.record is not None):
            self.seen |= {item.id, item.key}
            parent = item.parent_id or item.parent_key
            if parent:
                self._named[parent] = None
        return mapped

    def missing(self) -> tuple[str, ...]:
        self._named = {name: None for name in self._named if name not in self.seen and name not in self.asked}
        return tuple(self._named)


class JiraObjectives:
    """A source of objectives: the issues that `jql` (the site's `objective_jql`) matches."""

    def __init__(self, site: JiraSite, jql: str, own_prefix: str) -> None:
        self.site = site
        self.own_prefix = own_prefix
        self.search = search_for(site)
        try:
            self.jql = scope_of(jql)
        except ValueError as error:
            raise BadInput(f"{site.config.name}: JIRA_OBJECTIVE_JQL: {error}.") from None

    @property
    def name(self) -> str:
        return f"{self.site.config.name}-objectives"

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        mapping = mapping_for(self.site, self.own_prefix)
        fields = mapping.fields.to_request
        state = Cursor.read(cursor, fingerprint(self.site, self.jql, fields))
        seen: set[str] = set()
        setting, start = "JIRA_OBJECTIVE_JQL", state.position or None
        if state.position is not None:
            for batch in self.search.batches(self.jql, setting, fields, seen, start):
                mapped = [to_objective(issue, mapping) for issue in batch.issues]
                yield page_of(mapped, Cursor(state.query, batch.position))
        yield Page()


def page_of(mapped: Sequence[Mapped[Any]], cursor: Cursor, expected: int | None = None) -> Page:
    records: tuple[WorkItem | Objective, ...] = tuple(m.record for m in mapped if m.record is not None)
    refused = tuple(entry for m in mapped for entry in m.refused)
    return Page(records, refused, cursor.written(), expected)
