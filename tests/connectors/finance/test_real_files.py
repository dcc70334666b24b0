"""Every real file there is: read by a mapping and summed again by DuckDB, or kept out for a true reason."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest

from connectors.errors import BadInput
from connectors.finance import FinanceSource, FinanceSourceConfig
from connectors.finance.inspect import propose
from connectors.pages import Page, Quarantined
from connectors.records import BudgetLine
from tests.connectors.finance.shared_data import DATA, needs_data
from tests.connectors.finance.test_bulk import outcome

pytestmark = needs_data

UK = {
    "currency": "GBP",
    "encoding": "cp1252",
    "calendar": {"starts": 4},
    "columns": {"account": "Expense Type", "cost_centre": "Expense Area"},
}


def spent(column: str = "Date", label: str = "{yyyy}-{mm}-{dd}") -> dict[str, Any]:
    return {"amount": {"column": "Amount", "dated": {"column": column, "label": label}, "version": "actual"}}


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


def budget_year_less(years: int) -> dict[str, Any]:
    return {"column": "Budget Year", "values": {"2016": 2016 - years, "2017": 2017 - years}}


FILES: dict[str, dict[str, Any]] = {
    "uk_spend_over_25k/cabinetoffice_2019-08.csv": UK | spent(),
    "uk_spend_over_25k/cabinetoffice_2020-06.csv": UK | spent(),
    "uk_spend_over_25k/cabinetoffice_2022-05.csv": UK | spent(label="{any}, {month} {dd}, {yyyy}"),
    "uk_spend_over_25k/cabinetoffice_2022-07.csv": UK | spent(),
    "uk_spend_over_25k/networkrail_2017-01.csv": {
        "currency": "GBP",
        "calendar": {"starts": 4},
        "columns": {"account": "Category Family"},
        "amount": {"column": "Spend", "dated": {"column": "Invoice GL Date"}, "version": "actual"},
        "totals": [{"column": "Supplier Name", "pattern": "Grand Total"}],
        "footer": {"column": "Spend", "pattern": "© Copyright.*"},
    },
    "uk_council_spend/oxford_2017-07-09.csv": {
        "currency": "GBP",
        "calendar": {"starts": 4},
        "columns": {"cost_centre": "Service Area", "account": "Expenditure Code"},
    }
    | spent("Paid Date", "{dd}/{mm}/{yyyy}"),
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
            {"column": "originalBudget", "fiscal_year": {"column": "originalBudgetSource"}},
            {
                "column": "latestBudget",
                "fiscal_year": {"column": "latestBudgetSource"},
                "version": "forecast",
            },
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
        "amounts": [
            {"column": "EU Amount", "fiscal_year": 2014},
            {"column": "National Amount", "fiscal_year": 2014},
        ],
    },
    "us_itdb_fy2017_businesscase.csv": {
        "currency": "USD",
        "scale": 1_000_000,
        "columns": {
            "project": "Unique Investment Identifier",
            "cost_centre": "Agency Code",
            "description": "Investment Title (IT Portfolio)",
        },
        "amounts": [
            {"column": "Funding PY ($ M)", "fiscal_year": budget_year_less(2), "version": "actual"},
            {"column": "Funding CY ($ M)", "fiscal_year": budget_year_less(1), "version": "forecast"},
            {"column": "Funding BY ($ M)", "fiscal_year": {"column": "Budget Year"}},
        ],
    },
}
NO_AMOUNTS = (
    *(
        f"api_netsuite2_tables/netsuite2_{name}_data.csv"
        for name in ("account", "account_type", "department")
    ),
    *(f"api_netsuite2_tables/netsuite2_{name}_data.csv" for name in ("accounting_period", "subsidiary")),
    "api_netsuite2_tables/netsuite2_transaction_data.csv",
    *(f"de_bonn/{name}" for name in ("innenauftraege2016.xlsx", "kostenstellen2016.csv")),
    "de_bonn/produktuebersicht2016.csv",
    *(
        f"es_aragon_2010/estructura_{name}.csv"
        for name in ("economica", "financiacion", "funcional", "organica")
    ),
    *(f"eu_esif_2014/ESIF-{name}.csv" for name in ("MEASURE", "NationalPriority", "PRIORITY")),
)
"""Lists of codes, accounts and projects: no column of them holds amounts."""
ANSWERS_OF_APIS = (
    "api_business_central/gl_entries.json",
    "api_xero/xero_accounting_examples.json",
    *(f"api_quickbooks_xml/{name}.xml" for name in ("budget", "budgets", "fetch_budget_by_id")),
)
"""Read through the profile of their system: see test_real_answers."""
REPORTS = tuple(f"api_quickbooks_xml/{name}.xml" for name in ("balancesheet", "cashflow", "profitloss"))
"""Printed reports of balances and sums, by line of a report and not by period: no budget is in them."""
BLANK = "api_netsuite2_tables/netsuite2_transaction_line_data.csv"
"""Lines of transactions whose amounts were all taken out by its publisher."""


def read(name: str, path: Path | None = None) -> list[Page]:
    config = {"name": "real", "path": path or DATA / "finance" / name} | FILES[name]
    return list(FinanceSource(FinanceSourceConfig.model_validate(config)).pages())


def lines(pages: list[Page]) -> list[BudgetLine]:
    return [record for page in pages for record in page.records if isinstance(record, BudgetLine)]


@cache
def independent(name: str) -> tuple[int, Decimal]:
    """How many amounts the file holds, and their sum in minor units: by DuckDB, without any of our code."""
    config = FILES[name]
    amounts = config.get("amounts") or [config["amount"]]
    pairs = [
        (amount[key], -1 if key == "credit" else 1) for amount in amounts for key in _COLUMNS & set(amount)
    ]
    parts = " UNION ALL ".join(
        f'SELECT "{column}" AS cell, {sign} AS sign, "{_totals_column(config)}" AS head FROM rows'
        for column, sign in pairs
    )
    german = config.get("number", {}).get("decimal") == ","
    bare = (
        "replace(replace(cell, '.', ''), ',', '.')" if german else "replace(replace(cell, ',', ''), '$', '')"
    )
    with TemporaryDirectory() as folder, duckdb.connect() as database:
        copy = Path(folder) / "utf8.csv"
        copy.write_text(_text(name), encoding="utf-8")
        database.execute(
            "CREATE TABLE rows AS SELECT * FROM read_csv(?, delim = ?, header = true, all_varchar = true, "
            "quote = '\"', escape = '\"', null_padding = true, parallel = false)",
            [str(copy), config.get("delimiter", ",")],
        )
        found = database.execute(
            f"SELECT count(amount), sum(amount) FROM (SELECT sign * TRY_CAST(trim({bare}) AS DECIMAL(38, 6)) "
            f"AS amount FROM ({parts}) WHERE head IS NULL OR head <> 'Grand Total')"
        ).fetchone()
    assert found is not None
    return int(found[0]), Decimal(found[1]) * config.get("scale", 1) * 100


_COLUMNS = {"column", "debit", "credit"}


def _totals_column(config: dict[str, Any]) -> str:
    totals = config.get("totals")
    amount = (config.get("amounts") or [config["amount"]])[0]
    return str(totals[0]["column"] if totals else amount.get("column") or amount["debit"])


def _text(name: str) -> str:
    content = (DATA / "finance" / name).read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode(FILES[name]["encoding"])


def test_every_file_has_a_mapping_or_a_reason() -> None:
    there = {
        str(path.relative_to(DATA / "finance")) for path in (DATA / "finance").rglob("*") if path.is_file()
    }
    assert there == {*FILES, *NO_AMOUNTS, *ANSWERS_OF_APIS, *REPORTS, BLANK}


@pytest.mark.parametrize("name", NO_AMOUNTS)
def test_a_file_without_amounts_is_told_to_have_none(name: str) -> None:
    with pytest.raises(BadInput, match="no column looks like amounts of money"):
        propose(DATA / "finance" / name, 2026)


@pytest.mark.parametrize("name", REPORTS)
def test_a_report_in_xml_is_refused_as_no_table(name: str) -> None:
    with pytest.raises(
        BadInput, match=r"this is an HTML or XML page, not a table|no column looks like amounts"
    ):
        propose(DATA / "finance" / name, 2026)


def test_a_file_whose_amounts_were_taken_out_holds_none() -> None:
    with duckdb.connect() as database:
        found = database.execute(
            "SELECT count(*) FROM (UNPIVOT (SELECT COLUMNS('.*amount.*') "
            "FROM read_csv(?, all_varchar = true)) ON COLUMNS(*)) WHERE value <> '0'",
            [str(DATA / "finance" / BLANK)],
        ).fetchone()
    assert found == (0,)


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


@pytest.mark.parametrize("name", FILES)
def test_reading_by_the_column_comes_to_the_same_as_row_by_row(name: str) -> None:
    config = FinanceSourceConfig.model_validate(
        {"name": "real", "path": DATA / "finance" / name} | FILES[name]
    )
    by_column = outcome(FinanceSource(config).bulk_pages())
    assert not isinstance(by_column, str), by_column
    assert by_column == outcome(FinanceSource(config).pages())


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


@pytest.mark.parametrize("name", [name for name in FILES if name != "us_oakland/FY22-23__adopted.csv"])
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
