"""Turn the cells of one row into the values an amount is made of: currency, year, period, version, money."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from connectors.figures import Figure
from connectors.finance.calendar import LabelRefused, Moment
from connectors.finance.config import FinanceMapping
from connectors.finance.money import AmountRefused, Notation, exponent_of, figure_minor, parse_minor
from connectors.finance.vocabulary import PERIOD, Amount, FromColumn, SignFlag
from connectors.records import BudgetVersion
from connectors.tables import CellRefused

Cells = Mapping[str, str]

_YEAR = re.compile(r"(?:FY ?)?((?:19|2[0-9])[0-9]{2})", re.IGNORECASE | re.ASCII)


def read_currency(cells: Cells, config: FinanceMapping) -> str:
    if isinstance(config.currency, str):
        return config.currency
    code = read_text(cells, config.currency).upper()
    try:
        exponent_of(code)
    except AmountRefused as error:
        raise CellRefused(config.currency.column, str(error), "currency") from None
    return code


def read_moment(cells: Cells, amount: Amount, config: FinanceMapping) -> Moment:
    """The fiscal year and the part of it that an amount belongs to."""
    if amount.dated is None:
        year = _read_year(cells, amount.fiscal_year)
        return Moment(year, _read_part(cells, amount, year))
    column = amount.dated.column
    text = cells[column].strip()
    if not text:
        raise CellRefused(column, "the cell is blank", "blank")
    try:
        return config.label_form(amount.dated.label).read(text, config.calendar.calendar())
    except LabelRefused as error:
        raise CellRefused(column, str(error), "period") from None


def read_version(cells: Cells, amount: Amount) -> BudgetVersion:
    if isinstance(amount.version, BudgetVersion):
        return amount.version
    text = read_text(cells, amount.version)
    try:
        return BudgetVersion(text.lower())
    except ValueError:
        known = ", ".join(BudgetVersion)
        reason = f"{text!r} is no version ({known}); declare what it means under `values`"
        raise CellRefused(amount.version.column, reason, "version") from None


def read_amount(cells: Cells, amount: Amount, currency: str, notation: Notation, scale: int) -> int | None:
    """The amount in minor units by the strict grammar; None where its cells are blank."""
    if amount.column is not None and amount.sign is None:
        return read_minor(cells, amount.column, currency, notation=notation, scale=scale)
    return combine(
        cells, amount, lambda column: read_minor(cells, column, currency, notation=notation, scale=scale)
    )


def read_minor(cells: Cells, column: str, currency: str, *, notation: Notation, scale: int) -> int | None:
    """One money cell in minor units, or None where it is blank."""
    text = cells[column]
    try:
        if isinstance(text, Figure):
            return figure_minor(text, currency, scale)
        return parse_minor(text, currency, notation, scale)
    except AmountRefused as error:
        raise CellRefused(column, str(error), "amount") from None


def combine(cells: Cells, amount: Amount, read: Callable[[str], int | None]) -> int | None:
    """Make one amount of its cells: turned by its flag, or debit less credit; None where all are blank."""
    if amount.column is not None:
        minor = read(amount.column)
        return minor if minor is None or amount.sign is None else _turned(cells, amount.sign, minor)
    debit, credit = (read(column) for column in amount.cell_columns())
    return None if debit is None and credit is None else (debit or 0) - (credit or 0)


def read_text(cells: Cells, source: FromColumn, blank: str | None = None) -> str:
    text = cells[source.column].strip()
    if not text:
        default = blank if source.default is None else source.default
        if default is None:
            raise CellRefused(source.column, "the cell is blank", "blank")
        return default
    if source.values and text not in source.values:
        raise CellRefused(source.column, f"{text!r} is not among the declared values")
    return source.values.get(text, text)


def _read_year(cells: Cells, source: int | FromColumn | None) -> int:
    """A fiscal year: 2017 or FY2017. Other labels (FY16-17) need declared `values`."""
    if not isinstance(source, FromColumn):
        return source or 0  # the configuration lets no amount be without a year
    text = read_text(cells, source)
    match = _YEAR.fullmatch(text)
    if match is None:
        raise CellRefused(source.column, f"{text!r} is no fiscal year such as 2017 or FY2017", "year")
    return int(match[1])


def _read_part(cells: Cells, amount: Amount, year: int) -> str:
    if amount.period is None:
        return ""
    column, text = amount.title, amount.period
    if isinstance(text, FromColumn):
        column, text = text.column, read_text(cells, text, blank="")
    match = PERIOD.fullmatch(text)
    if match is None:
        reason = f"{text!r} is no period: 1 to 16, Q1 to Q4 or such as FY{year}-03"
        raise CellRefused(column, reason, "period")
    if match["year"] and int(match["year"]) != year:
        raise CellRefused(column, f"period {text!r} is not in fiscal year {year}", "period")
    part = (match["part"] or match["alone"] or "").upper()
    return part.zfill(2) if part else ""


def _turned(cells: Cells, sign: SignFlag, minor: int) -> int:
    flag = cells[sign.column].strip()
    if flag in sign.negative:
        return -minor
    if flag in sign.positive:
        return minor
    known = ", ".join(map(repr, (*sign.positive, *sign.negative)))
    raise CellRefused(sign.column, f"{flag!r} is no declared sign ({known})", "sign")
