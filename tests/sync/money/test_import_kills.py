"""An import killed at any statement leaves all of it or nothing, and the next one ends as if nothing was."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.sync.import_kills import kill_imports

# Every so many statements a process dies; `make soak-finance` kills at each of them.
EVERY = 11


@pytest.mark.parametrize("first", [False, True], ids=["restatement", "first import"])
def test_an_import_killed_at_any_statement_is_there_whole_or_not_at_all(
    engine: Engine, database_url: str, tmp_path: Path, first: bool
) -> None:
    engine.dispose()
    assert kill_imports(database_url, tmp_path / "books", first=first, every=EVERY) > 3
