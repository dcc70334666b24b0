"""Turn one PostgreSQL server into fresh, empty databases, one for each test that asks."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import Engine
from sqlalchemy.pool import NullPool

SERVER_VARIABLE = "TEST_POSTGRESQL"


def server_url() -> str | None:
    """The SQLAlchemy URL of a server on which databases may be created and dropped."""
    return os.environ.get(SERVER_VARIABLE) or None


def server() -> str:
    """The same for a test marked `postgresql`: `pytest_runtest_setup` lets none begin without a server."""
    found = server_url()
    assert found, f"{SERVER_VARIABLE} names no server"
    return found


@contextmanager
def administration(at: str) -> Iterator[Engine]:
    """An engine that can create and drop databases, which PostgreSQL does outside transactions only."""
    engine = create_engine(at, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def fresh_database(at: str, template: str = "template0") -> Iterator[str]:
    """The URL of an empty database that goes away afterwards, together with whoever is still connected to it.

    `template0` takes no connections, so workers that create databases side by side never wait for each other.
    Of another template, to which nobody may be connected, it is a copy.
    """
    name = f"tieline_{uuid4().hex}"
    with administration(at) as engine:
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        try:
            yield make_url(at).set(database=name).render_as_string(hide_password=False)
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
