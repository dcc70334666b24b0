"""Turn a cursor into the rest of a read: what is left of a scope, and what has changed in it meanwhile."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import ClassVar, Protocol

from connectors.base import Known
from connectors.census import Census, Entry
from connectors.jira.bookmark import Bookmark, digest
from connectors.jira.cloud import CloudSearch
from connectors.jira.datacenter import KeysetSearch
from connectors.jira.names import Names
from connectors.jira.search import Batch, Scope, Search, entry_of
from connectors.jira.site import JiraSite

# Jira's index may lag behind by some minutes, and JQL knows minutes only.
LAG_MINUTES = 15
# It was seen to lag for more than two hours; a whole day more costs little and covers a bad one.
MARGIN_MINUTES = 24 * 60


def search_for(site: JiraSite) -> Search:
    return CloudSearch(site.client) if site.is_cloud else KeysetSearch(site.client, site.zone)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a read has come: the search position (None: the scope is read), and parents still to fetch.

    `query` is a fingerprint of what was asked; a cursor of another query is worth nothing. `began` is when
    the read began, in seconds of the epoch.
    """

    query: str
    began: int
    position: str | None = ""
    parents: tuple[str, ...] = ()

    def written(self) -> str:
        return json.dumps([self.query, self.began, self.position, list(self.parents)], separators=(",", ":"))


def read_cursor(text: str | None, query: str, now: datetime) -> Cursor:
    """The cursor in `text`, or the start where there is none or it belongs to another query."""
    start = Cursor(query, int(now.timestamp()))
    try:
        given, began, position, parents = json.loads(text or "null")
    except (ValueError, TypeError):
        return start
    return Cursor(query, began, position, tuple(parents)) if given == query and position != "" else start


def fingerprint(site: JiraSite, jql: str, fields: Sequence[str], since: Bookmark | None = None) -> str:
    """What a position depends on; the first word names the way of reading, and changes with it."""
    way = f"since {since.began}" if since else "sweep"
    asked = json.dumps([way, site.config.api_base, site.deployment, jql, list(fields)])
    return digest(asked)


class Reading(Protocol):
    """The reading of one scope from a cursor on: its batches, then the list of all that is in it."""

    scope: Scope
    fields: Sequence[str]
    start: Cursor

    @property
    def word(self) -> str: ...

    def batches(self, met: Names) -> Iterator[tuple[Batch, Cursor]]:
        """The batches, each with the cursor after it; `met` ends up with all that is in the scope."""
        ...

    def census(self) -> Census:
        """The list, once all batches were taken."""
        ...


@dataclass(slots=True)
class WholeReading:
    """Reads every issue in the scope."""

    search: Search
    scope: Scope
    fields: Sequence[str]
    start: Cursor
    now: datetime
    listed: array[int] = field(default_factory=lambda: array("Q"))
    taken: Census | None = None
    word: ClassVar[str] = "whole"

    def batches(self, met: Names) -> Iterator[tuple[Batch, Cursor]]:
        """After an interruption what changed since the beginning comes first.

        An issue that has joined the scope below the position would be missed otherwise, and one read before
        may be stale. And the list of all has to be read by itself, for these batches are only the rest.
        """
        if self.resumed:
            for batch in self.search.batches(self.changed(), self.fields, met, ""):
                yield replace(batch, expected=None), self.start
        if self.start.position is not None:
            for batch in self.search.batches(self.scope, self.fields, met, self.start.position):
                self.note(batch)
                yield batch, replace(self.start, position=batch.position)
        if self.resumed:
            self.taken = self.search.census(self.scope, met)

    def note(self, batch: Batch) -> None:
        self.listed.extend(entry.id for entry in map(entry_of, batch.issues) if entry is not None)
        self.listed.extend(map(int, batch.unseen))

    def census(self) -> Census:
        return Census(map(Entry, self.listed)) if self.taken is None else self.taken

    @property
    def resumed(self) -> bool:
        return self.start.position != ""

    def changed(self) -> Scope:
        """The issues of the scope that changed since the read began: in minutes ago, which know no zone."""
        return self.scope.also(f'updated >= "-{minutes_since(self.start.began, self.now) + LAG_MINUTES}m"')


@dataclass(slots=True)
class ChangesReading:
    """Lists every issue in the scope, and reads those that are new, changed or asked for.

    How far back changes are looked for reaches a day before the last read began: Jira's index may lag, and a
    number of minutes ago knows neither the account's time zone nor the site's nor the clock of this machine.
    """

    search: Search
    scope: Scope
    fields: Sequence[str]
    start: Cursor
    now: datetime
    since: Bookmark
    known: Known
    taken: Census = field(default_factory=Census)
    word: ClassVar[str] = "changes"

    def batches(self, met: Names) -> Iterator[tuple[Batch, Cursor]]:
        self.taken = self.search.census(self.scope, met)
        wanted = self.wanted()
        met.update(map(str, wanted))
        self.taken = self.taken.joined(wanted)
        expected: int | None = len(wanted)
        for batch in self.search.fetch(wanted, self.fields, self.scope.setting):
            yield replace(batch, expected=expected), replace(self.start, position=batch.position)
            expected = None

    def wanted(self) -> array[int]:
        """The ids to read, ascending; after an interruption without those it had come past."""
        changed = self.search.changed(self.scope, minutes_since(self.since.began, self.now) + MARGIN_MINUTES)
        found = set(changed.ids)
        if self.start.position != "":
            done = math.inf if self.start.position is None else int(self.start.position)
            again = self.search.changed(self.scope, minutes_since(self.start.began, self.now) + LAG_MINUTES)
            found = {number for number in found if number > done} | set(again.ids)
        found.update(self.taken.news_to(self.known.rows))
        found.update(int(name) for name in self.known.again if name in self.taken)
        return array("Q", sorted(found))

    def census(self) -> Census:
        return self.taken


def minutes_since(seconds: int, now: datetime) -> int:
    return max(0, math.ceil((now.timestamp() - seconds) / 60))


def reading_of(
    site: JiraSite,
    search: Search,
    scope: Scope,
    fields: Sequence[str],
    cursor: str | None,
    *,
    known: Known | None = None,
    since: Bookmark | None = None,
) -> WholeReading | ChangesReading:
    """Read only changes where a bookmark allows it, unless one page brings all there is anyway."""
    now = site.now()
    if known is None or since is None or len(known.rows) <= search.page_size:
        start = read_cursor(cursor, fingerprint(site, scope.jql, fields), now)
        return WholeReading(search, scope, fields, start, now)
    start = read_cursor(cursor, fingerprint(site, scope.jql, fields, since), now)
    return ChangesReading(search, scope, fields, start, now, since, known)
