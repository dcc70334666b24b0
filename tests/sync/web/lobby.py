"""The pages of a small company, served over real HTTP: what people and machines meet there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import requests

from rules.moments import Context
from rules.pack import load, shipped
from rules.ruleset import RuleSet
from sync.hooks.serving import no_report
from sync.settings import load_settings
from sync.sources import SourcesConfig
from sync.store.catalogue import Frame, bind_catalogue
from sync.web import Office, PageServer, build
from sync.wiring import build_service
from tests.sync.report.markup import Markup, read, squeezed
from tests.sync.report.stage import PREFIX, ZONE, Stage

ANNA, BOB = "anna-0123456789-abcdefgh", "bob-0123456789-abcdefghi"
LOGINS = f"anna:{ANNA}, bob:{BOB}"
HTML = {"Accept": "text/html"}


@dataclass
class Lobby:
    """A served store; `visit` asks for a page as whoever the session belongs to."""

    stage: Stage
    office: Office
    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **more: Any) -> requests.Response:
        headers = HTML | more.pop("headers", {})
        return self.session.get(self.url + path, headers=headers, allow_redirects=False, **more)

    def post(self, path: str, form: dict[str, str], **more: Any) -> requests.Response:
        headers = HTML | more.pop("headers", {})
        return self.session.post(self.url + path, data=form, headers=headers, allow_redirects=False, **more)

    def ticket(self, path: str) -> str:
        """What the form on a page carries."""
        found = re.search(r'name="ticket" value="([0-9a-f]{64})"', self.get(path).text)
        assert found, f"no form on {path}"
        return found[1]

    def log_in(self, token: str = ANNA, after: str = "/") -> requests.Response:
        return self.post("/login", {"ticket": self.ticket("/login"), "token": token, "next": after})

    def night(self, *read: Any, **more: Any) -> int:
        """Another night, and another day: people log in again."""
        run_id = self.stage.night(*read, **more)
        self.log_in()
        return run_id

    def visit(self, path: str) -> Markup:
        """A page that is there, read as a browser would."""
        answer = self.session.get(self.url + path, headers=HTML)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[-300:])
        return read(answer.text)

    def text(self, path: str) -> str:
        return squeezed(self.visit(path).all("main")[0].text)


def rules_at(now: datetime) -> RuleSet:
    catalogue = bind_catalogue(Frame(now.date(), 2026, "USD", PREFIX))
    return load(shipped(), catalogue, Context(now, ZONE))


@contextmanager
def serve(stage: Stage, **environ: str) -> Iterator[Lobby]:
    """Serve what is on the stage, at the time that it is there."""
    said = {"TIELINE_LOGINS": LOGINS, "TIELINE_FISCAL_YEAR": "2026", "TIELINE_TIMEZONE": "Europe/Berlin"}
    settings = load_settings({name: text for name, text in (said | environ).items() if text})
    service, _ = build_service(settings, SourcesConfig(), stage.engine, no_report, lambda: stage.now)
    office = Office(settings, SourcesConfig(), stage.engine, rules_at, service, lambda: stage.now)
    with PageServer(build(office), "127.0.0.1:0") as server, requests.Session() as session:
        session.trust_env = False
        yield Lobby(stage, office, server.url, session)
