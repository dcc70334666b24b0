"""Turn what matching left over, and what exchange rates gave, into CSV files for a spreadsheet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sync.figures.coverage import Series
from sync.figures.run import Figures
from sync.report.spreadsheets import STANDINGS, Cell, neutral, parts, to_csv
from sync.report.wording import plain_amount

SERIES = ("currency", "fiscal_year", "version")


def series_cells(series: Series) -> tuple[Cell, Cell, Cell]:
    """Give which money it is."""
    return series.currency, series.fiscal_year, series.version


def unmatched_csv(figures: Figures) -> str:
    """Write the money that falls to no work item, by its codes."""
    heading = [
        "source",
        "project",
        "cost_centre",
        "account",
        "description",
        "reason",
        "objective",
        "evidence",
    ]
    rows = (
        (
            *series_cells(it.series),
            plain_amount(it.amount_minor, it.series.currency),
            it.lines,
            *(neutral(getattr(it, name) or "") for name in heading),
        )
        for it in figures.detail.leftovers.money
    )
    return to_csv([*SERIES, "amount", "lines", *heading], rows)


def unfunded_csv(figures: Figures) -> str:
    """Write the work items that no money falls to."""
    heading = ["key", "summary", "project_key", "status", "funded_above", "url"]
    rows = (
        tuple(neutral(getattr(it, name) or "") for name in heading) for it in figures.detail.leftovers.work
    )
    return to_csv(heading, rows)


def converted_csv(figures: Figures) -> str:
    """Write the derived amounts by series, then the original amounts that no rate was found for."""
    heading = ["period", "original", "target", "rate_set", "rate_type", *STANDINGS, "note", "rates_from"]
    return to_csv([*SERIES, *heading], converted_rows(figures))


def converted_rows(figures: Figures) -> Iterator[Sequence[Cell]]:
    """Give the rows of that file."""
    for it in figures.exchange.converted:
        original = plain_amount(it.source_minor, it.series.currency)
        amounts = (plain_amount(number, it.target) for number in parts(it.money))
        named = (it.target, neutral(it.rate_set), it.rate_type)
        yield (*series_cells(it.series), "", original, *named, *amounts, "", neutral(it.rates_from))
    for gap in figures.exchange.missing:
        original = plain_amount(gap.source_minor, gap.series.currency)
        named = (gap.target, neutral(gap.rate_set), gap.rate_type)
        yield (*series_cells(gap.series), gap.period, original, *named, *[""] * len(STANDINGS), "no rate", "")
