"""A house whose first night is over: one epic has its objective, three have none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.sandbox import Deployment, Sandbox
from tests.sync.house import House


@pytest.fixture
def deployment() -> Deployment:
    return Deployment.CLOUD


@pytest.fixture
def house(deployment: Deployment, engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(deployment) as jira:
        made = House(jira, tmp_path, engine).furnish()
        made.add_epic("O1", key="PAY-1")
        for key in ("PAY-2", "PAY-3", "PAY-4"):
            made.add_epic(key=key)
        made.night()
        yield made
