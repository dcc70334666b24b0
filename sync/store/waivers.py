"""Keep the waivers that the files grant, and read which findings are under each."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, and_, func, insert, select, update

from rules.catalogue import fold
from rules.condition import render
from rules.ruleset import Waiver
from sync.life import CLOSED
from sync.store import tables
from sync.store.findings import finding
from sync.store.schema import table_of
from sync.waivers.remarks import WaiverFacts

waiver = table_of(tables.Waiver)

FILE = "file"
GRANTED = "granted"
WITHDRAWN = "withdrawn"


def keep(connection: Connection, granted: Iterable[Waiver], run_id: int) -> dict[tuple[str, str], int]:
    """Keep the waivers of the files as they stand tonight, and give the id of each by its key.

    One that is gone from the files is withdrawn; it stays on record, with who gave it and when.
    """
    known = {
        (row.rule, row.condition): int(row.id)
        for row in connection.execute(
            select(waiver.c.id, waiver.c.rule, waiver.c.condition).where(waiver.c.origin == FILE)
        )
    }
    ids: dict[tuple[str, str], int] = {}
    for one in granted:
        values = columns_of(one, run_id)
        if one.key in known:
            ids[one.key] = known[one.key]
            connection.execute(update(waiver).where(waiver.c.id == known[one.key]).values(**values))
        else:
            new = insert(waiver).values(origin=FILE, first_run=run_id, **values).returning(waiver.c.id)
            ids[one.key] = int(connection.execute(new).scalar_one())
    connection.execute(
        update(waiver)
        .where(waiver.c.origin == FILE, waiver.c.state == GRANTED, waiver.c.last_run < run_id)
        .values(state=WITHDRAWN)
    )
    return ids


def columns_of(one: Waiver, run_id: int) -> dict[str, object]:
    """Give the columns that a night brings up to date."""
    return {
        "state": GRANTED,
        "rule": one.rule.id,
        "condition": render(one.condition),
        "reason": one.reason,
        "owner": one.owner,
        "owner_folded": fold(one.owner),
        "approver": one.approver,
        "approver_folded": None if one.approver is None else fold(one.approver),
        "until": one.until,
        "place": f"{one.path}:{one.line}",
        "last_run": run_id,
    }


def granted_waivers(connection: Connection) -> tuple[WaiverFacts, ...]:
    """Read the waivers granted at present, each with the number of findings under it, by rule and day."""
    under = and_(finding.c.waiver_id == waiver.c.id, finding.c.state != CLOSED)
    rows = connection.execute(
        select(waiver, func.count(finding.c.id).label("findings"))
        .outerjoin(finding, under)
        .where(waiver.c.state == GRANTED)
        .group_by(*waiver.c)
        .order_by(waiver.c.rule, waiver.c.until, waiver.c.id)
    )
    return tuple(
        WaiverFacts(
            rule=row.rule,
            condition=row.condition,
            reason=row.reason,
            owner=row.owner,
            approver=row.approver,
            until=row.until,
            place=row.place,
            findings=int(row.findings),
            on_ticket=row.origin != FILE,
        )
        for row in rows
    )
