"""A folder into which others write: what is not whole is waited for, what was replaced does not count."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.arrivals import Arrival, arrived
from connectors.errors import BadInput, IncompleteRead
from connectors.finance import FinanceSource, FinanceSourceConfig
from connectors.pages import Page
from connectors.records import BudgetLine

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def source(folder: Path, **arrival: Any) -> FinanceSource:
    config = {
        "name": "drop",
        "path": folder,
        "currency": "EUR",
        "columns": {"project": "P"},
        "amount": {"column": "Sum", "fiscal_year": 2026},
        "arrival": arrival,
    }
    return FinanceSource(FinanceSourceConfig.model_validate(config))


def put(folder: Path, name: str, *amounts: int) -> Path:
    file = folder / name
    file.write_text("P,Sum\n" + "".join(f"A{amount},{amount}\n" for amount in amounts))
    return file


def amounts(pages: Iterable[Page]) -> list[int]:
    return [
        record.amount_minor // 100
        for page in pages
        for record in page.records
        if isinstance(record, BudgetLine)
    ]


def test_files_under_the_names_of_their_writers_are_not_there_yet(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", 1)
    for name in ("b.csv.tmp", "b.csv.part", "b.csv.filepart", ".b.csv", "~$b.csv", "b.csv.crdownload"):
        put(tmp_path, name, 2)
    assert amounts(source(tmp_path).pages()) == [1]


def test_a_file_without_its_mark_makes_the_read_incomplete_and_not_shorter(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", 1)
    (tmp_path / "a.csv.done").touch()
    put(tmp_path, "b.csv", 2)
    with pytest.raises(IncompleteRead) as told:
        list(source(tmp_path, by="done").pages())
    assert str(told.value) == (
        f"{tmp_path / 'b.csv'}: there is no b.csv.done beside it yet. Run again when it is there in full."
    )
    (tmp_path / "b.csv.done").touch()
    assert amounts(source(tmp_path, by="done").pages()) == [1, 2]


def test_a_file_must_be_what_its_hash_says(tmp_path: Path) -> None:
    file = put(tmp_path, "a.csv", 1, 2)
    mark = tmp_path / "a.csv.sha256"
    with pytest.raises(IncompleteRead, match=r"there is no a\.csv\.sha256 beside it yet"):
        list(source(tmp_path, by="sha256").pages())
    mark.write_text(f"{hashlib.sha256(file.read_bytes()).hexdigest().upper()}  a.csv\n")
    assert amounts(source(tmp_path, by="sha256").pages()) == [1, 2]
    put(tmp_path, "a.csv", 1)
    with pytest.raises(IncompleteRead, match=r"its content is not what a\.csv\.sha256 says"):
        list(source(tmp_path, by="sha256").pages())


def test_a_file_must_have_been_still_for_as_long_as_declared(tmp_path: Path) -> None:
    file = put(tmp_path, "a.csv", 1)
    waits = Arrival("still", 60, now=lambda: NOW)
    for age, ready in [(0, False), (59, False), (60, True), (3600, True)]:
        changed = (NOW - timedelta(seconds=age)).timestamp()
        os.utime(file, (changed, changed))
        if ready:
            assert arrived([file], waits) == (file,)
        else:
            with pytest.raises(IncompleteRead, match=f"it was changed {age} s ago, less than 60 s"):
                arrived([file], waits)


def test_a_file_that_grows_while_it_is_read_makes_the_read_incomplete(tmp_path: Path) -> None:
    file = put(tmp_path, "a.csv", *range(1, 1200))
    pages = iter(source(tmp_path).pages())
    next(pages)
    with file.open("a") as more:
        more.write("A5,5\n")
    with pytest.raises(IncompleteRead, match="the file changed while it was read"):
        list(pages)


def test_a_corrected_file_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    for name, amount in [
        ("2026-01.csv", 1),
        ("2026-02.csv", 2),
        ("2026-01_v2.csv", 3),
        ("2026-01_v10.csv", 4),
    ]:
        put(tmp_path, name, amount)
    pattern = r"([0-9]{4}-[0-9]{2}).*\.csv"
    assert amounts(source(tmp_path, latest=pattern).pages()) == [4, 2]


def test_only_the_file_that_counts_must_have_arrived(tmp_path: Path) -> None:
    put(tmp_path, "2026-01.csv", 1)
    put(tmp_path, "2026-01_v2.csv", 2)
    (tmp_path / "2026-01_v2.csv.done").touch()
    assert amounts(source(tmp_path, by="done", latest=r"(2026-..).*").pages()) == [2]


def test_a_file_that_belongs_to_no_series_is_told(tmp_path: Path) -> None:
    put(tmp_path, "2026-01.csv", 1)
    put(tmp_path, "copy of budget.csv", 2)
    with pytest.raises(BadInput, match=r"copy of budget\.csv: its name does not match `arrival\.latest`"):
        list(source(tmp_path, latest=r"(2026-..).*").pages())


def test_the_same_file_under_another_name_counts_once(tmp_path: Path) -> None:
    put(tmp_path, "budget.csv", 1, 2)
    put(tmp_path, "budget (2).csv", 1, 2)
    pages = list(source(tmp_path).pages())
    assert amounts(pages) == [1, 2]
    assert sum(page.repeated for page in pages) == 2
    assert [total.amount_minor for total in pages[-1].totals] == [300]


def test_a_series_without_one_group_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="`latest` must hold one group"):
        source(tmp_path, latest="2026-..")


def test_an_export_cut_short_before_its_trailer_is_not_read(tmp_path: Path) -> None:
    trailer = {"column": "P", "pattern": "TRAILER", "rows": "Rows", "required": True}
    config = {
        "name": "drop",
        "path": tmp_path / "a.csv",
        "currency": "EUR",
        "columns": {"project": "P"},
        "amount": {"column": "Sum", "fiscal_year": 2026},
        "totals": [trailer],
    }

    def read(text: str) -> list[Page]:
        (tmp_path / "a.csv").write_text(text)
        return list(FinanceSource(FinanceSourceConfig.model_validate(config)).pages())

    assert amounts(read("P,Sum,Rows\nA,1,\nB,2,\nTRAILER,3,2\n")) == [1, 2]
    with pytest.raises(IncompleteRead, match=r"a\.csv: it ends without a row whose P is like 'TRAILER'"):
        read("P,Sum,Rows\nA,1,\nB,2,\n")
    (page,) = read("P,Sum,Rows\nA,1,\nB,2\nTRAILER,1,3\n")
    assert [(row.line, row.reason) for row in page.quarantined] == [
        (3, "the row has 2 cells where the header has 3 columns"),
        (4, "it states '3' rows where 2 stand above"),
    ]
