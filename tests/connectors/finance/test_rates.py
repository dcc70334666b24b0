"""Exchange rates from files: exact, of one day or period, never two for one moment."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.errors import BadInput
from connectors.finance import FxSource, FxSourceConfig
from connectors.finance.rates import PAGE_ROWS
from connectors.pages import Page, Quarantined
from connectors.records import FxRate, RateType

LONG = {
    "base": {"column": "From"},
    "quote": {"column": "To"},
    "rate": "Rate",
    "dated": {"column": "Date"},
}
WIDE = {"base": "EUR", "columns": ["USD", "JPY"], "dated": {"column": "Date"}, "unknown": ["N/A"]}


def source(path: Path, **declared: Any) -> FxSource:
    return FxSource(FxSourceConfig.model_validate({"name": "fx", "path": path} | declared))


def read(file: Path, text: str, **declared: Any) -> list[Page]:
    file.write_text(text, encoding="utf-8")
    return list(source(file, **declared).pages())


def rates(pages: list[Page]) -> list[FxRate]:
    return [record for page in pages for record in page.records if isinstance(record, FxRate)]


def refused(pages: list[Page]) -> list[Quarantined]:
    return [row for page in pages for row in page.quarantined]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rates.csv"


def test_a_row_for_each_rate_is_read_with_all_its_decimals(file: Path) -> None:
    (rate,) = rates(read(file, "Date,From,To,Rate\n2026-11-26,eur,USD,1.05829137\n", **LONG))
    assert rate == FxRate(
        id="spot|EUR|USD|2026-11-26",
        type=RateType.SPOT,
        base="EUR",
        quote="USD",
        rate=Decimal("1.05829137"),
        on=date(2026, 11, 26),
        line=2,
        file="rates.csv",
    )


def test_a_column_for_each_currency_is_read_as_central_banks_publish_it(file: Path) -> None:
    pages = read(file, "Date,USD,JPY,\n2026-11-26,1.05,N/A,\n2026-11-25,1.06,,\n2026-11-24,,162.5,\n", **WIDE)
    assert [(rate.quote, rate.rate, rate.line) for rate in rates(pages)] == [
        ("USD", Decimal("1.05"), 2),
        ("USD", Decimal("1.06"), 3),
        ("JPY", Decimal("162.5"), 4),
    ]
    assert refused(pages) == []


def test_a_rate_for_a_hundred_units_is_kept_for_one(file: Path) -> None:
    declared = {"quote": "CZK", "columns": ["JPY"], "units": 100, "dated": {"column": "Date"}}
    (rate,) = rates(read(file, "Date,JPY\n2026-11-26,15.731\n", **declared))
    assert (rate.base, rate.quote, rate.rate) == ("JPY", "CZK", Decimal("0.15731"))


def test_averages_and_budget_rates_are_of_a_fiscal_period(file: Path) -> None:
    declared = LONG | {
        "type": {"column": "Type", "values": {"M": "average", "Plan": "budget"}},
        "dated": {"column": "Date", "label": "{mon}-{yy}"},
        "calendar": {"starts": 4},
    }
    text = "Date,From,To,Rate,Type\nApr-26,USD,EUR,0.9,M\nMar-26,USD,EUR,0.95,Plan\n"
    assert [(rate.period, rate.on, rate.type) for rate in rates(read(file, text, **declared))] == [
        ("FY2027-01", None, RateType.AVERAGE),
        ("FY2026-12", None, RateType.BUDGET),
    ]


def test_a_second_rate_for_the_same_moment_is_quarantined_and_a_repetition_is_counted(file: Path) -> None:
    text = "Date,From,To,Rate\n2026-11-26,EUR,USD,1.05\n2026-11-26,EUR,USD,1.050\n2026-11-26,EUR,USD,1.06\n"
    pages = read(file, text, **LONG)
    assert len(rates(pages)) == 1
    assert pages[-1].repeated == 1
    assert [(row.line, row.column, row.reason) for row in refused(pages)] == [
        (4, "Date", "line 2 gives 1.05 USD for one EUR at this moment")
    ]


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("2026-11-26,EUR,USD,0", "Rate", "'0' is no exchange rate: it must be more than zero"),
        ("2026-11-26,EUR,USD,-1.2", "Rate", "'-1.2' is no exchange rate: it must be more than zero"),
        ("2026-11-26,EUR,USD,1e3", "Rate", "'1e3' is no number written like -1234.5"),
        ("2026-11-26,EUR,USD,NaN", "Rate", "'NaN' is no number written like -1234.5"),
        ("2026-11-26,EUR,US$,1.2", "To", "'US$' is no ISO 4217 currency code (such as USD or EUR)"),
        ("2026-02-30,EUR,USD,1.2", "Date", "'2026-02-30' is no day of the calendar"),
        (",EUR,USD,1.2", "Date", "the cell is blank"),
        ("26.11.2026,EUR,USD,1.2", "Date", "'26.11.2026' is not written like '{yyyy}-{mm}-{dd}'"),
    ],
)
def test_a_rate_that_cannot_be_read_is_refused_at_its_place(
    file: Path, row: str, column: str, reason: str
) -> None:
    pages = read(file, f"Date,From,To,Rate\n{row}\n2026-11-26,EUR,CHF,0.93\n", **LONG)
    assert [(bad.line, bad.column, bad.reason) for bad in refused(pages)] == [(2, column, reason)]
    assert len(rates(pages)) == 1


def test_an_unknown_type_is_refused_with_the_remedy(file: Path) -> None:
    pages = read(
        file,
        "Date,From,To,Rate,Type\n2026-11-26,EUR,USD,1.2,M\n",
        **LONG | {"type": {"column": "Type"}},
    )
    assert refused(pages)[0].reason == (
        "'M' is no type of rate (spot, average, closing, budget); declare what it means under `values`"
    )


def test_a_currency_whose_column_is_gone_stops_the_source(file: Path) -> None:
    with pytest.raises(BadInput, match="the header has no column 'JPY'"):
        read(file, "Date,USD\n2026-11-26,1.05\n", **WIDE)


@given(st.lists(st.decimals("0.000000000001", "1000000000", places=12), min_size=1, max_size=8, unique=True))
def test_every_rate_is_read_back_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, written: list[Decimal]
) -> None:
    text = "".join(f"2026-01-{day:02},EUR,USD,{rate:f}\n" for day, rate in enumerate(written, 1))
    pages = read(tmp_path_factory.getbasetemp() / "rates.csv", f"Date,From,To,Rate\n{text}", **LONG)
    assert [rate.rate for rate in rates(pages)] == written


def test_the_read_goes_on_from_any_cursor(file: Path) -> None:
    file.write_text(
        "Date,From,To,Rate\n" + "".join(f"{1000 + n}-01-01,EUR,USD,{n}\n" for n in range(1, 1202))
    )
    pages = list(source(file, **LONG).pages())
    assert [len(page.records) for page in pages] == [PAGE_ROWS, PAGE_ROWS, 201]
    assert list(source(file, **LONG).pages(pages[0].cursor)) == pages[1:]


@pytest.mark.parametrize(
    "declared",
    [
        {"base": "EUR", "dated": {"column": "Date"}},
        {"base": "EUR", "quote": "USD", "dated": {"column": "Date"}},
        WIDE | {"quote": "CHF"},
        WIDE | {"rate": "Rate"},
        LONG | {"columns": ["USD"]},
    ],
)
def test_rates_that_could_be_read_in_two_ways_are_refused(declared: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="declare `base`, `quote` and `rate`"):
        source(Path("x.csv"), **declared)
