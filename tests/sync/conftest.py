"""An open, empty store: once on SQLite, once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from sync.store.database import open_store


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_store(database_url)
    yield opened
    opened.dispose()
