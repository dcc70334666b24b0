from __future__ import annotations

import csv
import io
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.figures.run import Detail
from sync.report.spreadsheets import coverage_csv, findings_csv, neutral, objectives_csv, unaligned_csv
from tests.sync.report.making import finding, full, item, portfolio, project

ZONE = ZoneInfo("Europe/Berlin")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"]
)
def test_a_cell_that_looks_like_a_formula_is_made_text(start: str) -> None:
    assert neutral(f"{start}1+1").startswith("'")


@given(st.text())
def test_no_cell_from_outside_starts_a_formula_or_holds_a_control(text: str) -> None:
    cell = neutral(text)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert not any(ord(c) < 32 for c in cell)


def test_ordinary_text_is_left_alone() -> None:
    assert neutral('Pay, "later"') == 'Pay, "later"'


@pytest.mark.parametrize(
    "text", ["=HYPERLINK(1)", "+1", "-1", "@x", "\tx", 'a"b', "a,b", "a\nb\r\nc", "\x1b[0m"]
)
def test_every_file_survives_every_text(text: str) -> None:
    figures = full(text)
    (first, _) = rows(unaligned_csv(figures))
    assert first["summary"] == neutral(text)
    (found,) = rows(findings_csv(figures, ZONE))
    assert found["title"] == neutral(text)
    assert rows(coverage_csv(figures))[2]["project_name"] == neutral(text)
    assert rows(objectives_csv(figures))[0]["title"] == neutral(text)


def test_the_objectives_file_gives_each_its_money_and_ends_with_what_serves_none() -> None:
    one, none = rows(objectives_csv(full()))
    assert (one["objective"], one["target_percent"], one["aligned"]) == ("O1", "25.50", "1000000.00")
    assert (none["objective"], none["target_percent"], none["total"]) == ("", "", "234568.89")
    assert (none["currency"], none["fiscal_year"], none["version"]) == ("USD", "2026", "budget")


def test_amounts_are_plain_numbers_also_below_zero() -> None:
    figures = portfolio(project("PAY", 4_337_598_758_800, -1_50))
    money = rows(coverage_csv(figures))[1]
    assert (money["aligned"], money["unaligned"]) == ("43375987588.00", "-1.50")
    assert money["total"] == "43375987586.50"


def test_the_coverage_file_holds_the_portfolio_first_and_then_each_project() -> None:
    table = rows(coverage_csv(portfolio(project("PAY", 3_00, 1_00), project("WEB", 1_00, 0))))
    assert [
        (row["level"], row["project"], row["version"], row["total"], row["total_items"]) for row in table
    ] == [
        ("portfolio", "", "", "", "4"),
        ("portfolio", "", "budget", "5.00", "4"),
        ("project", "PAY", "", "", "2"),
        ("project", "PAY", "budget", "4.00", "2"),
        ("project", "WEB", "", "", "2"),
        ("project", "WEB", "budget", "1.00", "2"),
    ]


def test_all_unaligned_items_are_in_their_file() -> None:
    items = tuple(item(f"PAY-{number}", number) for number in range(120))
    table = rows(unaligned_csv(portfolio(project("PAY", 1, 1), detail=Detail(unaligned=items))))
    assert [row["key"] for row in table] == [it.key for it in items]
    assert table[-1]["amount"] == "1.19"
    assert (table[0]["currency"], table[0]["fiscal_year"], table[0]["version"]) == ("USD", "2026", "budget")


def test_a_finding_carries_its_times_with_their_offset() -> None:
    figures = portfolio(project("PAY", 1, 1), detail=Detail(findings=(finding("PAY-1", "x"),)))
    (row,) = rows(findings_csv(figures, ZONE))
    assert row["since"] == "2026-03-03T02:30:00+01:00"
    assert row["evidence"] == '{"objective": []}'
