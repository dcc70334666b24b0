"""Take a picture of a store and its Jira that does not depend on how many runs it took to come there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, exists, select

from connectors.jira.comments import words_of
from sync.sandbox import Site
from sync.store import audit, tables
from sync.store.database import open_store
from sync.store.schema import table_of
from sync.store.tables import Instant

Rows = Counter[tuple[tuple[str, Any], ...]]

STATE = (
    tables.WorkItem, tables.WorkItemLabel, tables.WorkItemValue, tables.WorkItemReference, tables.Objective,
    tables.ObjectiveLink, tables.LinkClaim, tables.BudgetLine, tables.BudgetLinePast, tables.BudgetLink,
    tables.BudgetRemainder, tables.Finding, tables.FxRate, tables.AllocationRule, tables.Waiver,
    tables.FormerKey, tables.Project, tables.CostCentre, tables.Quarantine, tables.Cursor,
    tables.WaiverRequest, tables.OutsideObjective,
)  # fmt: skip
# Of these the newest run's rows count.
OF_A_RUN = (tables.Coverage, tables.ConvertedMoney, tables.MissingRate)
# What tells only when and by which run something came to be; hashes of rows are made anew after a write.
PASSING = {"id", "row_hash", "artifact_id"}
SURROGATES = {"work_item_id": "work_item", "budget_line_id": "budget_line", "objective_id": "objective"}


@dataclass
class Picture:
    """The labels in Jira, the rows that count, what the ledger says we made, and what must not be there."""

    jira: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, Rows] = field(default_factory=dict)
    open_ends: tuple[str, ...] = ()

    def differences(self, other: Picture) -> list[str]:
        """Say how another picture is unlike this one."""
        said = [
            f"{key} is {other.jira.get(key)} in Jira instead of {self.jira.get(key)}"
            for key in sorted(self.jira.keys() | other.jira.keys())
            if self.jira.get(key) != other.jira.get(key)
        ]
        for table, rows in self.rows.items():
            lost, found = rows - other.rows[table], other.rows[table] - rows
            said += [f"{table} lacks {dict(row)}" for row in lost.elements()]
            said += [f"{table} holds {dict(row)}" for row in found.elements()]
        return said + [text for text in other.open_ends if text not in self.open_ends]


def picture_of(url: str, site: Site) -> Picture:
    """Look at a store and at Jira."""
    engine = open_store(url)
    try:
        with engine.connect() as connection:
            names = names_of(connection)
            rows = {table_of(t).name: rows_of(connection, table_of(t), names) for t in STATE}
            rows |= {table_of(t).name: newest_of(connection, table_of(t), names) for t in OF_A_RUN}
            rows["ledger"] = made(connection, names)
            return Picture(jira_of(site), rows, tuple(open_ends(connection)))
    finally:
        engine.dispose()


def jira_of(site: Site) -> dict[str, Any]:
    return {
        issue.key: (
            sorted(issue.fields["labels"]),
            [without(link, "id") for link in issue.remote_links],
            without(issue.properties, "run"),
            comments_of(issue),
        )
        for issue in site.issues.values()
    }


def comments_of(issue: Any) -> list[str]:
    """What the comments of an issue say, in order."""
    return [words_of(one["body"]) for one in (issue.fields.get("comment") or {}).get("comments", [])]


def without(value: Any, key: str) -> Any:
    """A value of Jira without what says only in which order things came to be."""
    if isinstance(value, dict):
        return {name: without(one, key) for name, one in value.items() if name != key}
    return [without(one, key) for one in value] if isinstance(value, list) else value


def names_of(connection: Connection) -> dict[tuple[str, int], str]:
    """What the numbers of rows stand for."""
    return {
        (name, row.id): row.source_id
        for name in SURROGATES.values()
        for table in [tables.WorkItem.metadata.tables[name]]
        for row in connection.execute(select(table.c.id, table.c.source_id))
    }


def rows_of(connection: Connection, table: Table, names: Mapping[tuple[str, int], str]) -> Rows:
    return told(connection.execute(select(table)).mappings().all(), table, names)


def newest_of(connection: Connection, table: Table, names: Mapping[tuple[str, int], str]) -> Rows:
    newest = select(table.c.run_id).order_by(table.c.run_id.desc()).limit(1).scalar_subquery()
    return told(
        connection.execute(select(table).where(table.c.run_id == newest)).mappings().all(), table, names
    )


def told(rows: Iterable[Any], table: Table, names: Mapping[tuple[str, int], str]) -> Rows:
    kept = [column.name for column in table.columns if not is_passing(column)]
    return Counter(tuple((name, meaning(name, row, names)) for name in kept) for row in rows)


def is_passing(column: Any) -> bool:
    name = column.name
    return isinstance(column.type, Instant) or name.endswith(("_run", "run_id")) or name in PASSING


def meaning(column: str, row: Mapping[str, Any], names: Mapping[tuple[str, int], str]) -> Any:
    if column == "subject_id":
        return names.get(("work_item", row[column])) if row["entity"] == "workItem" else row["entity"]
    if column in SURROGATES:
        return names.get((SURROGATES[column], row[column]))
    return row[column]


def made(connection: Connection, names: Mapping[tuple[str, int], str]) -> Rows:
    """What the ledger says that we wrote: each change once, however many runs tried."""
    ledger = table_of(tables.LabelWrite)
    found = connection.execute(select(ledger).where(ledger.c.state == "done"))
    return Counter(
        (("issue", names["work_item", row.work_item_id]), ("op", row.operation), ("label", row.label))
        for row in found
    )


def open_ends(connection: Connection) -> list[str]:
    """What no run may leave behind: open intents, cursors, a run that goes on, a lease, a broken chain."""
    ledger, run = table_of(tables.LabelWrite), table_of(tables.Run)
    marker = table_of(tables.MarkerWrite)
    lease = table_of(tables.Lease)
    said = [
        f"an intent is open: {row.operation} {row.label}"
        for row in connection.execute(select(ledger).where(ledger.c.state == "intended"))
    ]
    told_since = marker.alias()
    said += [
        f"nobody knows whether a ticket was told: {row.operation} {row.kind}"
        for row in connection.execute(
            select(marker).where(
                marker.c.state == "intended",
                ~exists().where(
                    told_since.c.work_item_id == marker.c.work_item_id,
                    told_since.c.kind == marker.c.kind,
                    told_since.c.id > marker.c.id,
                ),
            )
        )
    ]
    said += [
        f"run {n} still runs" for n in connection.scalars(select(run.c.id).where(run.c.status == "running"))
    ]
    newest = connection.scalar(select(run.c.finished_at).order_by(run.c.id.desc()).limit(1))
    held = connection.scalar(select(lease.c.expires_at))
    if newest is None or held is None or held > newest:
        said.append(f"the lease is held until {held}")
    verdict = audit.verify(audit.entries_of(connection), audit.heads(connection))
    return said + ([verdict.broken] if verdict.broken else [])
