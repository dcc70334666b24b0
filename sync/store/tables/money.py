"""The tables of money: files, budget lines now and before, what they pay for, the sums that prove it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from sync.store.tables.column_types import Instant, Serial, key, long_text, refers_to
from sync.store.tables.provenance import Provenance


class Artifact(SQLModel, table=True):
    """One file as it was read, known by its content: `name` is what it was called the first time.

    Its bytes are in `artifact_part` for as long as a budget line or an open quarantined row stands on them.
    """

    __table_args__ = (UniqueConstraint("source", "sha256"),)

    id: int | None = key()
    source: str
    sha256: str
    name: str = Field(sa_type=Text)
    size: int = Field(sa_type=BigInteger)
    first_run: int
    last_run: int


class ArtifactPart(SQLModel, table=True):
    """A piece of a file's bytes, compressed by itself, in order of `number`."""

    __tablename__ = "artifact_part"

    artifact_id: int = refers_to("artifact.id", primary_key=True)
    number: int = Field(primary_key=True)
    data: bytes = Field(sa_type=LargeBinary)


class Promotion(SQLModel, table=True):
    """A set of budget lines that was staged, proved and made to count, all at once.

    `identity` stands for the content of the files and the mapping they were read by.
    """

    id: int | None = key()
    run_id: int = refers_to("run.id", index=True)
    source: str = Field(index=True)
    identity: str
    added: int
    changed: int
    removed: int
    same: int


class Amount(SQLModel):
    """What a budget line says: one amount for one period and version, in one currency's minor units.

    `line` is where it stands in the artifact, on `sheet` of a workbook, the first time it was stated so.
    """

    version: str
    fiscal_year: int
    period: str
    currency: str
    amount_minor: int = Field(sa_type=BigInteger)
    project: str | None = None
    cost_centre: str | None = None
    account: str | None = None
    description: str | None = long_text()
    line: int | None = None
    sheet: str | None = None


class BudgetLine(Amount, table=True):
    """A budget line as it stands now, known by `source_id` within its source; it keeps its `id` for life.

    `valid_from_run` is the run that brought what it says now. What it said before is in `budget_line_past`.
    """

    __tablename__ = "budget_line"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    id: int | None = key()
    source: str
    source_id: str
    key_folded: str
    project_folded: str | None = Field(default=None, index=True)
    cost_centre_folded: str | None = None
    account_folded: str | None = None
    issues_folded: str | None = long_text()
    parents_folded: str | None = long_text()
    artifact_id: int | None = Field(default=None, sa_column=Column(Serial, nullable=True))
    valid_from_run: int
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)


class BudgetLinePast(Amount, table=True):
    """What a budget line said until the run `valid_to_run` restated or removed it."""

    __tablename__ = "budget_line_past"

    id: int | None = key()
    budget_line_id: int = refers_to("budget_line.id", index=True)
    artifact_id: int | None = Field(default=None, sa_column=Column(Serial, nullable=True))
    valid_from_run: int
    valid_to_run: int = Field(index=True)


class AllocationRule(Provenance, table=True):
    """One row of an allocation table: the money on a code falls to an item or to an objective."""

    __tablename__ = "allocation_rule"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    id: int | None = key()
    field: str
    code: str
    code_folded: str = Field(index=True)
    prefix: bool = False
    issue: str | None = None
    issue_folded: str | None = None
    objective: str | None = None
    objective_folded: str | None = None
    millionths: int | None = None
    starts: int | None = None
    ends: int | None = None
    of_source: str | None = None
    site: str | None = None
    evidence: str = Field(sa_type=Text)


class FxRate(Provenance, table=True):
    """One unit of `base` is worth `rate` units of `quote`, on a day or over a fiscal period; exact, as text.

    A source of rates is a set of rates: `source` names it. `line` is where it stands in `file`, on `sheet` of
    a workbook.
    """

    __tablename__ = "fx_rate"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    id: int | None = key()
    type: str
    base: str
    quote: str
    rate: str
    on_day: date | None = None
    period: str | None = Field(default=None, index=True)
    line: int | None = None
    file: str | None = long_text()
    sheet: str | None = long_text()


