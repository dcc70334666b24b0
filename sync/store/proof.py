"""Account for every id a source lists and every row it no longer does: what is left over was not read."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, select, update

from connectors.census import Census, Entry
from connectors.pages import Absence, Gone
from sync.store import tables
from sync.store.presence import kept, live
from sync.store.save import Origin
from sync.store.schema import table_of

objective = table_of(tables.Objective)
source_run = table_of(tables.SourceRun)
work_item = table_of(tables.WorkItem)

BATCH = 500
STREAMED = {"yield_per": 1000}
NAMED = 5


@dataclass(slots=True)
class Account:
    """What the pages of one read left to be explained: ids listed and not given, or given and unusable."""

    unseen: set[str] = field(default_factory=set)
    unusable: set[str] = field(default_factory=set)
    absences: list[Absence] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Proven:
    """How a read adds up: ids listed, those of them in the store, the rest by class, and the unexplained."""

    listed: int
    seen: int
    explained: dict[str, int]
    unexplained: tuple[str, ...]

    @property
    def problem(self) -> str | None:
        """Say that the read does not add up, or nothing."""
        if not self.unexplained:
            return None
        named = ", ".join(self.unexplained[:NAMED]) + (", …" if len(self.unexplained) > NAMED else "")
        return (
            f"{len(self.unexplained)} of {self.listed} issues do not add up: the source and the store "
            f"disagree about them, and nothing explains it (ids {named}). Its findings are frozen; the next "
            "run reads it again."
        )

    def written(self) -> str:
        """Give the classes and their counts as JSON."""
        return json.dumps(self.explained, sort_keys=True)


def prove(connection: Connection, origin: Origin, census: Census, account: Account) -> Proven:
    """Hold the list of the source against what the store now holds of it."""
    held = Census(Entry(int(number)) for number in ids_held(connection, origin.source))
    lacking = census.without(held)
    classes = Counter(absence.gone.value for absence in account.absences)
    classes["not given"] = sum(name in account.unseen for name in lacking)
    classes["refused"] = sum(name in account.unusable for name in lacking)
    explained = account.unseen | account.unusable
    unexplained = [name for name in lacking if name not in explained] + held.without(census)
    return Proven(
        listed=len(census),
        seen=len(census) - len(lacking),
        explained={name: number for name, number in classes.items() if number},
        unexplained=tuple(unexplained),
    )


def ids_held(connection: Connection, source: str) -> Iterator[str]:
    """Read the ids of the issues that count as a source's: work in scope, and objectives."""
    in_scope = and_(work_item.c.source == source, live(work_item), work_item.c.in_scope)
    goals = and_(objective.c.source == source, live(objective), objective.c.issue_id.is_not(None))
    for column, condition in ((work_item.c.source_id, in_scope), (objective.c.issue_id, goals)):
        # For this statement alone: said of the connection, it would go for every one after it as well.
        yield from connection.scalars(select(column).where(condition), execution_options=STREAMED)


def settle_absences(connection: Connection, origin: Origin, absences: Sequence[Absence]) -> None:
    """Note why issues are gone, and bury those that are gone for the second time in a row.

    One that left the scope was seen outside it: it is no longer judged, and lives on until its label is off.
    Of one that nobody asked for nothing is known: it is out of sight, and stays so until somebody did.
    """
    alike: defaultdict[tuple[Gone, str], list[str]] = defaultdict(list)
    for absence in absences:
        alike[absence.gone, absence.evidence].append(absence.id)
    for (gone, evidence), ids in alike.items():
        for batch in batches(ids):
            rows = and_(work_item.c.source == origin.source, work_item.c.source_id.in_(batch))
            connection.execute(update(work_item).where(rows).values(absence=gone.value, absent_why=evidence))
            if gone is not Gone.LEFT_SCOPE:
                hide(connection, work_item, origin, rows, bury=gone is not Gone.UNKNOWN)


def bury_strays(connection: Connection, origin: Origin) -> None:
    """Let go of issues outside the scope that nobody named as a parent, or that Jira no longer gives."""
    strays = and_(
        work_item.c.source == origin.source, ~work_item.c.in_scope, work_item.c.last_run < origin.began
    )
    hide(connection, work_item, origin, strays, bury=True)


def hide(
    connection: Connection, table: Table, origin: Origin, rows: ColumnElement[bool], *, bury: bool
) -> None:
    """Mark rows as missing; those missing already as deleted, if they may be buried."""
    there: Any = and_(rows, kept(table))
    if bury:
        again = and_(there, table.c.missing_since.is_not(None), table.c.missing_since < origin.run_id)
        connection.execute(update(table).where(again).values(deleted_at=origin.seen_at))
    first = and_(there, table.c.missing_since.is_(None))
    connection.execute(update(table).where(first).values(missing_since=origin.run_id))


def note_listed(connection: Connection, origin: Origin) -> None:
    """Say that every row in scope was there again: the source listed all of them."""
    connection.execute(
        update(work_item)
        .where(work_item.c.source == origin.source, live(work_item), work_item.c.in_scope)
        .values(last_seen=origin.seen_at)
    )


def note_proof(connection: Connection, origin: Origin, reading: str, proven: Proven) -> None:
    """Keep how a read adds up."""
    connection.execute(
        update(source_run)
        .where(source_run.c.run_id == origin.run_id, source_run.c.source == origin.source)
        .values(
            reading=reading,
            expected=proven.listed,
            seen=proven.seen,
            explained=proven.written(),
            unexplained=len(proven.unexplained),
        )
    )


def note_bookmark(connection: Connection, origin: Origin, bookmark: str | None) -> None:
    """Keep where the next read may go on from; only that of a complete one is ever used."""
    connection.execute(
        update(source_run)
        .where(source_run.c.run_id == origin.run_id, source_run.c.source == origin.source)
        .values(bookmark=bookmark)
    )


def batches(ids: Collection[str]) -> Iterator[list[str]]:
    """Cut into batches that fit into one statement's parameters."""
    rest = iter(ids)
    while batch := list(islice(rest, BATCH)):
        yield batch
