"""The shipped sample portfolio is the real file, and both give the same figures to the cent."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.finance import FinanceSource, FinanceSourceConfig
from connectors.finance.money import format_minor
from connectors.pages import Page
from connectors.records import BudgetLine, BudgetVersion
from tests.connectors.finance.sample_projection import (
    INVESTMENT_COLUMNS,
    project_investments,
    project_objectives,
)
from tests.connectors.finance.shared_data import DATA, needs_data

SAMPLE = Path(__file__).resolve().parents[3] / "sync" / "sandbox" / "sample"
REAL = DATA / "finance" / "us_itdb_fy2017_businesscase.csv"
REAL_OBJECTIVES = DATA / "objectives" / "us_itdb_fy2017_strategic_objectives_derived.csv"
OBJECTIVES = "Agency Strategic Objectives / Agency Priority Goals"
VERSIONS = {
    BudgetVersion.BUDGET: "Funding BY ($ M)",
    BudgetVersion.ACTUAL: "Funding PY ($ M)",
    BudgetVersion.FORECAST: "Funding CY ($ M)",
}

either = pytest.mark.parametrize(
    "path", [SAMPLE / "investments.csv", pytest.param(REAL, marks=needs_data)], ids=["sample", "real"]
)


def declared() -> dict[str, Any]:
    settings: dict[str, Any] = YAML(typ="safe", pure=True).load(SAMPLE / "sources.yaml")
    return settings


def read(path: Path) -> list[Page]:
    (config,) = declared()["finance"]
    return list(FinanceSource(FinanceSourceConfig.model_validate(config | {"path": path})).pages())


def lines(path: Path) -> list[BudgetLine]:
    return [record for page in read(path) for record in page.records if isinstance(record, BudgetLine)]


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def shown(found: list[BudgetLine]) -> dict[BudgetVersion, str]:
    return {
        version: format_minor(sum(line.amount_minor for line in found if line.version is version), "USD")
        for version in VERSIONS
    }


@needs_data
def test_the_shipped_files_are_the_real_ones_with_fewer_columns_byte_for_byte() -> None:
    assert (SAMPLE / "investments.csv").read_bytes() == project_investments(REAL)
    assert (SAMPLE / "objectives.csv").read_bytes() == project_objectives(REAL_OBJECTIVES)


@needs_data
def test_the_sample_and_the_real_file_give_the_same_budget_lines() -> None:
    assert [without_line(line) for line in lines(SAMPLE / "investments.csv")] == [
        without_line(line) for line in lines(REAL)
    ]


def without_line(line: BudgetLine) -> tuple[object, ...]:
    return (
        line.id,
        line.version,
        line.period,
        line.amount_minor,
        line.project,
        line.cost_centre,
        line.description,
    )


@either
def test_747_investments_give_three_lines_each_and_none_is_refused(path: Path) -> None:
    found = lines(path)
    assert len(found) == 747 * 3
    assert len({line.id for line in found}) == 747 * 3
    assert len({line.project for line in found}) == 747
    assert not [row for page in read(path) for row in page.quarantined]


@either
def test_the_totals_are_those_of_the_federal_portfolio_to_the_cent(path: Path) -> None:
    assert shown(lines(path)) == {
        BudgetVersion.BUDGET: "43,375,987,588.00",
        BudgetVersion.ACTUAL: "41,951,660,465.00",
        BudgetVersion.FORECAST: "43,636,278,503.00",
    }


@either
def test_the_control_totals_equal_the_lines_and_an_independent_sum_of_the_file(path: Path) -> None:
    *_, last = read(path)
    found = lines(path)
    assert last.refused == ()
    for total in last.totals:
        column = VERSIONS[total.version]
        assert total.amount_minor == sum(line.amount_minor for line in found if line.version is total.version)
        assert total.amount_minor == sum(Decimal(row[column]) for row in rows(path)) * 1_000_000 * 100
    assert {(total.version, total.fiscal_year, total.currency) for total in last.totals} == {
        (BudgetVersion.ACTUAL, 2015, "USD"),
        (BudgetVersion.FORECAST, 2016, "USD"),
        (BudgetVersion.BUDGET, 2017, "USD"),
    }


@either
def test_31_investments_without_an_objective_hold_these_sums(path: Path) -> None:
    loose = {row["Unique Investment Identifier"] for row in rows(path) if not row[OBJECTIVES].strip()}
    assert len(loose) == 31
    assert shown([line for line in lines(path) if line.project in loose]) == {
        BudgetVersion.BUDGET: "5,088,627,000.00",
        BudgetVersion.ACTUAL: "4,611,793,000.00",
        BudgetVersion.FORECAST: "4,467,033,000.00",
    }


@either
def test_agency_codes_lose_their_tab_and_keep_their_zeros(path: Path) -> None:
    codes = {line.cost_centre for line in lines(path)}
    assert {"005", "429"} <= codes
    assert all(code and code.strip() == code and len(code) == 3 for code in codes)


@either
def test_each_line_names_the_physical_line_on_which_its_investment_starts(path: Path) -> None:
    text = path.read_text(encoding="utf-8-sig").split("\n")
    assert all(line.line and text[line.line - 1].startswith(str(line.project)) for line in lines(path))


def test_the_sample_holds_the_thirteen_columns_and_no_long_text() -> None:
    found = rows(SAMPLE / "investments.csv")
    assert tuple(found[0]) == INVESTMENT_COLUMNS
    assert max(len(text) for row in found for text in row.values()) <= 500


@either
def test_a_cell_broken_in_the_file_costs_its_row_only_and_the_rest_still_adds_up(
    path: Path, tmp_path: Path
) -> None:
    found = rows(path)
    found[300] |= {"Funding CY ($ M)": "1,5"}
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, list(found[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found[:300])
    line = written.getvalue().count("\n") + 1
    writer.writerows(found[300:])
    broken = tmp_path / "broken.csv"
    broken.write_text(written.getvalue(), encoding="utf-8", newline="")

    *_, last = pages = read(broken)
    (row,) = [row for page in pages for row in page.quarantined]
    assert (row.line, row.column, row.reason) == (
        line,
        "Funding CY ($ M)",
        "'1,5' is no number written like -1234.5",
    )
    kept = [record for page in pages for record in page.records if isinstance(record, BudgetLine)]
    assert len(kept) == 746 * 3
    refused = {total.version: total.amount_minor for total in last.refused}
    for total in last.totals:
        accepted = sum(line.amount_minor for line in kept if line.version is total.version)
        assert total.amount_minor == accepted + refused.get(total.version, 0)
    assert set(refused) == {BudgetVersion.ACTUAL, BudgetVersion.BUDGET}
