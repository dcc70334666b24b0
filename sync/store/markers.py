"""The rows behind markers: the findings they speak of, and the ledger of what tickets were told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from connectors.verdicts import Marker
from sync.labels.markers import MarkerChange, MarkerPlan, NextTry, Standing
from sync.labels.plan import Refusals, Ticket
from sync.store import labels, tables
from sync.store.bulk import among
from sync.store.labels import TICKET, finding, work_item
from sync.store.presence import live
from sync.store.schema import AnyRow, table_of

ledger = table_of(tables.MarkerWrite)

# What tells how a marker stands: answers, and orders whose answer nobody got.
TELLING = ("done", "intended")


def labelled(
    connection: Connection, sites: Collection[str], items: Collection[int] | None = None
) -> Iterable[AnyRow]:
    """Read the findings that want a label on a ticket of these sites, ticket by ticket."""
    return connection.execute(
        select(
            *TICKET,
            finding.c.rule,
            finding.c.label,
            finding.c.severity,
            finding.c.since,
            finding.c.opened_run,
            finding.c.evidence,
        )
        .join_from(finding, work_item, work_item.c.id == finding.c.subject_id)
        .where(labels.wants_label(sites, items))
        .order_by(work_item.c.source, work_item.c.id, finding.c.rule)
    )


def ours_on_tickets(
    connection: Connection, prefix: str, sites: Collection[str], items: Collection[int] | None = None
) -> set[tuple[int, str]]:
    """Read the pairs (item id, label) of labels of ours that tickets bear."""
    there = {
        (one.ticket.item_id, one.label) for one in labels.present(connection, prefix, sites, items=items)
    }
    return there & labels.owned(connection, items)


def standing(
    connection: Connection, sites: Collection[str], items: Collection[int] | None = None
) -> list[Standing]:
    """Read the markers that stand on tickets of these sites, and those of which nobody knows."""
    rows = connection.execute(
        select(*TICKET, ledger.c.kind, ledger.c.digest, ledger.c.operation, ledger.c.state)
        .join_from(ledger, work_item, work_item.c.id == ledger.c.work_item_id)
        .where(stands(items), work_item.c.source.in_(sites), live(work_item))
    )
    return [
        Standing(Ticket(*row[:4]), Marker(row.kind), row.digest if row.state == "done" else None)
        for row in rows
    ]


def stands(items: Collection[int] | None = None) -> ColumnElement[bool]:
    """Give the condition that a row of the ledger is the last word on a marker, and not that it is gone."""
    newest = (
        select(func.max(ledger.c.id))
        .where(ledger.c.state.in_(TELLING), labels.chosen(ledger.c.work_item_id, items))
        .group_by(ledger.c.work_item_id, ledger.c.kind)
    )
    return and_(ledger.c.id.in_(newest), or_(ledger.c.operation == "put", ledger.c.state == "intended"))


def told_items() -> Select[tuple[int]]:
    """Select the items of which we cannot say that all our markers are gone."""
    return select(ledger.c.work_item_id).where(stands())


def refused(connection: Connection) -> NextTry:
    """Give, by item id and marker, the next try of what Jira refused and has not taken since."""
    later = ledger.alias("later")
    made_since = exists().where(
        later.c.work_item_id == ledger.c.work_item_id,
        later.c.kind == ledger.c.kind,
        later.c.state == "done",
        later.c.id > ledger.c.id,
    )
    rows = connection.execute(
        select(
            ledger.c.work_item_id,
            ledger.c.kind,
            func.count().label("number"),
            func.max(ledger.c.intended_at).label("last"),
        )
        .where(ledger.c.state == "parked", ~made_since)
        .group_by(ledger.c.work_item_id, ledger.c.kind)
    )
    return {(row.work_item_id, row.kind): Refusals(row.number, row.last).next_try for row in rows}


def unsettled(connection: Connection, run_id: int) -> set[int]:
    """Give the items on which a label change of this run was not made."""
    rows = select(labels.ledger.c.work_item_id).where(
        labels.ledger.c.run_id == run_id, labels.ledger.c.state.not_in(labels.SETTLED)
    )
    return set(connection.scalars(rows))


def intend(connection: Connection, run_id: int, plan: MarkerPlan, now: datetime) -> None:
    """Write the intent of these changes into the ledger, before any call is made."""
    rows = []
    for change in plan.changes:
        verdict = plan.verdict(change)
        rows.append(
            {
                "run_id": run_id,
                "work_item_id": change.ticket.item_id,
                "kind": change.marker.value,
                "operation": change.operation,
                "digest": change.digest,
                "content": None if verdict is None else verdict.text,
                "state": "intended",
                "intended_at": now,
            }
        )
    if rows:
        connection.execute(insert(ledger), rows)


def answer(
    connection: Connection,
    run_id: int,
    changes: Sequence[MarkerChange],
    *,
    state: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Record how Jira answered; what is done also settles older orders whose answer was lost."""
    pairs = [(change.ticket.item_id, change.marker.value) for change in changes]
    on_these = tuple_(ledger.c.work_item_id, ledger.c.kind).in_(pairs)
    open_ones = ledger.c.state == "intended"
    answered_at = None if state == "intended" else now
    connection.execute(
        update(ledger)
        .where(ledger.c.run_id == run_id, open_ones, on_these)
        .values(state=state, reason=reason, answered_at=answered_at)
    )
    if state == "done":
        connection.execute(
            update(ledger)
            .where(ledger.c.run_id < run_id, open_ones, on_these)
            .values(state="dropped", reason=f"settled by run {run_id}", answered_at=now)
        )


def writes_on(connection: Connection, item_id: int) -> Sequence[AnyRow]:
    """Read what we told a ticket, newest first."""
    return connection.execute(
        select(ledger).where(ledger.c.work_item_id == item_id).order_by(ledger.c.id.desc()).limit(20)
    ).all()


def items_of(connection: Connection, run_id: int) -> set[int]:
    """Give the items whose markers a run changed."""
    return set(
        connection.scalars(
            select(ledger.c.work_item_id).where(ledger.c.run_id == run_id, ledger.c.state == "done")
        )
    )


def telling_rows(connection: Connection, items: Collection[int]) -> Sequence[AnyRow]:
    """Read all that these items were told or may have been, in order."""
    return connection.execute(
        select(*TICKET, ledger.c.kind, ledger.c.run_id, ledger.c.state, ledger.c.content)
        .join_from(ledger, work_item, work_item.c.id == ledger.c.work_item_id)
        .where(among(connection, ledger.c.work_item_id, items), ledger.c.state.in_(TELLING))
        .order_by(ledger.c.id)
    ).all()
