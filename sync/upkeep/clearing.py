"""Clear out what is older than the settings keep: bytes of files, and details of what runs found."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, func, select

from sync.errors import ConfigurationError, LeaseHeld, UserError
from sync.settings import Settings
from sync.store import audit, retention, turns
from sync.store.money import artifacts
from sync.store.snapshot import file_of

FILES, LINES = "artifact", "request_line"
PATIENCE = 10


def clear_out(connection: Connection, settings: Settings, run_id: int, now: datetime) -> Mapping[str, int]:
    """Remove what is too old, note in the chain of what was done how much went, and give it by table."""
    files = artifacts.purge(connection, days_ago(now, settings.keep_files_days))
    gone = retention.forget(connection, days_ago(now, settings.keep_history_days), now)
    lines = turns.forget(connection, days_ago(now, settings.keep_history_days))
    gone |= {name: number for name, number in ((FILES, files), (LINES, lines)) if number}
    if gone:
        audit.append(connection, run_id, "forgot", [gone], now)
    return gone


def count_too_old(connection: Connection, settings: Settings, now: datetime) -> Mapping[str, int]:
    """Count by table what `clear_out` would remove."""
    old = artifacts.unneeded(days_ago(now, settings.keep_files_days)).subquery()
    files = connection.scalar(select(func.count()).select_from(old)) or 0
    gone = retention.count_old(connection, days_ago(now, settings.keep_history_days))
    lines = turns.count_unused(connection, days_ago(now, settings.keep_history_days))
    return gone | {name: number for name, number in ((FILES, files), (LINES, lines)) if number}


def forgotten(connection: Connection, run_id: int) -> str:
    """Say that details of a run are gone, and where there still is something; nothing if they are there."""
    at = retention.forgotten_at(connection, run_id)
    if at is None:
        return ""
    return (
        f"details were removed on {at:%Y-%m-%d} for their age (TIELINE_KEEP_HISTORY_DAYS). "
        f"`tieline runs --show {run_id}` has its totals; a backup from before that day has all of it."
    )


def days_ago(now: datetime, days: int) -> datetime:
    """Give a moment some days before another."""
    return now - timedelta(days=days)


def shrink(engine: Engine) -> tuple[int, int]:
    """Rewrite a SQLite store without the room that removed rows left, and give its size before and after."""
    if engine.dialect.name != "sqlite":
        raise ConfigurationError("--vacuum is for SQLite; PostgreSQL's autovacuum does it by itself.")
    path = file_of(engine)
    engine.dispose()
    size = path.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if free < 2 * size:
        raise UserError(
            f"{path}: to rewrite it takes up to {2 * size:,} bytes, and {free:,} are free. Nothing was done."
        )
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        raise LeaseHeld(
            f"{path} could not be rewritten: {error}. Stop `tieline serve` and try again."
        ) from None
    return size, path.stat().st_size
