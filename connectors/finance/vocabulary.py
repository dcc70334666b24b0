"""The words with which `sources.yaml` says how columns and amounts of a finance source are to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from connectors.declared import Declared, Header, Pattern
from connectors.finance.calendar import MONTHS, Calendar, LabelForm
from connectors.finance.currencies import EXPONENTS
from connectors.finance.money import Negative, Notation
from connectors.finance.weeks import WeekCalendar, period_ends
from connectors.records import BudgetVersion

_PART = "0?[1-9]|1[0-6]|Q[1-4]"
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
Separator = Annotated[str, Field(min_length=1, max_length=3)]


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
    negative: Negative = "-1"
    symbol: str = ""
    lakh: bool = False
    blank: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        self.notation()
        return self

    def notation(self) -> Notation:
        return _notation(self.decimal, self.group, self.negative, self.symbol, self.lakh, self.blank)


class Codes(Declared):
    """The columns that say what an amount is for; `id` is the source's own unique id of the row.

    `issue` is a column in whose text issue keys stand; `parent` holds the code of the project that the
    row's project is part of.
    """

    project: Header | None = None
    cost_centre: Header | None = None
    account: Header | None = None
    description: Header | None = None
    id: Header | None = None
    issue: Header | None = None
    parent: Header | None = None


def _known_period(period: str) -> str:
    if not PERIOD.fullmatch(period):
        raise ValueError(f"{period!r} is no period: 1 to 16, Q1 to Q4 or such as FY2017-03")
    return period


def _whole_fiscal_period(period: str) -> str:
    if not re.fullmatch(r"FY[0-9]{4}(-(0[1-9]|1[0-6]))?", period, re.ASCII):
        raise ValueError(f"{period!r} is no fiscal year or month such as FY2025 or FY2026-03")
    return period


Period = Annotated[str, AfterValidator(_known_period)]
ClosedPeriod = Annotated[str, AfterValidator(_whole_fiscal_period)]
Share = Annotated[float, Field(ge=0, le=1)]


class SignFlag(Declared):
    """A column that says which way an amount goes: the cells that keep its sign, and those that turn it."""

    column: Header
    positive: tuple[str, ...]
    negative: tuple[str, ...]

    @model_validator(mode="after")
    def _is_unambiguous(self) -> Self:
        if set(self.positive) & set(self.negative):
            raise ValueError("the same flag cannot be both positive and negative")
        return self


def _known_form(form: str) -> str:
    LabelForm(form).pattern()
    return form


Labels = Annotated[str, Field(min_length=1), AfterValidator(_known_form)]


class Dated(Declared):
    """A column of dates or period labels, from which fiscal year and period follow by the calendar."""

    column: Header
    label: Labels = "{yyyy}-{mm}-{dd}"

    @model_validator(mode="after")
    def _names_a_year(self) -> Self:
        if not LabelForm(self.label).has_year:
            raise ValueError(f"label {self.label!r} names no year; add {{yyyy}} or {{fyyyy}}")
        return self


class YearEnd(Declared):
    """The day a year of weeks ends on: the last such weekday of the month, or the nearest to its end."""

    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    month: Annotated[int, Field(ge=1, le=12)]
    rule: Literal["last", "nearest"] = "last"


class DeclaredCalendar(Declared):
    """The fiscal year: the month it starts in, and whether it is named by the year it starts or ends in.

    Or a year of whole weeks: those of each period (4, 4, 5), and the day it `ends` on.
    """

    starts: Annotated[int, Field(ge=1, le=12)] = 1
    named_by: Literal["start", "end"] = "end"
    months: tuple[Header, ...] = MONTHS
    weeks: tuple[Annotated[int, Field(ge=1, le=52)], ...] = ()
    ends: YearEnd | None = None

    @model_validator(mode="after")
    def _is_a_year(self) -> Self:
        short = {name[:3].casefold() for name in self.months}
        if len(self.months) != 12 or len({name.casefold() for name in self.months}) != 12:
            raise ValueError("months must be twelve different names")
        if self.months != MONTHS and len(short) != 12:
            raise ValueError("the first three letters of the months must differ")
        if bool(self.weeks) is not (self.ends is not None):
            raise ValueError("a year of weeks needs both: `weeks` of each period, and the day it `ends` on")
        if self.weeks:
            period_ends(self.weeks)
        return self

    def calendar(self) -> Calendar | WeekCalendar:
        if self.ends is None:
            return Calendar(self.starts, self.named_by)
        weekday = get_args(YearEnd.model_fields["weekday"].annotation).index(self.ends.weekday)
        return WeekCalendar(self.weeks, weekday, self.ends.month, self.ends.rule, self.named_by)

    def refuse_vague(self, *labels: str) -> None:
        """`ValueError` where a label names a month and the year is made of weeks."""
        for label in labels:
            if self.weeks and not LabelForm(label, self.months).fits_weeks:
                raise ValueError(
                    f"label {label!r} names a month, and a fiscal year of weeks has none; "
                    "use labels with a day, or with {period}"
                )


class Amount(Declared):
    """One amount: which column it stands in, and which year, version and period it belongs to.

    Instead of one `column` there may be two, `debit` and `credit`: the amount is debit less credit. `sign`
    is a column of flags (S/H, D/C) for amounts written without a sign. Year and period are constants or
    columns, or both follow from a `dated` column.
    """

    column: Header | None = None
    debit: Header | None = None
    credit: Header | None = None
    sign: SignFlag | None = None
    fiscal_year: Year | FromColumn | None = None
    version: BudgetVersion | FromColumn = BudgetVersion.BUDGET
    period: Period | FromColumn | None = None
    dated: Dated | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        pair = (self.debit is not None, self.credit is not None)
        if pair not in {(False, False), (True, True)} or (self.column is None) is not all(pair):
            raise ValueError("declare either `column`, or both `debit` and `credit`")
        if self.sign is not None and self.column is None:
            raise ValueError("`sign` goes with `column`, not with `debit` and `credit`")
        if (self.fiscal_year is None) is (self.dated is None):
            raise ValueError("declare either `fiscal_year` or `dated`")
        if self.dated is not None and self.period is not None:
            raise ValueError("`dated` gives the period already; leave `period` out")
        return self

    @property
    def title(self) -> str:
        """The column that stands for the amount in messages."""
        return self.column or self.debit or ""

    def cell_columns(self) -> tuple[str, ...]:
        return tuple(name for name in (self.column, self.debit, self.credit) if name is not None)

    def column_names(self) -> Iterator[str]:
        yield from self.cell_columns()
        for part in (self.sign, self.fiscal_year, self.version, self.period, self.dated):
            if isinstance(part, FromColumn | SignFlag | Dated):
                yield part.column


class PeriodColumns(Declared):
    """A column for each month, period or quarter, known by the form of its name: one budget line each.

    `count` is how many there must be: 12, or 4 for quarters, if nothing else is said. Where the labels name
    no year, `fiscal_year` does. `check` is a column that must hold their sum, if its cell is not blank.
    """

    labels: Labels
    fiscal_year: Year | FromColumn | None = None
    version: BudgetVersion | FromColumn = BudgetVersion.BUDGET
    count: Annotated[int, Field(ge=1, le=400)] | None = None
    check: Header | None = None

    @model_validator(mode="after")
    def _knows_the_year(self) -> Self:
        if LabelForm(self.labels).has_year is (self.fiscal_year is not None):
            raise ValueError("declare `fiscal_year` where the labels name no year, and only there")
        return self

    def column_names(self) -> Iterator[str]:
        if self.check is not None:
            yield self.check
        for part in (self.fiscal_year, self.version):
            if isinstance(part, FromColumn):
                yield part.column


class TotalsRow(Declared):
    """Rows whose cell matches `pattern` as a whole are sums, not data: their amounts are checked.

    They must equal the sum of all rows above (`sums: file`) or of those since the last row of this kind
    (`sums: section`). The column `rows` holds how many these are, as the trailer of an export says. With
    `required`, a file without such a row is taken for cut short and not read.
    """

    column: Header
    pattern: Pattern
    sums: Literal["file", "section"] = "file"
    rows: Header | None = None
    required: bool = False
