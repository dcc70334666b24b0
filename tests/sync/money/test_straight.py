"""The first lines of a source go straight into their table on PostgreSQL: to the same end, or to none."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, delete, func, select
from sqlalchemy.exc import DataError

from sync.frame.milestones import Milestone, listening
from sync.money import promote
from sync.store.bulk import copy_tuples
from sync.store.copying import copy_text, copying
from sync.store.database import open_store
from sync.store.money.quarantine import quarantine
from tests.sync.ledgers import Books, budget_line, entry

ROWS = [
    entry("A", "1.00", account="back\\slash", note=r"\N"),
    entry("Straße", "-2.50", account="tab\tbed", note="zwei\u2028Zeilen"),
    entry("P" * 900, "3.00", note='"quoted, ""twice"""'),
    entry("", "4.00", account="\\t", note='"two\nlines"'),
    entry("B", "5.00", version="actual", currency="JPY", month=2).replace("5.00", "5"),
    *(entry(f"Q{number}", f"{number}.00") for number in range(700)),
]


@pytest.fixture
def books(engine: Engine, tmp_path: Path) -> Books:
    return Books(engine, tmp_path / "finance")


def held(books: Books) -> int:
    (row,) = books.rows(select(func.count().label("lines")).select_from(budget_line))
    return int(row.lines)


def test_lines_come_straight_to_their_table_as_they_come_through_the_stage(books: Books) -> None:
    """A source read by the period always goes through the stage."""
    books.write(*ROWS)
    assert books.read().complete
    by_stage = Books(books.engine, books.folder, {"scope": "periods"}, "staged", books.now)
    assert by_stage.read().complete
    own = {"id", "source", "valid_from_run", "artifact_id"}
    columns = [column for column in budget_line.c if column.name not in own]
    found = [
        books.rows(select(*columns).where(budget_line.c.source == name).order_by(budget_line.c.source_id))
        for name in ("finance", "staged")
    ]
    assert found[0] == found[1]
    assert len(found[0]) == len(ROWS)
    assert books.rows(select(budget_line).where(budget_line.c.artifact_id.is_(None))) == []


def test_nobody_sees_a_line_before_all_of_them_count(books: Books) -> None:
    seen = []

    def look(milestone: Milestone) -> None:
        if milestone in {Milestone.LINES_STAGED, Milestone.STAGE_PROVED, Milestone.LINES_PROMOTED}:
            seen.append((milestone, held(books)))

    books.write(*ROWS)
    with listening(look):
        assert books.read().complete
    assert {milestone for milestone, _ in seen} > {Milestone.LINES_STAGED, Milestone.STAGE_PROVED}
    assert {lines for _, lines in seen} == {0}
    assert held(books) == len(ROWS)


def test_a_first_reading_that_breaks_off_leaves_the_refused_rows_and_no_line(books: Books) -> None:
    books.write(entry("bad", "x"), *ROWS, 'open,"quote')
    failed = books.read()
    assert failed.status == "failed"
    assert "is not closed properly" in (failed.message or "")
    assert held(books) == 0
    assert [row.code for row in books.rows(select(quarantine))] == ["amount"]
    books.write(*ROWS)
    assert books.read().complete
    assert held(books) == len(ROWS)


def test_a_first_reading_that_is_held_leaves_no_line(books: Books) -> None:
    books.write(*ROWS, *(entry("bad", "x") for _ in range(2000)))
    assert books.read().status == "held"
    assert held(books) == 0


@pytest.mark.postgresql
def test_lines_that_do_not_arrive_as_sent_do_not_count(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of our own stands in for what must never happen."""
    books = Books(open_store(postgresql_url), tmp_path / "finance")

    def lose(connection: Connection) -> None:
        connection.execute(delete(budget_line).where(budget_line.c.project == "A"))

    monkeypatch.setattr(promote, "tell_planner", lose)
    books.write(entry("A", "1.00"), entry("B", "2.00"))
    spoilt = books.read()
    assert spoilt.status == "held"
    assert "leaves 200 where the source holds 300. Nothing was changed." in (spoilt.message or "")
    assert held(books) == 0
    books.engine.dispose()


@pytest.mark.postgresql
def test_a_copy_that_fails_is_an_error_of_the_store_like_any_other(postgresql_url: str) -> None:
    engine = open_store(postgresql_url)
    refused = pytest.raises(DataError, match="extra data")
    with engine.connect() as connection, refused, copying(connection, "artifact", ["source"]) as send:
        send("one\ttwo too many\n")
    with engine.connect() as connection, refused:
        copy_tuples(connection, "artifact", ["source"], [("one", "two too many")])
    engine.dispose()


def test_values_that_all_rows_share_stand_before_and_behind_the_columns() -> None:
    text = copy_text([["a", "b\\"], [1, None]], ("s\t", 7), (None,))
    assert text == "s\\t\t7\ta\t1\t\\N\ns\\t\t7\tb\\\\\t\\N\t\\N\n"
    assert copy_text([[]], ("s",)) == copy_text([], ("s",)) == ""
