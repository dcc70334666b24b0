"""Turn files of exchange rates, long or wide, into pages of rates: exact, and never two for one moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Context, Decimal
from typing import Literal, Self

from pydantic import model_validator

from connectors.cursors import Cursors, Place
from connectors.declared import DeclaredFiles, Header, Name
from connectors.figures import Figure
from connectors.finance.calendar import LabelForm, LabelRefused
from connectors.finance.cells import Cells, read_text
from connectors.finance.currencies import EXPONENTS
from connectors.finance.mapping import natural_key
from connectors.finance.money import AmountRefused, parse_decimal
from connectors.finance.vocabulary import Currency, Dated, DeclaredCalendar, FromColumn, NumberFormat
from connectors.pages import Page, Quarantined
from connectors.records import FxRate, RateType
from connectors.tables import CellRefused, Row, open_tables

PAGE_ROWS = 500
_EXACT = Context(prec=60)


class FxSourceConfig(DeclaredFiles):
    """Exchange rates in a file, or a folder of files of one form.

    A rate says how much of the quote currency `units` of the base currency are worth. Either each row holds
    one (`base`, `quote` and `rate`), or there is a column for each currency in `columns`, named after it, as
    central banks publish them: it stands for whichever of `base` and `quote` is left out. `dated` gives the
    day or, where its label names no day, the fiscal period. A blank cell is no rate, and neither is a text
    in `unknown`.
    """

    name: Name
    type: RateType | FromColumn = RateType.SPOT
    base: Currency | FromColumn | None = None
    quote: Currency | FromColumn | None = None
    rate: Header | None = None
    columns: tuple[Currency, ...] = ()
    units: Literal[1, 10, 100, 1000, 10000] = 1
    dated: Dated
    calendar: DeclaredCalendar = DeclaredCalendar()
    number: NumberFormat = NumberFormat()
    unknown: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_long_or_wide(self) -> Self:
        sides = (self.base is not None) + (self.quote is not None)
        if (sides, self.rate is None, bool(self.columns)) not in {(2, False, False), (1, True, True)}:
            raise ValueError(
                "declare `base`, `quote` and `rate` (one rate in a row), or `columns` (a column for each "
                "currency) with either `base` or `quote`"
            )
        self.calendar.refuse_vague(self.dated.label)
        return self

    def column_names(self) -> Iterator[str]:
        for part in (self.type, self.base, self.quote, self.dated):
            if isinstance(part, FromColumn | Dated):
                yield part.column
        if self.rate is not None:
            yield self.rate
        yield from self.columns

    def quotations(self) -> Iterator[tuple[str, str | FromColumn, str | FromColumn]]:
        """Each column that holds rates, with what gives the base and the quote currency of them."""
        if self.rate is not None and self.base is not None and self.quote is not None:
            yield self.rate, self.base, self.quote
        for code in self.columns:
            yield code, self.base or code, self.quote or code

    def label_form(self) -> LabelForm:
        return LabelForm(self.dated.label, self.calendar.months)


class FxSource:
    """The files read as one source. A rate may be given once for its type, currencies and moment.

    A row that repeats earlier rates is counted in `Page.repeated`; one that gives another rate for the same
    moment is quarantined, for which of the two is right nobody here can know.
    """

    def __init__(self, config: FxSourceConfig) -> None:
        self._config = config

    @property
    def name(self) -> str:
        return self._config.name

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        tables = open_tables(self._config.path, self._config.needed(), layout=self._config.layout())
        cursors = Cursors(self.name, [table.file for table in tables])
        done = cursors.read(cursor)
        known: dict[str, FxRate] = {}
        page, rows = Page(), 0
        for index, table in enumerate(tables):
            for record, row in enumerate(table.rows(), 1):
                place = Place(index, record)
                found = self._take(row, table.name, known)
                if place <= done:
                    continue
                page, rows = _joined(page, found), rows + 1
                if rows == PAGE_ROWS:
                    yield replace(page, cursor=cursors.write(place))
                    page, rows = Page(), 0
        yield page

    def _take(self, row: Row | Quarantined, file: str, known: dict[str, FxRate]) -> Page:
        if isinstance(row, Quarantined):
            return Page(quarantined=(row,))
        found = Page() if row.footer else _fresh(row, self._config, file, known)
        refused = tuple(replace(it, record=row.record, sheet=self._config.sheet) for it in found.quarantined)
        return replace(found, quarantined=refused)


def to_rates(row: Row, config: FxSourceConfig, file: str) -> list[FxRate] | Quarantined:
    """The rates of one row; one that cannot be read refuses the row."""
    rates: list[FxRate] = []
    column = config.dated.column
    try:
        on, period = _moment(row.cells, config)
        kind = _type(row.cells, config)
        for column, base, quote in config.quotations():
            rate = _rate(row.cells, column, config)
            if rate is not None:
                pair = _currency(row.cells, base), _currency(row.cells, quote)
                key = natural_key(kind, *pair, on.isoformat() if on else period)
                rates.append(FxRate(key, kind, *pair, rate, on, period, row.line, file, config.sheet))
    except CellRefused as fault:
        return Quarantined(file, row.line, fault.column, str(fault), row.raw)
    except AmountRefused as fault:
        return Quarantined(file, row.line, column, str(fault), row.raw)
    return rates


def _moment(cells: Cells, config: FxSourceConfig) -> tuple[date | None, str | None]:
    """The day or the period: whichever the label names."""
    column, form = config.dated.column, config.label_form()
    text = cells[column].strip()
    if not text:
        raise CellRefused(column, "the cell is blank")
    try:
        if form.names_a_day:
            return form.day(text), None
        return None, form.read(text, config.calendar.calendar()).period
    except LabelRefused as fault:
        raise CellRefused(column, str(fault)) from None


def _type(cells: Cells, config: FxSourceConfig) -> RateType:
    if isinstance(config.type, RateType):
        return config.type
    text = read_text(cells, config.type)
    try:
        return RateType(text.lower())
    except ValueError:
        reason = f"{text!r} is no type of rate ({', '.join(RateType)}); declare what it means under `values`"
        raise CellRefused(config.type.column, reason) from None


def _currency(cells: Cells, source: str | FromColumn) -> str:
    if isinstance(source, str):
        return source
    code = read_text(cells, source).upper()
    if code not in EXPONENTS:
        raise CellRefused(source.column, f"{code!r} is no ISO 4217 currency code (such as USD or EUR)")
    return code


def _rate(cells: Cells, column: str, config: FxSourceConfig) -> Decimal | None:
    text = cells[column].strip()
    if not text or text in config.unknown:
        return None
    exact = isinstance(cells[column], Figure)
    rate = Decimal(text) if exact else parse_decimal(text, config.number.notation())
    if rate <= 0:
        raise AmountRefused(f"{text!r} is no exchange rate: it must be more than zero")
    return _EXACT.divide(rate, Decimal(config.units)).normalize(_EXACT)


def _fresh(row: Row, config: FxSourceConfig, file: str, known: dict[str, FxRate]) -> Page:
    """The rates of a row that were not given before, as a page of its own."""
    rates = to_rates(row, config, file)
    if isinstance(rates, Quarantined):
        return Page(quarantined=(rates,))
    for rate in rates:
        before = known.get(rate.id, rate)
        if before.rate != rate.rate:
            reason = (
                f"line {before.line} gives {before.rate:f} {rate.quote} for one {rate.base} at this moment"
            )
            return Page(quarantined=(Quarantined(file, row.line, config.dated.column, reason, row.raw),))
    new = tuple(rate for rate in rates if known.setdefault(rate.id, rate) is rate)
    return Page(records=new, repeated=1 if rates and not new else 0)


def _joined(page: Page, more: Page) -> Page:
    return replace(
        page,
        records=(*page.records, *more.records),
        quarantined=(*page.quarantined, *more.quarantined),
        repeated=page.repeated + more.repeated,
    )
