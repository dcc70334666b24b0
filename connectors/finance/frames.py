"""Turn the cells that say what an amount belongs to into currency, moment and version, and remember them.

A file has many rows and few combinations of currency, date and version: each is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from connectors.finance.calendar import Moment
from connectors.finance.cells import Cells, read_currency, read_moment, read_version
from connectors.finance.config import FinanceMapping, Plan
from connectors.finance.money import exponent_of
from connectors.finance.vocabulary import Amount, Dated, FromColumn
from connectors.records import BudgetVersion

_MOST = 50_000

Key = tuple[int, BudgetVersion, str]


@dataclass(frozen=True, slots=True)
class Frame:
    """What an amount belongs to; `exponent` is that of the currency, `key` tells sums apart.

    `said` is version, fiscal year, period and currency as a line has them, `tail` what a line's id ends with.
    """

    currency: str
    exponent: int
    moment: Moment
    version: BudgetVersion
    period: str
    key: Key
    said: tuple[str, int, str, str]
    tail: str


class Frames:
    """The frames met so far in one table, for each amount of the plan."""

    def __init__(self, config: FinanceMapping, plan: Plan) -> None:
        self._config = config
        self._amounts = plan.amounts
        self._columns = [_columns(config, amount) for amount in plan.amounts]
        self._cells = [_cells_of(columns) for columns in self._columns]
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

    def read_all(self, columns: Mapping[str, Sequence[str]], place: int, count: int) -> list[Frame]:
        """The frame of the amount at this place in each of so many rows; `CellRefused` where one has none."""
        names = self._columns[place]
        # The same as what the cells of a single row say: a text where there is one column, else a tuple.
        said: list[object] = [None] * count
        if names:
            parts = [columns[name] for name in names]
            said = list(zip(*parts, strict=True)) if names[1:] else list(parts[0])
        known = self._known[place]
        frames = {
            one: known.get(one) or self.read({name: columns[name][said.index(one)] for name in names}, place)
            for one in set(said)
        }
        return [frames[one] for one in said]


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
    year, period = moment.year or 0, moment.period
    return Frame(
        currency,
        exponent_of(currency),
        moment,
        version,
        period,
        key=(year, version, currency),
        said=(version.value, year, period, currency),
        tail=f"{version}|{period}|{currency}",
    )
