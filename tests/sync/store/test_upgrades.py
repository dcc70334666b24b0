"""A store of any earlier schema, with rows in every table, is upgraded whole, once, and with a way back."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    create_engine,
    event,
    insert,
    select,
    text,
)

from sync.errors import LeaseHeld, UserError
from sync.store.creating import lock_schema, make_tables
from sync.store.database import connect, open_store, revision_of, upgrade
from sync.store.migrating import migrations
from tests.sync.store.test_migrations import differences

ROOT = Path(__file__).parents[3]
SCRIPT = ScriptDirectory.from_config(migrations(create_engine("sqlite://")))
REVISIONS = sorted(revision.revision for revision in SCRIPT.walk_revisions())
HEAD = REVISIONS[-1]
EARLIER = REVISIONS[:-1]
ROWS = (1, 2)
WHEN = datetime(2026, 1, 31, 23, 59, 58, tzinfo=UTC)

# Tables that a later schema does without on purpose: what they held is made anew each night.
DROPPED = {"hit", "night"}

Content = dict[str, list[dict[str, Any]]]


@pytest.fixture
def old(empty_database_url: str) -> Iterator[Engine]:
    engine = connect(empty_database_url)
    yield engine
    engine.dispose()


def furnish(engine: Engine, revision: str) -> Content:
    """Make a store of an earlier schema with rows in each of its tables, and give what it holds."""
    command.upgrade(migrations(engine), revision)
    with engine.begin() as connection:
        for table in tables_of(connection):
            connection.execute(insert(table), [row_of(table, number) for number in ROWS])
            if engine.dialect.name == "postgresql" and "id" in table.c:
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), 2)"))
        return content(connection)


def tables_of(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != "alembic_version"]


def row_of(table: Table, number: int) -> dict[str, Any]:
    return {column.name: value_of(column, number) for column in table.c}


def value_of(column: Column[Any], number: int) -> Any:
    """Anything that fits; a reference leads to the row of the same number."""
    kind = column.type
    if isinstance(kind, Boolean):
        return number == 1
    if isinstance(kind, Integer):
        return number
    if isinstance(kind, Float):
        return number / 2
    if isinstance(kind, DateTime):
        return WHEN.replace(tzinfo=UTC if kind.timezone else None)
    if isinstance(kind, Date):
        return date(2026, 1, number)
    return b"\x00\xff" if isinstance(kind, LargeBinary) else f"{column.name} {number}"


def content(connection: Connection) -> Content:
    return {
        table.name: [dict(row) for row in connection.execute(select(table)).mappings()]
        for table in tables_of(connection)
    }


def lost(before: Content, after: Content) -> list[str]:
    """Every row, and every value of a column that there still is, that is not as it was."""
    found = []
    for name, rows in before.items():
        if name in DROPPED:
            continue
        columns = set(rows[0]).intersection(*after[name])
        kept = [{key: row[key] for key in columns} for row in after[name]]
        found += [f"{name}: {row}" for row in rows if {key: row[key] for key in columns} not in kept]
    return found


@pytest.mark.parametrize("revision", EARLIER)
def test_every_row_of_an_earlier_schema_is_there_after_the_upgrade(
    old: Engine, empty_database_url: str, revision: str
) -> None:
    before = furnish(old, revision)
    assert all(len(rows) == len(ROWS) for rows in before.values())
    new = open_store(empty_database_url)
    with new.connect() as connection:
        after = content(connection)
        counts = {name: len(rows) for name, rows in after.items() if name in before}
        assert counts == dict.fromkeys(before.keys() - DROPPED, 2)
        assert lost(before, after) == []
        nights = {row["local_date"] for row in before.get("night", ())}
        assert {row["local_date"] for row in after["schedule_slot"]} >= nights
    assert differences(new) == []
    new.dispose()


def test_a_copy_from_before_the_upgrade_stands_beside_a_file_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'tieline.db'}"
    old = connect(url)
    before = furnish(old, EARLIER[-1])
    with caplog.at_level(logging.WARNING):
        open_store(url).dispose()
    copy = tmp_path / f"tieline.db.schema-{EARLIER[-1]}"
    assert caplog.messages == [
        f"The store is upgraded from schema {EARLIER[-1]}; {copy} is a copy from before."
    ]
    assert copy.stat().st_mode & 0o777 == 0o600
    with create_engine(f"sqlite:///{copy}").connect() as connection:
        assert content(connection) == before
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == EARLIER[-1]
    assert sorted(path.name for path in tmp_path.iterdir() if "schema" in path.name) == [copy.name]
    command.downgrade(migrations(old), EARLIER[-1])
    open_store(url).dispose()
    assert (tmp_path / f"tieline.db.schema-{EARLIER[-1]}-2").is_file()
    old.dispose()


def test_opening_a_new_store_or_one_of_today_makes_no_copy(tmp_path: Path) -> None:
    for _ in range(2):
        open_store(f"sqlite:///{tmp_path / 'tieline.db'}").dispose()
    assert [path.name for path in tmp_path.iterdir() if "schema" in path.name] == []


def test_an_upgrade_that_breaks_off_leaves_the_store_as_it_was(
    old: Engine, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = furnish(old, EARLIER[0])
    with old.begin() as connection:
        connection.execute(text("CREATE TABLE audit_entry (id INTEGER)"))  # in the way of the last step
    with pytest.raises(UserError, match="audit_entry"):
        open_store(empty_database_url)
    with old.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == EARLIER[0]
        after = content(connection)
    assert after.pop("audit_entry") == []
    assert lost(before, after) == []


def test_no_upgrade_begins_under_a_run_of_the_earlier_version(old: Engine, empty_database_url: str) -> None:
    furnish(old, EARLIER[-1])
    with old.begin() as connection:
        connection.execute(text("UPDATE lease SET holder = 'other:17', expires_at = '2999-01-01 00:00:00'"))
    with pytest.raises(LeaseHeld, match=rf"schema {EARLIER[-1]} .* a run \(other:17\) is at work"):
        open_store(empty_database_url)
    with old.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == EARLIER[-1]


def test_a_store_is_not_upgraded_where_there_is_no_room_for_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path / 'tieline.db'}"
    old = connect(url)
    furnish(old, EARLIER[-1])

    def full(source: Path, target: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("sync.store.snapshot.copy_pages", full)
    with pytest.raises(UserError, match=r"could not be copied to .*disk is full\. Nothing was changed"):
        open_store(url)
    with old.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == EARLIER[-1]
    assert [path.name for path in tmp_path.iterdir() if "schema" in path.name] == []
    old.dispose()


def test_an_upgrade_waits_for_longer_than_a_write_would_until_nobody_else_writes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tieline.db'}"
    hasty, other = connect(url), connect(url)
    command.upgrade(migrations(other), EARLIER[-1])
    event.listen(hasty, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=1"))
    with ThreadPoolExecutor(1) as pool, other.connect() as writing:
        writing.exec_driver_sql("CREATE TABLE theirs (id INTEGER)")
        upgrading = pool.submit(upgrade, hasty)
        with pytest.raises(TimeoutError):
            upgrading.result(timeout=1)
        writing.commit()
        upgrading.result(timeout=120)
    with hasty.connect() as connection:
        assert revision_of(connection) == HEAD
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 1
    hasty.dispose()
    other.dispose()


def test_whoever_finds_a_store_being_made_waits_for_it(empty_database_url: str) -> None:
    engine = connect(empty_database_url)
    with ThreadPoolExecutor(1) as pool:
        with engine.begin() as connection:
            lock_schema(connection)
            make_tables(connection, HEAD)
            opening = pool.submit(open_store, empty_database_url)
            with pytest.raises(TimeoutError):
                opening.result(timeout=1)
        opening.result(timeout=120).dispose()
    with engine.connect() as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == [HEAD]
    engine.dispose()


def test_processes_that_open_an_old_store_at_once_all_find_it_upgraded(
    old: Engine, empty_database_url: str
) -> None:
    before = furnish(old, EARLIER[0])
    opening = f"from sync.store.database import open_store; open_store({empty_database_url!r}).dispose()"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", opening],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for _ in range(3)
    ]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in processes]
    assert [code for _, code in ended] == [0, 0, 0], ended
    copies = 1 if old.dialect.name == "sqlite" else 0
    assert sum("is a copy from before" in said for said, _ in ended) == copies, ended
    with old.connect() as connection:
        assert lost(before, content(connection)) == []
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
