"""Count the deliveries of webhooks, by site and by what was made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from sync.store import tables
from sync.store.schema import AnyRow, table_of

count = table_of(tables.WebhookCount)


def add(connection: Connection, counts: Mapping[tuple[str, str], int], at: datetime) -> None:
    """Add to the counts by site and outcome; where two processes begin one at once, one has to try again."""
    for (site, outcome), number in sorted(counts.items()):
        same = (count.c.site == site) & (count.c.outcome == outcome)
        added = connection.execute(
            update(count).where(same).values(number=count.c.number + number, last_at=at)
        )
        if not added.rowcount:
            connection.execute(insert(count).values(site=site, outcome=outcome, number=number, last_at=at))


def counts(connection: Connection) -> Sequence[AnyRow]:
    """Read how many deliveries there ever were, by site and outcome."""
    return connection.execute(select(count).order_by(count.c.site, count.c.outcome)).all()
