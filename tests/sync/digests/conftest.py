"""A place where messages arrive, and a house whose nights send some there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from sync.sandbox import Deployment, Sandbox
from tests.fakes.inbox import Inbox, open_inbox
from tests.sync.house import House


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    with open_inbox() as opened:
        yield opened


@pytest.fixture
def house(engine: Engine, tmp_path: Path, inbox: Inbox) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        more = {"TIELINE_DIGEST_TO": inbox.address(), "TIELINE_MAX_SHARE": "1", "TIELINE_MAX_SHIFT": "1"}
        furnished = House(jira, tmp_path, engine, more).furnish()
        for _ in range(4):
            furnished.add_epic("O1", "O2")
        yield furnished
