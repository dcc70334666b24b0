"""Bring the budget lines of one source into the store: keep the files, stage, prove, promote at once.

Until the last step nothing that counts is touched: a read that breaks off, does not add up or lost too much
leaves the store as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from connectors.base import Ledger
from connectors.records import BudgetLine, Page
from connectors.textfiles import File
from sync.progress import Step
from sync.store import artifacts, promotion, runs, save
from sync.store.save import Absent, Origin, Saved
from sync.store.staging import index_stage, stage, stage_lines, staging


@dataclass(frozen=True, slots=True)
class Promote:
    """One reading of one finance source in one run."""

    engine: Engine
    origin: Origin
    max_shrink: float
    step: Step

    def read(self, source: Ledger) -> str | None:
        """Read the source whole and make it count; give the reason where it must not."""
        files = source.files()
        identity = identity_of(files, source.parser) if files else ""
        with self.engine.begin() as connection:
            if identity and promotion.newest_identity(connection, self.origin.source) == identity:
                runs.see_again(connection, self.origin)
                artifacts.see_files(connection, self.origin, files)
                return None
            kept = artifacts.keep_files(connection, self.origin, files)
        with self.engine.connect() as connection, staging(connection):
            return self._stage(connection, source, kept) or self._promote(connection, identity)

    def _stage(self, connection: Connection, source: Ledger, kept: Mapping[str, int]) -> str | None:
        """Fill the stage page by page; give one sentence where it does not hold what the source says."""
        last = Page()
        for last in source.pages():
            with connection.begin():
                lines = [record for record in last.records if isinstance(record, BudgetLine)]
                stage_lines(connection, lines, kept.get(last.artifact or ""))
            with self.engine.begin() as other:
                save.save_quarantined(other, self.origin, last)
                saved = Saved(len(last.records), 0, len(last.quarantined))
                runs.count_page(other, self.origin, saved, last.expected)
            self.step.advance(len(last.records), last.expected)
        with connection.begin():
            index_stage(connection)
            sums = promotion.sums_of(connection, stage)
        with self.engine.begin() as other:
            return runs.save_totals(other, self.origin, last, sums)

    def _promote(self, connection: Connection, identity: str) -> str | None:
        """Make what is staged count, or give the reason why it must not."""
        source, run_id = self.origin.source, self.origin.run_id
        with connection.begin():
            found = promotion.compare(connection, source)
            problem = runs.shrank(Absent(found.known, found.gone), self.max_shrink)
            if problem is None:
                promotion.promote(connection, source, run_id, self.origin.seen_at)
                promotion.note(connection, source, run_id, identity, found)
                runs.count_changed(connection, self.origin, found.added + found.restated)
        return problem


def identity_of(files: Sequence[File], parser: str) -> str:
    """Give what stands for the content of the files, whatever they are called, and how they are read."""
    digest = hashlib.sha256(parser.encode())
    for sha256 in sorted(file.sha256 for file in files):
        digest.update(sha256.encode())
    return digest.hexdigest()
