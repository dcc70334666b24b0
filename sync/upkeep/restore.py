"""Put a backup in the place of the store; what stood there is kept beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from sync.errors import ConfigurationError, LeaseHeld, UserError
from sync.store import audit, runs
from sync.store.database import connect, first_line, revision_of, revisions, upgrade
from sync.store.snapshot import copy_store, file_of
from sync.upkeep.aftermath import RESTORE
from sync.upkeep.backup import dump_store, stamp
from sync.upkeep.dumps import load_dump
from sync.upkeep.inspection import Inspection

NEWEST_RUN = "SELECT id, started_at FROM run ORDER BY id DESC LIMIT 1"
FREE_LEASE = "UPDATE lease SET expires_at = '2000-01-01 00:00:00'"
LIVE_LEASE = "SELECT holder FROM lease WHERE expires_at > CURRENT_TIMESTAMP"
# Tables that are no more, each with the last schema that had it.
DROPPED = {"hit": "0014", "night": "0021"}


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did: the run that records it, and where the store from before is kept, if any."""

    run_id: int
    kept: Path | None


def restore(url: str, backup: Path, seen: Inspection, now: datetime, *, replace: bool) -> Restored:
    """Put a backup in the place of the store, bring it to today's schema and record that it was restored.

    Raises `UserError`, and changes nothing, where the backup is of another database, where a store stands
    there already and `replace` is not given, and `LeaseHeld` where somebody is using that store.
    """
    engine = connect(url)
    try:
        if engine.dialect.name != seen.backend:
            raise ConfigurationError(
                f"{backup}: this is a backup of {seen.backend}, and TIELINE_DATABASE_URL names "
                f"{engine.dialect.name}. A backup goes back to the database it came from."
            )
        put = put_file if seen.backend == "sqlite" else put_dump
        kept = put(engine, backup, now, replace)
        return Restored(take_up(engine, backup, seen, now), kept)
    finally:
        engine.dispose()


def put_file(engine: Engine, backup: Path, now: datetime, replace: bool) -> Path | None:
    """Put a copy of a SQLite store in place; what stood there is set aside under another name."""
    path = Path(engine.url.database or "") if not engine.url.query else file_of(engine)
    if not path.exists() or path.stat().st_size == 0:
        path.unlink(missing_ok=True)
        copy_store(backup, path)
        return None
    refuse_present(engine, replace)
    engine.dispose()
    close_file(path)
    kept = path.with_name(f"{path.name}.replaced-{stamp(now)}")
    path.rename(kept)
    try:
        copy_store(backup, path)
    except UserError:
        kept.rename(path)
        raise
    return kept


def close_file(path: Path) -> None:
    """Take in the write-ahead log of a store, which works only while nobody else has it open."""
    try:
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.OperationalError as error:
        raise LeaseHeld(
            f"{path} is in use ({error}). Stop `tieline serve` and every other process that has it open."
        ) from None


def put_dump(engine: Engine, backup: Path, now: datetime, replace: bool) -> Path | None:
    """Load a dump of PostgreSQL; tables that stood there are dumped first, and dropped in one go with it."""
    url = engine.url.render_as_string(hide_password=False)
    with engine.connect() as connection:
        there = tables_of(connection)
    if not there:
        load_dump(url, backup, [])
        return None
    refuse_present(engine, replace)
    kept = Path(f"{engine.url.database}.replaced-{stamp(now)}.dump")
    dump_store(url, kept)
    names = ", ".join(f'"{name}"' for name in there)
    load_dump(url, backup, [f"DROP TABLE {names} CASCADE"])
    return kept


def tables_of(connection: Connection) -> Sequence[str]:
    """Give the tables of a store; one that a newer version made holds some that nobody here knows."""
    there = inspect(connection).get_table_names()
    known = {*SQLModel.metadata.tables, "alembic_version"}
    current = revision_of(connection)
    if current is not None and current not in revisions():
        raise UserError(
            f"The store has schema {current}, of a newer version of Tieline, and this one cannot tell its "
            "tables from others. Restore into an empty database and let TIELINE_DATABASE_URL name that."
        )
    known |= {name for name, last in DROPPED.items() if current is not None and current <= last}
    return [name for name in there if name in known]


def refuse_present(engine: Engine, replace: bool) -> None:
    """Refuse to replace a store that is in use, or, unless it is asked for, any."""
    try:
        with engine.connect() as connection:
            newest = connection.execute(text(NEWEST_RUN)).one_or_none()
            holder = connection.scalar(text(LIVE_LEASE))
    except DBAPIError as error:
        raise UserError(
            f"What stands at the place of the store is none of Tieline: {first_line(error.orig)}. Move it "
            "away, or let TIELINE_DATABASE_URL name another place."
        ) from None
    if holder is not None and engine.dialect.name == "postgresql":
        raise LeaseHeld(f"A run ({holder}) is at work on the store. Wait for it, or stop that process.")
    if not replace:
        last = "no run yet" if newest is None else f"runs up to {newest.id} of {str(newest.started_at)[:16]}"
        raise UserError(
            f"There is a store already, with {last} UTC. To put the backup in its place, add --replace; what "
            "stands there is kept beside it."
        )


def take_up(engine: Engine, backup: Path, seen: Inspection, now: datetime) -> int:
    """Bring a restored store to today's schema, and record as a run of its own that it was restored."""
    with engine.begin() as connection:
        connection.execute(text(FREE_LEASE))
    upgrade(engine, keep_copy=False)
    with engine.begin() as connection:
        run_id = runs.begin(connection, RESTORE, now, dry_run=False)
        said = {"backup": backup.name, "schema": seen.schema, "head": seen.chain.head}
        audit.append(connection, run_id, "restored", [said], now)
        told = f"restored from {backup.name}"
        runs.finish(connection, run_id, now, status="done", exit_code=0, message=told)
    return run_id
