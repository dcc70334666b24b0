"""On PostgreSQL, too, a night may end anywhere: each place in another way than on SQLite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import postgres
from tests.sync.kill_soak import each_place_once
from tests.sync.morning import morning


@pytest.mark.postgresql
def test_wherever_and_however_a_night_ends_the_next_one_ends_as_if_nothing_had_happened(
    tmp_path: Path,
) -> None:
    with postgres.fresh_database(postgres.server()) as url, morning(url, tmp_path) as dawn:
        dawn.live_undisturbed()
        assert [text for case in each_place_once(1) for text in dawn.live_through(case)] == []
