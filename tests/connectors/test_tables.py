"""CSV files as they are really written: lines, encodings, headers, and what is no table at all."""

from __future__ import annotations

import csv
import io
import os
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadInput, IncompleteRead
from connectors.headers import Column, Family, HeaderForm
from connectors.pages import Quarantined
from connectors.tables import Footer, Layout, Row, Table, open_tables

NAME_AND_SUM = (Column("Name"), Column("Sum"))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "budget.csv"


def table(path: Path, *columns: Column, encoding: str = "utf-8", delimiter: str = ",") -> Table:
    (only,) = open_tables(path, columns or NAME_AND_SUM, layout=Layout(encoding, delimiter))
    return only


def refusal(path: Path, *columns: Column, encoding: str = "utf-8", delimiter: str = ",") -> str:
    with pytest.raises(BadInput) as refused:
        list(table(path, *columns, encoding=encoding, delimiter=delimiter).rows())
    assert str(path) in str(refused.value)
    return str(refused.value)


def cells(found: Table) -> list[tuple[int, dict[str, str]]]:
    return [(row.line, dict(row.cells)) for row in found.rows() if isinstance(row, Row)]


def test_a_quoted_newline_does_not_shift_the_physical_line_numbers(file: Path) -> None:
    file.write_text('Name,Sum\n"first\nover\nthree lines",1\n\nsecond,2\n"third\n",3\n')
    assert cells(table(file)) == [
        (2, {"Name": "first\nover\nthree lines", "Sum": "1"}),
        (6, {"Name": "second", "Sum": "2"}),
        (7, {"Name": "third\n", "Sum": "3"}),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_is_understood(file: Path, end: str) -> None:
    file.write_bytes(end.join(["Name,Sum", "a,1", '"b"",c",2', ""]).encode())
    assert cells(table(file)) == [(2, {"Name": "a", "Sum": "1"}), (3, {"Name": 'b",c', "Sum": "2"})]


def test_the_raw_text_of_a_row_is_kept_as_written(file: Path) -> None:
    file.write_bytes(b'Name,Sum\r\n"a\nb", 1 \r\n')
    assert [row.raw for row in table(file).rows()] == ['"a\nb", 1 ']


def test_a_byte_order_mark_is_no_part_of_the_first_column(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfName,Sum\na,1\n")
    assert cells(table(file)) == [(2, {"Name": "a", "Sum": "1"})]


def test_utf_16_with_its_mark_is_read(file: Path) -> None:
    file.write_bytes("Name\tSum\nÜber\t1\n".encode("utf-16"))
    assert cells(table(file, delimiter="\t")) == [(2, {"Name": "Über", "Sum": "1"})]


def test_utf_8_wins_over_the_declared_fallback(file: Path) -> None:
    file.write_bytes("Name,Sum\nMuñoz €,1\n".encode())
    assert cells(table(file, encoding="cp1252"))[0][1]["Name"] == "Muñoz €"


def test_the_declared_fallback_reads_what_is_not_utf_8(file: Path) -> None:
    file.write_bytes("Name,Sum\nMuñoz €,1\n".encode("cp1252"))
    assert cells(table(file, encoding="cp1252"))[0][1]["Name"] == "Muñoz €"


def test_bytes_that_are_not_utf_8_are_refused_with_line_and_remedy(file: Path) -> None:
    file.write_bytes(b"Name,Sum\na,1\nMu\xf1oz,2\n")
    message = refusal(file)
    assert "line 3 is not valid utf-8 text (byte 0xf1)" in message
    assert "declare its real `encoding`" in message


def test_a_character_cut_off_at_the_end_is_refused(file: Path) -> None:
    file.write_bytes(b"Name,Sum\na,\xe2\x82")
    assert "cut off" in refusal(file)


def test_columns_are_found_whatever_their_case_and_spacing(file: Path) -> None:
    file.write_text(" NAME ,  sum\na,1\n")
    assert cells(table(file)) == [(2, {"Name": "a", "Sum": "1"})]


def test_blank_rows_and_blank_lines_are_passed_over(file: Path) -> None:
    file.write_text("\n\nName,Sum\n\n,\n  ,  \n,,,,\na,1\n\n")
    assert cells(table(file)) == [(8, {"Name": "a", "Sum": "1"})]


def test_rows_of_the_wrong_width_are_quarantined_and_the_others_count(file: Path) -> None:
    file.write_text('Name,Sum\na,1\n"b\nb",2,3\nc\nd,4\n')
    rows = list(table(file).rows())
    assert [row.line for row in rows if isinstance(row, Row)] == [2, 6]
    assert [row for row in rows if isinstance(row, Quarantined)] == [
        Quarantined(
            "budget.csv", 3, None, "the row has 3 cells where the header has 2 columns", '"b\nb",2,3'
        ),
        Quarantined("budget.csv", 5, None, "the row has 1 cells where the header has 2 columns", "c"),
    ]


def test_empty_cells_beyond_the_last_named_column_are_harmless(file: Path) -> None:
    file.write_text("Name,Sum,,\na,1\nb,2,,\nc,3,,,,\nd,4,x,\n")
    rows = list(table(file).rows())
    assert [row.line for row in rows if isinstance(row, Row)] == [2, 3, 4, 5]


def test_a_quote_that_is_not_doubled_refuses_its_row_only(file: Path) -> None:
    file.write_text('Name,Sum\n"a "good" one",1\nb,2\n')
    rows = list(table(file).rows())
    assert rows[0] == Quarantined(
        "budget.csv", 2, None, "a quote inside a quoted cell is not doubled", '"a "good" one",1'
    )
    assert isinstance(rows[1], Row)
    assert rows[1].line == 3


def test_a_quote_that_is_never_closed_refuses_the_file_naming_its_line(file: Path) -> None:
    file.write_text('Name,Sum\na,1\n"b,2\nc,3\nd,4\n')
    assert "line 3: a quote opened in the record that starts here is not closed" in refusal(file)


def test_a_runaway_quote_ends_at_a_cell_size_not_at_the_end_of_memory(file: Path) -> None:
    file.write_text('Name,Sum\n"b,2\n' + "c,3\n" * 100_000)
    assert "line 2: a quote opened" in refusal(file)


def test_a_missing_column_is_named_with_the_nearest_one_and_the_remedy(file: Path) -> None:
    file.write_text("Nam,Total\n")
    message = refusal(file)
    assert "line 1: the header has no column 'Name'; the nearest is 'Nam'. Correct the mapping" in message
    assert "line 1: the header has no column 'Sum'; its other columns are 'Nam', 'Total'." in message


def test_all_mistakes_of_all_files_of_a_folder_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Name\n")
    (tmp_path / "b.csv").write_text("Sum,Sum,Name\n")
    (tmp_path / "c.csv").write_bytes(b"PK\x03\x04")
    (tmp_path / "d.csv").write_text("Name,Sum\n")
    with pytest.raises(BadInput) as refused:
        open_tables(tmp_path, NAME_AND_SUM)
    first, second, third = refused.value.problems
    assert first.startswith(f"{tmp_path / 'a.csv'}: line 1: the header has no column 'Sum'")
    assert "column 'Sum' is there 2 times" in second
    assert "Excel workbook (xlsx)" in third


def test_an_optional_column_may_be_absent_but_not_misspelt(file: Path) -> None:
    file.write_text("Name,Code\na,1\n")
    optional = Column("cost_centre", required=False)
    assert cells(table(file, Column("Name"), optional)) == [(2, {"Name": "a", "cost_centre": ""})]
    file.write_text("Name,cost_center\na,1\n")
    assert "the nearest is 'cost_center'" in refusal(file, Column("Name"), optional)


def test_a_header_of_another_delimiter_is_recognised(file: Path) -> None:
    file.write_text("Name;Sum\na;1\n")
    assert "the header is one column holding semicolons; declare `delimiter: ';'`" in refusal(file)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "the file is empty"),
        (b" \n\n", "the file is empty"),
        (b",,\n,,\n", "blank rows only"),
        (b"PK\x03\x04rest", "an Excel workbook (xlsx)"),
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook (xls)"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\x1f\x8b\x08", "a gzip archive"),
        (b"\n <!DOCTYPE html><html>", "an HTML or XML page"),
        (b"\xef\xbb\xbf<html>", "an HTML or XML page"),
        (b"Name,Sum\na,1\nb\0,2\n", "line 3 holds a NUL byte"),
    ],
)
def test_what_is_no_table_is_refused_by_its_name(file: Path, content: bytes, what: str) -> None:
    file.write_bytes(content)
    assert what in refusal(file)


