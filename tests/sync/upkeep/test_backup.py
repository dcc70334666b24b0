"""A backup holds the whole store as it stood, is read back, and comes back to the same place."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, make_url, text

from sync.errors import ConfigurationError, LeaseHeld, UserError
from sync.sandbox import Deployment, Sandbox
from sync.store import audit, runs
from sync.store.database import connect, open_store
from sync.store.migrating import migrations
from sync.upkeep.backup import make_backup
from sync.upkeep.copyrows import copied
from sync.upkeep.inspection import look_into
from sync.upkeep.restore import restore
from tests.clock import NOW
from tests.sync.house import House
from tests.sync.store.test_upgrades import EARLIER, HEAD, content, furnish


@pytest.fixture
def url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


@pytest.fixture
def house(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.chdir(tmp_path)
    with Sandbox(Deployment.CLOUD) as jira:
        house = House(jira, tmp_path, engine).furnish()
        for _ in range(3):
            house.add_epic()
        house.night()
        yield house


def everything(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as connection:
        return {name: sorted(rows, key=str) for name, rows in content(connection).items()}


def test_a_backup_holds_every_row_and_says_how_many(house: House, url: str, tmp_path: Path) -> None:
    before = everything(house.engine)
    path, seen = make_backup(url, tmp_path, NOW)
    assert path.name.startswith("tieline-20260303T")
    assert path.stat().st_mode & 0o777 == 0o600
    assert (seen.schema, seen.is_newer, seen.problems) == (HEAD, False, [])
    assert (seen.counts["work_item"], seen.counts["label_write"], seen.counts["run"]) == (3, 3, 1)
    assert seen.counts["audit_entry"] == seen.chain.entries > 0
    with house.engine.connect() as connection:
        assert seen.chain.head == audit.heads(connection)[1]
    house.night()
    house.engine.dispose()
    restore(url, path, seen, NOW, replace=True)
    after = everything(house.engine)
    assert [row["trigger"] for row in after["run"]] == ["cli", "restore"]
    for name in before.keys() - {"run", "audit_entry", "lease"}:
        assert after[name] == before[name], name


def test_a_restore_is_recorded_and_the_chain_goes_on(house: House, url: str, tmp_path: Path) -> None:
    path, seen = make_backup(url, tmp_path / "it", NOW)
    house.engine.dispose()
    restore(url, path, seen, NOW, replace=True)
    house.night()
    with house.engine.connect() as connection:
        verdict = audit.verify(audit.entries_of(connection), audit.heads(connection), seen.chain.head)
        told = [entry.detail for entry in audit.entries_of(connection) if entry.event == "restored"]
    assert verdict.broken is None
    assert told == [f'{{"backup":"it","head":"{seen.chain.head}","schema":"{HEAD}"}}']


def test_a_backup_of_a_store_that_is_being_written_is_of_one_moment(
    engine: Engine, url: str, tmp_path: Path
) -> None:
    """Somebody adds pairs of runs all the while; a backup never holds half a pair."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with engine.begin() as connection:
                runs.begin(connection, "one", NOW, dry_run=False)
                runs.begin(connection, "other", NOW, dry_run=False)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = [make_backup(url, tmp_path / f"{n}", NOW)[1].counts["run"] for n in range(5)]
    finally:
        stop.set()
        writer.join()
    assert counts == sorted(counts)
    assert [count % 2 for count in counts] == [0] * 5


