"""Turn one Jira site into pages of work items (with the parents they name) and of objectives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from connectors.errors import BadInput, IncompleteRead
from connectors.jira.jql import scope_of
from connectors.jira.mapping import IssueMapping, Mapped, to_objective, to_work_item
from connectors.jira.names import Names
from connectors.jira.reading import Cursor, Reading, reading_of, search_for
from connectors.jira.search import Batch, Raw, Scope, unmet
from connectors.jira.site import JiraSite
from connectors.records import Objective, Page, WorkItem

PARENTS_AT_ONCE = 100
LEVELS = 30


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


class JiraIssues:
    """A source of work items: the issues in scope, then their parents outside it, level by level.

    After an interruption the ids in scope are asked for again: a parent in scope must not be taken for one
    outside it.
    `expected` comes with the first page, without the parents.
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
        scope = Scope(self.site.config.jql, "JIRA_JQL")
        reading = reading_of(self.site, self.search, scope, mapping.fields.to_request, cursor)
        family = Family(reading.start.parents)
        for batch, here in reading.batches(family.met):
            mapped = family.admit(batch.issues, mapping)
            yield page_of(mapped, replace(here, parents=family.missing()), batch)
        if reading.resumed and family.missing():
            self.search.learn(scope, family.met)
        yield from self._parents(mapping, family, reading)

    def _parents(self, mapping: IssueMapping, family: Family, reading: Reading) -> Iterator[Page]:
        for _ in range(LEVELS):
            level = family.missing()
            if not level:
                yield Page()
                return
            for start in range(0, len(level), PARENTS_AT_ONCE):
                asked = level[start : start + PARENTS_AT_ONCE]
                issues = self.search.by_id(asked, reading.fields)
                family.asked.update(asked)
                mapped = family.admit(unmet(issues, family.met), mapping, in_scope=False)
                yield page_of(mapped, replace(reading.start, position=None, parents=family.missing()))
        raise IncompleteRead(
            f"{self.site.config.name}: parents were followed {LEVELS} levels up without an end; no real "
            "hierarchy is that deep. Check the parent fields of the issues last read."
        )


class Family:
    """The ids and keys met in one read, and the parents named by issues but not met themselves."""

    def __init__(self, parents: Iterable[str]) -> None:
        self.met = Names()
        self.asked: set[str] = set()
        self._named: dict[str, None] = dict.fromkeys(parents)

    def admit(
        self, issues: Iterable[Raw], mapping: IssueMapping, *, in_scope: bool = True
    ) -> list[Mapped[WorkItem]]:
        mapped = [to_work_item(issue, mapping, in_scope=in_scope) for issue in issues]
        for item in (entry.record for entry in mapped if entry.record is not None):
            parent = item.parent_id or item.parent_key
            if parent:
                self._named[parent] = None
        return mapped

    def missing(self) -> tuple[str, ...]:
        self._named = {name: None for name in self._named if name not in self.met and name not in self.asked}
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
        scope = Scope(self.jql, "JIRA_OBJECTIVE_JQL")
        reading = reading_of(self.site, self.search, scope, mapping.fields.to_request, cursor)
        for batch, here in reading.batches(Names()):
            yield page_of([to_objective(issue, mapping) for issue in batch.issues], here, batch)
        yield Page()


def page_of(mapped: Sequence[Mapped[Any]], cursor: Cursor, batch: Batch | None = None) -> Page:
    records: tuple[WorkItem | Objective, ...] = tuple(m.record for m in mapped if m.record is not None)
    return Page(
        records=records,
        quarantined=tuple(entry for m in mapped for entry in m.refused),
        cursor=cursor.written(),
        expected=batch.expected if batch else None,
        unseen=batch.unseen if batch else (),
    )