def test_a_missing_file_is_refused_with_the_remedy(file: Path) -> None:
    assert "there is no such file or folder. Correct the path" in refusal(file)


def test_a_folder_without_a_table_says_what_it_holds(tmp_path: Path) -> None:
    assert "the folder holds no *.csv or *.tsv or *.zip file, it is empty" in refusal(tmp_path)
    (tmp_path / "plan.xlsx").write_bytes(b"PK\x03\x04")
    assert "the folder holds no *.csv or *.tsv or *.zip file, only plan.xlsx" in refusal(tmp_path)


def test_a_path_that_leads_through_a_file_is_refused(file: Path) -> None:
    file.write_text("Name,Sum\n")
    assert "it cannot be read" in refusal(file / "more.csv")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_this_account_may_not_read_is_refused(file: Path) -> None:
    file.write_text("Name,Sum\n")
    file.chmod(0)
    assert "this account may not read it. Grant it read permission." in refusal(file)


def test_a_folder_is_read_in_order_of_names_without_hidden_and_temporary_files(tmp_path: Path) -> None:
    for name in ("b.csv", "a.CSV", ".hidden.csv", "~$a.csv", "notes.txt"):
        (tmp_path / name).write_text("Name,Sum\n")
    assert [found.name for found in open_tables(tmp_path, NAME_AND_SUM)] == ["a.CSV", "b.csv"]


