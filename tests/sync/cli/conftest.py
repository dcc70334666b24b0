"""A furnished desk for each test, on either deployment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.sandbox import Deployment, Sandbox
from tests.sync.cli.desk import Desk


@pytest.fixture
def desk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    with Sandbox(Deployment.CLOUD) as jira:
        yield Desk(jira, tmp_path, capsys, monkeypatch).furnish()


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def both(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Desk]:
    with Sandbox(request.param) as jira:
        yield Desk(jira, tmp_path, capsys, monkeypatch).furnish()
