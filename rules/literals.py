"""Turn the text of a literal into a constant of the kind its field holds, or say why it is none."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction

from rules.catalogue import Field, Kind, fold
from rules.condition import Constant
from rules.moments import Context, OutOfRange, has_time, parse_moment

_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?")
_MONEY = re.compile(r"(-?\d{1,15}(?:\.\d{1,18})?)(?:\s*([A-Za-z]{3}))?")
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


class WrongLiteral(ValueError):
    """The text is no value of this kind; `suggestion` is the likely fix."""

    def __init__(self, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.suggestion = suggestion


def to_constants(text: str, field: Field, context: Context) -> tuple[Constant, ...]:
    """Read a literal; several constants when the field knows several spellings of the value."""
    if field.kind in {Kind.TEXT, Kind.OPTION}:
        return _spellings(text, field)
    return (_READERS[field.kind](text, context),)


def _spellings(text: str, field: Field) -> tuple[Constant, ...]:
    folded = fold(text)
    for group in field.synonyms:
        spellings = tuple(dict.fromkeys(fold(word) for word in group))
        if folded in spellings:
            return spellings
    if field.closed:
        raise WrongLiteral(f'{field.name} has no value "{text}"')
    return (folded,)


def exact(value: Fraction) -> int | Fraction:
    """Return an int where the fraction is one."""
    return value.numerator if value.denominator == 1 else value


def _to_number(text: str, _: Context) -> Constant:
    if not _NUMBER.fullmatch(text):
        raise WrongLiteral(
            f'"{text}" is not a number', "Write digits with a decimal point, such as 1500 or 0.5."
        )
    return exact(Fraction(text))


def _to_money(text: str, context: Context) -> Constant:
    match = _MONEY.fullmatch(text)
    if match is None:
        raise WrongLiteral(f'"{text}" is not an amount', f'Write 150000 or "1500.50 {context.currency}".')
    if match[2] and match[2].upper() != context.currency:
        raise WrongLiteral(
            f"{match[2].upper()} cannot be compared with {context.currency}, the reporting currency",
            f"Write the amount in {context.currency}.",
        )
    minor = Fraction(match[1]) * 10**context.minor_digits
    if minor.denominator != 1:
        raise WrongLiteral(f"{context.currency} has {context.minor_digits} decimal digits, not more")
    return int(minor)


def _to_date(text: str, context: Context) -> Constant:
    if has_time(text):
        raise WrongLiteral("The field holds a date without a time of day", f'Write "{text[:10]}".')
    return _moment(text, context).date()


def _to_datetime(text: str, context: Context) -> Constant:
    return context.to_utc(_moment(text, context))


def _moment(text: str, context: Context) -> datetime:
    try:
        moment = parse_moment(text, context)
    except OutOfRange as error:
        raise WrongLiteral(str(error).rstrip(".")) from error
    if moment is None:
        raise WrongLiteral(f'"{text}" is not a date', 'Write "2026-03-31", -30d or startOfMonth().')
    return moment


def _to_truth(text: str, _: Context) -> Constant:
    truth = _TRUTH.get(fold(text))
    if truth is None:
        raise WrongLiteral(f'"{text}" is neither yes nor no', 'Write "true" or "false", in quotes.')
    return truth


_READERS: dict[Kind, Callable[[str, Context], Constant]] = {
    Kind.NUMBER: _to_number,
    Kind.MONEY: _to_money,
    Kind.DATE: _to_date,
    Kind.DATETIME: _to_datetime,
    Kind.BOOLEAN: _to_truth,
}
