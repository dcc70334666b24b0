"""Reading by the column comes to exactly what reading row by row comes to, whatever file and mapping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import ConnectorError
from connectors.finance import FinanceSource, FinanceSourceConfig, source
from connectors.pages import Page
from connectors.records import Record

TITLES = ("id", "project", "cc", "period", "version", "currency", "amount", "other", "note")
CELLS: dict[str, list[str]] = {
    "id": ["", " 7", "8", "a|b", "c\\d"],
    "project": ["P1", "P2", " P3 ", "", "Straße", "a|b"],
    "cc": ["CC1", "cc1", "", "\tCC2"],
    "period": ["2026-01", "2026-02", "2026-1", "", "nonsense"],
    "version": ["budget", "BUDGET", "actual", "", "guess"],
    "currency": ["USD", "eur", "JPY", "", "XXX"],
    "amount": ["1.00", "-2.50", "12", "12.5", "1,234.00", "", "n/a", "1x00", "1,00", "1.234",
               " 3.00", "9" * 18, "9" * 21, "(4.00)"],
    "other": ["1.00", "", "-7.25", "2"],
    "note": ["", "plain", 'says "so"', "a, b", "two\nlines", "\r"],
}  # fmt: skip
# Most cells are such as a bulk of rows has, so that batches of them are met, and what breaks them.
USUAL = {"project": "P1", "cc": "CC1", "period": "2026-01", "version": "budget", "currency": "USD",
         "amount": "1.00", "other": "1.00", "note": "plain"}  # fmt: skip
DATED = {"column": "period", "label": "{yyyy}-{mm}"}
VERSION = {"column": "version", "default": "budget"}


@st.composite
def rows(draw: st.DrawFn) -> list[list[str]]:
    drawn = []
    for number in range(draw(st.integers(0, 60))):
        row = [f"L{number}", *(USUAL[title] for title in TITLES[1:])]
        for title in draw(st.sets(st.sampled_from(TITLES), max_size=2)) if draw(st.booleans()) else ():
            row[TITLES.index(title)] = draw(st.sampled_from(CELLS[title]))
        drawn.append(row[: draw(st.sampled_from((*[9] * 30, 0, 4, 8)))])
    return drawn


@st.composite
def mappings(draw: st.DrawFn) -> dict[str, Any]:
    moment: dict[str, Any] = draw(st.sampled_from([{"dated": DATED}, {"fiscal_year": 2026, "period": "3"}]))
    version = draw(st.sampled_from([{"version": VERSION}, {}]))
    amounts = [{"column": "amount", **moment, **version}]
    if draw(st.booleans()):
        again = draw(st.sampled_from([{"fiscal_year": 2027}, moment]))
        amounts.append({"column": "other", **again})
    codes = {"project": "project", "cost_centre": "cc", "description": "note"}
    codes |= draw(st.sampled_from([{"id": "id"}, {}]))
    return {
        "name": "finance",
        "currency": draw(st.sampled_from([{"column": "currency"}, "USD", "JPY"])),
        "scale": draw(st.sampled_from([1, 1, 1000])),
        "number": draw(st.sampled_from([{}, {"group": ","}, {"negative": "(1)"}])),
        "columns": codes,
        "amounts": amounts,
        "duplicates": draw(st.sampled_from(["sum", "reject"])),
    }


def written(rows: Iterable[list[str]], *, blanks: bool) -> str:
    quoted = (",".join('"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in ',"\n\r') else cell
                       for cell in row) for row in rows)  # fmt: skip
    return ("\n\n" if blanks else "\n").join((",".join(TITLES), *quoted)) + "\n"


def outcome(pages: Iterable[Page]) -> Any:
    """All that pages say, in the order of the file where order means something."""
    try:
        read = list(pages)
    except ConnectorError as error:
        return str(error)
    lines: Counter[Record] = Counter(chain.from_iterable(page.records for page in read))
    lines.update(line for page in read for part in page.columns for line in part.lines())
    refused = [(row, row.code, row.record) for page in read for row in page.quarantined]
    last = read[-1]
    return lines, refused, last.totals, last.refused, last.excluded, last.counts, last.artifact


def both(path: Path, mapping: dict[str, Any]) -> tuple[Any, Any]:
    config = FinanceSourceConfig.model_validate(mapping | {"path": path})
    return outcome(FinanceSource(config).bulk_pages()), outcome(FinanceSource(config).pages())


@given(rows(), mappings(), st.booleans(), st.sampled_from([3, 16, 40, 2000]))
def test_both_ways_of_reading_come_to_the_same_lines_refusals_and_sums(
    rows: list[list[str]], mapping: dict[str, Any], blanks: bool, size: int
) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BULK_ROWS", size)
        path = Path(folder) / "plan.csv"
        path.write_text(written(rows, blanks=blanks), encoding="utf-8", newline="")
        by_column, by_row = both(path, mapping)
        assert by_column == by_row


@given(rows(), st.integers(0, 400), st.sampled_from(['"', "\r", "\n", ",", "|"]))
def test_both_ways_stumble_over_the_same_stray_mark(rows: list[list[str]], at: int, mark: str) -> None:
    mapping = {"name": "finance", "currency": "USD", "columns": {"id": "id", "description": "note"},
               "amount": {"column": "amount", "fiscal_year": 2026}}  # fmt: skip
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "BULK_ROWS", 8)
        path = Path(folder) / "plan.csv"
        text = written(rows, blanks=False)
        at = min(len(text), len(",".join(TITLES)) + 1 + at)
        path.write_text(text[:at] + mark + text[at:], encoding="utf-8", newline="")
        by_column, by_row = both(path, mapping)
        assert by_column == by_row


def test_a_column_of_amounts_that_is_blank_in_all_rows_makes_neither_lines_nor_a_total(
    tmp_path: Path,
) -> None:
    path = tmp_path / "plan.csv"
    rows = [f"L{number},P1,CC1,2026-01,budget,USD,1.00,,n" for number in range(50)]
    path.write_text("\n".join([",".join(TITLES), *rows]) + "\n")
    amounts = [{"column": "amount", "fiscal_year": 2026}, {"column": "other", "fiscal_year": 2027}]
    mapping = {"name": "finance", "currency": "USD", "columns": {"id": "id"}, "amounts": amounts}
    by_column, by_row = both(path, mapping)
    assert by_column == by_row
    assert [total.fiscal_year for total in by_column[2]] == [2026]


def test_plain_rows_are_read_by_the_column_and_the_others_one_by_one(tmp_path: Path) -> None:
    lines = [f"L{number},P1,CC1,2026-01,budget,USD,{number}.00,,n" for number in range(100)]
    lines[50] = lines[50].replace("50.00", "n/a")
    path = tmp_path / "plan.csv"
    path.write_text("\n".join([",".join(TITLES), *lines]) + "\n")
    mapping = {"name": "finance", "currency": {"column": "currency"}, "columns": {"id": "id"},
               "amount": {"column": "amount", "dated": DATED}}  # fmt: skip
    config = FinanceSourceConfig.model_validate(mapping | {"path": path})
    (page,) = FinanceSource(config).bulk_pages()
    assert sum(map(len, page.columns)) > 80
    assert len(page.records) < 16
    assert [(row.line, row.column, row.raw) for row in page.quarantined] == [(52, "amount", lines[50])]
