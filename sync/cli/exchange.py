"""Show what money of other currencies is worth in the reporting one, and which money has no rate."""

from __future__ import annotations

from sqlalchemy import Connection

from connectors.finance.money import format_minor
from sync.cli.output import Output
from sync.figures.coverage import Series
from sync.figures.intake import Exchange
from sync.store.money.conversions import read_converted, read_missing


def read_exchange(connection: Connection, run_id: int) -> Exchange:
    """Read what a run derived from exchange rates."""
    return Exchange(read_converted(connection, run_id), read_missing(connection, run_id))


def show_exchange(output: Output, it: Exchange) -> None:
    """Show the derived figures and, apart from them, the money they leave out."""
    if it.converted:
        first = it.converted[0]
        output.table(
            f"In {first.target}, derived by the {first.rate_type} rates of {first.rate_set}",
            ["", "original>", "aligned>", "total>"],
            [
                (
                    named(part.series),
                    money(part.source_minor, part.series.currency),
                    money(part.money.aligned, part.target),
                    money(part.money.total, part.target),
                )
                for part in it.converted
            ],
        )
    output.table(
        "Money without an exchange rate, in no derived figure",
        ["", "period", "original>"],
        [(named(gap.series), gap.period, money(gap.source_minor, gap.series.currency)) for gap in it.missing],
    )


def named(series: Series) -> str:
    """Name a series of money."""
    return f"{series.version} {series.fiscal_year}"


def money(amount_minor: int, currency: str) -> str:
    """Write an amount with its currency."""
    return f"{format_minor(amount_minor, currency)} {currency}"
