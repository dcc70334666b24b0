"""Public budget and spending files of several countries, read by fitting mappings and summed again apart."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.finance import FinanceSource, FinanceSourceConfig
from connectors.records import BudgetLine, Page, Quarantined
from tests.connectors.finance.shared_data import DATA, needs_data

pytestmark = needs_data

UK = {
    "currency": "GBP",
    "encoding": "cp1252",
    "columns": {"account": "Expense Type", "cost_centre": "Expense Area"},
}
SPENT = {"amount": {"column": "Amount", "fiscal_year": 2020, "version": "actual"}}
OAKLAND = {"currency": "USD", "columns": {"cost_centre": "department", "account": "account_category"}}
CANADA = {"currency": "CAD", "columns": {"project": "uniqueId"}, "number": {"group": ",", "symbol": "$"}}
ARAGON = {
    "currency": "EUR",
    "delimiter": ";",
    "encoding": "cp1252",
    "number": {"decimal": ",", "group": "."},
    "columns": {"cost_centre": "CENTRO GESTOR", "account": "ECONOMICA"},
    "amount": {"column": "IMPORTE", "fiscal_year": {"column": "EJERCICIO"}},
}


def oakland(label: str, year: int) -> dict[str, Any]:
    return {"amount": {"column": "amount", "fiscal_year": {"column": "budget_year", "values": {label: year}}}}


FILES: dict[str, dict[str, Any]] = {
    "uk_spend_over_25k/cabinetoffice_2019-08.csv": UK | SPENT,
    "uk_spend_over_25k/cabinetoffice_2020-06.csv": UK | SPENT,
    "uk_spend_over_25k/cabinetoffice_2022-05.csv": UK | SPENT,
    "uk_spend_over_25k/cabinetoffice_2022-07.csv": UK | SPENT,
    "uk_spend_over_25k/networkrail_2017-01.csv": {
        "currency": "GBP",
        "calendar": {"starts": 4},
        "columns": {"account": "Category Family"},
        "amount": {"column": "Spend", "dated": {"column": "Invoice GL Date"}, "version": "actual"},
        "totals": [{"column": "Supplier Name", "pattern": "Grand Total"}],
        "footer": {"column": "Spend", "pattern": "© Copyright.*"},
    },
    "uk_council_spend/oxford_2017-07-09.csv": {"currency": "GBP", "encoding": "cp1252"} | SPENT,
    "us_oakland/FY13-14__adopted.csv": OAKLAND | oakland("FY13-14", 2014),
    "us_oakland/FY22-23__adopted.csv": OAKLAND | oakland("FY22-23", 2023),
    "us_philadelphia_fy18_appropriations.csv": {
        "currency": "USD",
        "columns": {"cost_centre": "Dept", "account": "Sub-obj"},
        "amount": {"column": "Original Appn Balance", "fiscal_year": {"column": "FY"}},
    },
    "ca_gc_it_projects_2019.csv": CANADA | {"amount": {"column": "totalBudget", "fiscal_year": 2019}},
    "ca_gc_it_projects_combined.csv": CANADA
    | {
        "amounts": [
            {"column": "originalBudget", "fiscal_year": 2016},
            {"column": "latestBudget", "fiscal_year": 2022, "version": "forecast"},
        ]
    },
    "de_bonn/plan_2018.csv": {
        "currency": "EUR",
        "delimiter": "\t",
        "columns": {"cost_centre": "Profitcenter", "account": "Sachkonto"},
        "amounts": [{"debit": "costs", "credit": "earning", "fiscal_year": {"column": "Planjahr"}}],
    },
    "es_aragon_2010/partidas_gastos.csv": ARAGON,
    "es_aragon_2010/partidas_ingresos.csv": ARAGON,
    "eu_esif_2014/ESIF_FINANCE_DETAILS.csv": {
        "currency": "EUR",
        "columns": {"project": "CCI"},
        "amounts": [{"column": "EU Amount", "fiscal_year": 2014}],
    },
}


def read(name: str, path: Path | None = None) -> list[Page]:
    config = {"name": "real", "path": path or DATA / "finance" / name} | FILES[name]
    return list(FinanceSource(FinanceSourceConfig.model_validate(config)).pages())


def lines(pages: list[Page]) -> list[BudgetLine]:
    return [record for page in pages for record in page.records if isinstance(record, BudgetLine)]


def cells(name: str) -> list[str]:
    """Every amount cell of the file that is not blank, read without any of our code."""
    config = FILES[name]
    amounts = config.get("amounts", [config.get("amount")])
    columns = [amount[key] for amount in amounts for key in ("column", "debit") if key in amount]
    content = (DATA / "finance" / name).read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode(config["encoding"])
    found = csv.DictReader(text.splitlines(keepends=True), delimiter=config.get("delimiter", ","))
    income = [amount["credit"] for amount in amounts if "credit" in amount]
    rows = [row for row in found if row.get("Supplier Name") != "Grand Total"]
    spent = [row[column] for row in rows for column in columns if row[column].strip()]
    return spent + [f"-{row[column]}" for row in rows for column in income if row[column].strip()]


def independent(name: str) -> tuple[int, Decimal]:
    """How many amounts the file holds, and their sum in minor units."""
    german = FILES[name].get("number", {}).get("decimal") == ","
    swap: dict[str, str | int | None] = {".": None, ",": "."} if german else {",": None, "$": None}
    numbers = [text.translate(str.maketrans(swap)) for text in cells(name)]
    amounts = [Decimal(text) for text in numbers if text.strip("-").replace(".", "").strip().isdigit()]
    return len(amounts), sum(amounts, Decimal()) * 100


@pytest.mark.parametrize("name", FILES)
def test_every_amount_is_read_and_the_sum_is_the_files_own(name: str) -> None:
    pages = read(name)
    count, total = independent(name)
    assert count > 100
    assert len(lines(pages)) == count
    assert len({line.id for line in lines(pages)}) == count
    assert sum(line.amount_minor for line in lines(pages)) == total
    assert sum(control.amount_minor for control in pages[-1].totals) == total
    assert pages[-1].refused == ()


def test_spending_and_income_of_the_aragon_budget_balance_to_the_cent() -> None:
    spending, income = (
        sum(line.amount_minor for line in lines(read(f"es_aragon_2010/partidas_{side}.csv")))
        for side in ("gastos", "ingresos")
    )
    assert spending == income == 572_048_548_176


def refused(pages: list[Page]) -> list[Quarantined]:
    return [row for page in pages for row in page.quarantined]


def test_a_published_grand_total_that_is_not_the_sum_of_its_rows_is_found_out() -> None:
    name = "uk_spend_over_25k/networkrail_2017-01.csv"
    (row,) = refused(read(name))
    assert (row.line, row.column) == (1783, "Spend")
    assert row.reason == (
        "it states 558,918,743.19 where the amounts above sum to 527,269,048.94: "
        "a difference of 31,649,694.25 GBP"
    )
    assert independent(name)[1] == 52_726_904_894


def test_a_footer_that_is_not_declared_is_quarantined_with_its_line() -> None:
    name = "uk_spend_over_25k/networkrail_2017-01.csv"
    config = {"name": "real", "path": DATA / "finance" / name} | FILES[name] | {"footer": None}
    pages = list(FinanceSource(FinanceSourceConfig.model_validate(config)).pages())
    assert [(row.line, row.raw) for row in refused(pages)][1:] == [
        (1784, ",,,,© Copyright Network Rail 2017"),
    ]


def test_dates_give_fiscal_year_and_period_by_the_calendar() -> None:
    dated = read("uk_spend_over_25k/networkrail_2017-01.csv")
    assert {line.period for line in lines(dated)} == {"FY2017-10"}


def test_the_bonn_plan_nets_costs_and_earnings_by_cost_centre() -> None:
    plan = lines(read("de_bonn/plan_2018.csv"))
    first = [line.amount_minor for line in plan if line.account == "94000023"][:2]
    assert first == [1_493_028, -1_493_028]


@pytest.mark.parametrize("name", FILES)
def test_a_broken_row_is_quarantined_at_its_physical_line_and_costs_no_other(
    name: str, tmp_path: Path
) -> None:
    before = lines(read(name))
    place = before[len(before) // 2].line
    assert place
    content = (DATA / "finance" / name).read_bytes().split(b"\n")
    content.insert(place - 1, b"total")
    broken = tmp_path / Path(name).name
    broken.write_bytes(b"\n".join(content))
    pages = read(name, broken)
    refused = [row for page in pages for row in page.quarantined if row.raw == "total"]
    assert [row.line for row in refused] == [place]
    assert sum(line.amount_minor for line in lines(pages)) == sum(line.amount_minor for line in before)
