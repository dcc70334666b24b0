"""Copy a SQLite store as it stands, also while it is written, into a file of its own that holds all of it."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from sync.errors import UserError

PRIVATE = 0o600


def file_of(engine: Engine) -> Path:
    """Give the file of a SQLite store, however its address is written."""
    with engine.connect() as connection:
        attached = connection.exec_driver_sql("PRAGMA database_list").all()
        return Path(next(row.file for row in attached if row.name == "main"))


def copy_store(source: Path, target: Path) -> None:
    """Copy a store into a new file that only this account may read; what is half done is never left there.

    Raises `UserError` where the file exists already or cannot be written.
    """
    partial = target.with_name(f"{target.name}.part")
    try:
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
    except FileExistsError:
        raise UserError(f"{target} exists already. Name another file; a copy never replaces one.") from None
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror}. Name another place.") from None
    try:
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE))
        copy_pages(source, partial)
        partial.replace(target)
    except (OSError, sqlite3.Error) as error:
        target.unlink(missing_ok=True)
        raise UserError(f"{source} could not be copied to {target}: {error}. Nothing was changed.") from None
    finally:
        partial.unlink(missing_ok=True)


def copy_pages(source: Path, target: Path) -> None:
    """Copy all pages in one go, so that they are of one moment, and leave no write-ahead log beside them."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")


def copy_before(store: Path, revision: str) -> Path:
    """Copy a store beside itself under the schema it has, before that is changed."""
    number, target = 1, store.with_name(f"{store.name}.schema-{revision}")
    while target.exists():
        number += 1
        target = store.with_name(f"{store.name}.schema-{revision}-{number}")
    copy_store(store, target)
    return target
