"""A company whose pages are served, after one night."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.sync.report.stage import COMPANY, Stage
from tests.sync.web.lobby import Lobby, serve


@pytest.fixture
def stage(engine: Engine) -> Stage:
    made = Stage(engine)
    made.night(COMPANY)
    return made


@pytest.fixture
def door(stage: Stage) -> Iterator[Lobby]:
    """The pages, before anybody has logged in."""
    with serve(stage) as lobby:
        yield lobby


@pytest.fixture
def lobby(door: Lobby) -> Lobby:
    """The pages, as Anna sees them."""
    assert door.log_in().status_code == 303
    return door
