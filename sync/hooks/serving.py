"""Take webhooks for as long as the service runs, for the sites that have a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from starlette.routing import Route

from connectors.turns import Turns
from rules.ruleset import RuleSet
from sync.hooks.hints import Hints
from sync.hooks.receiving import Reception
from sync.hooks.tally import Tally
from sync.hooks.worker import HintWorker
from sync.settings import Settings
from sync.sources import SourcesConfig
from sync.wiring import build_service


@contextmanager
def hooks_served(
    settings: Settings,
    sources: SourcesConfig,
    engine: Engine,
    rules: Callable[[datetime], RuleSet],
    *,
    clock: Callable[[], datetime],
    say: Callable[[str], None],
    turns: Turns | None = None,
) -> Iterator[list[Route]]:
    """Work off what the routes take in, and give these; none where no site has a secret.

    The sites are entered apart from those of the nights, which are left after each of them.
    """
    secrets = {
        site.name: site.webhook_secret.get_secret_value()
        for site in sources.jira
        if site.webhook_secret is not None
    }
    if settings.listen is None or not secrets:
        yield []
        return
    service, sites = build_service(settings, sources, engine, no_report, clock, turns=turns)
    hints, tally = Hints(), Tally(engine, clock)
    with tally, HintWorker(replace(service, rules=rules), rules, hints, say, sites.close):
        yield [Reception(secrets, settings.label_prefix, hints, tally.count).route()]
    told = ", ".join(f"{number} {what}" for what, number in sorted(hints.told.items()))
    if told:
        say(f"Webhooks: {told}.")


def no_report(run_id: int) -> Path:  # noqa: ARG001 - only a night writes one
    """Write no report: it is made of a night's figures."""
    return Path()
