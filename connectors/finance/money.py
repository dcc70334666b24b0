"""Turn written amounts into integer minor units by one strict grammar, and back into text.

The grammar is declared per source and never guessed: a cell that does not fit is refused with its reason.
`Decimal()` would accept 1_000 and NaN, CSV engines round 1.005 in silence, and 1.234 is a thousand in one
country and one and a bit in another: hence an own grammar over ASCII digits, without any float.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from functools import lru_cache
from typing import Literal

from connectors.figures import Figure, FloatFigure
from connectors.finance.currencies import EXPONENTS

Negative = Literal["-1", "(1)", "1-", "\u22121", "1 CR"]

_LARGEST = 2**63 - 1
_LARGEST_FLOAT = 2**52
_HAIR = Decimal("0.000001")
_EXACT = Context(prec=400)
_LONGEST = 40
_MARKS = {".", ",", "'", "\u2019", " ", "\u00a0", "\u202f"}


class AmountRefused(ValueError):
    """The text is no amount by the declared grammar. `str()` says why, quoting the text."""


@dataclass(frozen=True, slots=True)
class Notation:
    """How a source writes numbers.

    `decimal` and `group` are one character each (`group` may be empty: no grouping; groups hold three
    digits; with `lakh` the last one does and the others two). `negative` shows how minus one is written; with
    `1 CR` an amount that is not negative may end with DR. `symbol` may stand before or after the digits.
    Texts in `blank`, such as a dash, are no amount.
    """

    decimal: str = "."
    group: str = ""
    negative: Negative = "-1"
    symbol: str = ""
    lakh: bool = False
    blank: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.decimal not in {".", ","}:
            raise ValueError(f"decimal must be '.' or ',', not {self.decimal!r}")
        if self.group and self.group not in _MARKS:
            raise ValueError(f"group must be empty, '.', ',', an apostrophe or a space, not {self.group!r}")
        if self.group == self.decimal:
            raise ValueError(f"decimal and group are both {self.group!r}: they must differ")
        if self.lakh and not self.group:
            raise ValueError("lakh needs a `group` mark")
        if any(re.search(r"[0-9]", text) for text in self.blank):
            raise ValueError("a text that stands for no amount may hold no digit")
        if re.search(r"[0-9()\-%]", self.symbol):
            raise ValueError(f"symbol may hold no digit, minus, parenthesis or percent: {self.symbol!r}")


PLAIN = Notation()


def exponent_of(currency: str) -> int:
    """How many decimals the currency has; `AmountRefused` for a code that ISO 4217 does not know."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise AmountRefused(f"{currency!r} is no ISO 4217 currency code (such as USD or EUR)") from None


def parse_minor(text: str, currency: str, notation: Notation = PLAIN, scale: int = 1) -> int | None:
    """The amount in minor units of `currency`; None for a blank cell, which is no amount and not zero.

    `scale` is the worth of one written unit and a power of ten: 1_000_000 where the file is in millions.
    More decimals than the currency has after scaling are refused, also when they are zeros.
    """
    written = text.strip()
    if not written or written in notation.blank:
        return None
    bare = _bare(notation.decimal).fullmatch(written) if notation.negative == "-1" else None
    if bare is not None and len(written) <= _LONGEST:  # as most are: no marks to look for
        minus, whole, fraction = bare.groups("")
        negative = bool(minus)
    else:
        whole, fraction, negative = _read_number(written, notation)
    places = exponent_of(currency) + len(str(scale)) - 1
    if len(fraction) > places:
        raise AmountRefused(
            f"{_quoted(written)} has {len(fraction)} decimals where {currency} allows {places}"
        )
    amount = int(whole + fraction.ljust(places, "0"))
    if amount > _LARGEST:
        raise AmountRefused(f"{_quoted(written)} is too large to be stored")
    return -amount if negative else amount


def parse_decimal(text: str, notation: Notation = PLAIN) -> Decimal:
    """A number that is no money, such as an exchange rate: all its decimals, by the same grammar."""
    whole, fraction, negative = _read_number(text.strip(), notation)
    number = Decimal(f"{whole}.{fraction or 0}")
    return -number if negative else number