@pytest.mark.parametrize("revision", [EARLIER[0], EARLIER[-1]])
def test_a_backup_of_an_earlier_schema_comes_back_as_a_store_of_today(
    empty_database_url: str, tmp_path: Path, revision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    old = connect(empty_database_url)
    furnish(old, revision)
    path, seen = make_backup(empty_database_url, tmp_path / "old.backup", NOW)
    assert seen.schema == revision
    old.dispose()
    restore(empty_database_url, path, seen, NOW, replace=True)
    with old.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
        assert connection.scalar(text("SELECT count(*) FROM run")) == 3
    old.dispose()


def test_a_backup_into_an_empty_place_makes_the_store_anew(house: House, url: str, tmp_path: Path) -> None:
    path, seen = make_backup(url, tmp_path / "it", NOW)
    before = everything(house.engine)
    command.downgrade(migrations(house.engine), "base")
    with house.engine.begin() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
    if house.engine.dialect.name == "sqlite":
        house.engine.dispose()
        Path(str(house.engine.url.database)).unlink()
    done = restore(url, path, seen, NOW, replace=False)
    assert done.kept is None
    assert everything(house.engine)["label_write"] == before["label_write"]


def test_a_store_that_stands_there_is_replaced_only_when_asked_and_kept(
    house: House, url: str, tmp_path: Path
) -> None:
    path, seen = make_backup(url, tmp_path / "it", NOW)
    house.night()
    before = everything(house.engine)
    with pytest.raises(UserError, match=r"a store already, with runs up to 2 of 2026-.* UTC.*--replace"):
        restore(url, path, seen, NOW, replace=False)
    assert everything(house.engine) == before
    house.engine.dispose()
    done = restore(url, path, seen, NOW, replace=True)
    assert done.kept is not None
    kept = look_into(done.kept)
    assert (kept.counts["run"], kept.problems) == (2, [])


def test_a_store_at_work_is_not_replaced(house: House, url: str, tmp_path: Path) -> None:
    path, seen = make_backup(url, tmp_path / "it", NOW)
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE lease SET expires_at = '2999-01-01 00:00:00'"))
    said = "in use" if house.engine.dialect.name == "sqlite" else "is at work on the store"
    with house.engine.connect() as open_elsewhere:
        open_elsewhere.execute(text("SELECT count(*) FROM run"))
        with pytest.raises(LeaseHeld, match=said):
            restore(url, path, seen, NOW, replace=True)
    assert len(everything(house.engine)["run"]) == 1


def test_a_backup_never_replaces_a_file(engine: Engine, url: str, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(UserError, match="mine exists already"):
        make_backup(url, tmp_path / "mine", NOW)
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "mine"
    with pytest.raises(UserError, match=r"nowhere/it cannot be written: No such file or directory"):
        make_backup(url, tmp_path / "nowhere" / "it", NOW)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_store_that_is_not_there_is_not_made_by_a_backup(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no store at"):
        make_backup(f"sqlite:///{tmp_path / 'none.db'}", tmp_path, NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", [0.3, 0.6, 0.9])
def test_a_damaged_backup_is_refused_and_the_store_stays(
    house: House, url: str, tmp_path: Path, place: float
) -> None:
    path, _ = make_backup(url, tmp_path / "it", NOW)
    whole = path.read_bytes()
    at = int(len(whole) * place)
    page = 16_384  # so much meets the head of some page: within one there may be nothing to damage
    path.write_bytes(whole[:at] + b"\xa5" * page + whole[at + page :])
    with pytest.raises(UserError, match="it is damaged"):
        look_into(path)
    path.write_bytes(whole[:at])
    with pytest.raises(UserError, match="it is damaged"):
        look_into(path)


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Dear diary", encoding="utf-8")
    with pytest.raises(UserError, match="this is no backup of Tieline"):
        look_into(tmp_path / "text")
    with pytest.raises(UserError, match="No such file"):
        look_into(tmp_path / "none")
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE address_book (name TEXT)")
    with pytest.raises(UserError, match="this SQLite file is no store of Tieline"):
        look_into(tmp_path / "other.db")


def test_a_backup_from_the_future_is_told(engine: Engine, url: str, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    _, seen = make_backup(url, tmp_path / "it", NOW)
    assert seen.is_newer
    assert "a newer version made it" in seen.problems[0]


def test_a_record_that_was_edited_is_told(house: House, url: str, tmp_path: Path) -> None:
    with house.engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET detail = '{}' WHERE id = 2"))
    _, seen = make_backup(url, tmp_path / "it", NOW)
    assert seen.problems == ["The chain of what was done is broken: entry 2 (planned, run 1) was changed."]


def test_a_backup_goes_back_to_the_kind_of_database_it_came_from(
    engine: Engine, url: str, tmp_path: Path
) -> None:
    path, seen = make_backup(url, tmp_path / "it", NOW)
    other = "postgresql://db.invalid/x" if seen.backend == "sqlite" else f"sqlite:///{tmp_path}/x.db"
    with pytest.raises(ConfigurationError, match=f"this is a backup of {seen.backend}"):
        restore(other, path, seen, NOW, replace=False)
    assert not (tmp_path / "x.db").exists()


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_the_client_programs_their_package_is_named(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"pg_dump is not on the PATH.*apt install postgresql-client"):
        make_backup(url, tmp_path / "it", NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_password_is_shown_to_no_other_process(
    engine: Engine, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, spy = shutil.which("pg_dump"), tmp_path / "bin" / "pg_dump"
    spy.parent.mkdir()
    noted = f'echo "$@" > {tmp_path}/seen; echo $PGPASSWORD > {tmp_path}/given'
    spy.write_text(f'#!/bin/sh\n{noted}\nexec {real} "$@"\n')
    spy.chmod(0o755)
    monkeypatch.setenv("PATH", f"{spy.parent}:{os.environ['PATH']}")
    make_backup(
        make_url(url).set(password="s3cret").render_as_string(hide_password=False), tmp_path / "it", NOW
    )
    assert "s3cret" not in (tmp_path / "seen").read_text()
    assert (tmp_path / "given").read_text() == "s3cret\n"


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_rows_of_a_dump_are_read_as_postgresql_wrote_them(engine: Engine, tmp_path: Path) -> None:
    """Against the database itself: it copies hostile text out, and we read what it was."""

    @given(st.lists(st.one_of(st.none(), texts), max_size=5))
    def check(values: list[str | None]) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TEMPORARY TABLE said (id int, it text) ON COMMIT DROP")
            for number, value in enumerate(values):
                connection.execute(text("INSERT INTO said VALUES (:n, :v)"), {"n": number, "v": value})
            driver = connection.connection.driver_connection
            assert driver is not None
            with driver.cursor().copy("COPY (SELECT * FROM said ORDER BY id) TO STDOUT") as copy:
                data = b"".join(bytes(part) for part in copy)
        dump = b"SET x = 1;\n\nCOPY public.said (id, it) FROM stdin;\n" + data + b"\\.\n\nSELECT 1;\n"
        read = list(copied(dump.splitlines(keepends=True), ["said"]))
        assert read == [("said", {"id": str(n), "it": value}) for n, value in enumerate(values)]

    check()


def test_opening_what_was_restored_changes_nothing_more(house: House, url: str, tmp_path: Path) -> None:
    path, seen = make_backup(url, tmp_path / "it", NOW)
    house.engine.dispose()
    restore(url, path, seen, NOW, replace=True)
    before = everything(house.engine)
    open_store(url).dispose()
    assert everything(house.engine) == before
