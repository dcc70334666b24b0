"""Save the pages of a pull set-wise: what is new or changed is written, the rest is only marked seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, Table, and_, delete, func, insert, select, update

from connectors.pages import Page, Quarantined
from connectors.records import (
    AllocationRule,
    BudgetLine,
    FxRate,
    LinkClaim,
    Objective,
    OutsideObjective,
    Record,
    WorkItem,
)
from sync.store import rows, tables
from sync.store.bulk import among, insert_rows, upsert_rows
from sync.store.former_keys import keep_former_keys, note_former_keys
from sync.store.renames import follow_goals
from sync.store.schema import AnyRow, table_of
from sync.store.touches import note_touches

BATCH = 1000

KINDS: dict[type, Table] = {
    WorkItem: table_of(tables.WorkItem),
    Objective: table_of(tables.Objective),
    OutsideObjective: table_of(tables.OutsideObjective),
    LinkClaim: table_of(tables.LinkClaim),
    AllocationRule: table_of(tables.AllocationRule),
    FxRate: table_of(tables.FxRate),
}
quarantine = table_of(tables.Quarantine)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a page comes from and when; `began` is the run that began this read, maybe an older one."""

    source: str
    site: str | None
    run_id: int
    began: int
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Saved:
    """How many records a page held, how many of them were new or changed, how many rows were refused."""

    records: int
    changed: int
    quarantined: int


def save_page(connection: Connection, origin: Origin, page: Page) -> Saved:
    """Save the records and the refused rows of one page."""
    by_kind: defaultdict[type, dict[str, Record]] = defaultdict(dict)
    for record in page.records:
        by_kind[type(record)][rows.source_id(record)] = record
    changed = sum(save_records(connection, origin, KINDS[kind], records) for kind, records in by_kind.items())
    note_former_keys(connection, origin.site or origin.source, origin.seen_at, page.former_keys)
    save_quarantined(connection, origin, page.quarantined)
    spare_unseen(connection, origin, page)
    return Saved(len(page.records), changed, len(page.quarantined))


def save_records(connection: Connection, origin: Origin, table: Table, records: dict[str, Record]) -> int:
    """Save records of one kind by their source id; give the number of new and changed ones."""
    changed = 0
    for batch in batches(records.items()):
        hashes = {source_id: rows.row_hash(record) for source_id, record in batch}
        known = known_rows(connection, origin, table, hashes)
        same = [source_id for source_id, row in known.items() if row.row_hash == hashes[source_id]]
        mark_seen(connection, origin, table, same)
        fresh = dict(batch)
        for source_id in same:
            del fresh[source_id]
            del known[source_id]
        if table is KINDS[WorkItem]:
            keep_former_keys(connection, origin.source, origin.seen_at, keys_of(fresh, known))
        if table is KINDS[Objective] and origin.site is not None:
            follow_goals(connection, origin.source, origin.site, origin.seen_at, fresh.values())
        new = [row_of(record, origin, hashes[source_id]) for source_id, record in fresh.items()]
        upsert_rows(connection, table, new, kept=("first_run", "first_seen", "touched_at"))
        if table is KINDS[WorkItem]:
            save_children(connection, origin, fresh, known)
            note_touches(connection, origin.source, known)
        changed += len(fresh)
    return changed


def known_rows(
    connection: Connection, origin: Origin, table: Table, source_ids: Collection[str]
) -> dict[str, AnyRow]:
    """Read the hashes of those rows that are known."""
    found = connection.execute(
        select(table.c.source_id, table.c.row_hash).where(
            table.c.source == origin.source, among(connection, table.c.source_id, source_ids)
        )
    )
    return {row.source_id: row for row in found}


def row_of(record: Record, origin: Origin, row_hash: str) -> rows.Row:
    """Give the whole row of a record: what it says, and where it comes from."""
    match record:
        case WorkItem():
            said = rows.work_item_row(record)
        case Objective():
            said = rows.objective_row(record, origin.site)
        case OutsideObjective():
            said = rows.outside_objective_row(record, origin.site)
        case LinkClaim():
            said = rows.link_claim_row(record)
        case AllocationRule():
            said = rows.allocation_rule_row(record)
        case FxRate():
            said = rows.fx_rate_row(record)
        case BudgetLine():
            raise TypeError("budget lines are staged and promoted, never saved page by page")
    return rows.storable_row(said) | {
        "source": origin.source,
        "source_id": rows.source_id(record),
        "row_hash": row_hash,
        "first_run": origin.run_id,
        "first_seen": origin.seen_at,
        "last_run": origin.run_id,
        "last_seen": origin.seen_at,
        "missing_since": None,
        "deleted_at": None,
    }


def mark_seen(connection: Connection, origin: Origin, table: Table, source_ids: list[str]) -> None:
    """Say that these rows were there again, unchanged."""
    if source_ids:
        back = {"missing_since": None, "deleted_at": None, "absence": None, "absent_why": None}
        connection.execute(
            update(table)
            .where(table.c.source == origin.source, among(connection, table.c.source_id, source_ids))
            .values(
                last_run=origin.run_id,
                last_seen=origin.seen_at,
                **{name: value for name, value in back.items() if name in table.c},
            )
        )