def figure_minor(figure: Figure, currency: str, scale: int = 1) -> int:
    """The minor units of a number that needs no notation; refused if it is more than a hair beside them.

    The hair, a millionth of a minor unit, is what binary floats in workbooks need: 0.1 + 0.2.
    """
    minor = _EXACT.multiply(Decimal(figure), Decimal(scale * 10 ** exponent_of(currency)))
    whole = minor.to_integral_value()
    if abs(minor - whole) > _HAIR:
        places = exponent_of(currency) + len(str(scale)) - 1
        raise AmountRefused(f"{_quoted(figure)} has more decimals than the {places} that {currency} allows")
    largest = _LARGEST_FLOAT if isinstance(figure, FloatFigure) else _LARGEST
    if abs(whole) > largest:
        raise AmountRefused(f"{_quoted(figure)} is too large to be held exactly")
    return int(whole)


def format_minor(amount: int, currency: str) -> str:
    """The amount with thousands commas and the currency's own decimals: 43,375,987,588.00."""
    exponent = exponent_of(currency)
    whole, fraction = divmod(abs(amount), 10**exponent)
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole:,}" + (f".{fraction:0{exponent}d}" if exponent else "")


def allocate(amount: int, shares: int | Sequence[int]) -> tuple[int, ...]:
    """Split an amount by shares (or into `shares` equal parts) so that the parts sum to it exactly.

    Largest remainder; ties go to the earlier share. The split of -x is the negated split of x.
    """
    weights = [1] * shares if isinstance(shares, int) else list(shares)
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("shares must be zero or more and not all zero")
    parts = [divmod(abs(amount) * weight, total) for weight in weights]
    left = abs(amount) - sum(part for part, _ in parts)
    first = sorted(range(len(parts)), key=lambda place: (-parts[place][1], place))[:left]
    sign = -1 if amount < 0 else 1
    return tuple(sign * (part + (place in first)) for place, (part, _) in enumerate(parts))


def example(notation: Notation) -> str:
    """A negative amount as this notation writes it, to show in messages."""
    number = f"{notation.symbol}1{notation.group}234{notation.decimal}5"
    if notation.lakh:
        number = f"{notation.symbol}1{notation.group}23{notation.group}456{notation.decimal}7"
    return notation.negative.replace("1", number)


def _read_number(written: str, notation: Notation) -> tuple[str, str, bool]:
    """The digits before and after the decimal mark, and whether the number is negative."""
    if "%" in written:
        raise AmountRefused(f"{_quoted(written)} is a percentage, not an amount of money")
    bare = _without_symbol(written, notation.symbol)
    digits, negative = _without_sign(bare, notation.negative)
    if bare == written:
        digits = _without_symbol(digits, notation.symbol)
    grammar = _grammar(notation.decimal, notation.group, lakh=notation.lakh)
    match = grammar.fullmatch(digits) if len(digits) <= _LONGEST else None
    if match is None:
        raise AmountRefused(f"{_quoted(written)} is no number written like {example(notation)}")
    return match["whole"].replace(notation.group, ""), match["fraction"] or "", negative


def _without_sign(text: str, negative: Negative) -> tuple[str, bool]:
    """The digits of a text, and whether it wears the mark of a negative number before and behind them."""
    before, _, behind = negative.partition("1")
    if behind == " CR" and text.endswith(("CR", "DR")):
        return text[:-2].rstrip(), text.endswith("CR")
    if (before or behind) and text.startswith(before) and text.endswith(behind):
        return text[len(before) : len(text) - len(behind)], True
    return text, False


def _without_symbol(text: str, symbol: str) -> str:
    if symbol and text.startswith(symbol):
        return text[len(symbol) :].lstrip()
    if symbol and text.endswith(symbol):
        return text[: -len(symbol)].rstrip()
    return text


@lru_cache
def _bare(decimal: str) -> re.Pattern[str]:
    return re.compile(rf"(-)?([0-9]+)(?:{re.escape(decimal)}([0-9]+))?")


@lru_cache
def _grammar(decimal: str, group: str, *, lakh: bool) -> re.Pattern[str]:
    mark = re.escape(group)
    western = rf"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+"
    grouped = rf"[0-9]{{1,2}}(?:{mark}[0-9]{{2}})*{mark}[0-9]{{3}}" if lakh else western
    whole = rf"{grouped}|[0-9]+" if group else "[0-9]+"
    return re.compile(rf"(?P<whole>{whole})(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?")


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _LONGEST else text[:_LONGEST] + "…")
