"""Keep the ledger of label writes: what was planned, what was meant, how Jira answered, what then stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    insert,
    or_,
    update,
)

from rules.catalogue import fold
from sync.labels.plan import Change, LabelOn, Plan
from sync.store.bulk import insert_rows
from sync.store.labels import ADOPTED, label_table, ledger, on_ticket, plan_change, work_item


def save_plan(connection: Connection, run_id: int, plan: Plan) -> None:
    """Keep the plan of a run: what is to be written, and what is not and why."""
    connection.execute(delete(plan_change).where(plan_change.c.run_id == run_id))
    rows = [
        change_row(run_id, change) | {"withheld": why}
        for why, changes in plan.parts().items()
        for change in changes
    ]
    if rows:
        connection.execute(insert(plan_change), rows)


def change_row(run_id: int, change: Change) -> dict[str, int | str | None]:
    """Give the columns that plan and ledger share."""
    return {
        "run_id": run_id,
        "work_item_id": change.ticket.item_id,
        "label": change.label,
        "operation": change.operation,
        "rule": change.rule,
    }


def intend(connection: Connection, run_id: int, changes: Iterable[Change], now: datetime) -> None:
    """Write the intent of these changes into the ledger, before any call is made."""
    rows = [change_row(run_id, change) | {"state": "intended", "intended_at": now} for change in changes]
    if rows:
        connection.execute(insert(ledger), rows)


def adopt(connection: Connection, run_id: int, found: Iterable[LabelOn], now: datetime) -> None:
    """Take labels that are on tickets already into the ledger."""
    rows = [
        change_row(run_id, Change(on.ticket, "add", on.label, on.rule))
        | {"state": ADOPTED, "intended_at": now}
        for on in found
    ]
    insert_rows(connection, ledger, rows)


def answer(
    connection: Connection,
    run_id: int,
    changes: Iterable[Change],
    *,
    state: str,
    reason: str | None,
    now: datetime,
) -> None:
    """Record how Jira answered changes: `done`, `parked`, `dropped`, or still `intended` with a reason."""
    answered_at = None if state == "intended" else now
    for condition, _, _, _ in alike(changes):
        connection.execute(
            update(ledger)
            .where(ledger.c.run_id == run_id, ledger.c.state == "intended", condition)
            .values(state=state, reason=reason, answered_at=answered_at)
        )


def revoke(connection: Connection, run_id: int, changes: Iterable[Change], reason: str) -> None:
    """Park changes that were answered as done and turned out not to be."""
    for condition, _, _, _ in alike(changes):
        connection.execute(
            update(ledger)
            .where(ledger.c.run_id == run_id, ledger.c.state == "done", condition)
            .values(state="parked", reason=reason)
        )


def take_over(connection: Connection, changes: Iterable[Change]) -> None:
    """Bring our copy of the tickets' labels up to what we just wrote.

    The row's hash no longer tells what the copy holds: without it the next read replaces the labels, also
    when a person took ours away meanwhile and the ticket reads as it did before. What can be written to is
    there: an undo reaches tickets of which no read has told for some nights.
    """
    there = {"row_hash": "", "missing_since": None, "deleted_at": None}
    for _, operation, label, ids in alike(changes):
        connection.execute(update(work_item).where(work_item.c.id.in_(ids)).values(**there))
        connection.execute(
            delete(label_table).where(label_table.c.work_item_id.in_(ids), label_table.c.label == label)
        )
        if operation == "add":
            connection.execute(
                insert(label_table),
                [{"work_item_id": item, "label": label, "label_folded": fold(label)} for item in ids],
            )


def alike(changes: Iterable[Change]) -> Iterator[tuple[ColumnElement[bool], str, str, list[int]]]:
    """Group changes of one operation and label: the ledger's rows of each group, and its tickets' ids."""
    groups: dict[tuple[str, str], list[int]] = {}
    for change in changes:
        groups.setdefault((change.operation, change.label), []).append(change.ticket.item_id)
    for (operation, label), ids in groups.items():
        condition = and_(
            ledger.c.operation == operation, ledger.c.label == label, ledger.c.work_item_id.in_(ids)
        )
        yield condition, operation, label, ids


def settle_intents(connection: Connection, run_id: int, now: datetime) -> None:
    """Answer the intents of runs that died: the labels read from Jira since tell what became of each.

    A ticket that was not read since keeps its intents open.
    """
    read_since = exists().where(
        work_item.c.id == ledger.c.work_item_id, work_item.c.last_run > ledger.c.run_id
    )
    open_ones = and_(ledger.c.state == "intended", ledger.c.run_id < run_id, read_since)
    there = on_ticket()
    kept = or_(and_(ledger.c.operation == "add", there), and_(ledger.c.operation == "remove", ~there))
    for condition, state, reason in (
        (and_(open_ones, kept), "done", "found so after the run was killed"),
        (open_ones, "dropped", "not found so after the run was killed"),
    ):
        connection.execute(
            update(ledger).where(condition).values(state=state, reason=reason, answered_at=now)
        )
