"""What every row of the outside world carries, whatever it is about."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Field, SQLModel

from sync.store.tables.column_types import Instant


class Provenance(SQLModel):
    """What every row of the outside world carries: source, identity, first and last seen, tombstone.

    `missing_since` is the run of a complete read that did not bring the row; `deleted_at` is set by the
    second such read in a row.
    """

    source: str
    source_id: str
    row_hash: str
    first_run: int
    first_seen: datetime = Field(sa_type=Instant)
    last_run: int = Field(index=True)
    last_seen: datetime = Field(sa_type=Instant)
    missing_since: int | None = None
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
