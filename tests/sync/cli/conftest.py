"""A furnished desk for each test; when the test is over, no file on it may hold a secret."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.sandbox import Deployment, Sandbox
from tests.sync.cli.desk import SECRETS, Desk


@pytest.fixture
def deployment() -> Deployment:
    return Deployment.CLOUD


@pytest.fixture
def desk(
    deployment: Deployment,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    with Sandbox(deployment, credentials=SECRETS) as jira:
        furnished = Desk(jira, tmp_path, capsys, monkeypatch).furnish()
        yield furnished
        assert furnished.leaks() == []
