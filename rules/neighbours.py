"""Turn the value a leaf compares with into the values next to it, each with the text JQL would write."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction

from rules.catalogue import Field, Kind, fold
from rules.condition import Constant, Leaf
from rules.jql import quote
from rules.literals import exact
from rules.moments import Context

# Letters of Unicode's private use area: a value that nobody writes.
NOBODY = "\ue000\ue001"


def neighbours(
    leaf: Leaf, values: tuple[Constant, ...], context: Context
) -> Iterator[tuple[tuple[Constant, ...], str]]:
    """Yield what the value might have been: a step less or more, each other value of a closed list.

    A step is a day, a whole unit of the currency, or one. Words of an open list become one nobody has.
    """
    value, field = values[0], leaf.path.field
    if isinstance(value, bool):
        yield (not value,), f'"{str(not value).lower()}"'
    elif isinstance(value, str) and field.closed:
        for group in field.synonyms:
            spellings = tuple(dict.fromkeys(fold(word) for word in group))
            if value not in spellings:
                yield spellings, quote(group[0])
    elif isinstance(value, str):
        yield (NOBODY,), '"another value"'
    elif isinstance(value, date):
        yield from _days(value, context)
    else:
        step = 10**context.minor_digits if field.kind is Kind.MONEY else 1
        for move in (-step, step):
            moved = exact(Fraction(value) + move)
            yield (moved,), show(moved, field, context)


def _days(day: date, context: Context) -> Iterator[tuple[tuple[Constant, ...], str]]:
    for move in (timedelta(days=-1), timedelta(days=1)):
        try:
            moved = day + move
        except OverflowError:
            continue
        yield (moved,), show(moved, None, context)


def groups(field: Field, values: tuple[Constant, ...]) -> list[tuple[Constant, ...]]:
    """Put the spellings of one value together."""
    found: dict[object, tuple[Constant, ...]] = {}
    for value in values:
        spelled = [at for at, words in enumerate(field.synonyms) if value in [fold(word) for word in words]]
        key = ("spelling", spelled[0]) if spelled else value
        found[key] = (*found.get(key, ()), value)
    return list(found.values())


def show(value: Constant, field: Field | None, context: Context) -> str:
    """Write a constant as a literal of JQL."""
    if isinstance(value, datetime):
        return f'"{value.astimezone(context.timezone):%Y-%m-%d %H:%M}"'
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return f'"{str(value).lower()}"'
    if isinstance(value, str):
        spelled = [words[0] for words in field.synonyms if value in map(fold, words)] if field else []
        return quote(spelled[0] if spelled else value)
    number = Fraction(value)
    if field is not None and field.kind is Kind.MONEY:
        number /= 10**context.minor_digits
    return decimal(number)


def decimal(number: Fraction) -> str:
    """Write a fraction with the digits it needs, 18 at most."""
    if number.denominator == 1:
        return str(number.numerator)
    whole, rest = divmod(abs(number), 1)
    digits = f"{round(rest * 10**18):018d}".rstrip("0")
    return f"{'-' if number < 0 else ''}{whole}.{digits or '0'}"
