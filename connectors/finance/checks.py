"""Turn totals rows into checks: what they state must be the sum of the rows above, never data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from connectors.errors import IncompleteRead
from connectors.finance.cells import Cells, combine, read_currency, read_minor
from connectors.finance.config import FinanceMapping, Plan
from connectors.finance.mapping import difference
from connectors.finance.totals import Loose
from connectors.finance.vocabulary import Amount, TotalsRow
from connectors.pages import Quarantined
from connectors.tables import CellRefused, Row

_Key = tuple[str, str]


class TotalsChecks:
    """The running sums of one table, by amount column and currency, for each declared kind of totals row."""

    def __init__(self, config: FinanceMapping, plan: Plan) -> None:
        self._config = config
        self._plan = plan
        self._kinds = [(kind, re.compile(kind.pattern)) for kind in config.totals]
        self._sums: list[Counter[_Key]] = [Counter() for _ in self._kinds]
        self._rows = [0 for _ in self._kinds]
        self._met: set[int] = set()

    def kind_of(self, cells: Cells) -> int | None:
        """Which kind of totals row this is, if it is one."""
        for number, (kind, pattern) in enumerate(self._kinds):
            if pattern.fullmatch(cells[kind.column].strip()):
                return number
        return None

    def add(self, amounts: Iterable[Loose]) -> None:
        """Count a row above, with its amounts."""
        if not self._kinds:
            return
        self._rows = [rows + 1 for rows in self._rows]
        for found in amounts:
            for sums in self._sums:
                sums[found.amount.title, found.currency] += found.minor

    def check(self, number: int, row: Row, file: str) -> Quarantined | None:
        """The row as refused where it states another sum than the one found above it."""
        kind, sums = self._kinds[number][0], self._sums[number]
        self._met.add(number)
        try:
            _check_rows(row.cells, kind, self._rows[number])
            for amount in self._plan.amounts:
                self._check(row.cells, amount, kind, sums)
        except CellRefused as fault:
            return Quarantined(file, row.line, fault.column, str(fault), row.raw, fault.code)
        finally:
            if kind.sums == "section":
                sums.clear()
                self._rows[number] = 0
        return None

    def end(self, file: str) -> None:
        """`IncompleteRead` where a row that must close the table was not met."""
        for number, (kind, _) in enumerate(self._kinds):
            if kind.required and number not in self._met:
                raise IncompleteRead(
                    f"{file}: it ends without a row whose {kind.column} is like {kind.pattern!r}, "
                    "so it may be cut short. Fetch it again."
                )

    def _check(self, cells: Cells, amount: Amount, kind: TotalsRow, sums: Counter[_Key]) -> None:
        if not any(cells[column].strip() for column in amount.cell_columns()):
            return
        currency = self._currency(cells, amount, sums)
        notation = self._config.number.notation()

        def read(column: str) -> int | None:
            return read_minor(cells, column, currency, notation=notation, scale=self._config.scale)

        # A sum is written with its own sign where its flag is blank.
        flagged = amount.sign is not None and cells[amount.sign.column].strip()
        plain = amount if flagged or amount.sign is None else amount.model_copy(update={"sign": None})
        stated, found = combine(cells, plain, read), sums[amount.title, currency]
        if stated is not None and stated != found:
            where = "above" if kind.sums == "file" else "of its section"
            raise CellRefused(amount.title, difference(stated, found, currency, where), "total")

    def _currency(self, cells: Cells, amount: Amount, sums: Counter[_Key]) -> str:
        """The row's own currency, or the only one of the amounts above."""
        try:
            return read_currency(cells, self._config)
        except CellRefused:
            above = sorted({currency for title, currency in sums if title == amount.title})
            if len(above) == 1:
                return above[0]
            reason = f"a totals row without a currency stands below amounts in {', '.join(above) or 'none'}"
            raise CellRefused(amount.title, reason, "total") from None


def _check_rows(cells: Cells, kind: TotalsRow, found: int) -> None:
    stated = cells[kind.rows].strip() if kind.rows is not None else ""
    if kind.rows is not None and stated and stated != str(found):
        raise CellRefused(kind.rows, f"it states {stated!r} rows where {found} stand above", "total")
