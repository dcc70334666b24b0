"""Say what a budget line is worth in the reporting currency, at which rate, and where that rate stands."""

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction

from sqlalchemy import Connection

from connectors.finance.money import format_minor
from sync.money.conversion import exchanged
from sync.money.places import places_text
from sync.store.money.conversions import Conversion, rate_book
from sync.store.schema import AnyRow

_SHOWN = Context(prec=10)


def worth_of(connection: Connection, asked: Conversion | None, line: AnyRow) -> str:
    """Give one sentence; '' where nobody converts, or the line is in the reporting currency anyway."""
    if asked is None or line.currency == asked.target:
        return ""
    quote = rate_book(connection, asked, {line.currency}).find(line.currency, asked.target, line.period)
    named = f"the {asked.rate_type} rates of {asked.rate_set}"
    if quote is None:
        return f"unknown: {named} have none from {line.currency} to {asked.target} for {line.period}"
    amount = format_minor(
        exchanged(line.amount_minor, line.currency, asked.target, quote.worth), asked.target
    )
    places = places_text(quote.places)
    said = f"{amount} {asked.target}, at {rate_text(quote.worth)} {asked.target} for one {line.currency}"
    return f"{said} by {named}" + (f": {places}" if places else "")


def rate_text(rate: Fraction) -> str:
    """Write a rate with ten digits at most, and say where that is not all of it."""
    shown = _SHOWN.divide(Decimal(rate.numerator), Decimal(rate.denominator))
    return f"{'' if Fraction(shown) == rate else 'about '}{shown.normalize():f}"