class MatchDecision(SQLModel, table=True):
    """What a person said of money and work: that they belong together, or that they do not.

    It names both ends by what lasts: a code or a line's own id, and the immutable id of an item or objective.
    `withdrawn_at` is set when somebody takes it back; nothing is deleted.
    """

    __tablename__ = "match_decision"

    id: int | None = key()
    verdict: str
    field: str
    of_source: str | None = None
    code: str
    code_folded: str = Field(index=True)
    target: str
    target_source: str
    target_id: str = Field(index=True)
    target_name: str
    millionths: int | None = None
    decided_by: str
    decided_at: datetime = Field(sa_type=Instant)
    reason: str = Field(sa_type=Text)
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_why: str | None = long_text()


class BudgetLink(SQLModel, table=True):
    """Budget line → work item with the share of the amount that falls to it, rebuilt each night."""

    __tablename__ = "budget_link"

    id: int | None = key()
    budget_line_id: int = refers_to("budget_line.id", index=True)
    work_item_id: int = refers_to("work_item.id", index=True)
    how: str
    evidence: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)


class BudgetRemainder(SQLModel, table=True):
    """The part of a budget line that falls to no work item, with the reason, rebuilt each night.

    `objective_id` is set where an allocation table says which objective it serves. Links and remainders of a
    line sum to the line.
    """

    __tablename__ = "budget_remainder"

    id: int | None = key()
    budget_line_id: int = refers_to("budget_line.id", index=True)
    objective_id: int | None = refers_to("objective.id", nullable=True, index=True)
    reason: str
    evidence: str = Field(sa_type=Text)
    amount_minor: int = Field(sa_type=BigInteger)


class ObjectiveShare(SQLModel, table=True):
    """A work item's money is divided among `sharers` objectives, of which this is number `place`.

    Rebuilt each night for the items that money falls to: their live objectives, or all where none is live.
    """

    __tablename__ = "objective_share"

    work_item_id: int = refers_to("work_item.id", primary_key=True)
    objective_id: int = refers_to("objective.id", primary_key=True, index=True)
    place: int
    sharers: int


class Quarantine(SQLModel, table=True):
    """A row that was refused: place, reason and text; `run_id` is the last run that refused it.

    `status` is open, fixed (a later complete read no longer refuses it) or waived (a person let it be).
    `record` counts the rows of its table from 1, the header included. `fingerprint` stands for text,
    column and kind of mistake: by it a row is known again, wherever it stands.
    """

    id: int | None = key()
    run_id: int = refers_to("run.id", index=True)
    source: str
    file: str = Field(sa_type=Text)
    sheet: str | None = None
    line: int | None = None
    record: int | None = None
    column_name: str | None = None
    code: str = ""
    reason: str = Field(sa_type=Text)
    raw: str = Field(sa_type=Text)
    status: str = Field(default="open", index=True)
    fingerprint: str = Field(default="", index=True)
    first_run: int
    note: str | None = long_text()


class ControlTotal(SQLModel, table=True):
    """What a finance source sums to, in minor units: accepted + refused + excluded (rows of totals)."""

    __tablename__ = "control_total"

    run_id: int = refers_to("run.id", primary_key=True)
    source: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    fiscal_year: int = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    stated_minor: int = Field(sa_type=BigInteger)
    accepted_minor: int = Field(sa_type=BigInteger)
    refused_minor: int = Field(sa_type=BigInteger)
    excluded_minor: int = Field(default=0, sa_type=BigInteger)


class Reconciliation(SQLModel, table=True):
    """How the money of one version and period came from what stood before to what stands now.

    previous + added + changed - removed = current, in minor units, or nothing was promoted.
    """

    run_id: int = refers_to("run.id", primary_key=True)
    source: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    fiscal_year: int = Field(primary_key=True)
    period: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    previous_minor: int = Field(sa_type=BigInteger)
    added_minor: int = Field(sa_type=BigInteger)
    changed_minor: int = Field(sa_type=BigInteger)
    removed_minor: int = Field(sa_type=BigInteger)
    current_minor: int = Field(sa_type=BigInteger)


class Balance(SQLModel, table=True):
    """How the lines of one source, version and period were shared out in a run, in minor units.

    lines = work (falls to work items) + workless, and = served (falls to objectives) + unserved.
    """

    __tablename__ = "money_balance"

    run_id: int = refers_to("run.id", primary_key=True)
    source: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    fiscal_year: int = Field(primary_key=True)
    period: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    lines_minor: int = Field(sa_type=BigInteger)
    work_minor: int = Field(sa_type=BigInteger)
    workless_minor: int = Field(sa_type=BigInteger)
    served_minor: int = Field(sa_type=BigInteger)
    unserved_minor: int = Field(sa_type=BigInteger)
