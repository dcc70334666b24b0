"""A house whose Jira tells of each change, over real HTTP: deliveries as Jira sends them, and others."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests
from sqlalchemy import select
from starlette.applications import Starlette

from sync.hooks.hints import Hints
from sync.hooks.receiving import Reception
from sync.hooks.tally import Tally
from sync.hooks.worker import HintWorker
from sync.store import tables
from sync.store.schema import AnyRow, table_of
from sync.web import PageServer
from tests.sync.house import House

SECRET = "a secret of the webhook"
PATIENCE = 120.0


@dataclass
class Gatehouse:
    """`tell` delivers what Jira would of an issue; `until` waits for something to become so."""

    house: House
    url: str
    hints: Hints
    said: list[str]
    session: requests.Session
    tally: Tally

    def tell(self, key: str, event: str = "jira:issue_updated", **more: Any) -> requests.Response:
        return self.deliver({"webhookEvent": event, "issue": {"id": self.id(key), "key": key}, **more})

    def id(self, key: str) -> str:
        return self.house.jira.site.get(key).id

    def deliver(self, said: Any, *, secret: str = SECRET, site: str = "jira") -> requests.Response:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return self.send(body, {"X-Hub-Signature": f"sha256={signature}"}, site)

    def send(self, body: bytes, headers: dict[str, str], site: str = "jira") -> requests.Response:
        return self.session.post(f"{self.url}/hooks/{site}", data=body, headers=headers, timeout=60)

    def until(self, so: Callable[[], bool]) -> None:
        """Wait for it; a test that waits in vain fails by it."""
        end = time.monotonic() + PATIENCE
        while not so():
            assert time.monotonic() < end, f"waited in vain; {self.hints.told}, {self.said}"
            time.sleep(0.02)

    def settled(self) -> bool:
        """Whether nothing waits and every hint taken has come to something."""
        told = self.hints.told
        done = told["looked at"] + told["left to the night"]
        return not self.hints.waiting and done > 0

    def labels(self, key: str) -> list[str]:
        return list(self.house.jira.site.get(key).fields["labels"])

    def writes(self) -> list[AnyRow]:
        """The ledger: what webhooks wrote."""
        ledger, run = table_of(tables.LabelWrite), table_of(tables.Run)
        with self.house.engine.connect() as connection:
            return list(
                connection.execute(
                    select(ledger).join(run, run.c.id == ledger.c.run_id).where(run.c.trigger == "webhook")
                ).all()
            )


@contextmanager
def guarded(house: House, room: int = 1000) -> Iterator[Gatehouse]:
    """Take deliveries for the house."""
    service, sites = house.service()
    hints, said = Hints(room), list[str]()
    tally = Tally(house.engine, lambda: house.now, seconds=0.1)
    reception = Reception({"jira": SECRET}, "align-", hints, tally.count)
    worker = HintWorker(service, service.rules, hints, said.append, sites.close)
    app = Starlette(routes=[reception.route()])
    with tally, worker, PageServer(app, "127.0.0.1:0") as server, requests.Session() as session:
        session.trust_env = False
        yield Gatehouse(house, server.url, hints, said, session, tally)
