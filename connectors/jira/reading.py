"""Turn a cursor into the rest of a read: what is left of a scope, and what has changed in it meanwhile."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from connectors.jira.cloud import CloudSearch
from connectors.jira.datacenter import KeysetSearch
from connectors.jira.names import Names
from connectors.jira.search import Batch, Scope, Search
from connectors.jira.site import JiraSite

# Jira's index may lag behind by some minutes, and JQL knows minutes only.
LAG_MINUTES = 15


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


def fingerprint(site: JiraSite, jql: str, fields: Sequence[str]) -> str:
    """What a position depends on; the first word names the way of reading, and changes with it."""
    asked = json.dumps(["sweep", site.config.api_base, site.deployment, jql, list(fields)])
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one scope from a cursor on."""

    search: Search
    scope: Scope
    fields: Sequence[str]
    start: Cursor
    now: datetime

    def batches(self, met: Names) -> Iterator[tuple[Batch, Cursor]]:
        """The batches, each with the cursor after it.

        After an interruption what changed since the beginning comes first: an issue that has joined the scope
        below the position would be missed otherwise, and one read before may be stale.
        """
        if self.resumed:
            for batch in self.search.batches(self.changed(), self.fields, met, ""):
                yield replace(batch, expected=None), self.start
        if self.start.position is None:
            return
        for batch in self.search.batches(self.scope, self.fields, met, self.start.position):
            yield batch, replace(self.start, position=batch.position)

    @property
    def resumed(self) -> bool:
        return self.start.position != ""

    def changed(self) -> Scope:
        """The issues of the scope that changed since the read began: in minutes ago, which know no zone."""
        seconds = self.now.timestamp() - self.start.began
        return self.scope.also(f'updated >= "-{math.ceil(seconds / 60) + LAG_MINUTES}m"')


def reading_of(
    site: JiraSite, search: Search, scope: Scope, fields: Sequence[str], cursor: str | None
) -> Reading:
    now = site.now()
    start = read_cursor(cursor, fingerprint(site, scope.jql, fields), now)
    return Reading(search, scope, fields, start, now)
