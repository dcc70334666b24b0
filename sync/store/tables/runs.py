"""The tables of runs: who asked, what was read, which rules judged, what was done, who may write."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Text,
    text,
)
from sqlmodel import Field, SQLModel

from sync.store.tables.column_types import Instant, Serial, key, long_text, refers_to


class Run(SQLModel, table=True):
    """One run of the night, or of a part of it: who asked, when, and how it ended.

    `forgotten_at` is when the details of what it found were removed for their age.
    """

    id: int | None = key()
    trigger: str
    dry_run: bool = False
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    status: str = "running"
    exit_code: int | None = None
    rules_hash: str | None = None
    rule_text: str | None = None
    message: str | None = long_text()
    audit_head: str | None = None
    forgotten_at: datetime | None = Field(default=None, sa_type=Instant)


class AuditEntry(SQLModel, table=True):
    """One thing that was done; `hash` covers it and the entry before, so that no later edit goes unseen."""

    __tablename__ = "audit_entry"

    id: int = Field(sa_column=Column(Serial, primary_key=True, autoincrement=False))
    at: datetime = Field(sa_type=Instant)
    run_id: int = refers_to("run.id", index=True)
    event: str
    detail: str = Field(sa_type=Text)
    hash: str


class RuleText(SQLModel, table=True):
    """The files that a run judged by, word for word as JSON, under the hash of their text."""

    __tablename__ = "rule_text"

    digest: str = Field(primary_key=True)
    files: str = Field(sa_type=Text)
    first_run: int


class RuleLife(SQLModel, table=True):
    """Since when a rule is judged and, if it ever was, since when it labels."""

    __tablename__ = "rule_life"

    rule: str = Field(primary_key=True)
    mode: str
    first_run: int
    labels_since: int | None = None


class KnownSchedule(SQLModel, table=True):
    """Since when a schedule is known: what fell due before was nobody's."""

    __tablename__ = "known_schedule"

    name: str = Field(primary_key=True)
    since: datetime = Field(sa_type=Instant)


class ScheduleSlot(SQLModel, table=True):
    """The schedules' own memory: one row for each slot that was begun, whatever the clock does.

    `slot` is the local date, or the due time where a day has several. `run_id` is the newest of the runs that
    were begun for it; there are several where the ones before were killed.
    """

    __tablename__ = "schedule_slot"

    schedule: str = Field(primary_key=True)
    slot: str = Field(primary_key=True)
    local_date: date
    due_at: datetime = Field(sa_type=Instant)
    run_id: int = refers_to("run.id")
    begun_at: datetime = Field(sa_type=Instant)
    attempts: int = 1


class Lease(SQLModel, table=True):
    """Who may write at the moment; `fence` grows with each holder."""

    name: str = Field(primary_key=True)
    holder: str
    fence: int
    expires_at: datetime = Field(sa_type=Instant)


