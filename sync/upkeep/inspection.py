"""Look into a backup without touching a store: is it whole, of which schema, and what does it hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from sync.errors import UserError
from sync.store import audit
from sync.store.database import first_line, revisions
from sync.upkeep.copyrows import Row, copied
from sync.upkeep.dumps import MAGIC, data_of

SQLITE = b"SQLite format 3\x00"
# What a reader of a backup wants to find again.
COUNTED = ("run", "work_item", "objective", "budget_line", "finding", "label_write", "audit_entry")
CHAINED = ("alembic_version", "run", "audit_entry")


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a backup holds: which database it is of, its schema, rows by table, the chain of what was done."""

    backend: str
    schema: str
    counts: Mapping[str, int]
    chain: audit.Verdict

    @property
    def is_newer(self) -> bool:
        """Say whether a newer version of Tieline made it."""
        return self.schema not in revisions()

    @property
    def problems(self) -> list[str]:
        """Say what speaks against restoring it."""
        newer = (
            f"It has schema {self.schema}, which this version of Tieline does not know: a newer version "
            "made it. Restore it with that version."
        )
        broken = f"The chain of what was done is broken: {self.chain.broken}."
        return [*([newer] if self.is_newer else []), *([broken] if self.chain.broken else [])]


def look_into(backup: Path) -> Inspection:
    """Read a backup from first to last byte; raise `UserError` where it is none or is damaged."""
    try:
        with backup.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise UserError(f"{backup}: cannot be read: {error.strerror}.") from None
    if head == SQLITE:
        return look_into_file(backup)
    if head.startswith(MAGIC):
        return look_into_dump(backup)
    raise UserError(f"{backup}: this is no backup of Tieline: neither a SQLite file nor a dump of pg_dump.")


def look_into_file(backup: Path) -> Inspection:
    """Look into a copy of a SQLite store."""
    engine = create_engine(f"sqlite:///{backup.resolve().as_uri()}?mode=ro&immutable=1&uri=true")
    try:
        return read_file(engine, backup)
    except DBAPIError as error:
        raise UserError(f"{backup}: it is damaged: {first_line(error.orig)}.") from None
    finally:
        engine.dispose()


def read_file(engine: Engine, backup: Path) -> Inspection:
    """Check every page, count rows and follow the chain."""
    with engine.connect() as connection:
        damage = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
        if damage != "ok":
            raise UserError(f"{backup}: it is damaged: {damage}.")
        there = set(inspect(connection).get_table_names())
        if "alembic_version" not in there:
            raise UserError(f"{backup}: this SQLite file is no store of Tieline.")
        schema = str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())
        if schema not in revisions():
            return Inspection("sqlite", schema, {}, audit.Verdict(0, audit.START))
        counts = {
            name: int(connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one())
            for name in COUNTED
            if name in there
        }
        chain = audit.Verdict(0, audit.START)
        if "audit_entry" in there:
            chain = audit.verify(audit.entries_of(connection), audit.heads(connection))
    return Inspection("sqlite", schema, counts, chain)


def look_into_dump(backup: Path) -> Inspection:
    """Look into a dump of PostgreSQL, row by row as it would be loaded."""
    seen = Seen()
    try:
        with data_of(backup) as lines:
            chain = list(seen.entries(copied(lines, CHAINED)))
    except UserError as error:
        raise UserError(f"{backup}: it is damaged, or cannot be read here: {error}") from None
    if not seen.schema:
        raise UserError(f"{backup}: this dump is no store of Tieline.")
    chain.sort(key=lambda entry: entry.id)
    counts = {name: seen.counts.get(name, 0) for name in COUNTED}
    return Inspection("postgresql", seen.schema, counts, audit.verify(chain, seen.heads))


@dataclass(slots=True)
class Seen:
    """What is gathered while the rows of a dump go by."""

    schema: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    heads: dict[int, str] = field(default_factory=dict)

    def entries(self, rows: Iterable[tuple[str, Row]]) -> Iterator[audit.Entry]:
        """Count the rows, and pick out the chain."""
        for table, row in rows:
            self.counts[table] = self.counts.get(table, 0) + 1
            if table == "alembic_version":
                self.schema = str(row["version_num"])
            elif table == "run" and row.get("audit_head"):
                self.heads[int(str(row["id"]))] = str(row["audit_head"])
            elif table == "audit_entry":
                yield entry_of(row)


def entry_of(row: Mapping[str, Any]) -> audit.Entry:
    """Make an entry of the chain of a row as COPY writes it."""
    at = datetime.fromisoformat(row["at"])
    return audit.Entry(int(row["id"]), at, int(row["run_id"]), row["event"], row["detail"], row["hash"])
