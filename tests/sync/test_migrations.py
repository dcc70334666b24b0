"""Migrations make exactly the tables of the code, step back and forth, and refuse a later schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

from sync.errors import ConfigurationError, Exit
from sync.store import tables
from sync.store.database import connect, migrations, open_store


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))


def test_the_newest_schema_is_that_of_the_tables(engine: Engine) -> None:
    assert tables.Run.__tablename__ == "run"
    assert differences(engine) == []


def test_a_step_back_and_forth_gives_the_same_schema(engine: Engine) -> None:
    config = migrations(engine)
    command.downgrade(config, "-1")
    head = ScriptDirectory.from_config(config).get_current_head()
    with engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() != head
    command.upgrade(config, "head")
    assert differences(engine) == []


def test_all_the_way_down_leaves_nothing_of_ours(engine: Engine) -> None:
    command.downgrade(migrations(engine), "base")
    assert inspect(engine).get_table_names() == ["alembic_version"]


def test_opening_a_store_again_changes_nothing(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO lease VALUES ('x', 'y', 1, '2026-01-01 00:00:00')"))
    again = open_store(database_url)
    with again.connect() as connection:
        assert connection.scalar(text("SELECT holder FROM lease")) == "y"
    again.dispose()


def test_a_schema_from_the_future_is_refused(engine: Engine, database_url: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(
        ConfigurationError, match=r"schema 9999.*newer version wrote it\. Upgrade Tieline"
    ) as error:
        open_store(database_url)
    assert error.value.exit_code == Exit.USAGE


REFUSED = {
    "mysql://u:secret@h/d": "'mysql' is not supported",
    "postgresql+pg8000x://u:secret@h/d": "is not a database URL",
    "postgresql://u:secret@h:port/d": "is not a database URL",
    "secret": "is not a database URL",
    "sqlite:////nowhere/at/all/tieline.db": "tieline.db: unable to open database file.",
    "postgresql://u:secret@127.0.0.1:9/d": "cannot open postgresql://u:***@127.0.0.1:9/d: connection",
    "postgresql://u:secret@db.invalid/d": "cannot open postgresql://u:***@db.invalid/d: ",
}


@pytest.mark.parametrize("url", REFUSED)
def test_a_store_that_cannot_be_opened_is_told_in_one_sentence_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        open_store(url)
    said = str(error.value)
    assert said.startswith("TIELINE_DATABASE_URL: ")
    assert REFUSED[url] in said
    assert "u:secret" not in said
    assert "\n" not in said
    assert error.value.__cause__ is None


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tieline.db").write_text("not a database at all, " * 100, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="file is not a database"):
        open_store(f"sqlite:///{tmp_path / 'tieline.db'}")


def test_a_store_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    """A store opened read-only stands in for a folder without write access, which root would have."""
    path = tmp_path / "tieline.db"
    sqlite3.connect(path).close()
    with pytest.raises(ConfigurationError, match="readonly database"):
        open_store(f"sqlite:///file:{path}?mode=ro&uri=true")


def test_sqlite_keeps_foreign_keys_and_writes_ahead(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'tieline.db'}")
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    engine.dispose()
