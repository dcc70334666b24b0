"""What `sources.yaml` may say about a finance source: how its columns and amounts are to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from connectors.declared import Declared, DeclaredFiles, Header, Name
from connectors.finance.currencies import EXPONENTS
from connectors.finance.money import Notation
from connectors.records import BudgetVersion

_PART = "0?[1-9]|1[0-3]|Q[1-4]"
PERIOD = re.compile(
    rf"(?:FY(?P<year>[0-9]{{4}})(?:-(?P<part>{_PART}))?|(?P<alone>{_PART}))?", re.IGNORECASE | re.ASCII
)


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError(f"{code!r} is no ISO 4217 currency code (such as USD or EUR)")
    return code


def _power_of_ten(scale: int) -> int:
    if scale not in {10**power for power in range(13)}:
        raise ValueError(f"scale must be 1, 10, 100 … up to 1000000000000, not {scale}")
    return scale


Currency = Annotated[str, AfterValidator(_known_currency)]
Scale = Annotated[int, AfterValidator(_power_of_ten)]
Year = Annotated[int, Field(ge=1900, le=2999)]


class FromColumn(Declared):
    """A value read from a column: as written, or translated by `values`; `default` stands for a blank cell.

    With `values`, a cell that is not among them refuses its row.
    """

    column: Header
    values: dict[str, str] = Field(default_factory=dict)
    default: str | None = None


_notation = lru_cache(Notation)  # asked for once a row


class NumberFormat(Declared):
    """How amounts are written: see `connectors.finance.money.Notation`."""

    decimal: str = "."
    group: str = ""
    negative: Literal["-1", "(1)", "1-"] = "-1"
    symbol: str = ""

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        self.notation()
        return self

    def notation(self) -> Notation:
        return _notation(self.decimal, self.group, self.negative, self.symbol)


class Codes(Declared):
    """The columns that say what an amount is for; `id` is the source's own unique id of the row."""

    project: Header | None = None
    cost_centre: Header | None = None
    account: Header | None = None
    description: Header | None = None
    id: Header | None = None


def _known_period(period: str) -> str:
    if not PERIOD.fullmatch(period):
        raise ValueError(f"{period!r} is no period: 1 to 13, Q1 to Q4 or such as FY2017-03")
    return period


Period = Annotated[str, AfterValidator(_known_period)]


class Amount(Declared):
    """One amount column: which year, version and period its cells belong to, by constant or by column."""

    column: Header
    fiscal_year: Year | FromColumn
    version: BudgetVersion | FromColumn = BudgetVersion.BUDGET
    period: Period | FromColumn | None = None


class FinanceSourceConfig(DeclaredFiles):
    """One finance source: a CSV file, or a folder of CSV files of one form.

    `scale` is the worth of one written unit. `amounts` lists the amount columns of a wide file (one budget
    line each); `amount` is short for a list of one.
    """

    kind: Literal["csv"] = "csv"
    name: Name
    currency: Currency | FromColumn
    scale: Scale = 1
    number: NumberFormat = NumberFormat()
    columns: Codes = Codes()
    amounts: tuple[Amount, ...] = ()
    amount: Amount | None = None

    @model_validator(mode="after")
    def _has_amounts(self) -> Self:
        if bool(self.amounts) == (self.amount is not None):
            raise ValueError("declare either `amounts` (a list) or `amount` (one column), and not both")
        return self

    def all_amounts(self) -> tuple[Amount, ...]:
        return self.amounts if self.amount is None else (self.amount,)

    def column_names(self) -> Iterator[str]:
        for name in self.columns.model_dump().values():
            if name is not None:
                yield name
        if isinstance(self.currency, FromColumn):
            yield self.currency.column
        for amount in self.all_amounts():
            yield amount.column
            for part in (amount.fiscal_year, amount.version, amount.period):
                if isinstance(part, FromColumn):
                    yield part.column


def canonical(path: Path, name: str = "finance") -> FinanceSourceConfig:
    """The mapping used when only a path is given: columns named as in our own words.

    fiscal_year, currency and amount must be there; project, cost_centre, account, description, period and
    version may be absent. A blank version is a budget.
    """
    return FinanceSourceConfig(
        name=name,
        path=path,
        currency=FromColumn(column="currency"),
        columns=Codes(
            project="project", cost_centre="cost_centre", account="account", description="description"
        ),
        amount=Amount(
            column="amount",
            fiscal_year=FromColumn(column="fiscal_year"),
            version=FromColumn(column="version", default=BudgetVersion.BUDGET.value),
            period=FromColumn(column="period"),
        ),
        optional=("project", "cost_centre", "account", "description", "period", "version"),
    )
