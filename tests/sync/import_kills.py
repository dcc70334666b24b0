"""Kill an import at one statement after the other, each time in a process that ends without any clean-up."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from sync.store.database import connect, open_store
from tests.sync.ledgers import Books, Series, control_total, entry, past, promotion_table, source_run

DIED, DONE = 9, 0

BEFORE = [entry("A", "1"), entry("B", "2"), entry("C", "3"), entry("C", "3"), entry("D", "bad")]
AFTER = [entry("A", "1"), entry("B", "-20"), entry("D", "4"), entry("D", "worse"), entry("E", "5")]


def kill_imports(url: str, folder: Path, *, first: bool, every: int = 1) -> int:
    """Kill an import at every so many statements; give how often. `first`: nothing of the source is known."""
    books = Books(connect(url), folder, name=f"{folder.name}-books")
    old: dict[Series, int] = {} if first else {series(): 900}
    new = {series(): -1000}
    at, ended, outcomes = 1, DIED, []
    while ended == DIED:
        if first:
            books.name = f"{folder.name}-{at}"
        else:
            read(url, books, *BEFORE)
        books.write(*AFTER)
        ended = import_and_die(url, books, at)
        stands = state(url, books)
        assert stands in (old, new), f"killed at statement {at}, half of it stands"
        outcomes.append((ended, stands == new))
        assert read(url, books, *AFTER) == new
        at += every
    assert ended == DONE
    assert {(DIED, False), (DONE, True)} <= set(outcomes)
    check_history(url, books)
    return len(outcomes) - 1


def series(currency: str = "USD") -> Series:
    return ("budget", 2026, "FY2026-01", currency)


def import_and_die(url: str, books: Books, at: int) -> int:
    """Import in a process of its own that ends without any clean-up at its n-th statement; give its end."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    try:
        engine = open_store(url)
        count = 0

        def die(*_: Any) -> None:
            nonlocal count
            count += 1
            if count == at:
                os._exit(DIED)

        event.listen(engine, "before_cursor_execute", die)
        event.listen(engine, "commit", die)
        replace(books, engine=engine).read(shrink=1.0)
        os._exit(DONE)
    except BaseException as error:  # noqa: BLE001  a forked test must never go on as the suite
        sys.stderr.write(f"{error}\n")
        os._exit(1)


def read(url: str, books: Books, *rows: str) -> dict[Series, int]:
    """Write and import a file undisturbed, and give what stands."""
    books.engine = open_store(url)
    books.write(*rows)
    assert books.read(shrink=1.0).complete
    sums = books.sums()
    books.engine.dispose()
    return sums


def state(url: str, books: Books) -> dict[Series, int]:
    engine = books.engine = open_store(url)
    sums = books.sums()
    engine.dispose()
    return sums


def check_history(url: str, books: Books) -> None:
    """Nothing was counted twice: each promotion closed what it replaced, and every control total adds up."""
    books.engine = open_store(url)
    restated = [row for row in books.rows(select(past)) if row.valid_from_run >= row.valid_to_run]
    assert restated == [], "no version ends before it begins"
    promoted = books.rows(select(promotion_table).order_by(promotion_table.c.id))
    assert len({row.run_id for row in promoted}) == len(promoted)
    complete = {row.run_id for row in books.rows(select(source_run)) if row.status == "complete"}
    for row in books.rows(select(control_total)):
        if row.run_id in complete:
            assert row.stated_minor == row.accepted_minor + row.refused_minor + row.excluded_minor
    books.engine.dispose()
