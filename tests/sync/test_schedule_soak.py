"""A year of nights in each of five zones, whatever goes wrong; `make soak-schedule` lives through 200."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from tests.sync.schedule_soak import PLACES, soak


@pytest.mark.parametrize("seed", range(len(PLACES)))
def test_each_local_date_is_run_once_none_lost_none_doubled(engine: Engine, seed: int) -> None:
    problems, happened = soak(engine, range(seed, seed + 1))
    assert problems == []
    assert happened["nights"] > 300
    assert min(happened["kills"], happened["late starts"], happened["clocks set back"]) > 5
