"""Some random nights of pulling: after a quiet one the store equals Jira (`make soak-pull` for more)."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync.sandbox import Deployment
from tests.sync.pull_soak import soak


@pytest.mark.parametrize(
    ("deployment", "seed"), [(Deployment.CLOUD, 7), (Deployment.DATA_CENTER, 8)], ids=["cloud", "dc"]
)
def test_after_any_bad_night_a_quiet_one_leaves_the_store_equal_to_jira(
    deployment: Deployment, seed: int, tmp_path: Path
) -> None:
    wrong, tally = soak(deployment, 25, seed, tmp_path)
    assert wrong == []
    assert tally["quiet, reading changes"] > 10
    assert tally["killed"] + tally["bad, ended failed"] > 0
    assert tally["edits while reading"] > 5
