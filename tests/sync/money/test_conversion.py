"""Money of other currencies is converted exactly, by declared rates, and never where there is none."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from connectors.finance.currencies import EXPONENTS
from connectors.records import BudgetVersion, FxRate, How, RateType
from sync.figures.coverage import Series, Split
from sync.money.conversion import Quote, Rate, RateBook, Sum, convert, days_of, exchanged
from sync.money.places import places_text
from sync.store.catalogue import Frame, bind_catalogue
from sync.store.items import read_item
from sync.store.links import budget_line
from sync.store.money.conversions import Conversion, read_converted, read_missing, save_conversions, save_gaps
from tests.clock import TODAY
from tests.sync.making import FILE, MONEY, begin_run, epic, goal, money, names, put, relink

EXACT = Context(prec=80, rounding=ROUND_HALF_EVEN)


def of_period(base: str, quote: str, rate: str, period: str) -> Rate:
    return Rate(base, quote, rate, None, period)


def of_day(base: str, quote: str, rate: str, day: str) -> Rate:
    return Rate(base, quote, rate, date.fromisoformat(day), None)


def worth(amount: int, currency: str, target: str, period: str, *rates: Rate, starts: int = 1) -> int | None:
    done, _ = convert(
        [Sum(currency, "budget", 2026, period, "aligned", amount)], RateBook(rates, starts), target
    )
    return done[0].amount_minor if done else None


def test_an_amount_is_converted_at_the_rate_of_its_period() -> None:
    rates = [of_period("EUR", "USD", "1.10", "FY2026-01"), of_period("EUR", "USD", "1.20", "FY2026-02")]
    assert worth(100_00, "EUR", "USD", "FY2026-02", *rates) == 120_00


def test_a_month_takes_the_rate_declared_for_its_year_only_where_it_has_none_of_its_own() -> None:
    rates = [of_period("EUR", "USD", "1.10", "FY2026"), of_period("EUR", "USD", "1.20", "FY2026-02")]
    assert worth(100_00, "EUR", "USD", "FY2026-01", *rates) == 110_00
    assert worth(100_00, "EUR", "USD", "FY2026-02", *rates) == 120_00
    assert worth(100_00, "EUR", "USD", "FY2027-01", *rates) is None


def test_of_rates_of_days_the_last_one_within_the_period_counts() -> None:
    rates = [
        of_day("EUR", "USD", "9", "2026-01-31"),
        of_day("EUR", "USD", "2", "2026-02-03"),
        of_day("EUR", "USD", "3", "2026-02-27"),
        of_day("EUR", "USD", "9", "2026-03-02"),
    ]
    assert worth(100, "EUR", "USD", "FY2026-02", *rates) == 300
    assert worth(100, "EUR", "USD", "FY2026-04", *rates) is None
    assert worth(100, "EUR", "USD", "FY2026-Q1", *rates) == 900
    assert worth(100, "EUR", "USD", "FY2026-11", *rates, starts=4) == 300


def test_a_rate_may_be_turned_round_and_two_rates_of_one_base_make_a_third() -> None:
    rates = [of_period("EUR", "USD", "1.25", "FY2026"), of_period("EUR", "GBP", "0.80", "FY2026")]
    assert worth(125_00, "USD", "EUR", "FY2026", *rates) == 100_00
    assert worth(80_00, "GBP", "USD", "FY2026", *rates) == 125_00


def test_currencies_of_other_exponents_are_converted_between_their_whole_units() -> None:
    assert worth(1000, "JPY", "USD", "FY2026", of_period("JPY", "USD", "0.0065", "FY2026")) == 650
    assert worth(1_000, "KWD", "JPY", "FY2026", of_period("KWD", "JPY", "487.5", "FY2026")) == 488


def test_rates_of_days_are_averaged_over_the_days_in_the_period_where_it_is_asked_for() -> None:
    days = (
        ("2026-01-31", "9"),
        ("2026-02-01", "1"),
        ("2026-02-14", "2"),
        ("2026-02-28", "4"),
        ("2026-03-01", "9"),
    )
    rates = [of_day("EUR", "USD", rate, day) for day, rate in days]
    assert RateBook(rates).find("EUR", "USD", "FY2026-02") == Quote(Fraction(4))
    book = RateBook(rates, averaged=True)
    assert book.find("EUR", "USD", "FY2026-02") == Quote(Fraction(7, 3))
    assert book.find("USD", "EUR", "FY2026-02") == Quote(Fraction(3, 7))
    assert book.find("EUR", "USD", "FY2026-04") is None


@pytest.mark.parametrize(("rate_type", "minor"), [("daily-average", 250), ("spot", 300), ("average", 900)])
def test_daily_averages_are_made_of_spot_rates_and_named(engine: Engine, rate_type: str, minor: int) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [money("C1", 100, currency="EUR", period="FY2026-02", id="a")], MONEY)
        spot = [("2", date(2026, 2, 2)), ("3", date(2026, 2, 3))]
        rates = [FxRate(worth, RateType.SPOT, "EUR", "USD", Decimal(worth), day) for worth, day in spot]
        rates.append(rate("EUR", "USD", "9", "FY2026-02"))
        put(connection, run_id, rates, "group")
        relink(connection)
        save_conversions(connection, run_id, Conversion("USD", "group", rate_type, 1), TODAY, certain=True)
        (found,) = read_converted(connection, run_id)
    assert (found.rate_type, found.money.total) == (rate_type, minor)


def test_half_a_minor_unit_goes_to_the_even_one() -> None:
    rate = of_period("EUR", "USD", "0.5", "FY2026")
    assert [worth(minor, "EUR", "USD", "FY2026", rate) for minor in (1, 3, 5, -1, -3)] == [0, 2, 2, 0, -2]


SPANS = {
    ("FY2026", 1): ("2026-01-01", "2026-12-31"),
    ("FY2026", 4): ("2025-04-01", "2026-03-31"),
    ("FY2026-01", 10): ("2025-10-01", "2025-10-31"),
    ("FY2026-11", 4): ("2026-02-01", "2026-02-28"),
    ("FY2024-02", 1): ("2024-02-01", "2024-02-29"),
    ("FY2026-Q4", 1): ("2026-10-01", "2026-12-31"),
    ("FY2026-13", 1): ("2026-12-01", "2026-12-31"),
}


@pytest.mark.parametrize(("period", "starts"), SPANS)
def test_the_days_of_a_fiscal_period(period: str, starts: int) -> None:
    span = days_of(period, starts)
    assert span is not None
    assert tuple(day.isoformat() for day in span) == SPANS[period, starts]


@given(
    minor=st.integers(-(10**16), 10**16),
    rate=st.decimals(min_value="0.000001", max_value="100000", places=6),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    target=st.sampled_from(["EUR", "JPY", "BHD"]),
)
def test_conversion_is_that_of_decimals_with_enough_digits(
    minor: int, rate: Decimal, currency: str, target: str
) -> None:
    if currency == target:
        return
    found = worth(minor, currency, target, "FY2026", of_period(currency, target, str(rate), "FY2026"))
    shift = EXPONENTS[target] - EXPONENTS[currency]
    exact = EXACT.multiply(EXACT.multiply(Decimal(minor), rate), Decimal(10) ** shift)
    assert found == int(exact.to_integral_value(ROUND_HALF_EVEN))


def test_turning_a_rate_round_twice_is_exact() -> None:
    book = RateBook([of_period("EUR", "USD", "1.0834", "FY2026")])
    there, back = book.find("EUR", "USD", "FY2026"), book.find("USD", "EUR", "FY2026")
    assert there is not None
    assert back is not None
    assert there.worth * back.worth == 1
    assert exchanged(exchanged(10_000, "EUR", "USD", there.worth), "USD", "EUR", back.worth) == 10_000


def test_a_quote_names_every_row_of_rates_that_it_rests_on() -> None:
    def on(line: int, base: str, quote: str, day: str | None = None, sheet: str | None = None) -> Rate:
        period = None if day else "FY2026"
        known = date.fromisoformat(day) if day else None
        return Rate(base, quote, "2", known, period, "fx.xlsx", sheet, line)

    days = [on(number + 2, "EUR", "USD", f"2026-02-0{number}") for number in (1, 2, 3, 5)]
    averaged = RateBook(days, averaged=True).find("EUR", "USD", "FY2026-02")
    last = RateBook(days).find("USD", "EUR", "FY2026-02")
    crossed = RateBook([on(7, "EUR", "USD"), on(3, "EUR", "GBP", sheet="B")]).find("GBP", "USD", "FY2026-01")
    assert [places_text(it.places) for it in (averaged, last, crossed) if it] == [
        "fx.xlsx, lines 3-5, 7",
        "fx.xlsx, line 7",
        "fx.xlsx, line 7; fx.xlsx, sheet B, line 3",
    ]


def rate(base: str, quote: str, worth_of: str, period: str) -> FxRate:
    key = f"{base} {quote} {period}"
    return FxRate(key, RateType.AVERAGE, base, quote, Decimal(worth_of), period=period)


def test_derived_figures_stand_beside_the_originals_and_what_has_no_rate_is_named(engine: Engine) -> None:
    run_id = begin_run(engine)
    with engine.begin() as connection:
        put(connection, run_id, [goal("O1")], FILE)
        put(connection, run_id, [epic("PAY-1", names("O1"), names("C1", How.COST_CODE))])
        lines = [
            money("C1", 100_00, currency="EUR", period="FY2026-01", id="a"),
            money("C1", 50_00, currency="EUR", period="FY2026-02", id="b"),
            money("none", 10_00, currency="EUR", period="FY2026-01", id="c"),
            money("C1", 7_00, currency="EUR", period="FY2026-03", id="d"),
            money("none", 2_00, currency="EUR", period="FY2026-03", id="e"),
            money("C1", 500, currency="JPY", version=BudgetVersion.ACTUAL, id="f"),
            money("C1", 1_00, id="g"),
        ]
        put(connection, run_id, lines, MONEY)
        rates = [rate("EUR", "USD", "1.1", "FY2026-01"), rate("EUR", "USD", "1.2", "FY2026-02")]
        put(connection, run_id, rates, "group")
        put(connection, run_id, [rate("JPY", "USD", "1", "FY2026")], "another set")
        relink(connection)
        asked = Conversion("USD", "group", "average", 1)
        save_conversions(connection, run_id, asked, TODAY, certain=True)
        (found,) = read_converted(connection, run_id)
        missing = read_missing(connection, run_id)
    euros = Series("EUR", 2026, "budget")
    assert (found.series, found.source_minor, found.rate_set) == (euros, 160_00, "group")
    assert found.money == Split(aligned=110_00 + 60_00, unknown=11_00)
    assert [(gap.series, gap.period, gap.source_minor) for gap in missing] == [
        (euros, "FY2026-03", 9_00),
        (Series("JPY", 2026, "actual"), "FY2026", 500),
    ]


def test_rules_see_which_money_has_no_rate_and_rest_where_nobody_converts(engine: Engine) -> None:
    run_id = begin_run(engine)
    frame = Frame(TODAY, 2026, "USD", "align-")
    lines = bind_catalogue(frame).entity("budgetLine")
    assert lines is not None
    with engine.begin() as connection:
        booked = [
            money("C1", 1, currency="EUR", period="FY2026-01", id="a"),
            money("C1", 1, currency="EUR", period="FY2026-02", id="b"),
            money("C1", 1, currency="JPY", period="FY2026", id="c"),
            money("C1", 1, id="d"),
        ]
        put(connection, run_id, booked, MONEY)
        put(connection, run_id, [rate("EUR", "USD", "1.1", "FY2026-01")], "group")
        asked = Conversion("USD", "group", "average", 1)
        for given, expected in ((asked, {"b", "c"}), (None, set()), (asked, {"b", "c"})):
            save_gaps(connection, given)
            found = {
                row.source_id
                for row in connection.execute(select(budget_line))
                if (read_item(connection, lines, row.id) or {})["rateMissing"]
            }
            assert found == expected
