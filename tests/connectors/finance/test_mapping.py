"""From one row to budget lines, and the reasons for which a row is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.finance import FinanceSourceConfig, canonical
from connectors.finance.mapping import natural_key, to_lines
from connectors.pages import Quarantined
from connectors.records import BudgetLine, BudgetVersion
from connectors.tables import Row

WIDE: dict[str, Any] = {
    "name": "itdb",
    "path": "investments.csv",
    "currency": "USD",
    "scale": 1_000_000,
    "columns": {"project": "UII", "cost_centre": "Agency"},
    "amounts": [
        {"column": "CY", "fiscal_year": 2016, "version": "forecast"},
        {"column": "BY", "fiscal_year": 2017, "version": "budget", "period": "Q1"},
    ],
}
LONG = canonical(Path("budget.csv"))
BLANK = dict.fromkeys((column.name for column in LONG.needed()), "")
GOOD = BLANK | {"project": "P1", "fiscal_year": "2017", "currency": "USD", "amount": "5"}


def lines(config: FinanceSourceConfig, cells: dict[str, str]) -> tuple[BudgetLine, ...]:
    found = to_lines(Row(7, cells, "raw text"), config, "budget.csv")
    assert not isinstance(found, Quarantined)
    return found


def refused(config: FinanceSourceConfig, cells: dict[str, str]) -> Quarantined:
    found = to_lines(Row(7, cells, "raw text"), config, "budget.csv")
    assert isinstance(found, Quarantined)
    assert (found.file, found.line, found.raw) == ("budget.csv", 7, "raw text")
    return found


def wide(**changes: Any) -> FinanceSourceConfig:
    return FinanceSourceConfig.model_validate(WIDE | changes)


def test_a_wide_row_gives_one_line_for_each_amount_column() -> None:
    forecast, budget = lines(wide(), {"UII": " 005-01\t", "Agency": "\t005", "CY": "1.5", "BY": "-0.000001"})
    assert forecast == BudgetLine(
        id="005-01|005||forecast|FY2016|USD",
        version=BudgetVersion.FORECAST,
        fiscal_year=2016,
        period="FY2016",
        currency="USD",
        amount_minor=150_000_000,
        project="005-01",
        cost_centre="005",
        line=7,
    )
    assert (budget.id, budget.period, budget.amount_minor) == (
        "005-01|005||budget|FY2017-Q1|USD",
        "FY2017-Q1",
        -100,
    )


def test_a_blank_amount_gives_no_line_and_a_zero_does() -> None:
    (only,) = lines(wide(), {"UII": "1", "Agency": "", "CY": " ", "BY": "0"})
    assert (only.fiscal_year, only.amount_minor, only.cost_centre) == (2017, 0, None)


def test_one_bad_cell_refuses_the_whole_row_and_names_its_column() -> None:
    row = refused(wide(), {"UII": "1", "Agency": "", "CY": "1.5", "BY": "n/a"})
    assert (row.column, row.reason) == ("BY", "'n/a' is no number written like -1234.5")


def test_all_bad_cells_of_a_row_are_told() -> None:
    row = refused(wide(), {"UII": "1", "Agency": "", "CY": "?", "BY": "!"})
    assert row.column == "CY"
    assert row.reason.startswith("'?' is no number")
    assert "; BY: '!' is no number" in row.reason


def test_a_long_row_of_canonical_columns_gives_one_line() -> None:
    cells = {
        "project": "0042",
        "cost_centre": "01",
        "account": "6100",
        "description": "Licences | hosting",
        "fiscal_year": "FY2017",
        "period": "3",
        "version": "Actual",
        "currency": "jpy",
        "amount": "1200",
    }
    assert lines(LONG, cells) == (
        BudgetLine(
            id="0042|01|6100|actual|FY2017-03|JPY",
            version=BudgetVersion.ACTUAL,
            fiscal_year=2017,
            period="FY2017-03",
            currency="JPY",
            amount_minor=1200,
            project="0042",
            cost_centre="01",
            account="6100",
            description="Licences | hosting",
            line=7,
        ),
    )


def test_a_canonical_row_without_version_and_period_is_the_years_budget() -> None:
    (line,) = lines(LONG, GOOD)
    assert (line.version, line.period) == (BudgetVersion.BUDGET, "FY2017")


@pytest.mark.parametrize(
    ("written", "period"),
    [
        ("3", "FY2017-03"),
        ("03", "FY2017-03"),
        ("13", "FY2017-13"),
        ("q2", "FY2017-Q2"),
        ("FY2017-3", "FY2017-03"),
        ("FY2017", "FY2017"),
        ("fy2017-Q4", "FY2017-Q4"),
    ],
)
def test_periods_are_written_in_one_form(written: str, period: str) -> None:
    assert lines(LONG, GOOD | {"period": written})[0].period == period


@pytest.mark.parametrize(
    ("column", "text", "reason"),
    [
        ("currency", "US$", "'US$' is no ISO 4217 currency code (such as USD or EUR)"),
        ("currency", "", "the cell is blank"),
        ("fiscal_year", "", "the cell is blank"),
        ("fiscal_year", "FY16-17", "'FY16-17' is no fiscal year such as 2017 or FY2017"),
        ("fiscal_year", "17", "'17' is no fiscal year such as 2017 or FY2017"),
        ("fiscal_year", "\u0662\u0660\u0661\u0667", "is no fiscal year"),
        ("version", "Plan 8", "'Plan 8' is no version (budget, forecast, actual); declare what it means"),
        ("period", "Mar", "'Mar' is no period: 1 to 16, Q1 to Q4 or such as FY2017-03"),
        ("period", "17", "'17' is no period"),
        ("period", "FY2017-", "'FY2017-' is no period"),
        ("period", "FY2018-01", "period 'FY2018-01' is not in fiscal year 2017"),
        ("amount", "1,5", "'1,5' is no number written like -1234.5"),
    ],
)
def test_a_cell_that_cannot_be_used_is_named_with_its_reason(column: str, text: str, reason: str) -> None:
    row = refused(LONG, GOOD | {column: text})
    assert row.column == column
    assert reason in row.reason


def test_declared_values_translate_the_words_of_the_source() -> None:
    config = wide(
        amounts=[],
        amount={
            "column": "amount",
            "fiscal_year": {"column": "year", "values": {"FY13-14": 2014}},
            "version": {"column": "version", "values": {8: "budget", 9: "actual"}},
        },
    )
    cells = {"UII": "1", "Agency": "", "amount": "1", "year": "FY13-14", "version": "9"}
    (line,) = lines(config, cells)
    assert (line.fiscal_year, line.version) == (2014, BudgetVersion.ACTUAL)
    row = refused(config, cells | {"version": "7"})
    assert (row.column, row.reason) == ("version", "'7' is not among the declared values")


def test_the_sources_own_id_takes_the_place_of_the_codes() -> None:
    config = wide(columns={"project": "UII", "id": "No"})
    forecast, _ = lines(config, {"UII": "1", "No": "77", "CY": "1", "BY": "1"})
    assert forecast.id == "77|forecast|FY2016|USD"
    assert refused(config, {"UII": "1", "No": " ", "CY": "1", "BY": "1"}).reason == "the id is blank"


parts = st.lists(st.text("ab|\\", max_size=4), min_size=3, max_size=3)


@given(parts, parts)
def test_two_keys_are_equal_only_when_all_their_parts_are(one: list[str], other: list[str]) -> None:
    assert (natural_key(*one) == natural_key(*other)) == (one == other)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"currency": "DOLLAR"}, "'DOLLAR' is no ISO 4217 currency code"),
        ({"scale": 500}, "scale must be 1, 10, 100"),
        ({"encoding": "utf-9"}, "'utf-9' is no known encoding; try utf-8 or cp1252"),
        ({"number": {"decimal": ",", "group": ","}}, "decimal and group are both ','"),
        ({"amounts": []}, "declare `amount` (one column), `amounts` (a list) or `periods` (months)"),
        ({"amount": {"column": "x", "fiscal_year": 2017}}, "and not both"),
        ({"delimiter": ";;"}, "at most 1 character"),
        ({"colums": {}}, "Extra inputs are not permitted"),
        ({"amounts": [{"column": "BY", "fiscal_year": 17}]}, "greater than or equal to 1900"),
        ({"amounts": [{"column": "BY", "fiscal_year": 2017, "period": "Mar"}]}, "'Mar' is no period"),
        ({"optional": ["Agncy"]}, "optional column 'Agncy' is not used by the mapping"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        wide(**changes)
    assert message in str(refusal.value)
