"""Show what a run found out about money: what each source sums to, and how each sum came to what it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from connectors.finance.money import format_minor
from sync.cli.output import Output
from sync.store.schema import AnyRow

PARTS = ("stated_minor", "accepted_minor", "refused_minor", "excluded_minor")
MOVES = ("previous_minor", "added_minor", "changed_minor", "removed_minor", "current_minor")


def show_totals(output: Output, rows: Sequence[AnyRow]) -> None:
    """Show the control totals, one table for each currency."""
    for currency, part in by_currency(rows):
        shown = PARTS if any(row.excluded_minor for row in part) else PARTS[:3]
        heading = ["file's own sum>", "accepted>", "refused>", "totals rows>"][: len(shown)]
        output.table(
            f"Control totals in {currency}",
            ["source", "year", *heading, "off by>"],
            [
                (
                    row.source,
                    f"{row.version} {row.fiscal_year}",
                    *(format_minor(int(getattr(row, name)), currency) for name in shown),
                    format_minor(off_by(row), currency),
                )
                for row in part
            ],
        )


def off_by(row: AnyRow) -> int:
    """Give what is left over of a control total: none, or something was lost."""
    return int(row.stated_minor) - sum(int(getattr(row, name)) for name in PARTS[1:])


def show_movements(output: Output, rows: Sequence[AnyRow]) -> None:
    """Show by year how what stood came to what stands, where anything was added, changed or removed."""
    for currency, part in by_currency(rows):
        sums: dict[tuple[str, str], Counter[str]] = {}
        for row in part:
            year = sums.setdefault((row.source, f"{row.version} {row.fiscal_year}"), Counter())
            year.update({name: int(getattr(row, name)) for name in MOVES})
        moved = [(key, it) for key, it in sums.items() if any(it[name] for name in MOVES[1:4])]
        if moved:
            output.table(
                f"Budget lines in {currency}, before and now",
                ["source", "year", "before>", "added>", "changed>", "removed>", "now>"],
                [(*key, *(format_minor(it[name], currency) for name in MOVES)) for key, it in moved],
            )


def by_currency(rows: Sequence[Any]) -> Iterator[tuple[str, list[Any]]]:
    """Give the rows of each currency: amounts of two are never shown under one sum."""
    currencies: Iterable[str] = dict.fromkeys(row.currency for row in rows)
    for currency in currencies:
        yield currency, [row for row in rows if row.currency == currency]
