"""The soak of webhooks, small enough for every change: nothing lost, nothing doubled."""

from __future__ import annotations

import pytest

from sync.sandbox import Deployment
from tests.sync.hooks.hook_soak import soak


@pytest.mark.parametrize("deployment", list(Deployment))
def test_shuffled_repeated_forged_and_oversized_deliveries_have_each_effect_once(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    soak(deployment, deliveries=120, epics=12, seed=5, pace=0)
    assert "120 deliveries (100 true, 12 forged, 2 oversized, 6 useless), each effect once" in (
        capsys.readouterr().out
    )
