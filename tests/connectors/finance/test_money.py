"""What counts as an amount, what is refused, and how amounts are split."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.finance.currencies import EXPONENTS
from connectors.finance.money import (
    PLAIN,
    AmountRefused,
    Negative,
    Notation,
    allocate,
    exponent_of,
    format_minor,
    parse_minor,
)
from connectors.finance.totals import loose_minor

ENGLISH = Notation(group=",")
GERMAN = Notation(decimal=",", group=".")
LEDGER = Notation(group=",", negative="(1)", symbol="$")
SAP = Notation(decimal=",", group=".", negative="1-")
LAKH = Notation(group=",", lakh=True)
CREDIT = Notation(group=",", negative="1 CR")
LARGEST = 2**63 - 1

notations = st.builds(
    Notation,
    decimal=st.just("."),
    group=st.sampled_from(["", ",", "'", " ", "\u00a0", "\u2019"]),
    negative=st.sampled_from(["-1", "(1)", "1-"]),
    symbol=st.sampled_from(["", "$", "€", "US$", "kr"]),
) | st.builds(
    Notation,
    decimal=st.just(","),
    group=st.sampled_from(["", ".", " ", "\u202f"]),
    negative=st.sampled_from(["-1", "(1)", "1-"]),
    symbol=st.sampled_from(["", "€"]),
)


def written(amount: int, currency: str, notation: Notation) -> str:
    """Write minor units in a notation, by another way than the parser reads them."""
    plain = format_minor(abs(amount), currency)
    text = notation.symbol + "".join({",": notation.group, ".": notation.decimal}.get(c, c) for c in plain)
    return {"-1": f"-{text}", "1-": f"{text}-", "(1)": f"({text})"}[notation.negative] if amount < 0 else text


@given(st.integers(-LARGEST, LARGEST), st.sampled_from(["USD", "JPY", "KWD", "CLF", "EUR", "IQD"]), notations)
def test_every_amount_is_read_back_as_it_was_written(amount: int, currency: str, notation: Notation) -> None:
    assert parse_minor(written(amount, currency, notation), currency, notation) == amount


@given(st.text(max_size=30) | st.text("0123456789.,-()$ '", max_size=15), notations)
def test_any_text_is_read_exactly_or_refused_with_a_reason(text: str, notation: Notation) -> None:
    try:
        amount = parse_minor(text, "USD", notation)
    except AmountRefused as refused:
        reason = str(refused)
        amount = None
    else:
        reason = ""
    if amount is None:
        assert reason.startswith(repr(text.strip())) if text.strip() else not reason
    else:
        kept = [mark for mark in text if mark.isascii() and (mark.isdigit() or mark == notation.decimal)]
        assert abs(amount) == Decimal("".join(kept).replace(notation.decimal, ".")) * 100


@pytest.mark.parametrize(
    ("text", "currency", "notation", "scale", "minor"),
    [
        ("8.072", "USD", PLAIN, 1_000_000, 807_200_000),
        ("0", "USD", PLAIN, 1, 0),
        ("12", "JPY", PLAIN, 1, 12),
        ("12.5", "JPY", PLAIN, 1000, 12_500),
        ("1.234", "KWD", PLAIN, 1, 1_234),
        ("1.2345", "CLF", PLAIN, 1, 12_345),
        ("\t12.30 ", "USD", PLAIN, 1, 1_230),
        ("2.346.918,00", "EUR", GERMAN, 1, 234_691_800),
        ("1234.56", "USD", ENGLISH, 1, 123_456),
        ("(1,234.56)", "USD", LEDGER, 1, -123_456),
        ("($1,234.56)", "USD", LEDGER, 1, -123_456),
        ("$4,800,000", "CAD", LEDGER, 1, 480_000_000),
        ("1.234,56-", "EUR", SAP, 1, -123_456),
        ("5,00 €", "EUR", Notation(decimal=",", symbol="€"), 1, 500),
        ("90071992547409.93", "USD", PLAIN, 1, 9_007_199_254_740_993),
        ("12,34,567.50", "INR", LAKH, 1, 123_456_750),
        ("-1,23,45,678", "INR", LAKH, 1, -1_234_567_800),
        ("999", "INR", LAKH, 1, 99_900),
        ("1,000", "INR", LAKH, 1, 100_000),
        ("\u22125.00", "EUR", Notation(negative="\u22121"), 1, -500),
        ("1,234.50 CR", "USD", CREDIT, 1, -123_450),
        ("1,234.50CR", "USD", CREDIT, 1, -123_450),
        ("1,234.50 DR", "USD", CREDIT, 1, 123_450),
        ("1,234.50", "USD", CREDIT, 1, 123_450),
    ],
)
def test_a_cell_of_the_declared_form_is_read_exactly(
    text: str, currency: str, notation: Notation, scale: int, minor: int
) -> None:
    assert parse_minor(text, currency, notation, scale) == minor


@pytest.mark.parametrize("blank", ["", "   ", "\t", "\u00a0"])
def test_a_blank_cell_is_no_amount_and_not_zero(blank: str) -> None:
    assert parse_minor(blank, "USD") is None


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        ("1,234.56", PLAIN),
        ("12,34.5", ENGLISH),
        ("1,2345", ENGLISH),
        (",123", ENGLISH),
        ("1234,567", ENGLISH),
        ("1.234,56", ENGLISH),
        ("1,234,567", LAKH),
        ("123,456", LAKH),
        ("12,34,56", LAKH),
        ("-5.00", CREDIT),
        ("5.00 CR", PLAIN),
        ("5.00 XR", CREDIT),
        ("-5.00", Notation(negative="\u22121")),
        ("(5.00)", PLAIN),
        ("5.00-", PLAIN),
        ("-5.00", LEDGER),
        ("-(5.00)", LEDGER),
        ("(-5.00)", LEDGER),
        ("$$5", LEDGER),
        ("--5", PLAIN),
        ("+5", PLAIN),
        ("1_000", PLAIN),
        ("1e3", PLAIN),
        ("NaN", PLAIN),
        ("inf", PLAIN),
        ("0x10", PLAIN),
        (".5", PLAIN),
        ("5.", PLAIN),
        ("£5", PLAIN),
        ("\u0661\u0662\u0663", PLAIN),
        ("\uff15", PLAIN),
        ("\u22125", PLAIN),
        ("1\u00a0234", PLAIN),
        ("1 234", ENGLISH),
        ("#REF!", PLAIN),
        ("-", PLAIN),
        ("5 000 000", PLAIN),
        ("9" * 5000, PLAIN),
    ],
)
def test_a_cell_of_another_form_is_refused(text: str, notation: Notation) -> None:
    with pytest.raises(AmountRefused, match="is no number written like"):
        parse_minor(text, "USD", notation)


@pytest.mark.parametrize(
    ("text", "currency", "scale"),
    [
        ("1.005", "USD", 1),
        ("1.000", "USD", 1),
        ("1.5", "JPY", 1),
        ("1.2345", "KWD", 1),
        ("0.123456", "USD", 1000),
    ],
)
def test_more_decimals_than_the_currency_has_are_refused_not_rounded(
    text: str, currency: str, scale: int
) -> None:
    with pytest.raises(AmountRefused, match=f"decimals where {currency} allows"):
        parse_minor(text, currency, PLAIN, scale)


def test_an_amount_that_no_database_integer_holds_is_refused() -> None:
    assert parse_minor(str(LARGEST), "JPY") == LARGEST
    with pytest.raises(AmountRefused, match="too large"):
        parse_minor(str(LARGEST + 1), "JPY")


def test_the_refusal_shows_the_declared_form() -> None:
    with pytest.raises(AmountRefused) as refusal:
        parse_minor("12.3.4", "USD", LEDGER)
    assert str(refusal.value) == "'12.3.4' is no number written like ($1,234.5)"


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(AmountRefused, match="'XAU' is no ISO 4217 currency code"):
        exponent_of("XAU")


@pytest.mark.parametrize(
    ("currency", "exponent"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("KWD", 3),
        ("IQD", 3),
        ("CLF", 4),
        ("UYW", 4),
        ("RSD", 2),
    ],
)
def test_exponents_are_those_of_iso_4217(currency: str, exponent: int) -> None:
    assert exponent_of(currency) == exponent


def test_the_currency_table_holds_each_code_once_in_its_form() -> None:
    assert len(EXPONENTS) == 180
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in EXPONENTS)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (4_337_598_758_800, "USD", "43,375,987,588.00"),
        (-5, "USD", "-0.05"),
        (1_234, "JPY", "1,234"),
        (1, "KWD", "0.001"),
        (0, "EUR", "0.00"),
    ],
)
def test_minor_units_are_shown_with_the_currencys_decimals(amount: int, currency: str, text: str) -> None:
    assert format_minor(amount, currency) == text


@pytest.mark.parametrize(
    ("decimal", "group", "symbol"),
    [("x", "", ""), (".", ".", ""), (".", "5", ""), (".", "", "-"), (".", "", "(")],
)
def test_an_ambiguous_notation_is_refused(decimal: str, group: str, symbol: str) -> None:
    with pytest.raises(ValueError, match=r"must|may"):
        Notation(decimal, group, symbol=symbol)


shares = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


@given(st.integers(-LARGEST, LARGEST), shares)
def test_the_parts_sum_to_the_amount_and_stay_within_one_unit_of_their_share(
    amount: int, weights: list[int]
) -> None:
    parts = allocate(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1
        assert weight or not part


@given(st.integers(-LARGEST, LARGEST), shares)
def test_a_negative_amount_is_split_like_the_positive_one(amount: int, weights: list[int]) -> None:
    assert allocate(-amount, weights) == tuple(-part for part in allocate(amount, weights))


def test_a_third_each_gives_the_odd_cent_to_the_first() -> None:
    assert allocate(100, 3) == (34, 33, 33)
    assert allocate(-100, [33, 33, 33]) == (-34, -33, -33)


@pytest.mark.parametrize("weights", [0, [], [0, 0], [2, -1]])
def test_shares_that_say_nothing_are_refused(weights: int | list[int]) -> None:
    with pytest.raises(ValueError, match="shares must be zero or more and not all zero"):
        allocate(100, weights)


@pytest.mark.parametrize("text", ["50%", "12.5 %", "%5"])
def test_a_percentage_is_never_money(text: str) -> None:
    with pytest.raises(AmountRefused, match="is a percentage, not an amount of money"):
        parse_minor(text, "USD")
    with pytest.raises(ValueError, match="parenthesis or percent"):
        Notation(symbol="%")


@pytest.mark.parametrize("text", ["-", " - ", "n/a"])
def test_a_text_declared_as_blank_is_no_amount(text: str) -> None:
    notation = Notation(blank=("-", "n/a"))
    assert parse_minor(text, "USD", notation) is None
    assert parse_minor("-5", "USD", notation) == -500


@pytest.mark.parametrize("wrong", [{"lakh": True}, {"blank": ("0",)}])
def test_a_notation_that_could_hide_an_amount_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"lakh needs a `group` mark|may hold no digit"):
        Notation(**wrong)


@given(st.integers(-LARGEST, LARGEST), st.sampled_from(["-1", "(1)", "1-", "\u22121", "1 CR"]), st.booleans())
def test_the_plain_reading_of_control_totals_knows_every_notation(
    amount: int, negative: Negative, lakh: bool
) -> None:
    notation = Notation(group=",", negative=negative, symbol="$", lakh=lakh)
    digits = f"{abs(amount) // 100}"
    head, tail = digits[:-3], digits[-3:]
    size = 2 if lakh else 3
    first = len(head) % size
    parts = [head[:first]] if first else []
    parts += [head[place : place + size] for place in range(first, len(head), size)]
    number = f"${','.join([*parts, tail])}.{abs(amount) % 100:02}"
    text = negative.replace("1", number) if amount < 0 else number
    assert parse_minor(text, "USD", notation) == loose_minor(text, notation, 2, 1) == amount