class SourceRun(SQLModel, table=True):
    """How reading one source went in one run. Only a `complete` source is judged.

    `reading` says whether all was read or only changes; `bookmark` is where the source goes on next time.
    The proof: `expected` ids were listed by the source, `seen` of them are in the store, `explained` (JSON)
    counts by class those that are not, and `unexplained` is what is left: none in a complete read.
    Of a finance source, rows_read = rows_accepted + quarantined + rows_excluded (totals) + rows_blank.
    """

    __tablename__ = "source_run"

    run_id: int = refers_to("run.id", primary_key=True)
    source: str = Field(primary_key=True)
    kind: str
    status: str
    started_at: datetime = Field(sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    records: int = 0
    changed: int = 0
    quarantined: int = 0
    expected: int | None = None
    reading: str | None = None
    bookmark: str | None = long_text()
    seen: int | None = None
    explained: str | None = long_text()
    unexplained: int | None = None
    rows_read: int | None = None
    rows_accepted: int | None = None
    rows_excluded: int | None = None
    rows_blank: int | None = None
    message: str | None = long_text()


class RunStep(SQLModel, table=True):
    """One step of a run, in order: how long it took and how many records went through."""

    __tablename__ = "run_step"

    run_id: int = refers_to("run.id", primary_key=True)
    position: int = Field(primary_key=True)
    step: str
    started_at: datetime = Field(sa_type=Instant)
    milliseconds: int
    records: int = 0


class RunRequest(SQLModel, table=True):
    """How often a run asked one endpoint of a site; `status` 0 stands for requests that had no answer."""

    __tablename__ = "run_request"

    run_id: int = refers_to("run.id", primary_key=True)
    site: str = Field(primary_key=True)
    method: str = Field(primary_key=True)
    endpoint: str = Field(primary_key=True)
    status: int = Field(primary_key=True)
    number: int


class RequestLine(SQLModel, table=True):
    """Who may ask an endpoint of a site next, where several processes share one budget of requests.

    Microseconds since 1970 by the clock of the database: when the burst of the line is whole again, and until
    when an answer has closed it. A row without method and endpoint stands for the whole site.
    """

    __tablename__ = "request_line"

    site: str = Field(primary_key=True)
    method: str = Field(primary_key=True)
    endpoint: str = Field(primary_key=True)
    full_at: int = Field(sa_type=BigInteger)
    closed_until: int = Field(default=0, sa_type=BigInteger)


class RequestTotal(SQLModel, table=True):
    """How often all runs together asked an endpoint of a site: this stays when the runs are forgotten."""

    __tablename__ = "request_total"

    site: str = Field(primary_key=True)
    endpoint: str = Field(primary_key=True)
    status: int = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)


class WebhookCount(SQLModel, table=True):
    """How many deliveries of webhooks were taken for what, by site, and when the last one came."""

    __tablename__ = "webhook_count"

    site: str = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    number: int = Field(sa_type=BigInteger)
    last_at: datetime = Field(sa_type=Instant)


class DigestDelivery(SQLModel, table=True):
    """What an audience was to be told at one address about one night, and what became of it.

    `address` is a slow hash of the address, which is a secret; `kind` the only part of it that may be told.
    `state` is held (quiet hours), intended (no answer known), sent or failed; it tells what is
    different in `run_id` from `since_run`, which is 0 where there was no run before.
    """

    __tablename__ = "digest_delivery"

    audience: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    night: date = Field(primary_key=True)
    run_id: int = refers_to("run.id")
    since_run: int
    kind: str
    state: str
    at: datetime = Field(sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    reason: str | None = long_text()


class Cursor(SQLModel, table=True):
    """Where a broken-off read goes on; committed together with the page before it."""

    source: str = Field(primary_key=True)
    run_id: int = refers_to("run.id")
    value: str = Field(sa_type=Text)
    saved_at: datetime = Field(sa_type=Instant)


class Shard(SQLModel, table=True):
    """A source that some machine is to read in the run under way; a run that begins empties this table.

    `fence` is that of the run's lease, `attempts` grows with each worker that is given the shard, `seen_at`
    is its last sign of life by the database's clock. The last columns are what reading it came to.
    """

    __table_args__ = (
        Index(
            "ix_shard_one_of_a_site",
            "site",
            unique=True,
            postgresql_where=text("state = 'running'"),
            sqlite_where=text("state = 'running'"),
        ),
    )

    id: int | None = key()
    run_id: int = refers_to("run.id")
    source: str
    site: str
    fence: int
    form: str
    whole: bool
    shrink: float = Field(sa_type=Float)
    state: str
    worker: str | None = None
    attempts: int = 0
    seen_at: datetime | None = Field(default=None, sa_type=Instant)
    status: str | None = None
    message: str | None = long_text()
    exit_code: int | None = None
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    milliseconds: int | None = None
    records: int | None = None
    asked: str | None = long_text()
