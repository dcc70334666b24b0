"""Turn the cells of an unknown table into clues: how its numbers are written and what its columns may be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from connectors.delimited import Record
from connectors.figures import Figure
from connectors.finance.money import AmountRefused, Negative, Notation, parse_minor

_SEPARATORS = (
    (".", ""),
    (",", ""),
    (".", ","),
    (",", "."),
    (".", " "),
    (",", " "),
    (".", "'"),
    (",", "\u00a0"),
)
_NEGATIVES: tuple[Negative, ...] = ("-1", "(1)", "1-")
_SYMBOL = re.compile(
    r"^[(\-\s]*(?P<before>[A-Z]{0,3}[$£€¥]|[A-Z]{3})\s?[0-9]|[0-9]\s?(?P<after>[$£€¥]|[A-Z]{3})$"
)
_LOOKS_NUMERIC = re.compile(r"[(\-]?[A-Z]{0,3}[$£€¥]?\s?[(\-]?[0-9][0-9.,' \u00a0]*\s?[$£€¥]?[)\-]?")
_MOST = 0.8

AMOUNT = re.compile(
    r"amount|betrag|importe|montant|budget|spend|spent|cost|funding|actual|forecast|balance|appn|value|"
    r"sum\b|wert|soll|earning|ertrag|aufwand|expense$|revenue$|debit|credit|total|plan\b|net\b|gross",
    re.IGNORECASE,
)
NO_AMOUNT = re.compile(
    r"\bid\b|code|number|\bno\b|\bnr\b|year|jahr|date|percent|%|delta|count|entries|rate|profitcent|kosten"
    r"stelle|cost cent|source|co-financing|version|remaining|order|phone",
    re.IGNORECASE,
)
TOTAL = re.compile(r"\btotal|^total|\bgesamt|\bsumme\b|\bytd\b", re.IGNORECASE)
TOTALS_CELL = re.compile(
    r"(?:grand |sub[- ]?)totals?\b.*|totals?:?|(?:gesamt|zwischen)?summe\b.*", re.IGNORECASE
)
MAYBE_TOTAL = re.compile(r"total .*", re.IGNORECASE)
ROLES = {
    "project": (
        r"unique.*ident|^uii$|uniqueid|project.*(id|code|no)|^project$|^projekt|\bwbs\b|auftrag|^cci$",
    ),
    "cost_centre": (
        r"cost.?cent|kostenstelle|profit.?cent|centro gestor|agency code",
        r"department|^dept|expense area|service area|\bunit\b|entity|^client$|\bagency\b",
    ),
    "account": (
        r"account.*(code|no)|sachkonto|^konto|gl.?account|economica|sub-?obj(ect)?$|expenditure code",
        r"^account|expense type|category|fund\b",
    ),
    "description": (r"descrip|title|projectname|bezeichnung|kurztext", r"supplier|name"),
}
YEAR = re.compile(r"year|^fy$|jahr|ejercicio|exercice", re.IGNORECASE)
DATE = re.compile(r"date|datum|fecha|\bday\b|period", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """One column: its name, its cells that are not blank, and how many of these look like numbers."""

    title: str
    cells: tuple[str, ...]

    @property
    def numeric(self) -> bool:
        looks = sum(1 for cell in self.cells if is_numeric(cell))
        return bool(self.cells) and looks >= _MOST * len(self.cells)


def is_numeric(cell: str) -> bool:
    return isinstance(cell, Figure) or _LOOKS_NUMERIC.fullmatch(cell.strip()) is not None


def guess_delimiter(widths: dict[str, list[int]]) -> str:
    """The delimiter by which most records have one and the same number of cells, more than one."""

    def score(delimiter: str) -> tuple[float, int]:
        found = widths[delimiter]
        width, often = Counter(found).most_common(1)[0] if found else (1, 0)
        return (often / len(found) if width > 1 else 0.0, width)

    return max(widths, key=score)


def usual_width(records: Sequence[Record]) -> int:
    return Counter(len(record.cells) for record in records).most_common(1)[0][0]


def guess_header(records: Sequence[Record]) -> int:
    """Which of these records that are not blank looks like the header: names in most columns, no number."""
    width = usual_width(records)
    for place, record in enumerate(records[:30]):
        named = [cell for cell in record.cells if cell.strip()]
        plain = not any(is_numeric(cell) for cell in named)
        if len(named) >= max(2, 0.6 * width) and plain and len(set(named)) == len(named):
            return place
    return 0


def guess_notation(cells: Sequence[str]) -> tuple[Notation, list[str]]:
    """How these amounts are written, by what most of them fit, and the doubts there are about it."""
    texts = [cell.strip() for cell in cells if not isinstance(cell, Figure) and is_numeric(cell)]
    found = [match["before"] or match["after"] for text in texts if (match := _SYMBOL.search(text))]
    symbol = Counter(found).most_common(1)[0][0] if found else ""
    best = max(
        (Notation(*pair, negative, symbol) for negative, pair in product(_NEGATIVES, _SEPARATORS)),
        key=lambda notation: sum(1 for text in texts if _fits(text, notation)),
    )
    doubts: list[str] = []
    other = Notation(
        "," if best.decimal == "." else ".", best.decimal if not best.group else "", best.negative, symbol
    )
    marked = [text for text in texts if "," in text or "." in text]
    if marked and all(_fits(text, best) and _fits(text, other) for text in marked):
        doubts.append(f"every amount would also read with decimal {other.decimal!r}: {marked[0]!r} is which?")
    return best, doubts


def guess_role(fields: Sequence[Field], role: str, taken: set[str]) -> str | None:
    """Of the columns with a fitting name, the one that tells most apart."""
    for pattern in ROLES[role]:
        fitting = [
            field
            for field in fields
            if field.title not in taken and re.search(pattern, field.title, re.IGNORECASE)
        ]
        if fitting:
            return max(fitting, key=lambda field: len(set(field.cells))).title
    return None


def amount_fields(fields: Sequence[Field]) -> tuple[list[Field], list[Field]]:
    """The columns that seem to hold amounts, and those that seem to hold sums of them."""
    found = [
        field
        for field in fields
        if field.numeric and AMOUNT.search(field.title) and not NO_AMOUNT.search(field.title)
    ]
    sums = [field for field in found if TOTAL.search(field.title)]
    data = [field for field in found if field not in sums]
    return (data, sums) if data else (sums[:1], sums[1:])


def _fits(text: str, notation: Notation) -> bool:
    try:
        return parse_minor(text, "CLF", notation, 10**6) is not None
    except AmountRefused:
        return False
