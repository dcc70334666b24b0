"""Step by step or at once, a store gets exactly the tables of the code; a later schema is refused."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterable
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
from sync.store.database import connect, newest_revision, open_store, revisions
from sync.store.migrating import migrate, migrations


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))


def shape(url: str) -> dict[str, object]:
    """Everything in a database by name, whatever the order; no defaults, for no insert relies on them."""
    engine = connect(url)
    seen = inspect(engine)
    parts: dict[str, object] = {"views": {name: view_of(engine, name) for name in seen.get_view_names()}}
    for name in seen.get_table_names():
        parts[f"key of {name}"] = seen.get_pk_constraint(name)
        parts[f"columns of {name}"] = told(
            {part: said for part, said in column.items() if part != "default" or "nextval" in str(said)}
            for column in seen.get_columns(name)
        )
        parts[f"indexes of {name}"] = told(
            index | {"dialect_options": {at: str(said) for at, said in index["dialect_options"].items()}}
            for index in seen.get_indexes(name)
        )
        parts[f"references of {name}"] = told(seen.get_foreign_keys(name))
        parts[f"conditions of {name}"] = told(
            [*seen.get_unique_constraints(name), *seen.get_check_constraints(name)]
        )
    engine.dispose()
    return parts


def told(parts: Iterable[object]) -> list[str]:
    return sorted(map(repr, parts))


def view_of(engine: Engine, name: str) -> str:
    return " ".join(str(inspect(engine).get_view_definition(name)).split())


@pytest.fixture
def led_here(empty_database_url: str) -> str:
    """The URL of a store that went through every schema there ever was."""
    engine = connect(empty_database_url)
    migrate(engine)
    engine.dispose()
    return empty_database_url


def test_the_newest_schema_is_that_of_the_tables(led_here: str) -> None:
    assert tables.Run.__tablename__ == "run"
    engine = connect(led_here)
    assert differences(engine) == []
    engine.dispose()


def test_a_new_store_is_made_as_one_that_was_led_here_step_by_step(
    led_here: str, request: pytest.FixtureRequest
) -> None:
    sqlite = led_here.startswith("sqlite")
    new = (
        f"sqlite:///{request.getfixturevalue('sqlite_mould')}"
        if sqlite
        else request.getfixturevalue("postgresql_url")
    )
    assert shape(new) == shape(led_here)
    assert "budget_line_version" in str(shape(new)["views"])


def test_each_migration_stands_in_a_file_named_after_its_schema(engine: Engine) -> None:
    script = ScriptDirectory.from_config(migrations(engine))
    assert revisions() == {one.revision for one in script.walk_revisions()}
    assert newest_revision() == script.get_current_head()


def test_what_few_commands_need_is_not_loaded_by_all() -> None:
    asked = "import sys, sync.cli.app; print({'alembic', 'altair'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", asked], text=True) == "set()\n"


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
    "postgresql://u@db.invalid/d?password=u:secret": "cannot open postgresql://u@db.invalid/d: ",
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


def test_sqlite_keeps_foreign_keys_writes_ahead_and_reads_large_pages(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'tieline.db'}")
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA page_size")) == 16_384
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA foreign_keys")) == 1
    engine.dispose()


def test_figures_of_a_project_are_given_to_the_site_that_has_it_and_references_to_what_was_meant(
    engine: Engine,
) -> None:
    config = migrations(engine)
    command.downgrade(config, "0006")
    now = "2026-01-01 00:00:00"
    texts = "key, key_folded, project_folded, project_name, summary, summary_folded, type_name, type_folded"
    more = "status, status_folded, status_category, url, row_hash"
    names = f"{texts}, {more}"
    blanks = ", ".join(["'x'"] * len(names.split(", ")))
    item = (
        f"INSERT INTO work_item (source, source_id, project_key, in_scope, first_run, last_run, first_seen, "
        f"last_seen, {names}) VALUES (:source, :id, :project, true, 1, 1, '{now}', '{now}', {blanks})"
    )
    figure = (
        "INSERT INTO coverage (run_id, project_key, currency, version, fiscal_year, state, project_name, "
        "amount_minor, items) VALUES (1, :project, '', '', 0, 'aligned', 'x', 0, 3)"
    )
    reference = (
        "INSERT INTO work_item_reference (work_item_id, how, target, target_folded, evidence) "
        "VALUES ((SELECT min(id) FROM work_item), :how, 'a', 'a', :evidence)"
    )
    with engine.begin() as connection:
        started = f"'test', false, '{now}', 'done'"
        connection.execute(
            text(f"INSERT INTO run (id, trigger, dry_run, started_at, status) VALUES (1, {started})")
        )
        for source, project in (("jira", "PAY"), ("jira", "BOTH"), ("dc", "BOTH")):
            said = {"source": source, "id": f"{source} {project}", "project": project}
            connection.execute(text(item), said)
        for project in ("", "PAY", "BOTH"):
            connection.execute(text(figure), {"project": project})
        for how, evidence in (("label", "label a"), ("label", "label obj:a"), ("issue link", "blocks")):
            connection.execute(text(reference), {"how": how, "evidence": evidence})
    command.upgrade(config, "head")
    with engine.connect() as connection:
        figures = connection.execute(text("SELECT project_key, site, items FROM coverage ORDER BY 1")).all()
        meant = connection.scalars(text("SELECT meant FROM work_item_reference ORDER BY id")).all()
    assert [tuple(row) for row in figures] == [("", "", 3), ("BOTH", "", 3), ("PAY", "jira", 3)]
    assert [bool(value) for value in meant] == [False, True, False]
    command.downgrade(config, "0006")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT sum(items) FROM coverage")) == 9
    command.upgrade(config, "head")


def test_what_runs_have_asked_so_far_is_added_up_for_ever(engine: Engine) -> None:
    config = migrations(engine)
    command.downgrade(config, "0026")
    with engine.begin() as connection:
        for run in (1, 2):
            connection.execute(
                text(
                    "INSERT INTO run (id, trigger, dry_run, started_at, status) "
                    f"VALUES ({run}, 'test', false, '2026-01-01 00:00:00', 'done')"
                )
            )
            for method, status, number in (("GET", 200, 4), ("POST", 200, 3), ("GET", 429, 1)):
                connection.execute(
                    text(
                        "INSERT INTO run_request (run_id, site, method, endpoint, status, number) "
                        f"VALUES ({run}, 'jira', '{method}', 'search', {status}, {number})"
                    )
                )
    command.upgrade(config, "head")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT * FROM request_total ORDER BY status")).all()
    assert [tuple(row) for row in rows] == [("jira", "search", 200, 14), ("jira", "search", 429, 2)]


def test_former_keys_are_kept_by_site_and_issue_and_find_their_work_item_again(engine: Engine) -> None:
    config = migrations(engine)
    command.downgrade(config, "0030")
    texts = (
        "key, key_folded, project_key, project_folded, project_name, summary, summary_folded, type_name, "
        "type_folded, status, status_folded, status_category, url, row_hash"
    )
    blanks = ", ".join(["'x'"] * len(texts.split(", ")))
    with engine.begin() as connection:
        for number, site in ((1, "jira"), (2, "dc")):
            connection.execute(
                text(
                    "INSERT INTO work_item (id, source, source_id, in_scope, first_run, last_run, "
                    f"first_seen, last_seen, {texts}) VALUES ({number}, '{site}', '70', true, 1, 1, "
                    f"'2026-01-01 00:00:00', '2026-01-01 00:00:00', {blanks})"
                )
            )
            connection.execute(
                text(f"INSERT INTO former_key VALUES ({number}, 'old-{number}', 'OLD-{number}', :until)"),
                {"until": "2026-01-02 03:04:05"},
            )
    command.upgrade(config, "head")
    kept = text("SELECT site, issue_id, key_folded, key FROM former_key ORDER BY 1")
    with engine.begin() as connection:
        rows = connection.execute(kept).all()
        # of a goal that is no work item, nothing was kept before
        connection.execute(text("INSERT INTO former_key VALUES ('jira', '71', 'g-1', 'G-1', '2026-01-01')"))
    assert [tuple(row) for row in rows] == [("dc", "70", "old-2", "OLD-2"), ("jira", "70", "old-1", "OLD-1")]
    command.downgrade(config, "0030")
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT work_item_id, key, until FROM former_key ORDER BY 1")).all()
    assert [tuple(row)[:2] for row in rows] == [(1, "OLD-1"), (2, "OLD-2")]
    assert all(str(row.until).startswith("2026-01-02 03:04:05") for row in rows)
    command.upgrade(config, "head")
