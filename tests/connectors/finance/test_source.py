"""A finance source read page by page: resumable, nothing lost, and always adding up."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Source
from connectors.errors import BadInput, IncompleteRead
from connectors.finance import FinanceSource, FinanceSourceConfig, canonical
from connectors.finance.source import PAGE_ROWS
from connectors.pages import ControlTotal, Page, Quarantined
from connectors.records import BudgetLine, BudgetVersion, Record

HEADER = "project,cost_centre,fiscal_year,version,currency,amount\n"


def source(path: Path, **changes: Any) -> Source:
    config = canonical(path).model_dump() | changes
    return FinanceSource(FinanceSourceConfig.model_validate(config))


def budget(project: str, amount: str, *, currency: str = "USD", version: str = "budget") -> str:
    return f'{project},CC,2017,{version},{currency},"{amount}"\n'


def records(pages: Iterable[Page]) -> list[Record]:
    return [record for page in pages for record in page.records]


def quarantined(pages: Iterable[Page]) -> list[Quarantined]:
    return [row for page in pages for row in page.quarantined]


def accepted(pages: Iterable[Page]) -> dict[tuple[BudgetVersion, int, str], int]:
    sums: dict[tuple[BudgetVersion, int, str], int] = {}
    for line in records(pages):
        assert isinstance(line, BudgetLine)
        key = (line.version, line.fiscal_year, line.currency)
        sums[key] = sums.get(key, 0) + line.amount_minor
    return sums


def keyed(totals: Iterable[ControlTotal]) -> dict[tuple[BudgetVersion, int, str], int]:
    return {(total.version, total.fiscal_year, total.currency): total.amount_minor for total in totals}


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.csv"
    rows = [
        budget(f"P{number % 700}", "oops" if number % 100 == 7 else str(number)) for number in range(2234)
    ]
    path.write_text(HEADER + "".join(rows))
    return path


def test_pages_hold_at_most_a_thousand_rows_and_only_the_last_one_ends_the_read(many: Path) -> None:
    pages = list(source(many).pages())
    assert [len(page.records) + len(page.quarantined) for page in pages] == [PAGE_ROWS, PAGE_ROWS, 234]
    assert [page.cursor is None for page in pages] == [False, False, True]
    assert [bool(page.totals) for page in pages] == [False, False, True]


def test_going_on_from_any_cursor_gives_exactly_the_rest(many: Path) -> None:
    pages = list(source(many).pages())
    for place, page in enumerate(pages[:-1], 1):
        assert list(source(many).pages(page.cursor)) == pages[place:]


def test_the_cursor_names_file_and_record(many: Path) -> None:
    cursor = next(iter(source(many).pages())).cursor
    assert cursor is not None
    at = json.loads(cursor)
    assert (at["file"], at["record"]) == ("many.csv", PAGE_ROWS)


def test_a_file_changed_since_the_cursor_must_be_read_anew(many: Path) -> None:
    cursor = next(iter(source(many).pages())).cursor
    many.write_text(many.read_text() + budget("P", "1"))
    with pytest.raises(IncompleteRead, match="its files changed since the read was interrupted"):
        list(source(many).pages(cursor))


def test_a_cursor_of_something_else_is_refused(many: Path) -> None:
    with pytest.raises(IncompleteRead, match="'page-2' is no position in this source"):
        list(source(many).pages("page-2"))


def test_good_rows_count_beside_bad_ones_which_keep_line_column_reason_and_text(tmp_path: Path) -> None:
    path = tmp_path / "budget.csv"
    path.write_text(HEADER + budget('"A\nB"', "1") + budget("C", "1.005") + "too,short\n" + budget("D", "2"))
    (page,) = source(path).pages()
    assert [line.line for line in page.records if isinstance(line, BudgetLine)] == [2, 6]
    assert page.quarantined == (
        Quarantined(
            "budget.csv",
            4,
            "amount",
            "'1.005' has 3 decimals where USD allows 2",
            'C,CC,2017,budget,USD,"1.005"',
        ),
        Quarantined("budget.csv", 5, None, "the row has 2 cells where the header has 6 columns", "too,short"),
    )


def test_rows_that_share_a_natural_key_are_all_kept_under_ids_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + budget("A", "1") + budget("A", "1") + budget("B", "1"))
    (tmp_path / "b.csv").write_text(HEADER + budget("A", "3"))
    pages = list(source(tmp_path).pages())
    assert [record.id for page in pages for record in page.records if isinstance(record, BudgetLine)] == [
        "A|CC||budget|FY2017|USD",
        "A|CC||budget|FY2017|USD#2",
        "B|CC||budget|FY2017|USD",
        "A|CC||budget|FY2017|USD#3",
    ]
    assert pages[-1].totals == (ControlTotal(BudgetVersion.BUDGET, 2017, "USD", 600),)


def test_a_repeated_id_of_the_sources_own_is_quarantined_and_its_money_told(tmp_path: Path) -> None:
    path = tmp_path / "budget.csv"
    path.write_text(HEADER + budget("A", "1") + budget("A", "2"))
    (page,) = source(path, columns={"id": "project"}, optional=("period",)).pages()
    assert len(page.records) == 1
    assert page.quarantined[0].reason == "id 'A' was already used by an earlier row"
    assert page.refused == (ControlTotal(BudgetVersion.BUDGET, 2017, "USD", 200),)


def test_totals_are_kept_apart_by_version_year_and_currency(tmp_path: Path) -> None:
    path = tmp_path / "budget.csv"
    path.write_text(
        HEADER + budget("A", "1") + budget("B", "2", currency="JPY") + budget("C", "-4.5", version="actual")
    )
    (page,) = source(path).pages()
    assert page.totals == (
        ControlTotal(BudgetVersion.ACTUAL, 2017, "USD", -450),
        ControlTotal(BudgetVersion.BUDGET, 2017, "JPY", 2),
        ControlTotal(BudgetVersion.BUDGET, 2017, "USD", 100),
    )


def test_the_total_counts_readable_cells_of_quarantined_rows_and_says_how_much_they_hold(
    tmp_path: Path,
) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("P,plan,spent\na,10,1\nb,20,?\nc,(30),3\nd,40,4\n")
    amounts = [
        {"column": "plan", "fiscal_year": 2017},
        {"column": "spent", "fiscal_year": 2016, "version": "actual"},
    ]
    config = {
        "name": "wide",
        "path": path,
        "currency": "EUR",
        "columns": {"project": "P"},
        "amounts": amounts,
    }
    (page,) = FinanceSource(FinanceSourceConfig.model_validate(config)).pages()
    assert [row.line for row in page.quarantined] == [3, 4]
    assert keyed(page.totals) == {
        (BudgetVersion.BUDGET, 2017, "EUR"): 4000,
        (BudgetVersion.ACTUAL, 2016, "EUR"): 800,
    }
    assert keyed(page.refused) == {
        (BudgetVersion.BUDGET, 2017, "EUR"): -1000,
        (BudgetVersion.ACTUAL, 2016, "EUR"): 300,
    }


cell = st.sampled_from(
    ["", "0", "5", "-7.25", "1.005", "1,234", "(3)", "x", "12.30 ", "1e3", "NaN", "-", "9" * 18, "9" * 30]
)


@given(st.lists(st.tuples(cell, cell, st.sampled_from(["USD", "JPY", "??"])), max_size=30))
def test_totals_less_refused_are_always_what_the_accepted_lines_sum_to(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "wide.csv"
    path.write_text("one,two,currency\n" + "".join(f'"{one}","{two}",{unit}\n' for one, two, unit in rows))
    amounts = [{"column": "one", "fiscal_year": 2016}, {"column": "two", "fiscal_year": 2017}]
    config = {"name": "sums", "path": path, "currency": {"column": "currency"}, "amounts": amounts}
    pages = list(FinanceSource(FinanceSourceConfig.model_validate(config)).pages())
    refused = keyed(pages[-1].refused)
    left = {key: total - refused.get(key, 0) for key, total in keyed(pages[-1].totals).items()}
    sums = accepted(pages)
    assert {key: total for key, total in left.items() if total} == {
        key: total for key, total in sums.items() if total
    }


def test_a_file_with_a_header_only_is_a_whole_read_of_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text(HEADER)
    (page,) = source(tmp_path / "empty.csv").pages()
    assert replace(page, artifact=None) == Page()


def test_a_missing_column_stops_the_source_before_its_first_page(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(HEADER + budget("A", "1"))
    (tmp_path / "b.csv").write_text("project,fiscal_year,curency,amount\n")
    with pytest.raises(BadInput) as refused:
        next(iter(source(tmp_path).pages()))
    (problem,) = refused.value.problems
    assert problem == (
        f"{tmp_path / 'b.csv'}: line 1: the header has no column 'currency'; the nearest is 'curency'. "
        "Correct the mapping or the header."
    )


def test_two_reads_of_the_same_file_are_equal(many: Path) -> None:
    assert list(source(many).pages()) == list(source(many).pages())
