"""Turn the cells that say what an amount belongs to into currency, moment and version, and remember them.

A file has many rows and few combinations of currency, date and version: each is read once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter

from connectors.finance.calendar import Moment
from connectors.finance.cells import Cells, read_currency, read_moment, read_version
from connectors.finance.config import FinanceMapping, Plan
from connectors.finance.money import exponent_of
from connectors.finance.vocabulary import Amount, Dated, FromColumn
from connectors.records import BudgetVersion

_MOST = 50_000


@dataclass(frozen=True, slots=True)
class Frame:
    """What an amount belongs to; `exponent` is that of the currency, `key` tells sums apart."""

    currency: str
    exponent: int
    moment: Moment
    version: BudgetVersion
    period: str
    key: tuple[int, BudgetVersion, str]


class Frames:
    """The frames met so far in one table, for each amount of the plan."""

    def __init__(self, config: FinanceMapping, plan: Plan) -> None:
        self._config = config
        self._amounts = plan.amounts
        self._cells = [_cells_of(_columns(config, amount)) for amount in plan.amounts]
        self._known: list[dict[object, Frame]] = [{} for _ in plan.amounts]
        self._currencies: dict[str, str] = {}
        self.notation = config.number.notation()

    def currency(self, cells: Cells) -> str:
        """The currency of a row."""
        declared = self._config.currency
        if isinstance(declared, str):
            return declared
        said = cells[declared.column]
        known = self._currencies.get(said)
        if known is None:
            known = self._currencies[said] = read_currency(cells, self._config)
        return known

    def read(self, cells: Cells, place: int) -> Frame:
        """The frame of the amount at this place of the plan; `CellRefused` where it cannot be read."""
        said = self._cells[place](cells)
        known = self._known[place]
        frame = known.get(said)
        if frame is None:
            if len(known) >= _MOST:
                known.clear()
            frame = known[said] = _read(cells, self._amounts[place], self._config)
        return frame


def _columns(config: FinanceMapping, amount: Amount) -> list[str]:
    """The columns that decide what the amount belongs to."""
    sources = (config.currency, amount.fiscal_year, amount.version, amount.period, amount.dated)
    return [source.column for source in sources if isinstance(source, FromColumn | Dated)]


def _cells_of(columns: list[str]) -> Callable[[Cells], object]:
    return itemgetter(*columns) if columns else lambda _: None


def _read(cells: Cells, amount: Amount, config: FinanceMapping) -> Frame:
    currency, moment, version = (
        read_currency(cells, config),
        read_moment(cells, amount, config),
        read_version(cells, amount),
    )
    key = (moment.year or 0, version, currency)
    return Frame(currency, exponent_of(currency), moment, version, moment.period, key)
