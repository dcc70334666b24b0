"""Open the pages, and the door for webhooks, for as long as the service runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from starlette.routing import BaseRoute

from rules.ruleset import RuleSet
from sync.cli.output import Output
from sync.cli.session import Session, utc_now
from sync.hooks.serving import hooks_served, no_report
from sync.web import Office, pages_served
from sync.wiring import build_service


@contextmanager
def pages_open(
    session: Session, rules: Callable[[datetime], RuleSet], output: Output, more: Sequence[BaseRoute] = ()
) -> Iterator[None]:
    """Serve pages, webhooks and `more` while the context lasts, where TIELINE_LISTEN says so."""
    turns = session.sites.turns
    given = (session.settings, session.sources, session.engine)
    service, sites = build_service(*given, no_report, utc_now, turns=turns)
    office = Office(*given, rules, service, utc_now)

    def say(text: str) -> None:
        output.line(text, style="yellow")

    hooks = hooks_served(
        *given,
        lambda _: office.rules_now(),
        clock=utc_now,
        say=say,
        turns=turns,
    )
    with hooks as routes, pages_served(office, [*routes, *more]) as url:
        if url:
            output.line(line(url, office))
        yield
    sites.close()


def line(url: str, office: Office) -> str:
    """Say where the pages are; where nobody can log in, what to set."""
    if office.logins or office.proxy:
        return f"Pages: {url}"
    return f"Pages: {url}, closed to everybody: set TIELINE_LOGINS or TIELINE_PROXY_HEADER."
