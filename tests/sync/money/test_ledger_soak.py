"""Ledgers made and restated at random come out to the cent; `make soak-finance` checks thousands."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from tests.sync.ledger_soak import ledger_test


def test_random_ledgers_restated_at_random_come_out_to_the_cent(engine: Engine, tmp_path: Path) -> None:
    ledger_test(engine, tmp_path, 100, derandomize=True)()
