"""Read where tickets and ledger tell different stories: labels of ours that people took off, or put on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, exists, func, select

from rules.catalogue import fold
from sync.store import labels
from sync.store.presence import live

TAKEN_OFF, PUT_ON = "taken off by people", "put on by people"


@dataclass(frozen=True, slots=True, order=True)
class Drift:
    """One label on one ticket that is not as the ledger has it."""

    key: str
    label: str
    what: str
    url: str


def drifts(connection: Connection, prefix: str, theirs: Collection[str] = ()) -> Sequence[Drift]:
    """Compare the ledger with the labels that the tickets in sight carried when they were last read.

    `theirs` are labels by which people ask for something: they are no drift.
    """
    work_item, table = labels.work_item, labels.label_table
    owned = labels.owned(connection)
    rows = connection.execute(
        select(work_item.c.id, work_item.c.key, work_item.c.url, table.c.label)
        .join_from(table, work_item, work_item.c.id == table.c.work_item_id)
        .where(
            func.substr(table.c.label, 1, len(prefix)) == prefix,
            table.c.label_folded.not_in([fold(name) for name in theirs]),
            live(work_item),
        )
    )
    put_on = [Drift(row.key, row.label, PUT_ON, row.url) for row in rows if (row.id, row.label) not in owned]
    ledger = labels.ledger
    there = exists().where(
        and_(table.c.work_item_id == ledger.c.work_item_id, table.c.label == ledger.c.label)
    )
    missing = connection.execute(
        select(work_item.c.id, work_item.c.key, work_item.c.url, ledger.c.label)
        .join_from(ledger, work_item, work_item.c.id == ledger.c.work_item_id)
        .where(
            ledger.c.operation == "add", ledger.c.state.in_(["done", labels.ADOPTED]), ~there, live(work_item)
        )
        .distinct()
    )
    put_there = labels.owned(connection, kept=False)
    taken_off = [Drift(r.key, r.label, TAKEN_OFF, r.url) for r in missing if (r.id, r.label) in put_there]
    return sorted(put_on + taken_off)
