"""Hear what people ask for with labels on tickets, in the night that reads the labels."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection

from rules.ruleset import RuleSet
from sync.settings import Settings
from sync.store import audit, requests
from sync.waivers.asking import Heard, Night, listen


def hear(
    connection: Connection,
    settings: Settings,
    rules: RuleSet,
    sites: Collection[str],
    run: tuple[int, datetime],
) -> Heard:
    """Hold the labels on the tickets of these sites against the requests there are, and keep what is new."""
    (run_id, now), names = run, settings.asking
    heard = listen(
        requests.asks(connection, names, sites),
        requests.labelled(connection, names, sites),
        requests.live_requests(connection, sites),
        Night(now, now.astimezone(settings.zone).date(), timedelta(days=settings.request_days)),
    )
    if heard.new or heard.turns:
        owners = {rule.id: rule.owner for rule in rules.rules if rule.owner}
        requests.note(connection, heard, owners, run_id, now)
        audit.append(connection, run_id, "request", requests.details(connection, heard), now)
    return heard