def test_a_file_that_changes_while_it_is_read_is_an_incomplete_read(file: Path) -> None:
    file.write_text("Name,Sum\na,1\nb,2\n")
    rows = table(file).rows()
    next(rows)
    with file.open("a") as stream:
        stream.write("c,3\n")
    with pytest.raises(IncompleteRead, match="changed while it was read"):
        list(rows)


def test_memory_does_not_grow_with_the_file(file: Path) -> None:
    file.write_text("Name,Sum\n" + '"a longer name\nover two lines",1234567.89\n' * 100_000)
    found = table(file)
    tracemalloc.start()
    count = sum(1 for _ in found.rows())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 100_000
    assert peak < 1_000_000 < file.stat().st_size


text_cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(text_cells, text_cells).filter(lambda row: any(map(str.strip, row))), max_size=8))
def test_what_was_written_as_csv_is_read_back_with_true_line_numbers(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round.csv"
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(["Name", "Sum"])
    starts = []
    for row in rows:
        starts.append(len(io.StringIO(buffer.getvalue(), newline="").readlines()) + 1)
        writer.writerow(row)
    path.write_bytes(buffer.getvalue().encode())
    assert cells(table(path)) == [
        (start, {"Name": name, "Sum": total}) for start, (name, total) in zip(starts, rows, strict=True)
    ]


def laid_out(path: Path, columns: tuple[Column, ...], **layout: Any) -> Table:
    (only,) = open_tables(path, columns, layout=Layout(**layout))
    return only


def test_a_header_is_found_below_a_preamble_within_the_declared_rows(file: Path) -> None:
    file.write_text("Budget 2017\n\nName of the office,x\n\nNotes;\nName,Sum,Sum of last year\na,1,2\n")
    within = {"header": HeaderForm(within=4)}
    assert cells(laid_out(file, NAME_AND_SUM, **within)) == [(7, {"Name": "a", "Sum": "1"})]
    with pytest.raises(BadInput, match="the header has no column 'Sum'"):
        laid_out(file, NAME_AND_SUM, header=HeaderForm(within=3))


def test_where_no_row_is_the_header_the_nearest_one_is_told(file: Path) -> None:
    file.write_text("Budget 2017\nName,Total\na,1\n")
    with pytest.raises(BadInput) as refused:
        laid_out(file, NAME_AND_SUM, header=HeaderForm(within=3))
    (problem,) = refused.value.problems
    assert problem.startswith(f"{file}: line 2: the header has no column 'Sum'")


def test_a_header_of_several_rows_is_joined_and_merged_cells_spread_to_the_right(file: Path) -> None:
    file.write_text(",2017,,2018\nOffice,Plan,Spent,Plan\na,1,2,3\n")
    columns = tuple(map(Column, ("Office", "2017 Plan", "2017 Spent", "2018 Plan")))
    form = HeaderForm(rows=2, spread=True)
    assert cells(laid_out(file, columns, header=form)) == [
        (3, {"Office": "a", "2017 Plan": "1", "2017 Spent": "2", "2018 Plan": "3"})
    ]
    with pytest.raises(BadInput, match="no column '2017 Spent'; the nearest is 'Spent'"):
        laid_out(file, columns, header=HeaderForm(rows=2))


def test_accents_are_ignored_in_names_only_where_that_is_declared(file: Path) -> None:
    file.write_text("NÁME,Sum\na,1\n")
    assert cells(laid_out(file, NAME_AND_SUM, header=HeaderForm(fold=True))) == [
        (2, {"Name": "a", "Sum": "1"})
    ]
    with pytest.raises(BadInput, match="no column 'Name'; the nearest is 'NÁME'"):
        laid_out(file, NAME_AND_SUM)


def test_one_of_several_columns_of_a_name_is_chosen_by_its_number(file: Path) -> None:
    file.write_text("Name,Sum,Sum\na,1,2\n")
    assert cells(table(file, Column("Name"), Column("Sum #2"))) == [(2, {"Name": "a", "Sum #2": "2"})]
    assert "declare the one by its number: 'Sum #1'" in refusal(file)
    assert "no column 'Sum #3'" in refusal(file, Column("Sum #3"))


def test_blank_cells_are_filled_from_above_in_declared_columns_only(file: Path) -> None:
    file.write_text("Name,Sum\na,1\n,2\n  ,\nb,\n,3\n")
    filled = laid_out(file, NAME_AND_SUM, fill_down=("Name",))
    assert [row["Name"] + row["Sum"] for _, row in cells(filled)] == ["a1", "a2", "b", "b3"]


def test_the_footer_begins_at_the_declared_cell_and_its_short_rows_are_no_mistakes(file: Path) -> None:
    file.write_text("Name,Sum\na,1\nSource: the treasury\n\nb,2,3,4\n")
    footer = Footer(re.compile("Source: .*"))
    rows = list(laid_out(file, NAME_AND_SUM, footer=footer).rows())
    assert [(row.line, row.footer) for row in rows if isinstance(row, Row)] == [
        (2, False),
        (3, True),
        (5, True),
    ]
    assert not [row for row in list(laid_out(file, NAME_AND_SUM).rows())[:1] if isinstance(row, Quarantined)]


def test_columns_of_a_family_come_under_their_own_names_and_their_number_is_checked(file: Path) -> None:
    file.write_text("Name,Jan-26,Feb-26,Total\na,1,2,3\n")
    family = Family("{mon}-{yy}", re.compile("[A-Z][a-z]{2}-[0-9]{2}"), 2)
    (found,) = open_tables(file, (Column("Name"),), (family,))
    assert found.families == {"{mon}-{yy}": ("Jan-26", "Feb-26")}
    assert cells(found) == [(2, {"Name": "a", "Jan-26": "1", "Feb-26": "2"})]
    with pytest.raises(
        BadInput, match=r"12 columns named like '\{mon\}-\{yy\}' are declared and 2 are there"
    ):
        open_tables(file, (Column("Name"),), (replace(family, count=12),))
