"""A Jira that says exactly what a test tells it to, and a connection to it that never really waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from connectors.budget import RateBudget
from connectors.http import RetryPolicy
from connectors.jira import JiraSite, JiraSiteConfig
from connectors.jira import connect as connect_to
from tests.fakes.scripted_http import Answer, Asked, Naps, Script, ScriptedServer

SERVER_INFO = {
    "cloud": {"deploymentType": "Cloud", "version": "1001.0.0", "serverTime": "2026-11-23T02:00:05.000+0000"},
    "datacenter": {"deploymentType": "Server", "version": "9.12.5", "versionNumbers": [9, 12, 5]},
}
MYSELF = {
    "cloud": {"accountId": "5b10", "displayName": "Night Sync", "timeZone": "Europe/Berlin"},
    "datacenter": {"name": "night", "key": "night", "displayName": "Night Sync", "timeZone": "Europe/Berlin"},
}
FIELDS = [
    {"id": "summary", "name": "Summary", "schema": {"type": "string", "system": "summary"}},
    {"id": "customfield_10043", "name": "Objective ids", "schema": {"custom": "x:textfield"}},
    {"id": "customfield_10044", "name": "Cost code", "schema": {"custom": "x:textfield"}},
    {
        "id": "customfield_10014",
        "name": "Epos",
        "schema": {"custom": "com.pyxis.greenhopper.jira:gh-epic-link"},
    },
]
TOKEN = "very-secret-token"
# Where the clock stands still, no test may run into the ordinary limits.
FAST = dict.fromkeys(("GET", "POST", "PUT", "DELETE"), 1e9)


def config_for(url: str, **settings: Any) -> JiraSiteConfig:
    given = {"url": url, "email": "night@example.com", "api_token": TOKEN, "jql": "project = PAY"}
    return JiraSiteConfig.model_validate(given | settings)


def connect(config: JiraSiteConfig, naps: Naps | None = None) -> JiraSite:
    """Enter a Jira with a budget of one's own and a clock that only naps move."""
    naps = naps or Naps()
    return connect_to(
        config,
        RetryPolicy(sleep=naps, jitter=lambda: 1.0),
        RateBudget("jira.test", FAST, clock=naps.clock, jitter=lambda: 1.0),
    )


class ScriptedJira:
    """A Jira of one deployment: `script` answers all but who it is, who we are and which fields it has."""

    def __init__(self, deployment: str, script: Script) -> None:
        self.naps = Naps()
        self.deployment = deployment
        self.script = script
        self.server = ScriptedServer(self.answer)

    def answer(self, asked: Asked) -> Answer:
        endings = {
            "serverInfo": SERVER_INFO[self.deployment],
            "myself": MYSELF[self.deployment],
            "field": FIELDS,
            "approximate-count": {"count": 1},
        }
        known = endings.get(asked.path.rpartition("/")[2])
        return Answer(known) if known is not None else self.script(asked)

    def asked(self, ending: str) -> list[Asked]:
        return [request for request in self.server.asked if request.path.endswith(ending)]


Jira = Callable[..., tuple[JiraSite, ScriptedJira]]


@pytest.fixture
def jira() -> Iterator[Jira]:
    """`jira(deployment, script, **settings)` gives a connected site and the scripted server behind it."""
    with ExitStack() as stack:

        def start(deployment: str, script: Script, **settings: Any) -> tuple[JiraSite, ScriptedJira]:
            scripted = ScriptedJira(deployment, script)
            server = stack.enter_context(scripted.server)
            site = connect(config_for(server.url, **settings), scripted.naps)
            return stack.enter_context(site), scripted

        yield start


def issue(number: int, **fields: Any) -> dict[str, Any]:
    """A raw issue; `created` is the minute of its number unless given."""
    created = f"2026-01-01T{number // 60 % 24:02d}:{number % 60:02d}:30.000+0100"
    return {
        "id": str(10000 + number),
        "key": f"PAY-{number}",
        "fields": {"created": created, "labels": [], **fields},
    }
