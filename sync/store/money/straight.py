"""Copy the budget lines of a source of which PostgreSQL holds none straight into their table, uncommitted.

There is nothing to compare them with, so a stage would only have every line written twice. Until the
transaction that proves them ends, nobody sees them, and whatever breaks it off takes them back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from connectors.pages import Page
from connectors.records import BudgetLine
from sync.store.bulk import analyze
from sync.store.copying import copy_text, copying
from sync.store.money.promotion import Difference, Series, budget_line, is_held
from sync.store.money.staging import NAMES, line_columns, stage_row
from sync.store.save import Origin


def can_copy(connection: Connection, source: str) -> bool:
    """Whether the lines of a source can go straight into their table."""
    if connection.dialect.name != "postgresql":
        return False
    with connection.begin():
        return not is_held(connection, source)


class Straight:
    """A COPY of lines under way; `sums` are those of the lines sent, `count` how many there are."""

    def __init__(self, send: Callable[[str], None], origin: Origin) -> None:
        self._send, self._origin = send, origin
        self.sums: defaultdict[Series, int] = defaultdict(int)
        self.count = 0

    def add(self, page: Page, artifact_id: int | None) -> int:
        """Send the lines of a page, and say how many there are."""
        before = (self._origin.source, self._origin.run_id, page.sheet)
        lines = [record for record in page.records if isinstance(record, BudgetLine)]
        rows = [stage_row(line, artifact_id) for line in lines]
        self._send(copy_text(list(zip(*rows, strict=True)), before))
        for line in lines:
            self.sums[line.version.value, line.fiscal_year, line.period, line.currency] += line.amount_minor
        for part in page.columns:
            self._send(copy_text(line_columns(part), before, (artifact_id, None, None)))
            series = zip(part.version, part.fiscal_year, part.period, part.currency, strict=True)
            for one, minor in zip(series, part.amount_minor, strict=True):
                self.sums[one] += minor
        count = len(lines) + sum(map(len, page.columns))
        self.count += count
        return count

    @property
    def found(self) -> Difference:
        """What was sent, beside nothing that stood."""
        return Difference(known=0, staged=self.count, restated=0, back=0, gone=0)


@contextmanager
def straight(connection: Connection, origin: Origin) -> Iterator[Straight]:
    """Have a COPY into the table of budget lines for as long as the context lasts.

    What was sent belongs to the next transaction of the connection. It must not be one that others wait for
    while the source is read, so it begins afterwards.
    """
    with copying(connection, budget_line.name, ("source", "valid_from_run", "sheet", *NAMES)) as send:
        yield Straight(send, origin)


def tell_planner(connection: Connection) -> None:
    """Tell PostgreSQL how much was sent, which to sum it would otherwise sort it on disk."""
    analyze(connection, budget_line, columns=("source", "version", "fiscal_year", "period", "currency"))


@contextmanager
def taken_back(connection: Connection) -> Iterator[None]:
    """Take back at the end what was sent and not committed."""
    try:
        yield
    finally:
        connection.rollback()
        connection.connection.rollback()
