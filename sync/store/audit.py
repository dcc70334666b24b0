"""Keep what was done as a chain: each entry's hash covers the one before it, so that no edit goes unseen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from sync.store import tables
from sync.store.bulk import insert_rows
from sync.store.rows import storable
from sync.store.schema import table_of

entry = table_of(tables.AuditEntry)
lease = table_of(tables.Lease)
run = table_of(tables.Run)

START = ""
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done: when, by which run, what, and the facts as canonical JSON."""

    id: int
    at: datetime
    run_id: int
    event: str
    detail: str
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a chain: its length, the hash of its last entry, and where it is broken, if it is."""

    entries: int
    head: str
    broken: str | None = None


def append(
    connection: Connection, run_id: int, event: str, details: Iterable[Mapping[str, Any]], now: datetime
) -> str:
    """Add one entry for each detail, and give the hash of the last.

    A run that has just lost its lease may still note its end beside the new holder: the lease's row, written
    as it is, lets one of them go on after the other.
    """
    connection.execute(update(lease).values(fence=lease.c.fence))
    last = connection.execute(
        select(entry.c.id, entry.c.hash).order_by(entry.c.id.desc()).limit(1)
    ).one_or_none()
    number, head = (0, START) if last is None else (last.id, last.hash)
    rows = []
    for detail in details:
        number += 1
        text = storable(json.dumps(detail, sort_keys=True, ensure_ascii=False, separators=(",", ":")))
        head = hash_of(head, number, now, run_id, event, text)
        rows.append({"id": number, "at": now, "run_id": run_id, "event": event, "detail": text, "hash": head})
    insert_rows(connection, entry, rows)
    return head


def hash_of(before: str, number: int, at: datetime, run_id: int, event: str, detail: str) -> str:  # noqa: PLR0917
    """Give the hash of an entry that follows another."""
    said = json.dumps(
        [before, number, at.astimezone(UTC).isoformat(), run_id, event, detail], ensure_ascii=False
    )
    return hashlib.sha256(said.encode()).hexdigest()


def verify(entries: Iterable[Entry], heads: Mapping[int, str], known: str | None = None) -> Verdict:
    """Follow the chain from its start.

    `heads` are the hashes that runs noted when they ended; `known` is one that somebody kept elsewhere. All
    of them must stand in the chain: that is how a tail that was cut off is noticed.
    """
    number, head = 0, START
    missing = {digest: f"the end of run {run_id}" for run_id, digest in heads.items()}
    if known is not None:
        missing.setdefault(known, "the hash you named")
    missing.pop(START, None)
    for one in entries:
        number += 1
        if one.id != number:
            return Verdict(number - 1, head, f"entry {number} is missing: {one.id} follows {number - 1}")
        if one.hash != hash_of(head, one.id, one.at, one.run_id, one.event, one.detail):
            return Verdict(number - 1, head, f"entry {number} ({one.event}, run {one.run_id}) was changed")
        head = one.hash
        missing.pop(head, None)
    if missing:
        return Verdict(
            number, head, f"entries after {number} are missing: {min(missing.values())} is not there"
        )
    return Verdict(number, head)


def entries_of(connection: Connection, run_id: int | None = None) -> Iterator[Entry]:
    """Read the entries in order, of one run or all, without holding them in memory."""
    after = 0
    while True:
        statement = select(entry).where(entry.c.id > after).order_by(entry.c.id).limit(AT_ONCE)
        if run_id is not None:
            statement = statement.where(entry.c.run_id == run_id)
        rows = connection.execute(statement).all()
        yield from (Entry(r.id, r.at, r.run_id, r.event, r.detail, r.hash) for r in rows)
        if len(rows) < AT_ONCE:
            return
        after = rows[-1].id


def newest_of(connection: Connection, run_id: int, most: int) -> list[Entry]:
    """Read the last entries of a run, the newest first."""
    rows = connection.execute(
        select(entry).where(entry.c.run_id == run_id).order_by(entry.c.id.desc()).limit(most)
    ).all()
    return [Entry(r.id, r.at, r.run_id, r.event, r.detail, r.hash) for r in rows]


def heads(connection: Connection) -> dict[int, str]:
    """Read the hash that each run noted at its end."""
    rows = connection.execute(select(run.c.id, run.c.audit_head).where(run.c.audit_head.is_not(None)))
    return {row.id: row.audit_head for row in rows}


def details_of(changes: Iterable[Any], state: str, reason: str | None) -> Sequence[dict[str, Any]]:
    """Give what the chain keeps of label changes (`sync.labels.plan.Change`) that were answered alike."""
    return [
        {
            "site": change.ticket.site,
            "issue": change.ticket.issue_id,
            "key": change.ticket.issue_key,
            "operation": change.operation,
            "label": change.label,
            "state": state,
            "reason": reason,
        }
        for change in changes
    ]
