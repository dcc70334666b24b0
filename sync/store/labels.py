"""Read what a plan goes by: the labels that are wanted, present and owned, and what was refused."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Exists,
    ScalarSelect,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
)

from rules.catalogue import fold
from sync.labels.plan import Change, LabelOn, Refusals, Ticket
from sync.life import LABELLED
from sync.store import tables
from sync.store.findings import WORK_ITEM
from sync.store.presence import live
from sync.store.schema import table_of
from sync.waivers.asking import Kind, Standing

finding = table_of(tables.Finding)
label_table = table_of(tables.WorkItemLabel)
ledger = table_of(tables.LabelWrite)
plan_change = table_of(tables.PlanChange)
dispute = table_of(tables.WaiverRequest)
run = table_of(tables.Run)
work_item = table_of(tables.WorkItem)

# The state of a label that an earlier store put on a ticket and that was taken over.
ADOPTED = "adopted"

# The state of a removal that was not ours.
BY_PEOPLE = "by people"

# The states in which the ticket is as the row says.
SETTLED = ("done", ADOPTED, BY_PEOPLE)
TICKET = (work_item.c.source, work_item.c.key, work_item.c.source_id, work_item.c.id)


def wanted(
    connection: Connection, prefix: str, sites: Collection[str], items: Collection[int] | None = None
) -> list[LabelOn]:
    """Read the labels that open findings want on the tickets of these sites, or on these `items` of them."""
    disputed = exists().where(
        dispute.c.work_item_id == finding.c.subject_id,
        dispute.c.rule == finding.c.rule,
        dispute.c.kind == Kind.DISPUTE.value,
        dispute.c.state == Standing.REQUESTED.value,
        dispute.c.over_at.is_(None),
    )
    tries = tries_of(prefix).label("tries")
    rows = connection.execute(
        select(*TICKET, finding.c.label, finding.c.rule, tries, disputed.label("disputed"))
        .join_from(finding, work_item, work_item.c.id == finding.c.subject_id)
        .where(wants_label(sites, items))
    )
    return [
        LabelOn(Ticket(*row[:4]), prefix + row.label, row.rule, row.tries, bool(row.disputed)) for row in rows
    ]


def wants_label(sites: Collection[str], items: Collection[int] | None = None) -> ColumnElement[bool]:
    """Give the condition that a finding wants its label on a ticket of these sites, or on these of them."""
    return and_(
        finding.c.entity == WORK_ITEM,
        finding.c.label.is_not(None),
        finding.c.state.in_(LABELLED),
        finding.c.waiver_id.is_(None),
        work_item.c.source.in_(sites),
        live(work_item),
        chosen(work_item.c.id, items),
    )


def chosen(column: ColumnElement[int], items: Collection[int] | None) -> ColumnElement[bool]:
    """Give the condition that a column holds the id of one of these items; None means any."""
    return true() if items is None else column.in_(items)


def tries_of(prefix: str) -> ScalarSelect[int]:
    """Count how often we have put the label of a finding on its ticket since the finding opened.

    What we took back ourselves (an undo) does not count: that is no word of those who work on the ticket.
    """
    return (
        select(func.coalesce(func.sum(case((ledger.c.operation == "add", 1), else_=-1)), 0))
        .select_from(ledger)
        .where(
            ledger.c.work_item_id == finding.c.subject_id,
            ledger.c.label == literal(prefix) + finding.c.label,
            ledger.c.state.in_(["done", ADOPTED]),
            ledger.c.intended_at >= finding.c.opened_at,
        )
        .correlate(finding)
        .scalar_subquery()
    )


def refused(connection: Connection) -> dict[tuple[int, str, str], datetime]:
    """Give, by item id, label and operation, the next try of what Jira refused and has not made since."""
    later = ledger.alias("later")
    made_since = exists().where(
        later.c.work_item_id == ledger.c.work_item_id,
        later.c.label == ledger.c.label,
        later.c.operation == ledger.c.operation,
        later.c.state == "done",
        later.c.id > ledger.c.id,
    )
    change = (ledger.c.work_item_id, ledger.c.label, ledger.c.operation)
    rows = connection.execute(
        select(*change, func.count().label("number"), func.max(ledger.c.intended_at).label("last"))
        .where(ledger.c.state == "parked", ~made_since)
        .group_by(*change)
    )
    return {
        (row.work_item_id, row.label, row.operation): Refusals(row.number, row.last).next_try for row in rows
    }


def present(
    connection: Connection,
    prefix: str,
    sites: Collection[str],
    theirs: Collection[str] = (),
    items: Collection[int] | None = None,
) -> list[LabelOn]:
    """Read the labels of our prefix on the tickets of these sites, and those we wrote under an older one.

    `theirs` are labels by which people ask for something: they are never ours, whatever they begin with.
    """
    ours = exists().where(
        ledger.c.work_item_id == label_table.c.work_item_id,
        ledger.c.label == label_table.c.label,
        ledger.c.operation == "add",
    )
    rows = connection.execute(
        select(*TICKET, label_table.c.label)
        .join_from(label_table, work_item, work_item.c.id == label_table.c.work_item_id)
        .where(
            or_(func.substr(label_table.c.label, 1, len(prefix)) == prefix, ours),
            label_table.c.label_folded.not_in([fold(name) for name in theirs]),
            work_item.c.source.in_(sites),
            live(work_item),
            chosen(work_item.c.id, items),
        )
    )
    return [LabelOn(Ticket(*row[:4]), row.label) for row in rows]


def owned(
    connection: Connection, items: Collection[int] | None = None, *, kept: bool = True
) -> set[tuple[int, str]]:
    """Read the pairs (item id, label) we added and have not removed since, whatever the prefix was then.

    An addition whose answer was lost counts: if the label is on the ticket, it was our request that put it.
    With `kept`, a label that people were seen to have taken off is ours no more: back on, it is theirs.
    """
    rows = connection.execute(
        select(ledger.c.work_item_id, ledger.c.label)
        .where(
            ledger.c.operation == "add",
            ledger.c.state.in_(["done", "intended", ADOPTED]),
            ~removed_since("done", *([BY_PEOPLE] if kept else [])),
            chosen(ledger.c.work_item_id, items),
        )
        .distinct()
    )
    return {(row.work_item_id, row.label) for row in rows}


def removed_since(*states: str) -> Exists:
    """Say of a row of the ledger whether a later one removes the same label, in one of these states."""
    later = ledger.alias("later")
    return exists().where(
        later.c.work_item_id == ledger.c.work_item_id,
        later.c.label == ledger.c.label,
        later.c.operation == "remove",
        later.c.state.in_(states),
        later.c.id > ledger.c.id,
    )


def note_taken_off(connection: Connection, run_id: int, now: datetime) -> None:
    """Note which labels of ours people have taken off tickets that were read since we put them there."""
    read_since = exists().where(
        work_item.c.id == ledger.c.work_item_id, work_item.c.last_run > ledger.c.run_id, live(work_item)
    )
    noted = (literal("remove"), literal(""), literal(BY_PEOPLE), *2 * (literal(now, tables.Instant()),))
    gone = (
        select(literal(run_id), ledger.c.work_item_id, ledger.c.label, *noted)
        .where(
            ledger.c.operation == "add",
            ledger.c.state.in_(["done", ADOPTED]),
            read_since,
            ~on_ticket(),
            ~removed_since("done", BY_PEOPLE),
        )
        .distinct()
    )
    columns = ["run_id", "work_item_id", "label", "operation", "rule", "state", "intended_at", "answered_at"]
    connection.execute(insert(ledger).from_select(columns, gone))


def on_ticket() -> Exists:
    """Say of a row of the ledger whether our copy of the ticket bears its label."""
    return exists().where(
        label_table.c.work_item_id == ledger.c.work_item_id, label_table.c.label == ledger.c.label
    )


def older_labels(connection: Connection, prefix: str) -> frozenset[str]:
    """Read the labels we wrote under another prefix than today's."""
    return frozenset(
        connection.scalars(
            select(ledger.c.label)
            .where(ledger.c.operation == "add", func.substr(ledger.c.label, 1, len(prefix)) != prefix)
            .distinct()
        )
    )


