"""Turn a database URL into an engine whose schema is up to date."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from rules.sql_functions import register
from sync.errors import ConfigurationError, LeaseHeld, UserError
from sync.store.creating import create
from sync.store.snapshot import copy_before, file_of

log = logging.getLogger(__name__)
SUPPORTED = ("sqlite", "postgresql")
# Where libpq takes passwords besides the one before the host.
PASSWORDS = ("password", "sslpassword")
PRAGMAS = (
    "page_size=16384",  # before all else, for it counts in a new file only
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    "busy_timeout=10000",
)


def open_store(url: str) -> Engine:
    """Connect to the store and bring its schema to the newest version.

    Raises `ConfigurationError` when the URL cannot be used, the database cannot be reached, or its schema is
    newer than this version of Tieline, and `LeaseHeld` when it is older and a run is at work on it.
    """
    engine = connect(url)
    try:
        upgrade(engine)
    except UserError:
        engine.dispose()
        raise
    except (DBAPIError, sqlite3.Error) as error:
        engine.dispose()
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise ConfigurationError(
            f"TIELINE_DATABASE_URL: cannot open {shown(url)}: {first_line(cause)}. "
            "Check that the server runs, the folder exists and can be written, and the account may log in."
        ) from None
    return engine


@contextmanager
def read_only(engine: Engine) -> Iterator[Connection]:
    """Open a connection for one transaction in which the database itself refuses every write."""
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            yield connection.execution_options(postgresql_readonly=True)
            return
        connection.exec_driver_sql("PRAGMA query_only=ON")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("PRAGMA query_only=OFF")


def connect(url: str, **pool: int) -> Engine:
    """Make an engine for SQLite (WAL, foreign keys on) or PostgreSQL, without touching the schema.

    `pool`: how many connections it may keep, where that matters.
    """
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() not in SUPPORTED:
            raise ConfigurationError(
                f"TIELINE_DATABASE_URL: {parsed.get_backend_name()!r} is not supported. "
                "Use sqlite:///FILE or postgresql://USER@HOST/DATABASE."
            )
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        engine = create_engine(parsed, **options_for(parsed.get_backend_name()), **pool)
    except (ArgumentError, NoSuchModuleError, ValueError):
        named = repr(shown(url)) if "://" in url else "what it holds"
        raise ConfigurationError(
            f"TIELINE_DATABASE_URL: {named} is not a database URL. "
            "Use sqlite:///FILE or postgresql://USER@HOST/DATABASE."
        ) from None
    except ModuleNotFoundError:
        raise ConfigurationError(
            "TIELINE_DATABASE_URL: PostgreSQL needs the psycopg package. Install tieline[postgresql]."
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", prepare_sqlite)
        event.listen(engine, "begin", begin_sqlite)
    return engine


def options_for(backend: str) -> dict[str, Any]:
    """Give the options of an engine.

    A statement that PostgreSQL has prepared keeps the plan it was given when the tables were empty, which a
    first night outgrows within minutes: so nothing is prepared.
    """
    if backend == "sqlite":
        return {}
    return {"pool_pre_ping": True, "connect_args": {"prepare_threshold": None}}


def prepare_sqlite(connection: sqlite3.Connection, record: object) -> None:  # noqa: ARG001
    """Set what every SQLite connection needs, and leave BEGIN to us: the driver's own comes too late.

    A new store gets pages of 16 KiB. Nights read whole tables again and again, and each page is a call to the
    system: with pages of 4 KiB judging takes a seventh more.
    """
    connection.isolation_level = None
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    register(connection)


def begin_sqlite(connection: Any) -> None:
    """Start a real transaction, so that reads in it see one snapshot."""
    connection.exec_driver_sql("BEGIN")


def upgrade(engine: Engine, *, keep_copy: bool = True) -> None:
    """Make a new store, or run the migrations that one lacks; refuse a schema from the future."""
    with engine.connect() as connection:
        current = revision_of(connection)
    if current is not None and current not in revisions():
        raise ConfigurationError(
            f"TIELINE_DATABASE_URL: the store has schema {current}, which this version of Tieline does not "
            "know: a newer version wrote it. Upgrade Tieline, or restore the backup made before the upgrade."
        )
    if current is None:
        create(engine, newest_revision())
    elif current != newest_revision():
        refuse_upgrade_under_a_run(engine, current)
        from sync.store.migrating import migrate  # noqa: PLC0415  slow to load, and rarely needed

        migrate(engine, before=keep_copy_of if keep_copy and engine.dialect.name == "sqlite" else None)


def keep_copy_of(engine: Engine, revision: str) -> None:
    """Copy a SQLite store beside itself, before it is changed."""
    kept = copy_before(file_of(engine), revision)
    log.warning("The store is upgraded from schema %s; %s is a copy from before.", revision, kept)


def revisions() -> frozenset[str]:
    """Give every schema that this version of Tieline knows: each migration's file is named after its own."""
    names = (file.name for file in (files("sync.store") / "migrations" / "versions").iterdir())
    return frozenset(name.partition("_")[0] for name in names if name[:1].isdigit())


def newest_revision() -> str:
    """Give the schema of this version."""
    return max(revisions())


def revision_of(connection: Connection) -> str | None:
    """Give the schema of a store, None where there is none yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found


def refuse_upgrade_under_a_run(engine: Engine, current: str) -> None:
    """Refuse to change tables under a run of an earlier version."""
    with engine.connect() as connection:
        holder = connection.scalar(text("SELECT holder FROM lease WHERE expires_at > CURRENT_TIMESTAMP"))
    if holder is not None:
        raise LeaseHeld(
            f"The store has schema {current} and must be upgraded, but a run ({holder}) is at work on it. "
            "Wait for it, or stop that process and try again in a quarter of an hour."
        )


def shown(url: str) -> str:
    """Give the URL without its passwords; of one that cannot be read, what follows the credentials."""
    try:
        return make_url(url).difference_update_query(PASSWORDS).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return url.rsplit("@", maxsplit=1)[-1]


def first_line(error: BaseException | None) -> str:
    """Give the first line of an error's text, without a closing full stop."""
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
