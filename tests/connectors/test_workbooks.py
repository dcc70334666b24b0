"""Sheets of workbooks as tables: numbers, codes, dates, errors, ghosts, and archives of CSV files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from connectors.errors import BadInput, IncompleteRead
from connectors.finance import FinanceSource, FinanceSourceConfig
from connectors.headers import Column, HeaderForm
from connectors.pages import Page, Quarantined
from connectors.records import BudgetLine
from connectors.tables import Layout, Row, Table, open_tables
from tests.connectors.finance.shared_data import DATA, needs_data
from tests.connectors.workbook_files import (
    day,
    number,
    row,
    text,
    write_ods,
    write_old_xls,
    write_xlsx,
)

TOO_LONG = "the cell holds a number of more than 15 digits, which a workbook does not hold exactly"
HEADER = row(1, text("P"), text("Unit"), text("Sum"))
PLAN = {
    "name": "plan",
    "sheet": "Plan",
    "currency": "EUR",
    "columns": {"project": "P", "cost_centre": "Unit"},
    "amount": {"column": "Sum", "fiscal_year": 2017},
}


def table(path: Path, *names: str, **layout: Any) -> Table:
    (only,) = open_tables(path, [Column(name) for name in names], layout=Layout(sheet="Plan", **layout))
    return only


def pages(path: Path, **changes: Any) -> list[Page]:
    return list(FinanceSource(FinanceSourceConfig.model_validate(PLAN | {"path": path} | changes)).pages())


def lines(found: list[Page]) -> list[BudgetLine]:
    return [record for page in found for record in page.records if isinstance(record, BudgetLine)]


def refused(found: list[Page]) -> list[Quarantined]:
    return [bad for page in found for bad in page.quarantined]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.xlsx"


def test_codes_stored_as_numbers_are_text_and_padded_to_the_declared_width_only(file: Path) -> None:
    rows = [HEADER, row(2, number(110000109.0), number(42.0), number("1234.5")), row(3, text("A"), text("7"))]
    write_xlsx(file, rows)
    assert [dict(found.cells) for found in table(file, "P", "Unit").rows() if isinstance(found, Row)] == [
        {"P": "110000109", "Unit": "42"},
        {"P": "A", "Unit": "7"},
    ]
    (first, _) = table(file, "P", "Unit", pad={"Unit": 4}).rows()
    assert isinstance(first, Row)
    assert first.cells["Unit"] == "0042"


def test_numbers_are_money_whatever_the_declared_notation_and_texts_keep_to_it(file: Path) -> None:
    rows = [
        HEADER,
        row(2, text("A"), "", number("1234.1")),
        row(3, text("B"), "", number("0.30000000000000004")),
        row(4, text("C"), "", text("1.234,56")),
        row(5, text("D"), "", number("1.005")),
        row(6, text("E"), "", text("1234.5")),
        row(7, text("F"), "", number("-5")),
    ]
    found = pages(write_xlsx(file, rows), number={"decimal": ",", "group": "."})
    assert [(line.project, line.line, line.amount_minor) for line in lines(found)] == [
        ("A", 2, 123_410),
        ("B", 3, 30),
        ("C", 4, 123_456),
        ("F", 7, -500),
    ]
    assert [(bad.line, bad.column, bad.reason) for bad in refused(found)] == [
        (5, "Sum", "'1.005' has more decimals than the 2 that EUR allows"),
        (6, "Sum", "'1234.5' is no number written like -1.234,5"),
    ]
    (every,), (left_out,) = found[-1].totals, found[-1].refused
    assert every.amount_minor - left_out.amount_minor == 123_410 + 30 + 123_456 - 500


def test_numbers_too_long_for_a_float_are_refused(file: Path) -> None:
    rows = [
        HEADER,
        row(2, number(1234567890123456), "", number(1)),
        row(3, text("A"), "", number("90071992547409.93")),
    ]
    assert [(bad.line, bad.column, bad.reason) for bad in refused(pages(write_xlsx(file, rows)))] == [
        (
            2,
            "P",
            f"{TOO_LONG}. Mend the workbook",
        ),
        (3, "Sum", "'90071992547409.94' is too large to be held exactly"),
    ]


def test_error_cells_and_formulas_without_a_result_refuse_their_rows_by_name(file: Path) -> None:
    rows = [
        HEADER,
        row(2, text("A"), "", 't="e"><f>B1</f><v>#REF!</v>'),
        row(3, text("B"), "", "><f>1+1</f>"),
        row(4, text("C"), "", "><f>1+1</f><v></v>"),
        row(5, text("D"), "", "><f>1+1</f><v>2</v>"),
        row(6, text("E"), 't="str"><f>Z9</f><v></v>', number(1)),
        row(7, text("F"), text("x"), number(1), 't="e"><v>#N/A</v>'),
    ]
    found = pages(write_xlsx(file, rows))
    assert [(bad.line, bad.column, bad.reason) for bad in refused(found)] == [
        (2, "Sum", "the cell holds the error #REF!. Mend the workbook"),
        (3, "Sum", "the cell holds a formula whose result is not stored. Mend the workbook"),
        (4, "Sum", "the cell holds a formula whose result is not stored. Mend the workbook"),
    ]
    assert [line.project for line in lines(found)] == ["D", "E", "F"]


def test_dates_are_iso_and_give_periods(file: Path) -> None:
    rows = [
        row(1, text("P"), text("Unit"), text("Sum"), text("Day")),
        row(2, text("A"), "", number(1), day(46113)),
    ]
    amount = {"column": "Sum", "dated": {"column": "Day"}}
    found = pages(write_xlsx(file, rows), amount=amount, calendar={"starts": 4})
    assert [line.period for line in lines(found)] == ["FY2027-01"]


def test_a_table_that_starts_below_and_beside_the_corner_keeps_its_row_numbers(file: Path) -> None:
    rows = [
        row(3, "", "", text("Budget")),
        row(6, "", "", text("P"), text("Sum")),
        row(8, "", "", text("A"), number(1)),
    ]
    found = pages(write_xlsx(file, rows), header={"within": 3}, columns={"project": "P"})
    assert [(line.project, line.line) for line in lines(found)] == [("A", 8)]


def test_a_sheet_must_be_declared_and_be_there(file: Path) -> None:
    write_xlsx(file, [HEADER], sheets=("Notes", "Plan 2017"))
    with pytest.raises(BadInput, match="declare the `sheet` to be read"):
        open_tables(file, [Column("P")])
    with pytest.raises(BadInput, match="the workbook has no sheet 'Plan'; the nearest is 'Plan 2017'"):
        table(file, "P")


def test_835_thousand_ghost_rows_cost_no_memory_and_change_nothing(file: Path) -> None:
    ghosts = "".join(f'<row r="{n}"><c r="A{n}" s="1"/><c r="B{n}" s="1"/></row>' for n in range(3, 835_226))
    write_xlsx(file, [HEADER, row(2, text("A"), "", number(1)), ghosts])
    assert [line.amount_minor for line in lines(pages(file))] == [100]


def test_a_sheet_that_would_not_fit_into_memory_is_refused_before_it_is_laid_out(file: Path) -> None:
    write_xlsx(file, [HEADER, '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'])
    with pytest.raises(BadInput, match="spans 1,048,576 rows by 16,384 columns, more than 20,000,000 cells"):
        pages(file)


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "bomb.zip", "w", ZIP_DEFLATED) as archive:
        archive.writestr("plan.csv", b"P,Sum\n" + b"0" * (30 << 20))
    with pytest.raises(BadInput, match="it unpacks to 31,457,286 bytes out of"):
        open_tables(tmp_path / "bomb.zip", [Column("P")])


def test_an_old_xls_is_read_by_its_content_whatever_its_name(tmp_path: Path) -> None:
    found = pages(write_old_xls(tmp_path / "plan.xlsx"), header={"within": 2}, pad={"Unit": 4})
    assert [(line.project, line.cost_centre, line.amount_minor, line.line) for line in lines(found)] == [
        ("A", "0042", 123_450, 3),
        ("B", "0007", 30, 4),
        ("C", "0042", -300, 5),
    ]


def test_an_opendocument_sheet_is_read_and_one_with_errors_is_refused(tmp_path: Path) -> None:
    def words(text: str) -> str:
        return f'office:value-type="string"><text:p>{text}</text:p>'

    def value(digits: str) -> str:
        return f'office:value-type="float" office:value="{digits}"><text:p>{digits}</text:p>'

    header = [words("P"), words("Unit"), words("Sum")]
    path = write_ods(tmp_path / "plan.ods", [header, [words("A"), value("42"), value("1234.5")]])
    assert [(line.cost_centre, line.amount_minor) for line in lines(pages(path))] == [("42", 123_450)]
    error = 'office:value-type="string" calcext:value-type="error"><text:p>#REF!</text:p>'
    write_ods(path, [header, [words("A"), value("42"), error]])
    with pytest.raises(BadInput, match="it holds cells with errors"):
        pages(path)


def test_a_workbook_that_changes_while_it_is_read_is_an_incomplete_read(file: Path) -> None:
    write_xlsx(file, [HEADER, row(2, text("A"), "", number(1)), row(3, text("B"), "", number(1))])
    rows = table(file, "P").rows()
    next(rows)
    os.utime(file, (1, 1))
    with pytest.raises(IncompleteRead, match="changed while it was read"):
        list(rows)


def test_a_folder_of_workbooks_is_read_where_a_sheet_is_declared(tmp_path: Path) -> None:
    for name in ("b.xlsx", "a.xlsx"):
        write_xlsx(tmp_path / name, [HEADER, row(2, text(name), "", number(1))])
    (tmp_path / "notes.csv").write_text("x")
    assert [line.project for line in lines(pages(tmp_path))] == ["a.xlsx", "b.xlsx"]


def test_the_csv_files_of_an_archive_are_read_in_order_of_their_names(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "plans.zip", "w") as archive:
        archive.writestr("b.csv", "P,Unit,Sum\nB,1,x\n")
        archive.writestr("2017/a.csv", "P,Unit,Sum\nA,1,1\n")
        archive.writestr("readme.txt", "about")
        archive.writestr("__MACOSX/._a.csv", "junk")
    found = pages(tmp_path / "plans.zip", sheet=None)
    assert [line.project for line in lines(found)] == ["A"]
    assert [(bad.file, bad.line) for bad in refused(found)] == [("plans.zip/b.csv", 2)]


@pytest.mark.parametrize(
    ("members", "problem"),
    [
        ({"readme.txt": b"x"}, "the archive holds no *.csv file, only 'readme.txt'"),
        ({"a.csv": b"P\n", "old.zip": b"x"}, "it holds another archive, 'old.zip'"),
        ({"a.csv": b"Q\n"}, "plans.zip/a.csv: line 1: the header has no column 'P'"),
        ({"a.csv": b"P\n\xff\n"}, "plans.zip/a.csv: line 2 is not valid utf-8"),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused(
    tmp_path: Path, members: dict[str, bytes], problem: str
) -> None:
    with ZipFile(tmp_path / "plans.zip", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(BadInput) as refusal:
        open_tables(tmp_path / "plans.zip", [Column("P")])
    assert problem in str(refusal.value)


def test_a_damaged_archive_is_refused_whatever_is_damaged(file: Path) -> None:
    content = write_xlsx(file, [HEADER, row(2, text("A"), "", number(1))]).read_bytes()
    for cut in range(4, len(content), 97):
        file.write_bytes(content[:cut])
        with pytest.raises(BadInput, match=r"damaged|cannot be opened"):
            pages(file)


@needs_data
def test_the_orders_of_a_real_workbook_are_codes_without_decimal_points() -> None:
    path = DATA / "finance" / "de_bonn" / "innenauftraege2016.xlsx"
    columns = [Column(name) for name in ("Auftrag", "Profitcenter", "Amt", "Produkt")]
    layout = Layout(sheet="Sheet1", pad={"Amt": 4, "Produkt": 4}, header=HeaderForm())
    (found,) = open_tables(path, columns, layout=layout)
    rows = [dict(one.cells) for one in found.rows() if isinstance(one, Row)]
    assert len(rows) == 2916
    assert rows[0] == {"Auftrag": "1000199", "Profitcenter": "110000124", "Amt": "1000", "Produkt": "0124"}
    assert not [cell for one in rows for cell in one.values() if cell.endswith(".0")]