def tickets_in_scope(connection: Connection, sites: Collection[str]) -> dict[tuple[str, str], int]:
    """Count the work items that may carry a label, by site and project."""
    rows = connection.execute(
        select(work_item.c.source, work_item.c.project_key, func.count())
        .where(live(work_item), work_item.c.in_scope, work_item.c.source.in_(sites))
        .group_by(work_item.c.source, work_item.c.project_key)
    )
    return {(row[0], row[1]): row[2] for row in rows}


def tickets_written(connection: Connection, since: datetime) -> int:
    """Count the tickets that runs have written to since a moment, or may have."""
    return (
        connection.scalar(
            select(func.count(ledger.c.work_item_id.distinct())).where(
                ledger.c.intended_at >= since, ledger.c.state.in_(["done", "intended"])
            )
        )
        or 0
    )


def written_by(connection: Connection, trigger: str, after: int) -> int:
    """Count the changes that runs of one kind meant to make since the run `after`."""
    counted = (
        select(func.count())
        .select_from(ledger)
        .join(run, run.c.id == ledger.c.run_id)
        .where(run.c.trigger == trigger, run.c.id > after)
    )
    return connection.scalar(counted) or 0


def made_by(connection: Connection, run_id: int) -> list[tuple[Change, int | None, bool]]:
    """Read what a run wrote; of each change, the first later run that touched the same label, and whether
    people were seen to have taken it off since.
    """
    later = ledger.alias("later")
    touched = (
        select(func.min(later.c.run_id))
        .where(
            later.c.work_item_id == ledger.c.work_item_id,
            later.c.label == ledger.c.label,
            later.c.id > ledger.c.id,
            later.c.state.in_(["done", "intended"]),
        )
        .correlate(ledger)
        .scalar_subquery()
    )
    rows = connection.execute(
        select(
            *TICKET,
            ledger.c.operation,
            ledger.c.label,
            ledger.c.rule,
            touched.label("later"),
            removed_since(BY_PEOPLE).label("lost"),
        )
        .join_from(ledger, work_item, work_item.c.id == ledger.c.work_item_id)
        .where(ledger.c.run_id == run_id, ledger.c.state == "done")
        .order_by(work_item.c.key, ledger.c.id)
    )
    return [
        (Change(Ticket(*row[:4]), row.operation, row.label, row.rule), row.later, row.lost) for row in rows
    ]
