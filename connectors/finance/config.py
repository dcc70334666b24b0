"""What `sources.yaml` may say about a finance source: the mapping, and the files it is for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from connectors.base import Terms
from connectors.declared import Declared, DeclaredFiles, Header, Name
from connectors.finance.calendar import LabelForm
from connectors.finance.vocabulary import (
    Amount,
    ClosedPeriod,
    Codes,
    Currency,
    DeclaredCalendar,
    FromColumn,
    NumberFormat,
    PeriodColumns,
    Scale,
    Separator,
    Share,
    TotalsRow,
)
from connectors.headers import Family
from connectors.records import BudgetVersion

# What does not change which budget lines a file gives.
BESIDE_READING = {"name", "path", "arrival", "closed_through", "max_rejects", "share_by"}
# To be raised when the same file and mapping come to give other budget lines: all files are then read anew.
PARSER = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read of each row: its amounts, and the columns that must hold the sum of others."""

    amounts: tuple[Amount, ...]
    sums: tuple[tuple[str, tuple[str, ...]], ...] = ()


class FinanceMapping(Declared):
    """How a row becomes budget lines, wherever it comes from.

    `scale` is the worth of one written unit. `amounts` lists the amount columns of a wide file (one budget
    line each); `amount` is short for a list of one; `periods` are the columns of months or quarters. Where
    codes of projects are paths, `project_separator` stands between their parts: 1200.10 is part of 1200.

    What the source may change: see `connectors.base.Terms`. `scope` is `periods` where a file only speaks of
    the periods it holds. Of rows with the same key all count (`duplicates: sum`), or only the first is taken.

    `share_by`: a number field of the work, as its site declares it, by which several items share a line.
    """

    name: Name
    currency: Currency | FromColumn
    scale: Scale = 1
    number: NumberFormat = NumberFormat()
    calendar: DeclaredCalendar = DeclaredCalendar()
    columns: Codes = Codes()
    project_separator: Separator | None = None
    amounts: tuple[Amount, ...] = ()
    amount: Amount | None = None
    periods: tuple[PeriodColumns, ...] = ()
    totals: tuple[TotalsRow, ...] = ()
    duplicates: Literal["sum", "reject"] = "sum"
    scope: Literal["all", "periods"] = "all"
    closed_through: ClosedPeriod | None = None
    max_rejects: Share = 0.5
    share_by: Header | None = None

    @model_validator(mode="after")
    def _has_amounts(self) -> Self:
        if self.amounts and self.amount is not None:
            raise ValueError("declare either `amounts` (a list) or `amount` (one column), and not both")
        if not (self.amounts or self.amount or self.periods):
            raise ValueError("declare `amount` (one column), `amounts` (a list) or `periods` (months)")
        if len({group.labels for group in self.periods}) != len(self.periods):
            raise ValueError("two of `periods` have the same labels")
        self.calendar.refuse_vague(
            *(group.labels for group in self.periods),
            *(amount.dated.label for amount in self.all_amounts() if amount.dated is not None),
        )
        return self

    def all_amounts(self) -> tuple[Amount, ...]:
        return self.amounts if self.amount is None else (self.amount,)

    def column_names(self) -> Iterator[str]:
        for name in self.columns.model_dump().values():
            if name is not None:
                yield name
        if isinstance(self.currency, FromColumn):
            yield self.currency.column
        parts: list[Amount | PeriodColumns] = [*self.all_amounts(), *self.periods]
        for part in parts:
            yield from part.column_names()
        for row in self.totals:
            yield from (row.column,) if row.rows is None else (row.column, row.rows)

    def families(self) -> tuple[Family, ...]:
        """The columns of months and quarters, as a table is asked for them."""
        forms = [(group, self.label_form(group.labels)) for group in self.periods]
        return tuple(
            Family(group.labels, form.pattern(), group.count or form.usual_count) for group, form in forms
        )

    def label_form(self, text: str) -> LabelForm:
        return LabelForm(text, self.calendar.months)

    def terms(self) -> Terms:
        return Terms(self.scope == "periods", self.closed_through, self.max_rejects)

    def parser(self) -> str:
        """What stands for this mapping and for the code that reads by it, whatever the source is called."""
        said = self.model_dump_json(exclude=BESIDE_READING)
        return hashlib.sha256(f"{PARSER} {said}".encode()).hexdigest()

    def plan(self, found: Mapping[str, tuple[str, ...]] | None = None) -> Plan:
        """Every amount of a row, given which columns of months and quarters a table has."""
        amounts = list(self.all_amounts())
        sums: list[tuple[str, tuple[str, ...]]] = []
        for group in self.periods:
            titles = (found or {}).get(group.labels, ())
            amounts += [self._period_amount(group, title) for title in titles]
            if group.check is not None:
                sums.append((group.check, titles))
        return Plan(tuple(amounts), tuple(sums))

    def _period_amount(self, group: PeriodColumns, title: str) -> Amount:
        moment = self.label_form(group.labels).read(title, self.calendar.calendar())
        year = group.fiscal_year if moment.year is None else moment.year
        return Amount(column=title, fiscal_year=year, period=moment.part or None, version=group.version)


class FinanceSourceConfig(FinanceMapping, DeclaredFiles):
    """One finance source: a CSV file, or a folder of CSV files of one form."""

    kind: Literal["csv"] = "csv"


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
