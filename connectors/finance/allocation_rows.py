"""Turn a row of an allocation table into a rule, or into a quarantined row that says what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from connectors.declared import Declared, DeclaredFiles, Header, Name
from connectors.figures import Figure
from connectors.finance.mapping import natural_key
from connectors.finance.vocabulary import PERIOD, DeclaredCalendar
from connectors.headers import Column
from connectors.pages import Quarantined
from connectors.records import AllocationRule, CodeField
from connectors.tables import CellRefused, Row

# Percents have four decimals at most, so that a share is a whole number of millionths.
_PERCENT = re.compile(r"(?P<whole>[0-9]{1,3})(?:[.,](?P<part>[0-9]{1,4}))? ?%?", re.ASCII)
_YEAR = re.compile(r"(?:FY ?)?(?P<year>(?:19|2[0-9])[0-9]{2})", re.ASCII | re.IGNORECASE)
_WHOLE = 1_000_000


class AllocationColumns(Declared):
    """The columns of an allocation table; only `code` and one of `issue` and `objective` are needed."""

    code: Header = "code"
    field: Header = "field"
    issue: Header = "issue"
    objective: Header = "objective"
    percent: Header = "percent"
    valid_from: Header = "valid_from"
    valid_to: Header = "valid_to"
    source: Header = "source"
    site: Header = "site"


class AllocationsConfig(DeclaredFiles):
    """An allocation table: which code's money falls to which issue, or serves which objective.

    `field` says which code is meant where the table has no column for that. A code that ends with `*` speaks
    of all codes that begin so. Validity is written as dates, counted by `calendar`, or as fiscal periods.
    """

    name: Name = "allocations"
    columns: AllocationColumns = AllocationColumns()
    field: CodeField = CodeField.PROJECT
    calendar: DeclaredCalendar = DeclaredCalendar()

    def column_names(self) -> Iterator[str]:
        return iter(self.columns.model_dump().values())

    def needed(self) -> tuple[Column, ...]:
        """Of the columns under their usual names only the code must be there; declared ones must be, too."""
        said = {"code", *self.columns.model_fields_set}
        must = {getattr(self.columns, name) for name in said}
        return tuple(Column(it.name, it.required and it.name in must) for it in super().needed())


def to_rule(row: Row, config: AllocationsConfig, file: str) -> AllocationRule | Quarantined:
    """One row as a rule, or as a quarantined row that says what is wrong with it."""
    columns = config.columns
    try:
        code, issue, objective = _ends(row, config)
        field = _field(row, config)
        share = _share(row, columns.percent)
        starts, ends = (_period(row, name, config) for name in (columns.valid_from, columns.valid_to))
        _refuse_reversed(columns.valid_to, starts, ends)
    except CellRefused as fault:
        return Quarantined(file, row.line, fault.column, str(fault), row.raw)
    site, source = _text(row, columns.site), _text(row, columns.source)
    start, end = starts and starts[0], ends and ends[1]
    whom = (field, code, issue, objective, site, source, *(str(it or "") for it in (start, end)))
    return AllocationRule(
        id=natural_key(*whom),
        field=field,
        code=code.rstrip("*") if code.endswith("*") else code,
        evidence=_evidence(row, config, file, field, code),
        prefix=code.endswith("*"),
        issue=issue,
        objective=objective,
        millionths=share,
        starts=start,
        ends=end,
        source=source,
        site=site,
    )


def _ends(row: Row, config: AllocationsConfig) -> tuple[str, str | None, str | None]:
    """The code, and the issue or the objective that its money is for."""
    columns = config.columns
    code, issue, objective = (_text(row, name) for name in (columns.code, columns.issue, columns.objective))
    if code is None or not code.rstrip("*"):
        raise CellRefused(columns.code, "write the code, or its beginning and a `*`")
    if (issue is None) is (objective is None):
        raise CellRefused(columns.issue, "name either an issue or an objective, and not both")
    return code, issue, objective


def _evidence(row: Row, config: AllocationsConfig, file: str, field: CodeField, code: str) -> str:
    """Where the rule stands and what it says, for people."""
    percent = _text(row, config.columns.percent)
    share = f", {percent.rstrip(' %')} %" if percent else ""
    sheet = f", sheet {config.sheet}" if config.sheet else ""
    return f"{file}{sheet}, line {row.line}: {field.replace('_', ' ')} {code}{share}"


def _text(row: Row, column: str) -> str | None:
    return row.cells[column].strip() or None


def _field(row: Row, config: AllocationsConfig) -> CodeField:
    text = _text(row, config.columns.field)
    if text is None:
        return config.field
    try:
        return CodeField(text.casefold().replace(" ", "_").replace("center", "centre"))
    except ValueError:
        known = ", ".join(field.replace("_", " ") for field in CodeField)
        raise CellRefused(config.columns.field, f"{text!r} is no kind of code ({known})") from None


def _share(row: Row, column: str) -> int | None:
    """A percent as millionths: exact, more than 0 and at most 100."""
    text = _text(row, column)
    if text is None:
        return None
    if isinstance(row.cells[column], Figure) and Decimal(text) <= 1:
        reason = f"{text} in a workbook may mean {text} % or 100 times that; write it as text, such as '50 %'"
        raise CellRefused(column, reason)
    match = _PERCENT.fullmatch(text)
    share = int(match["whole"] + (match["part"] or "").ljust(4, "0")) if match else 0
    if not 0 < share <= _WHOLE:
        reason = f"{text!r} is no percent: more than 0, at most 100, with at most four decimals"
        raise CellRefused(column, reason)
    return share


def _period(row: Row, column: str, config: AllocationsConfig) -> tuple[int, int] | None:
    """The first and the last fiscal period that a cell names, as numbers: 202603 for FY2026-03."""
    text = _text(row, column)
    if text is None:
        return None
    if year := _YEAR.fullmatch(text):
        return int(year["year"]) * 100 + 1, int(year["year"]) * 100 + 99
    match = PERIOD.fullmatch(text)
    if match and match["year"] and match["part"]:
        base, part = int(match["year"]) * 100, match["part"].upper()
        if part.startswith("Q"):
            return base + int(part[1]) * 3 - 2, base + int(part[1]) * 3
        return base + int(part), base + int(part)
    try:
        day = date.fromisoformat(text)
    except ValueError:
        reason = f"{text!r} is neither a fiscal period (FY2026, FY2026-03) nor a date such as 2026-07-01"
        raise CellRefused(column, reason) from None
    fiscal, number = config.calendar.calendar().fiscal(day)
    return fiscal * 100 + number, fiscal * 100 + number


def _refuse_reversed(column: str, starts: tuple[int, int] | None, ends: tuple[int, int] | None) -> None:
    if starts and ends and ends[1] < starts[0]:
        raise CellRefused(column, "it ends before it starts")
