"""Bring the budget lines of one source into the store: keep the files, stage, prove, promote at once.

Until the last step nothing that counts is touched: a read that breaks off, does not add up or lost too much
leaves the store as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from connectors.base import BulkLedger, Ledger, Terms
from connectors.pages import Page
from connectors.records import BudgetLine
from connectors.textfiles import File
from sync.frame.milestones import Milestone, reach
from sync.frame.progress import Step
from sync.store import runs, save
from sync.store.money import accounts, artifacts, promotion, quarantine
from sync.store.money.guards import Allowed, Guard
from sync.store.money.promotion import Sums
from sync.store.money.reconcile import NotReconciled, reconcile, take_sums
from sync.store.money.staging import index_stage, stage, stage_columns, stage_lines, staging
from sync.store.save import Origin, Saved


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
        with self.engine.connect() as connection, staging(connection):
            last = self._stage(connection, source, kept)
            staged, problem = self._prove(connection, last, by_period=source.terms.by_period)
            reach(Milestone.STAGE_PROVED)
            if problem is None:
                problem = self._promote(connection, source.terms, last, staged, identity)
        return problem

    def _stage(self, connection: Connection, source: Ledger, kept: Mapping[str, int]) -> Page:
        """Fill the stage page by page, and give the last page: it carries the control totals."""
        last = Page()
        for last in source.bulk_pages() if isinstance(source, BulkLedger) else source.pages():
            artifact, count = kept.get(last.artifact or ""), len(last.records)
            with connection.begin():
                lines = [record for record in last.records if isinstance(record, BudgetLine)]
                stage_lines(connection, lines, artifact)
                for columns in last.columns:
                    stage_columns(connection, columns, artifact)
                    count += len(columns)
            with self.engine.begin() as other:
                save.save_quarantined(other, self.origin, last)
                runs.count_page(other, self.origin, Saved(count, 0, len(last.quarantined)), last.expected)
            reach(Milestone.LINES_STAGED)
            self.step.advance(count, last.expected)
        return last

    def _prove(self, connection: Connection, last: Page, *, by_period: bool) -> tuple[Sums, str | None]:
        """Sum what is staged; give one sentence where it is not what the source says."""
        with connection.begin():
            index_stage(connection)
            sums = promotion.sums_of(connection, stage)
        with self.engine.begin() as other:
            problem = accounts.save_account(other, self.origin, last, sums)
        if by_period and problem is None:
            with connection.begin():
                promotion.keep_newest(connection)
                sums = promotion.sums_of(connection, stage)
        return sums, problem

    def _promote(
        self, connection: Connection, terms: Terms, last: Page, staged: Sums, identity: str
    ) -> str | None:
        """Make what is staged count, or give the reason why it must not."""
        source, run_id = self.origin.source, self.origin.run_id
        try:
            with connection.begin():
                found = promotion.compare(connection, source, by_period=terms.by_period)
                problems = Guard(source, terms, self.allowed).hold(connection, found, last.counts)
                if problems:
                    return "\n".join(problems)
                was = take_sums(connection, source)
                promotion.promote(connection, self.origin, last.sheet)
                reconcile(connection, self.origin, was, staged, by_period=terms.by_period)
                promotion.note(connection, source, run_id, identity, found)
                runs.count_changed(connection, self.origin, found.added + found.restated)
                quarantine.settle(connection, self.origin)
                reach(Milestone.LINES_PROMOTED)
        except NotReconciled as error:
            return f"{error}. Nothing was changed."
        return None


def identity_of(files: Sequence[File], parser: str) -> str:
    """Give what stands for the content of the files, whatever they are called, and how they are read."""
    digest = hashlib.sha256(parser.encode())
    for sha256 in sorted(file.sha256 for file in files):
        digest.update(sha256.encode())
    return digest.hexdigest()
