"""Turn one Jira site into pages of work items (with the parents they name) and of objectives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.base import Known
from connectors.census import Census
from connectors.errors import BadInput, IncompleteRead
from connectors.jira.absence import Inquiry, Missed, not_asked
from connectors.jira.bookmark import Bookmark, contract_of, read_bookmark
from connectors.jira.jql import scope_of
from connectors.jira.mapping import IssueMapping, Mapped, field_reading, to_objective, to_work_item
from connectors.jira.names import Names
from connectors.jira.reading import (
    ChangesReading,
    Cursor,
    Reading,
    reading_of,
    search_for,
)
from connectors.jira.search import Batch, Raw, Scope, id_of, unmet
from connectors.jira.site import JiraSite
from connectors.pages import Page, Proof
from connectors.records import Objective, Strength, WorkItem

PARENTS_AT_ONCE = 100
LEVELS = 30


def mapping_for(site: JiraSite, own_prefix: str) -> IssueMapping:
    config = site.config
    return IssueMapping(
        source=config.name,
        browse_url=config.url,
        fields=site.fields,
        own_prefix=own_prefix,
        objective_label_prefix=config.objective_label_prefix,
        objective_links=site.links,
        epic_types=folded(config.epic_types),
        strengths=meanings_of(config.strengths),
        readings={field_id: field_reading(tie) for field_id, tie in site.fields.ties.items()},
    )


def meanings_of(words: Mapping[str, Strength]) -> dict[str, Strength]:
    """What each word for a strength means; its own name needs no explanation."""
    own = {strength.value: strength for strength in Strength}
    return own | {word.strip().casefold(): strength for word, strength in words.items()}


def folded(names: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().casefold() for name in names)


class JiraIssues:
    """A source of work items: the issues in scope, then their parents outside it, level by level.

    Told what is known, it reads what changed and finds out what became of the rest. `expected` comes with the
    first page, without the parents; the last page carries the proof.
    """

    def __init__(self, site: JiraSite, own_prefix: str) -> None:
        self.site = site
        self.own_prefix = own_prefix
        self.search = search_for(site)

    @property
    def name(self) -> str:
        return self.site.config.name

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        return self.pages_since(Known(), cursor)

    def pages_since(self, known: Known, cursor: str | None = None) -> Iterator[Page]:
        mapping = mapping_for(self.site, self.own_prefix)
        scope = Scope(self.site.config.jql, "JIRA_JQL")
        contract = contract_of(self.site, scope.jql, mapping)
        since = read_bookmark(known.bookmark, contract, self.site.now())
        reading = reading_of(
            self.site, self.search, scope, mapping.fields.to_request, cursor, known=known, since=since
        )
        changes = isinstance(reading, ChangesReading)
        family = Family([*reading.start.parents, *(known.parents() if changes else ())])
        for batch, here in reading.batches(family.met):
            mapped = family.admit(batch.issues, mapping)
            yield page_of(batch.issues, mapped, replace(here, parents=family.missing()), batch)
        census = reading.census()
        missed = self._missed(known, census, reading)
        census = census.joined(int(id_of(issue) or 0) for issue in missed.listed)
        done = replace(reading.start, position=None, parents=family.missing())
        if missed != Missed():
            late = page_of(missed.listed, family.admit(missed.listed, mapping), done)
            yield replace(late, absences=missed.absences)
        yield from self._outside(mapping, family, reading, missed.left, known.beside)
        whole = since.whole if since and changes else reading.start.began
        bookmark = Bookmark(contract, reading.start.began, whole)
        yield Page(proof=Proof(census, reading.word, bookmark.written()))

    def named(self, ids: Sequence[str]) -> Page:
        """Read these issues as they are now, whatever the index says; parents are left to a whole read."""
        mapping = mapping_for(self.site, self.own_prefix)
        scope = Scope(self.site.config.jql, "JIRA_JQL")
        issues = self.search.by_id(ids, mapping.fields.to_request).issues
        given = [name for name in map(id_of, issues) if name is not None]
        inside = self.search.matching(scope, given) if given else set()
        mapped = [to_work_item(issue, mapping, in_scope=id_of(issue) in inside) for issue in issues]
        records = tuple(entry.record for entry in mapped if entry.record is not None)
        return Page(records, quarantined=tuple(refused for entry in mapped for refused in entry.refused))

    def _missed(self, known: Known, census: Census, reading: Reading) -> Missed:
        """Find out what became of the issues that are known and no longer listed."""
        missed = known.rows.without(census)
        if len(missed) > max(1, known.may_lose):
            return Missed(absences=not_asked(missed, known.may_lose))
        return Inquiry(self.site.client, self.search, reading.scope, reading.fields, known.keys).ask(missed)

    def _outside(
        self,
        mapping: IssueMapping,
        family: Family,
        reading: Reading,
        left: Sequence[Raw],
        beside: Sequence[str],
    ) -> Iterator[Page]:
        """Read what is not in the scope: issues that left it, those to look after, and parents by level."""
        here = replace(reading.start, position=None)
        family.ask(str(id_of(issue)) for issue in left)
        if left:
            fresh = unmet(left, family.met)
            mapped = family.admit(fresh, mapping, in_scope=False)
            yield page_of(fresh, mapped, replace(here, parents=family.missing()))
        family.look_after(beside)
        for _ in range(LEVELS):
            level = family.missing()
            if not level:
                return
            for start in range(0, len(level), PARENTS_AT_ONCE):
                asked = level[start : start + PARENTS_AT_ONCE]
                found = self.search.by_id(asked, reading.fields)
                issues = unmet(found.issues, family.met)
                family.ask(asked)
                mapped = family.admit(issues, mapping, in_scope=False)
                page = page_of(issues, mapped, replace(here, parents=family.missing()))
                yield replace(page, former_keys=found.former)
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

    def ask(self, names: Iterable[str]) -> None:
        """Note whom Jira was asked for: once is enough."""
        self.asked.update(names)

    def look_after(self, names: Iterable[str]) -> None:
        """Ask for these issues as if somebody had named them as parents."""
        self._named |= dict.fromkeys(names)

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
            mapped = [to_objective(issue, mapping) for issue in batch.issues]
            yield page_of(batch.issues, mapped, here, batch)
        yield Page(proof=Proof(reading.census(), reading.word))


def page_of(
    issues: Sequence[Raw], mapped: Sequence[Mapped[Any]], cursor: Cursor, batch: Batch | None = None
) -> Page:
    """The page of these issues as mapped, one for one."""
    records: tuple[WorkItem | Objective, ...] = tuple(m.record for m in mapped if m.record is not None)
    refused = (id_of(issue) for issue, m in zip(issues, mapped, strict=True) if m.record is None)
    return Page(
        records=records,
        quarantined=tuple(entry for m in mapped for entry in m.refused),
        cursor=cursor.written(),
        expected=batch.expected if batch else None,
        unseen=batch.unseen if batch else (),
        unusable=tuple(name for name in refused if name is not None),
    )
