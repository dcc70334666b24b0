"""Bring one source into the store, page by page: each page and its cursor commit together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Engine

from connectors.base import Source
from connectors.errors import AuthenticationFailed, BadInput, ConnectorError, IncompleteRead, PermissionDenied
from connectors.records import Page
from sync.errors import Exit
from sync.progress import Step
from sync.store import runs, save
from sync.store.runs import Resume
from sync.store.save import Origin

# Jira keeps a page token for seven days, but what was read before it must still be about this night.
CURSOR_LIVES = timedelta(hours=6)


class Kind(StrEnum):
    """What a source brings, in the order in which sources are read."""

    OBJECTIVES = "objectives"
    WORK = "work items"
    LINKS = "mapping file"
    FINANCE = "finance"


@dataclass(frozen=True, slots=True)
class Feed:
    """A source to be read each night.

    `open` connects and may fail with a `ConnectorError`. `site` names the Jira site that records with an
    issue id live on. `resumable` sources go on where a killed read stopped; the others (files) are cheap to
    read again, and a row that is no longer in them is gone at once.
    """

    name: str
    kind: Kind
    open: Callable[[], Source]
    site: str | None = None
    resumable: bool = False


@dataclass(frozen=True, slots=True)
class Pulled:
    """How reading one source went; only `complete` counts. `exit_code` says what a failure means."""

    feed: Feed
    status: str
    message: str | None = None
    exit_code: Exit = Exit.OK

    @property
    def complete(self) -> bool:
        """Say whether what the store now holds of this source is all there is."""
        return self.status == "complete"


def meaning(error: ConnectorError) -> Exit:
    """Give the exit code that a failed source stands for."""
    if isinstance(error, BadInput):
        return Exit.USAGE
    return Exit.ACCESS if isinstance(error, AuthenticationFailed | PermissionDenied) else Exit.INCOMPLETE


@dataclass(frozen=True, slots=True)
class Pull:
    """The reading of one source in one run."""

    engine: Engine
    feed: Feed
    run_id: int
    clock: Callable[[], datetime]
    max_shrink: float
    step: Step

    def read(self) -> Pulled:
        """Read the source whole, or say why it could not be."""
        feed = self.feed
        with self.engine.begin() as connection:
            runs.begin_source(connection, self.run_id, feed.name, feed.kind.value, self.clock())
        try:
            problem = self._read_whole(feed.open())
            pulled = Pulled(feed, "held", problem, Exit.INCOMPLETE) if problem else Pulled(feed, "complete")
        except ConnectorError as error:
            pulled = Pulled(feed, "failed", str(error), meaning(error))
        with self.engine.begin() as connection:
            runs.finish_source(
                connection, self.run_id, feed.name, self.clock(), status=pulled.status, message=pulled.message
            )
        return pulled

    def _read_whole(self, source: Source) -> str | None:
        """Save every page, then settle what is gone; give the reason where the source shrank too much."""
        resume = self._resume()
        origin = Origin(self.feed.name, self.feed.site, self.run_id, resume.began, self.clock())
        with self.engine.begin() as connection:
            save.take_quarantined(connection, origin)
        try:
            last = self._save_pages(source, origin, resume.value or None)
        except IncompleteRead:
            if not resume.value:
                raise
            # The cursor of a killed run may have gone stale meanwhile: read from the start, once.
            origin = replace(origin, began=self.run_id)
            self._start_over(origin)
            last = self._save_pages(source, origin, None)
        return self._settle(origin, last)

    def _resume(self) -> Resume:
        """Find where a killed run stopped, if one did."""
        found = None
        if self.feed.resumable:
            with self.engine.begin() as connection:
                found = runs.read_cursor(connection, self.feed.name, self.clock() - CURSOR_LIVES)
        return found or Resume("", self.run_id)

    def _start_over(self, origin: Origin) -> None:
        """Forget how far the broken-off read had come."""
        with self.engine.begin() as connection:
            runs.save_cursor(connection, origin, None)
            runs.recount(connection, origin)
            save.forget_quarantined(connection, origin)

    def _save_pages(self, source: Source, origin: Origin, cursor: str | None) -> Page:
        """Save the pages from a cursor on, and give the last one: it carries the control totals."""
        page = Page()
        for page in source.pages(cursor):
            with self.engine.begin() as connection:
                saved = save.save_page(connection, origin, page)
                runs.count_page(connection, origin, saved, page.expected)
                runs.save_cursor(connection, origin, page.cursor if self.feed.resumable else None)
            self.step.advance(saved.records, page.expected)
        return page

    def _settle(self, origin: Origin, last: Page) -> str | None:
        """Bury what a complete read did not bring, unless too much of it is gone; then check the totals."""
        with self.engine.begin() as connection:
            runs.save_cursor(connection, origin, None)
            problem = runs.shrank(save.count_absent(connection, origin), self.max_shrink)
            if problem is None:
                save.bury_absent(connection, origin, at_once=not self.feed.resumable)
            return problem or runs.save_totals(connection, origin, last)
