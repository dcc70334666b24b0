"""Money shared out and restated at random counts once everywhere; `make soak-finance` checks thousands."""

from __future__ import annotations

from sqlalchemy import Engine

from tests.sync.shares_soak import shares_test


def test_random_money_shared_out_at_random_counts_once_for_work_objectives_and_currencies(
    engine: Engine,
) -> None:
    shares_test(engine, 20, derandomize=True)()
