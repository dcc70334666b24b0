"""Bring one source into the store, some pages at a time: they and the cursor after them commit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from sqlalchemy import Connection, Engine

from connectors.base import Ledger, RememberingSource, Source
from connectors.errors import (
    AuthenticationFailed,
    BadInput,
    ConnectorError,
    Halted,
    IncompleteRead,
    PermissionDenied,
)
from connectors.pages import Page
from sync.collector import rare_collections
from sync.errors import Exit
from sync.feeds import Feed
from sync.frame.milestones import Milestone, reach
from sync.frame.progress import Step
from sync.money.promote import Promote
from sync.store import proof, renames, runs, save
from sync.store.known import read_known
from sync.store.money import quarantine
from sync.store.money.guards import Allowed
from sync.store.proof import Account
from sync.store.runs import Resume
from sync.store.save import Origin

# A read that one night has no time for goes on in the next ones; Jira keeps a page token for seven days.
CURSOR_LIVES = timedelta(days=6)
# A transaction costs about as much as saving a hundred records; a killed run reads at most as many again.
RECORDS_AT_ONCE = 1000


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
class Verdict:
    """What a read came to: nothing wrong, or why it cannot count."""

    status: str = "complete"
    message: str | None = None


COMPLETE = Verdict()


def joined(pages: Iterator[Page], at_once: int) -> Iterator[Page]:
    """Join small pages, for fewer transactions; where reading fails, what came before still stands."""
    waiting: list[Page] = []
    try:
        for page in pages:
            waiting.append(page)
            if sum(len(one.records) for one in waiting) >= at_once:
                yield join(waiting)
                waiting = []
    except ConnectorError:
        if waiting:
            yield join(waiting)
        raise
    if waiting:
        yield join(waiting)


def join(pages: Sequence[Page]) -> Page:
    """Make one page of several that follow each other."""
    if len(pages) == 1:
        return pages[0]
    expected = [page.expected for page in pages if page.expected is not None]
    cursors = [page.cursor for page in pages if page.cursor is not None]
    return replace(
        pages[-1],
        cursor=cursors[-1] if cursors else None,
        records=tuple(chain.from_iterable(page.records for page in pages)),
        quarantined=tuple(chain.from_iterable(page.quarantined for page in pages)),
        expected=expected[-1] if expected else None,
        repeated=sum(page.repeated for page in pages),
        unseen=tuple(chain.from_iterable(page.unseen for page in pages)),
        unusable=tuple(chain.from_iterable(page.unusable for page in pages)),
        absences=tuple(chain.from_iterable(page.absences for page in pages)),
        former_keys=tuple(chain.from_iterable(page.former_keys for page in pages)),
    )


@dataclass(frozen=True, slots=True)
class Pull:
    """The reading of one source in one run; `whole` reads all of it whatever is known.

    `at_once` is how many records at least go into one transaction.
    """

    engine: Engine
    feed: Feed
    run_id: int
    clock: Callable[[], datetime]
    allowed: Allowed
    step: Step
    whole: bool = False
    at_once: int = RECORDS_AT_ONCE

    def read(self) -> Pulled:
        """Read the source, or say why it could not be."""
        feed = self.feed
        with self.engine.begin() as connection:
            again = runs.begin_source(connection, self.run_id, feed.name, feed.kind.value, self.clock())
        reach(Milestone.SOURCE_BEGUN)
        try:
            with rare_collections():
                verdict = self._read_whole(feed.open(), again=again)
            code = Exit.OK if verdict == COMPLETE else Exit.INCOMPLETE
            pulled = Pulled(feed, verdict.status, verdict.message, code)
        except Halted as error:
            pulled = Pulled(feed, "incomplete", str(error), Exit.INCOMPLETE)
        except ConnectorError as error:
            pulled = Pulled(feed, "failed", str(error), meaning(error))
        with self.engine.begin() as connection:
            runs.finish_source(
                connection, self.run_id, feed.name, self.clock(), status=pulled.status, message=pulled.message
            )
        reach(Milestone.SOURCE_ENDED)
        return pulled

    def _read_whole(self, source: Source, *, again: bool) -> Verdict:
        """Save every page, then settle what is gone.

        What a killed run left may be stale by now, or lack what it knew and did not keep: a read that goes on
        from there and does not end well is read from the start, once. What another process began in this run
        and left no cursor of is counted `again`.
        """
        resume = self._resume()
        origin = Origin(self.feed.name, self.feed.site, self.run_id, resume.began, self.clock())
        if again and not resume.value:
            self._start_over(origin)
        if isinstance(source, Ledger):
            problem = Promote(self.engine, origin, self.allowed, self.step).read(source)
            return Verdict("held", problem) if problem else COMPLETE
        with self.engine.begin() as connection:
            save.take_quarantined(connection, origin)
        try:
            verdict = self._read_from(source, origin, resume.value or None)
        except IncompleteRead:
            if not resume.value:
                raise
            verdict = Verdict("incomplete")
        if resume.value and verdict.status == "incomplete":
            origin = replace(origin, began=self.run_id)
            self._start_over(origin)
            verdict = self._read_from(source, origin, None)
        return verdict

    def _read_from(self, source: Source, origin: Origin, cursor: str | None) -> Verdict:
        account = Account()
        if isinstance(source, RememberingSource):
            known = read_known(self.engine, self.feed.name, self.allowed.shrink, whole=self.whole)
            last = self._save_pages(source.pages_since(known, cursor), origin, account)
            return self._settle_known(origin, last, account, len(known.rows))
        last = self._save_pages(source.pages(cursor), origin, account)
        return self._settle(origin, last, account)

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

    def _save_pages(self, pages: Iterator[Page], origin: Origin, account: Account) -> Page:
        """Save the pages, and give the last one: it carries the proof.

        The last cursor stays until what is gone is settled: who breaks off before need not read all again.
        """
        page = Page()
        for page in joined(pages, self.at_once):
            with self.engine.begin() as connection:
                saved = save.save_page(connection, origin, page)
                runs.count_page(connection, origin, saved, page.expected)
                reach(Milestone.PAGE_SAVED)
                if page.cursor is not None and self.feed.resumable:
                    runs.save_cursor(connection, origin, page.cursor)
            reach(Milestone.PAGE_KEPT)
            account.unseen.update(page.unseen)
            account.unusable.update(page.unusable)
            account.absences += page.absences
            self.step.advance(saved.records, page.expected)
        reach(Milestone.PAGES_READ)
        return page

    def _settle_known(self, origin: Origin, last: Page, account: Account, known: int) -> Verdict:
        """Settle the absences the source explained, unless they are too many; then prove the read whole."""
        with self.engine.begin() as connection:
            runs.save_cursor(connection, origin, None)
            problem = runs.shrank(save.Absent(known, len(account.absences)), self.allowed.shrink)
            if problem is not None:
                return Verdict("held", problem)
            proof.settle_absences(connection, origin, account.absences)
            proof.bury_strays(connection, origin)
            renames.name_parents(connection, origin.source)
            return self._prove(connection, origin, last, account)

    def _settle(self, origin: Origin, last: Page, account: Account) -> Verdict:
        """Bury what a complete read did not bring, unless too much of it is gone; then prove it."""
        with self.engine.begin() as connection:
            runs.save_cursor(connection, origin, None)
            problem = runs.shrank(save.count_absent(connection, origin), self.allowed.shrink)
            if problem is None:
                save.bury_absent(connection, origin, at_once=not self.feed.resumable)
                quarantine.settle(connection, origin)
            if problem is not None:
                return Verdict("held", problem)
            return self._prove(connection, origin, last, account)

    def _prove(self, connection: Connection, origin: Origin, last: Page, account: Account) -> Verdict:
        """Hold the source's own list against the store, where it gave one."""
        reach(Milestone.ABSENCES_SETTLED)
        if last.proof is None:
            return COMPLETE
        proven = proof.prove(connection, origin, last.proof.census, account)
        proof.note_proof(connection, origin, last.proof.reading, proven)
        if proven.problem is not None:
            return Verdict("incomplete", proven.problem)
        proof.note_listed(connection, origin)
        proof.note_bookmark(connection, origin, last.proof.bookmark)
        return COMPLETE
