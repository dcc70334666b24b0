"""Messy tables as declared: wide months, totals rows, debit and credit, signs, footers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.errors import BadInput
from connectors.finance import FinanceSource, FinanceSourceConfig
from connectors.pages import Page, Quarantined
from connectors.records import BudgetLine

MONTHS = "Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec"


def pages(path: Path, text: str, **config: Any) -> list[Page]:
    path.write_text(text, encoding="utf-8")
    declared = {"name": "shape", "path": path, "currency": "EUR", "columns": {"project": "P"}} | config
    return list(FinanceSource(FinanceSourceConfig.model_validate(declared)).pages())


def lines(found: list[Page]) -> list[BudgetLine]:
    return [record for page in found for record in page.records if isinstance(record, BudgetLine)]


def refused(found: list[Page]) -> list[Quarantined]:
    return [row for page in found for row in page.quarantined]


def total(found: list[Page]) -> int:
    return sum(control.amount_minor for control in found[-1].totals)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "budget.csv"


def test_wide_months_become_one_line_each_in_the_fiscal_year_of_the_calendar(file: Path) -> None:
    months = ",".join(f"{name}-26" for name in MONTHS.split(","))
    found = pages(
        file,
        f"P,{months},Total\nA,1,2,3,4,5,6,7,8,9,10,11,12,78\n",
        calendar={"starts": 4, "named_by": "start"},
        periods=[{"labels": "{mon}-{yy}", "check": "Total"}],
    )
    assert [(line.period, line.amount_minor) for line in lines(found)][:4] == [
        ("FY2025-10", 100),
        ("FY2025-11", 200),
        ("FY2025-12", 300),
        ("FY2026-01", 400),
    ]
    assert total(found) == 7800


def test_a_row_whose_months_do_not_sum_to_its_total_is_quarantined_with_the_difference(file: Path) -> None:
    text = "P,Q1,Q2,Q3,Q4,Year\nA,1,2,3,4,10\nB,1,2,3,4,11.50\nC,1,,,,\n"
    found = pages(file, text, periods=[{"labels": "Q{quarter}", "fiscal_year": 2026, "check": "Year"}])
    (row,) = refused(found)
    assert (row.line, row.column) == (3, "Year")
    assert row.reason == (
        "it states 11.50 where the amounts of its periods sum to 10.00: a difference of 1.50 EUR"
    )
    assert [line.project for line in lines(found)] == ["A"] * 4 + ["C"]


def test_a_month_missing_from_the_header_refuses_the_file(file: Path) -> None:
    with pytest.raises(BadInput, match="12 columns named like '{mon}' are declared and 11 are there"):  # noqa: RUF043
        pages(file, f"P,{MONTHS[:-4]}\n", periods=[{"labels": "{mon}", "fiscal_year": 2026}])


def test_plan_and_actual_of_each_month_stand_side_by_side(file: Path) -> None:
    found = pages(
        file,
        "P,Plan P01,Plan P02,Spent P01,Spent P02\nA,1,2,3,4\n",
        periods=[
            {"labels": "Plan P{period}", "fiscal_year": 2026, "count": 2},
            {"labels": "Spent P{period}", "fiscal_year": 2026, "count": 2, "version": "actual"},
        ],
    )
    assert [(line.version, line.period, line.amount_minor) for line in lines(found)] == [
        ("budget", "FY2026-01", 100),
        ("budget", "FY2026-02", 200),
        ("actual", "FY2026-01", 300),
        ("actual", "FY2026-02", 400),
    ]


AMOUNT = {"column": "Sum", "fiscal_year": 2026}
WEEKS = {"weeks": [4, 4, 5], "ends": {"weekday": "saturday", "month": 12}}
SECTIONS = [
    {"column": "P", "pattern": "Subtotal.*", "sums": "section"},
    {"column": "P", "pattern": "Total"},
]


def test_totals_rows_are_checked_by_section_and_over_the_file_and_are_no_data(file: Path) -> None:
    text = "P,Sum\nA,1\nB,2\nSubtotal 1,3\nC,4\nSubtotal 2,4\nTotal,7\n"
    found = pages(file, text, amount=AMOUNT, totals=SECTIONS)
    assert refused(found) == []
    assert [line.project for line in lines(found)] == ["A", "B", "C"]
    assert total(found) == 700


def test_a_wrong_totals_row_is_quarantined_with_the_difference_and_the_data_stays(file: Path) -> None:
    text = "P,Sum\nA,1\nB,2\nSubtotal 1,3.01\nC,4\nSubtotal 2,4\nTotal,x\n"
    found = pages(file, text, amount=AMOUNT, totals=SECTIONS)
    assert [(row.line, row.column, row.reason) for row in refused(found)] == [
        (4, "Sum", "it states 3.01 where the amounts of its section sum to 3.00: a difference of 0.01 EUR"),
        (7, "Sum", "'x' is no number written like -1234.5"),
    ]
    assert total(found) == 700
    assert found[-1].refused == ()


def test_a_total_of_rows_of_two_currencies_is_not_believed(file: Path) -> None:
    text = "P,Sum,C\nA,1,EUR\nB,2,USD\nTotal,3,\n"
    config = {"amount": AMOUNT, "totals": SECTIONS[1:], "currency": {"column": "C"}}
    assert refused(pages(file, text, **config))[0].reason == (
        "a totals row without a currency stands below amounts in EUR, USD"
    )
    assert refused(pages(file, "P,Sum,C\nA,1,EUR\nTotal,1,\n", **config)) == []


def test_a_refused_row_that_can_be_read_still_counts_for_its_total(file: Path) -> None:
    text = "P,Sum,C\nA,1,EUR\nB,(2),EUR\nTotal,-1,EUR\n"
    config = {"amount": AMOUNT, "totals": SECTIONS[1:], "currency": {"column": "C"}}
    assert [row.line for row in refused(pages(file, text, **config))] == [3]


def test_debit_and_credit_are_one_amount(file: Path) -> None:
    amount = {"debit": "D", "credit": "C", "fiscal_year": 2026}
    found = pages(file, "P,D,C\nA,5,\nB,,2\nE,,\nF,1,4\nG,1,x\n", amount=amount)
    assert [(line.project, line.amount_minor) for line in lines(found)] == [
        ("A", 500),
        ("B", -200),
        ("F", -300),
    ]
    assert [(row.line, row.column) for row in refused(found)] == [(6, "C")]


def test_a_flag_turns_the_sign_and_an_unknown_one_refuses_its_row(file: Path) -> None:
    sign = {"column": "S/H", "positive": ["S"], "negative": ["H"]}
    text = "P,Sum,S/H\nA,5,S\nB,2,H\nC,1,X\nD,,\nTotal,3,\n"
    found = pages(file, text, amount=AMOUNT | {"sign": sign}, totals=SECTIONS[1:])
    assert [line.amount_minor for line in lines(found)] == [500, -200]
    assert [(row.line, row.column, row.reason) for row in refused(found)] == [
        (4, "S/H", "'X' is no declared sign ('S', 'H')")
    ]


def test_merged_cells_footers_and_preambles_come_together(file: Path) -> None:
    text = "Office budget\n\n P ,Item,Sum\nA,x,1\n,y,2\nB,z,3\nTotal,,6\n\nPrinted on Monday\n"
    found = pages(
        file,
        text,
        amount=AMOUNT,
        header={"within": 5},
        fill_down=["P"],
        totals=SECTIONS[1:],
        footer={"pattern": "Printed on .*"},
        columns={"project": "P", "description": "Item"},
    )
    assert refused(found) == []
    assert [(line.project, line.description) for line in lines(found)] == [("A", "x"), ("A", "y"), ("B", "z")]


def test_money_below_the_declared_end_of_the_table_is_quarantined(file: Path) -> None:
    found = pages(file, "P,Sum\nA,1\nNotes\nB,2\n", amount=AMOUNT, footer={"pattern": "Notes"})
    (row,) = refused(found)
    assert (row.line, row.column) == (4, "Sum")
    assert row.reason == "the row holds an amount below the declared end of the table"
    assert [control.amount_minor for control in found[-1].refused] == [200]


def test_years_and_periods_of_dates_are_told_from_those_that_are_none(file: Path) -> None:
    amount = {"column": "Sum", "dated": {"column": "Day", "label": "{dd}/{mm}/{yyyy}"}}
    found = pages(
        file,
        "P,Day,Sum\nA,31/03/2026,1\nB,01/04/2026,2\nC,,3\nD,2026,4\n",
        amount=amount,
        calendar={"starts": 4},
    )
    assert [line.period for line in lines(found)] == ["FY2026-12", "FY2027-01"]
    assert [(row.line, row.column, row.reason) for row in refused(found)] == [
        (4, "Day", "the cell is blank"),
        (5, "Day", "'2026' is not written like '{dd}/{mm}/{yyyy}'"),
    ]


@given(st.lists(st.lists(st.integers(-10_000, 10_000), max_size=5), max_size=5))
def test_true_totals_are_never_refused_and_never_counted(
    tmp_path_factory: pytest.TempPathFactory, sections: list[list[int]]
) -> None:
    rows = [
        line
        for amounts in sections
        for line in [*(f"A,{amount}" for amount in amounts), f"Subtotal,{sum(amounts)}"]
    ]
    every = sum(map(sum, sections))
    text = "\n".join(["P,Sum", *rows, f"Total,{every}", ""])
    found = pages(tmp_path_factory.getbasetemp() / "t.csv", text, amount=AMOUNT, totals=SECTIONS)
    assert refused(found) == []
    assert sum(line.amount_minor for line in lines(found)) == total(found) == every * 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": {"debit": "D", "fiscal_year": 2026}}, "either `column`, or both `debit` and `credit`"),
        ({"amount": {"fiscal_year": 2026}}, "either `column`, or both `debit` and `credit`"),
        ({"amount": AMOUNT | {"dated": {"column": "D"}}}, "either `fiscal_year` or `dated`"),
        ({"amount": {"column": "S"}}, "either `fiscal_year` or `dated`"),
        ({"periods": [{"labels": "{mon}"}]}, "declare `fiscal_year` where the labels name no year"),
        ({"periods": [{"labels": "{mon}-{yy}", "fiscal_year": 2026}]}, "and only there"),
        ({"periods": [{"labels": "{moon}"}]}, "{moon} is unknown"),
        ({"totals": [{"column": "P", "pattern": "("}]}, "is no regular expression"),
        ({"calendar": {"starts": 13}}, "less than or equal to 12"),
        ({"calendar": {"months": ["a", "b"]}}, "twelve different names"),
        ({"calendar": {"weeks": [4, 4, 5]}}, "needs both: `weeks` of each period, and the day it `ends` on"),
        ({"calendar": WEEKS | {"weeks": [5, 5]}}, "periods of 5-5 weeks do not fill a year of 52"),
        (
            {"calendar": WEEKS, "periods": [{"labels": "{mon}-{yy}"}]},
            "label '{mon}-{yy}' names a month, and a fiscal year of weeks has none",
        ),
    ],
)
def test_a_shape_that_cannot_work_is_refused(changes: dict[str, Any], message: str) -> None:
    config = {"name": "shape", "path": "x.csv", "currency": "EUR"} | changes
    with pytest.raises(ValidationError) as refusal:
        FinanceSourceConfig.model_validate(config)
    assert message in str(refusal.value)


def test_days_of_a_year_of_weeks_and_an_adjustment_in_period_13_are_read(file: Path) -> None:
    amount = {"column": "Sum", "dated": {"column": "Day"}}
    text = "P,Day,Sum\nA,2022-12-31,1\nB,2023-01-01,2\n"
    found = pages(file, text, amount=amount, calendar=WEEKS)
    assert [line.period for line in lines(found)] == ["FY2022-12", "FY2023-01"]
    amount = {"column": "Sum", "dated": {"column": "Day", "label": "{fyyyy}{period}"}}
    found = pages(file, "P,Day,Sum\nA,2026012,1\nB,2026013,2\nC,2026016,3\n", amount=amount)
    assert [line.period for line in lines(found)] == ["FY2026-12", "FY2026-13", "FY2026-16"]


@pytest.mark.parametrize(
    ("dialect", "row", "name"),
    [
        ({}, '"Pipe 5"" wide",7', 'Pipe 5" wide'),
        ({}, '"Pipe, wide",7', "Pipe, wide"),
        ({"quote_mark": ""}, 'Pipe 5" wide,7', 'Pipe 5" wide'),
        ({"quote_mark": ""}, '"Pipe",7', '"Pipe"'),
        ({"quote_mark": "'"}, "'Pipe, 5\" wide',7", 'Pipe, 5" wide'),
        ({"escape": "\\"}, r'"Pipe 5\" wide",7', 'Pipe 5" wide'),
        ({"delimiter": "\t"}, "Pipe, wide\t7", "Pipe, wide"),
        ({"delimiter": "|"}, "Pipe, wide|7", "Pipe, wide"),
        ({"delimiter": ";"}, "Pipe, wide;7", "Pipe, wide"),
    ],
)
def test_every_declared_dialect_is_read(file: Path, dialect: dict[str, str], row: str, name: str) -> None:
    header = f"P{dialect.get('delimiter', ',')}Sum"
    found = pages(file, f"{header}\n{row}\n", amount=AMOUNT, columns={"project": "P"}, **dialect)
    assert refused(found) == []
    assert [(line.project, line.amount_minor) for line in lines(found)] == [(name, 700)]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "cp1252", "mac-roman", "cp437"]
)
def test_every_encoding_is_read_by_its_mark_or_as_declared(file: Path, encoding: str) -> None:
    text = "P,Sum\nMu\u00f1oz caf\u00e9,7\n"
    content = text.encode("utf-16-le") if encoding == "utf-16-le-bom" else text.encode(encoding)
    file.write_bytes(b"\xff\xfe" + content if encoding == "utf-16-le-bom" else content)
    declared = encoding if encoding in {"cp1252", "mac-roman", "cp437"} else "utf-8"
    config = {
        "name": "shape",
        "path": file,
        "currency": "EUR",
        "encoding": declared,
        "columns": {"project": "P"},
    }
    found = list(FinanceSource(FinanceSourceConfig.model_validate(config | {"amount": AMOUNT})).pages())
    assert [line.project for line in lines(found)] == ["Mu\u00f1oz caf\u00e9"]
