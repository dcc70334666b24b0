"""Turn one row of a table into budget lines, or into a quarantined row that says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.finance.config import PERIOD, Amount, FinanceSourceConfig, FromColumn
from connectors.finance.money import AmountRefused, Notation, exponent_of, parse_minor
from connectors.records import BudgetLine, BudgetVersion, Quarantined
from connectors.tables import CellRefused, Row

Cells = Mapping[str, str]

_YEAR = re.compile(r"(?:FY ?)?((?:19|2[0-9])[0-9]{2})", re.IGNORECASE | re.ASCII)


def to_lines(row: Row, config: FinanceSourceConfig, file: str) -> tuple[BudgetLine, ...] | Quarantined:
    """One budget line for each amount that is not blank; one bad cell refuses the whole row.

    The lines' ids are natural keys, which two rows may share: telling them apart is the source's task.
    """
    try:
        head = _read_head(row.cells, config)
    except CellRefused as fault:
        return Quarantined(file, row.line, fault.column, str(fault), row.raw)
    notation = config.number.notation()
    faults: list[CellRefused] = []
    lines: list[BudgetLine] = []
    for amount in config.all_amounts():
        try:
            minor = _read_amount(row.cells, config, amount, head.currency, notation)
            if minor is not None:
                lines.append(_to_line(row, amount, head, minor))
        except CellRefused as fault:
            faults.append(fault)
    if not faults:
        return tuple(lines)
    reasons = dict.fromkeys(f"{fault.column}: {fault}" for fault in faults[1:])
    reasons.pop(f"{faults[0].column}: {faults[0]}", None)
    return Quarantined(file, row.line, faults[0].column, "; ".join([str(faults[0]), *reasons]), row.raw)


def read_currency(cells: Cells, config: FinanceSourceConfig) -> str:
    if isinstance(config.currency, str):
        return config.currency
    code = _read(cells, config.currency).upper()
    try:
        exponent_of(code)
    except AmountRefused as error:
        raise CellRefused(config.currency.column, str(error)) from None
    return code


def read_year(cells: Cells, amount: Amount) -> int:
    """A fiscal year: 2017 or FY2017. Other labels (FY16-17) need declared `values`."""
    if isinstance(amount.fiscal_year, int):
        return amount.fiscal_year
    text = _read(cells, amount.fiscal_year)
    match = _YEAR.fullmatch(text)
    if match is None:
        raise CellRefused(amount.fiscal_year.column, f"{text!r} is no fiscal year such as 2017 or FY2017")
    return int(match[1])


def read_version(cells: Cells, amount: Amount) -> BudgetVersion:
    if isinstance(amount.version, BudgetVersion):
        return amount.version
    text = _read(cells, amount.version)
    try:
        return BudgetVersion(text.lower())
    except ValueError:
        known = ", ".join(BudgetVersion)
        reason = f"{text!r} is no version ({known}); declare what it means under `values`"
        raise CellRefused(amount.version.column, reason) from None


def natural_key(*parts: str | None) -> str:
    """The parts joined by bars; a bar or backslash inside a part is escaped, so no two keys are confused."""
    return "|".join((part or "").replace("\\", "\\\\").replace("|", "\\|") for part in parts)


@dataclass(frozen=True, slots=True)
class _Head:
    """What all amounts of a row share."""

    currency: str
    project: str | None
    cost_centre: str | None
    account: str | None
    description: str | None
    own_id: str | None


def _read_head(cells: Cells, config: FinanceSourceConfig) -> _Head:
    columns = config.columns
    own_id = _code(cells, columns.id)
    if columns.id is not None and own_id is None:
        raise CellRefused(columns.id, "the id is blank")
    return _Head(
        currency=read_currency(cells, config),
        project=_code(cells, columns.project),
        cost_centre=_code(cells, columns.cost_centre),
        account=_code(cells, columns.account),
        description=_code(cells, columns.description),
        own_id=own_id,
    )


def _read_amount(
    cells: Cells, config: FinanceSourceConfig, amount: Amount, currency: str, notation: Notation
) -> int | None:
    try:
        return parse_minor(cells[amount.column], currency, notation, config.scale)
    except AmountRefused as error:
        raise CellRefused(amount.column, str(error)) from None


def _to_line(row: Row, amount: Amount, head: _Head, minor: int) -> BudgetLine:
    year, version = read_year(row.cells, amount), read_version(row.cells, amount)
    period = _read_period(row.cells, amount, year)
    whose = (head.project, head.cost_centre, head.account) if head.own_id is None else (head.own_id,)
    return BudgetLine(
        id=natural_key(*whose, version, period, head.currency),
        version=version,
        fiscal_year=year,
        period=period,
        currency=head.currency,
        amount_minor=minor,
        project=head.project,
        cost_centre=head.cost_centre,
        account=head.account,
        description=head.description,
        line=row.line,
    )


def _read_period(cells: Cells, amount: Amount, year: int) -> str:
    """`FY2017` for the whole year, `FY2017-03` or `FY2017-Q1` for a part; part 13 is for adjustments."""
    if amount.period is None:
        return f"FY{year}"
    column, text = amount.column, amount.period
    if isinstance(text, FromColumn):
        column, text = text.column, _read(cells, text, blank="")
    match = PERIOD.fullmatch(text)
    if match is None:
        raise CellRefused(column, f"{text!r} is no period: 1 to 13, Q1 to Q4 or such as FY{year}-03")
    if match["year"] and int(match["year"]) != year:
        raise CellRefused(column, f"period {text!r} is not in fiscal year {year}")
    part = (match["part"] or match["alone"] or "").upper()
    return f"FY{year}-{part.zfill(2)}" if part else f"FY{year}"


def _read(cells: Cells, source: FromColumn, blank: str | None = None) -> str:
    text = cells[source.column].strip()
    if not text:
        default = blank if source.default is None else source.default
        if default is None:
            raise CellRefused(source.column, "the cell is blank")
        return default
    if source.values and text not in source.values:
        raise CellRefused(source.column, f"{text!r} is not among the declared values")
    return source.values.get(text, text)


def _code(cells: Cells, column: str | None) -> str | None:
    """Exactly as given, leading zeros kept; only the whitespace around it goes, tabs included."""
    return (cells[column].strip() or None) if column is not None else None
