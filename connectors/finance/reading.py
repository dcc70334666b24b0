"""Turn rows into budget lines and refused rows, remembering what a whole pull must know: ids and sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from connectors.batches import Batch, comes_in_batches
from connectors.finance.checks import TotalsChecks
from connectors.finance.config import FinanceMapping
from connectors.finance.frames import Frames
from connectors.finance.mapping import to_lines
from connectors.finance.plain import PlainRows, speak_for_themselves
from connectors.finance.seen import Seen
from connectors.finance.totals import Tally
from connectors.pages import Page, Quarantined, RowCounts
from connectors.records import BudgetLine, LineColumns
from connectors.tables import Row, Table

# Rows that are not worth looking at by the column, once one of them is not plain.
_FEW = 16
_BELOW = "the row holds an amount below the declared end of the table"


class Reading:
    """The page being filled, and what must be remembered over the whole pull.

    `repeats` says that a row may come twice because pages moved while they were read: the second one, with
    the same id and content, is counted and not refused.
    """

    def __init__(self, config: FinanceMapping, *, repeats: bool = False) -> None:
        self._config = config
        self._repeats = repeats
        self._seen = Seen()
        self._again: dict[str, int] = {}
        self._contents: dict[str, int] = {}
        self.tally = Tally(config)
        self.read = self.accepted = self.refused = self.excluded = self.blank = 0
        self._sheet: str | None = None
        self._start()

    def open(self, name: str, families: Mapping[str, tuple[str, ...]], sheet: str | None = None) -> None:
        """Go on with another table, of this name and with these columns of months."""
        self._file, self._sheet = name, sheet
        self._plan = self._config.plan(families)
        self._checks = TotalsChecks(self._config, self._plan)
        self._frames = Frames(self._config, self._plan)

    def take(self, row: Row | Quarantined) -> None:
        self.rows += 1
        self.read += 1
        outcome = row if isinstance(row, Quarantined) else self._outcome(row)
        if isinstance(row, Quarantined):
            self._checks.add(())
        if isinstance(outcome, Quarantined):
            self.refused += 1
            if not isinstance(row, Quarantined):
                outcome = replace(outcome, record=row.record, sheet=self._sheet)
            self._quarantined.append(outcome)
        elif outcome:
            self.accepted += 1
            self._lines.extend(outcome)

    def open_plain(self, table: Table) -> bool:
        """Whether the table just opened can be read by the batch; `take_batch` takes its rows then."""
        if self._repeats or not comes_in_batches(table) or not speak_for_themselves(self._config, self._plan):
            return False
        self._plain = PlainRows(self._config, self._plan, self._frames, table.places, table.width)
        return True

    def take_batch(self, batch: Batch) -> None:
        """Take plain rows at once; the others, found by halving, one by one."""
        plain = self._plain.read(batch)
        if plain is not None and self._seen.add_all(plain.names):
            self.rows += len(batch)
            self.read += len(batch)
            self.accepted += len(batch)
            self.tally.add_sums(plain.sums)
            self._columns += plain.columns
        elif len(batch) <= _FEW:
            for row in batch.rows():
                self.take(row)
        else:
            for half in batch.halves():
                self.take_batch(half)

    def end(self) -> None:
        """Close the table; `IncompleteRead` where it was cut short."""
        self._checks.end(self._file)

    def repeat(self, rows: Iterable[Row | Quarantined]) -> None:
        """Count the rows of a table that is there a second time."""
        number = sum(1 for _ in rows)
        self._repeated += number
        self.read += number
        self.excluded += number

    def _outcome(self, row: Row) -> tuple[BudgetLine, ...] | Quarantined:
        if row.blank:
            self.blank += 1
            return ()
        kind = self._checks.kind_of(row.cells)
        amounts = self.tally.read(row.cells, self._plan, self._frames)
        if kind is not None:
            self.tally.exclude(amounts)
            return self._checks.check(kind, row, self._file) or self._excluded()
        if row.footer and not amounts:
            return self._excluded()
        if row.footer:
            lines: tuple[BudgetLine, ...] | Quarantined = Quarantined(
                self._file, row.line, amounts[0].amount.title, _BELOW, row.raw, "below_table"
            )
        else:
            lines = to_lines(row, self._config, self._file, self._plan, self._frames)
            if self._came_before(lines):
                self._repeated += 1
                self.excluded += 1
                return ()
            lines = self._distinct(lines, row)
            self.blank += not lines
        self.tally.add(amounts, refused=isinstance(lines, Quarantined))
        self._checks.add(amounts)
        return lines

    def _came_before(self, lines: tuple[BudgetLine, ...] | Quarantined) -> bool:
        """Whether a row with this id and content is known, where rows may repeat; it is remembered if not."""
        if not self._repeats or isinstance(lines, Quarantined) or self._config.columns.id is None:
            return False
        said = {line.id: hash(replace(line, line=None)) for line in lines}
        if said and all(self._contents.get(own_id) == content for own_id, content in said.items()):
            return True
        for own_id, content in said.items():
            self._contents.setdefault(own_id, content)
        return False

    def _excluded(self) -> tuple[BudgetLine, ...]:
        """Count a row that is no data."""
        self.excluded += 1
        return ()

    def finish(self) -> Page:
        """The last page: with the sums of the whole pull, and what became of its rows."""
        counts = RowCounts(self.read, self.accepted, self.refused, self.excluded, self.blank)
        tally = self.tally
        return replace(
            self.turn(), totals=tally.totals, refused=tally.refused, excluded=tally.excluded, counts=counts
        )

    def turn(self) -> Page:
        """The page so far; the next one starts empty."""
        page = Page(
            records=tuple(self._lines),
            columns=tuple(self._columns),
            quarantined=tuple(self._quarantined),
            repeated=self._repeated,
            sheet=self._sheet,
        )
        self._start()
        return page

    def _start(self) -> None:
        self.rows = self._repeated = 0
        self._lines: list[BudgetLine] = []
        self._columns: list[LineColumns] = []
        self._quarantined: list[Quarantined] = []

    def _distinct(
        self, lines: tuple[BudgetLine, ...] | Quarantined, row: Row
    ) -> tuple[BudgetLine, ...] | Quarantined:
        if isinstance(lines, Quarantined):
            return lines
        own_id = self._config.columns.id
        if own_id is not None and lines:
            said = row.cells[own_id].strip()
            if self._seen.add(said):
                return lines if len(lines) == 1 else _numbered(lines)
            reason = f"id {said!r} was already used by an earlier row"
            return Quarantined(self._file, row.line, own_id, reason, row.raw, "duplicate_id")
        new = [self._seen.add(line.id) for line in lines]
        if all(new):
            return lines
        if self._config.duplicates == "reject":
            reason = "an earlier row has the same codes, version, period and currency"
            return Quarantined(self._file, row.line, None, reason, row.raw, "duplicate_key")
        return tuple(line if first else self._another(line) for line, first in zip(lines, new, strict=True))

    def _another(self, line: BudgetLine) -> BudgetLine:
        ordinal = self._again[line.id] = self._again.get(line.id, 1) + 1
        return replace(line, id=f"{line.id}#{ordinal}")


def _numbered(lines: tuple[BudgetLine, ...]) -> tuple[BudgetLine, ...]:
    """Tell the lines of one row apart."""
    seen: Counter[str] = Counter()
    apart = []
    for line in lines:
        seen[line.id] += 1
        apart.append(line if seen[line.id] == 1 else replace(line, id=f"{line.id}#{seen[line.id]}"))
    return tuple(apart)
