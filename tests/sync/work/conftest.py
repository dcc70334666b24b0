"""The service of a machine that shares its work with others, on a store of PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.frame.service import Service
from sync.settings import load_settings
from sync.sources import load_sources
from sync.store.database import open_store
from sync.wiring import build_service
from tests.clock import NOW


@pytest.fixture
def service(postgresql_url: str, tmp_path: Path) -> Iterator[Service]:
    environ = {
        "TIELINE_DATABASE_URL": postgresql_url,
        "TIELINE_QUEUE": "postgresql",
        "JIRA_URL": "https://jira.invalid",
        "JIRA_PAT": "x",
        "OBJECTIVES_PATH": str(tmp_path / "objectives.csv"),
    }
    settings, engine = load_settings(environ), open_store(postgresql_url)
    made, _ = build_service(
        settings, load_sources(settings, environ), engine, lambda _: tmp_path, lambda: NOW
    )
    yield made
    engine.dispose()