def keys_of(items: Mapping[str, Record], known: Collection[str]) -> dict[str, str]:
    """Give the folded key of each work item that is known already."""
    return {
        source_id: rows.match_key(item.key)
        for source_id, item in items.items()
        if source_id in known and isinstance(item, WorkItem)
    }


def spare_unseen(connection: Connection, origin: Origin, page: Page) -> None:
    """Keep rows from being buried that the source listed and did not give: they stay as they stand."""
    items, claims = KINDS[WorkItem], KINDS[LinkClaim]
    for table, named in ((items, items.c.source_id), (claims, claims.c.issue)):
        for start in range(0, len(page.unseen), BATCH):
            connection.execute(
                update(table)
                .where(table.c.source == origin.source, named.in_(page.unseen[start : start + BATCH]))
                .values(last_run=origin.run_id)
            )


def save_children(
    connection: Connection, origin: Origin, items: Mapping[str, Record], known: Collection[str]
) -> None:
    """Replace labels, references and declared values of these work items; only those known can have any."""
    if not items:
        return
    table, labels = KINDS[WorkItem], table_of(tables.WorkItemLabel)
    references, values = table_of(tables.WorkItemReference), table_of(tables.WorkItemValue)
    found = connection.execute(
        select(table.c.source_id, table.c.id).where(
            table.c.source == origin.source, among(connection, table.c.source_id, items)
        )
    )
    ids = {row.source_id: row.id for row in found}
    for child, to_rows in (
        (labels, rows.label_rows),
        (references, rows.reference_rows),
        (values, rows.value_rows),
    ):
        if known:
            old = [ids[source_id] for source_id in known]
            connection.execute(delete(child).where(among(connection, child.c.work_item_id, old)))
        new = [
            row
            for source_id, item in items.items()
            if isinstance(item, WorkItem)
            for row in to_rows(item, ids[source_id])
        ]
        insert_rows(connection, child, new)


def take_quarantined(connection: Connection, origin: Origin) -> None:
    """Count the rows that a broken-off read refused to the run that goes on with it."""
    connection.execute(
        update(quarantine)
        .where(
            quarantine.c.source == origin.source,
            quarantine.c.run_id >= origin.began,
            quarantine.c.run_id < origin.run_id,
        )
        .values(run_id=origin.run_id)
    )


def forget_quarantined(connection: Connection, origin: Origin) -> None:
    """Forget the rows that this run refused: it reads the source once more from the start."""
    connection.execute(
        delete(quarantine).where(quarantine.c.source == origin.source, quarantine.c.run_id == origin.run_id)
    )


def save_quarantined(connection: Connection, origin: Origin, refused: Sequence[Quarantined]) -> None:
    """Keep rows that were refused."""
    if refused:
        connection.execute(
            insert(quarantine),
            [
                rows.storable_row(
                    {
                        "run_id": origin.run_id,
                        "source": origin.source,
                        "file": bad.file,
                        "line": bad.line,
                        "column_name": bad.column,
                        "code": bad.code,
                        "record": bad.record,
                        "sheet": bad.sheet,
                        "fingerprint": rows.fingerprint(bad),
                        "first_run": origin.run_id,
                        "reason": bad.reason,
                        "raw": bad.raw,
                    }
                )
                for bad in refused
            ],
        )


@dataclass(frozen=True, slots=True)
class Absent:
    """The rows that a complete read did not bring, among those that were there before."""

    known: int
    gone: int

    @property
    def share(self) -> float:
        """Give the share of the known rows that are gone."""
        return self.gone / self.known if self.known else 0.0


def count_absent(connection: Connection, origin: Origin) -> Absent:
    """Count the rows of a source that the read begun in `origin.began` did not bring.

    What work no longer names as an objective is not gone: nobody asks for it any more.
    """
    known = gone = 0
    for table in (table for kind, table in KINDS.items() if kind is not OutsideObjective):
        live = and_(table.c.source == origin.source, table.c.deleted_at.is_(None))
        known += connection.scalar(select(func.count()).select_from(table).where(live)) or 0
        gone += (
            connection.scalar(
                select(func.count()).select_from(table).where(live, table.c.last_run < origin.began)
            )
            or 0
        )
    return Absent(known, gone)


def bury_absent(connection: Connection, origin: Origin, *, at_once: bool) -> None:
    """Mark the rows a complete read did not bring.

    A row of a file (`at_once`) is gone when the file no longer has it. An issue is only `missing` the first
    time, because an index may lag or a permission may flicker, and deleted when a second read misses it too.
    """
    for table in KINDS.values():
        absent = and_(
            table.c.source == origin.source, table.c.deleted_at.is_(None), table.c.last_run < origin.began
        )
        again = table.c.missing_since < origin.run_id
        connection.execute(
            update(table).where(absent if at_once else and_(absent, again)).values(deleted_at=origin.seen_at)
        )
        connection.execute(
            update(table).where(absent, table.c.missing_since.is_(None)).values(missing_since=origin.run_id)
        )


def batches(items: Iterable[tuple[str, Record]]) -> Iterable[Sequence[tuple[str, Record]]]:
    """Cut into batches that fit into one statement's parameters."""
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
