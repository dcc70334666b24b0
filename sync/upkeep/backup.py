"""Copy a whole store into one file while nights go on: SQLite's online backup, or PostgreSQL's pg_dump."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from sync.errors import ConfigurationError, UserError
from sync.store.database import connect
from sync.store.snapshot import PRIVATE, copy_store, file_of
from sync.upkeep.dumps import write_dump
from sync.upkeep.inspection import Inspection, look_into

ENDINGS = {"sqlite": "db", "postgresql": "dump"}


def make_backup(url: str, target: Path, now: datetime) -> tuple[Path, Inspection]:
    """Copy the store into a file, and look into that file before it counts as a backup.

    `target` may be a folder, in which the file is then named after the moment. Raises `UserError` where there
    is no store, or the file exists, or what was written does not read back.
    """
    engine = connect(url)
    backend = engine.dialect.name
    path = target / f"tieline-{stamp(now)}.{ENDINGS[backend]}" if target.is_dir() else target
    try:
        if backend == "sqlite":
            copy_store(present(engine), path)
        else:
            dump_store(url, path)
    finally:
        engine.dispose()
    try:
        return path, look_into(path)
    except UserError as error:
        raise UserError(f"{error} So is the store it was copied from; restore an earlier backup.") from None


def stamp(now: datetime) -> str:
    """Write a moment so that names of files sort by it."""
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def present(engine: Engine) -> Path:
    """Give the file of a SQLite store, which must be there: to connect would make an empty one."""
    named = Path(engine.url.database or "")
    if not engine.url.query and not named.is_file():
        raise ConfigurationError(f"TIELINE_DATABASE_URL: there is no store at {named} yet.")
    return file_of(engine)


def dump_store(url: str, path: Path) -> None:
    """Dump a PostgreSQL store, under another name until it is whole."""
    if path.exists():
        raise UserError(f"{path} exists already. Name another file; a copy never replaces one.")
    partial = path.with_name(f"{path.name}.part")
    try:
        partial.touch(PRIVATE)
        write_dump(url, partial)
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}. Name another place.") from None
    finally:
        partial.unlink(missing_ok=True)
