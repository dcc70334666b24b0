"""Turn the numbers of workbooks and JSON documents into plain text that is known to be a number."""

from __future__ import annotations

from decimal import Decimal


class Figure(str):
    """A number, written plainly (-1234.5), whatever notation the texts of its source are in."""

    __slots__ = ()


class FloatFigure(Figure):
    """A number that was a binary float: true to 15 digits, with noise beyond them."""

    __slots__ = ()


def plain(number: float | Decimal) -> str:
    """All digits, without exponent; a whole number without a decimal point."""
    exact = number if isinstance(number, Decimal) else Decimal(repr(number))
    text = format(exact, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
