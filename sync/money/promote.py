"""Bring the budget lines of one source into the store: keep the files, stage, prove, promote at once.

Until the last step nothing that counts is touched: a read that breaks off, does not add up or lost too much
leaves the store as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from connectors.base import BulkLedger, Ledger, Terms
from connectors.errors import ConnectorError
from connectors.pages import Page, Quarantined
from connectors.textfiles import File
from sync.frame.milestones import Milestone, reach
from sync.frame.progress import Step
from sync.store import runs, save
from sync.store.money import accounts, artifacts, promotion, quarantine
from sync.store.money.guards import Allowed, Guard
from sync.store.money.promotion import Difference, Sums
from sync.store.money.reconcile import NOTHING, NotReconciled, reconcile, take_sums
from sync.store.money.staging import index_stage, stage, stage_page, staging
from sync.store.money.straight import can_copy, straight, taken_back, tell_planner
from sync.store.save import Origin, Saved

# A transaction that tells how far the reading has come costs as much as some hundred rows.
ROWS_AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Promote:
    """One reading of one finance source in one run."""

    engine: Engine
    origin: Origin
    allowed: Allowed
    step: Step

    def read(self, source: Ledger) -> str | None:
        """Read the source whole and make it count; give the reason where it must not."""
        files = source.files()
        identity = identity_of(files, source.parser) if files else ""
        with self.engine.begin() as connection:
            if identity and promotion.newest_identity(connection, self.origin.source) == identity:
                accounts.see_again(connection, self.origin)
                artifacts.see_files(connection, self.origin, files)
                return None
            kept = artifacts.keep_files(connection, self.origin, files)
        reach(Milestone.FILES_KEPT)
        with self.engine.connect() as connection, staging(connection), taken_back(connection):
            if isinstance(source, BulkLedger) and self._is_first(connection, source.terms):
                read = self._copy(connection, source, kept)
            else:
                read = self._stage(connection, source, kept)
            problem = self._prove(connection, read, by_period=source.terms.by_period)
            reach(Milestone.STAGE_PROVED)
            if problem is None:
                problem = self._promote(connection, source.terms, read, identity)
        return problem

    def _is_first(self, connection: Connection, terms: Terms) -> bool:
        """Whether the lines can go straight into their table, for none can have to give way to another."""
        return not terms.by_period and can_copy(connection, self.origin.source)

    def _copy(self, connection: Connection, source: BulkLedger, kept: Mapping[str, int]) -> _Read:
        """Send the lines into their table, for the transaction that will prove them."""
        with straight(connection, self.origin) as copy:
            last = self._fill(source.bulk_pages(), kept, copy.add)
        return _Read(last, copy.sums, copy.found)

    def _stage(self, connection: Connection, source: Ledger, kept: Mapping[str, int]) -> _Read:
        """Fill the stage, and sum what is staged."""

        def add(page: Page, artifact: int | None) -> int:
            with connection.begin():
                return stage_page(connection, page, artifact)

        pages = source.bulk_pages() if isinstance(source, BulkLedger) else source.pages()
        last = self._fill(pages, kept, add)
        with connection.begin():
            index_stage(connection)
            return _Read(last, promotion.sums_of(connection, stage))

    def _fill(
        self, pages: Iterable[Page], kept: Mapping[str, int], add: Callable[[Page, int | None], int]
    ) -> Page:
        """Add page by page, and give the last page: it carries the control totals."""
        page, count, refused = Page(), 0, list[Quarantined]()
        try:
            for page in pages:
                added = add(page, kept.get(page.artifact or ""))
                self.step.advance(added, page.expected)
                count += added
                refused += page.quarantined
                if count + len(refused) >= ROWS_AT_ONCE:
                    self._count(count, refused, page.expected)
                    count, refused = 0, []
        except ConnectorError:
            self._count(count, refused, page.expected)
            raise
        self._count(count, refused, page.expected)
        return page

    def _count(self, count: int, refused: list[Quarantined], expected: int | None) -> None:
        """Tell how far the reading has come, and keep the rows that were refused, whatever becomes of it."""
        with self.engine.begin() as other:
            save.save_quarantined(other, self.origin, refused)
            runs.count_page(other, self.origin, Saved(count, 0, len(refused)), expected)
        reach(Milestone.LINES_STAGED)

    def _prove(self, connection: Connection, read: _Read, *, by_period: bool) -> str | None:
        """Give one sentence where what came in is not what the source says."""
        with self.engine.begin() as other:
            problem = accounts.save_account(other, self.origin, read.last, read.sums)
        if by_period and problem is None:
            with connection.begin():
                promotion.keep_newest(connection)
                read.sums = promotion.sums_of(connection, stage)
        return problem

    def _promote(self, connection: Connection, terms: Terms, read: _Read, identity: str) -> str | None:
        """Make what came in count, or give the reason why it must not."""
        source, run_id = self.origin.source, self.origin.run_id
        try:
            with connection.begin() as whole:
                found = read.found or promotion.compare(connection, source, by_period=terms.by_period)
                problems = Guard(source, terms, self.allowed).hold(connection, found, read.last.counts)
                if problems:
                    whole.rollback()
                    return "\n".join(problems)
                was = NOTHING
                if read.found:
                    tell_planner(connection)
                else:
                    was = take_sums(connection, source)
                    promotion.promote(connection, self.origin, read.last.sheet)
                reconcile(connection, self.origin, was, read.sums, by_period=terms.by_period)
                promotion.note(connection, source, run_id, identity, found)
                runs.count_changed(connection, self.origin, found.added + found.restated)
                quarantine.settle(connection, self.origin)
                reach(Milestone.LINES_PROMOTED)
        except NotReconciled as error:
            return f"{error}. Nothing was changed."
        return None


@dataclass(slots=True)
class _Read:
    """A source read to its end: its last page, the sums of its lines and, if not staged, what is new."""

    last: Page
    sums: Sums
    found: Difference | None = None


def identity_of(files: Sequence[File], parser: str) -> str:
    """Give what stands for the content of the files, whatever they are called, and how they are read."""
    digest = hashlib.sha256(parser.encode())
    for sha256 in sorted(file.sha256 for file in files):
        digest.update(sha256.encode())
    return digest.hexdigest()
