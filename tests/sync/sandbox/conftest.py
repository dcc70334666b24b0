"""Running sandboxes: one of each deployment, with a small project in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sync.sandbox import Deployment, Sandbox
from tests.sync.sandbox.clients import Client


def open_client(deployment: Deployment) -> Iterator[Client]:
    with Sandbox(deployment) as jira:
        jira.site.add_project("PAY", "Payments")
        client = Client(jira)
        yield client
        client.close()


@pytest.fixture(params=list(Deployment))
def client(request: pytest.FixtureRequest) -> Iterator[Client]:
    yield from open_client(request.param)


@pytest.fixture
def cloud() -> Iterator[Client]:
    yield from open_client(Deployment.CLOUD)


@pytest.fixture
def server() -> Iterator[Client]:
    yield from open_client(Deployment.DATA_CENTER)
