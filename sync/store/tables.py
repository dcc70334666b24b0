"""The tables of the store: storage only, records are validated before they get here.

Identity is (source, source_id); `id` is a surrogate for joins. Columns named `*_folded` hold the case-folded
text that comparisons use, so that SQLite and PostgreSQL agree. Money is integer minor units with its
ISO 4217 code. Times are UTC. Rows of the outside world vanish only by tombstone (`deleted_at`).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class Instant(TypeDecorator[datetime]):
    """A point in time: aware UTC in Python, `timestamptz` on PostgreSQL, UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time: nobody could say which moment it means."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r} cannot be stored")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give the time back as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite counts only INTEGER PRIMARY KEY up by itself; PostgreSQL should not run out at 2^31.
Serial = BigInteger().with_variant(Integer, "sqlite")


def key(**options: Any) -> Any:
    """Make the surrogate key column of a table."""
    return Field(default=None, sa_column=Column(Serial, primary_key=True, autoincrement=True, **options))


def refers_to(column: str, *, nullable: bool = False, index: bool = False, primary_key: bool = False) -> Any:
    """Make a column that refers to another table's surrogate key."""
    return Field(
        sa_column=Column(
            Serial,
            ForeignKey(column),
            nullable=nullable,
            index=index,
            primary_key=primary_key,
            autoincrement=False,
        )
    )


def long_text() -> Any:
    """Make a column for text of any length."""
    return Field(default=None, sa_type=Text)


class Run(SQLModel, table=True):
    """One run of the night, or of a part of it: who asked, when, and how it ended."""

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


class Night(SQLModel, table=True):
    """The schedule's own memory: one run for each schedule and local date, whatever the clock does."""

    schedule: str = Field(primary_key=True)
    local_date: date = Field(primary_key=True)
    run_id: int = refers_to("run.id")


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


class Cursor(SQLModel, table=True):
    """Where a broken-off read goes on; committed together with the page before it."""

    source: str = Field(primary_key=True)
    run_id: int = refers_to("run.id")
    value: str = Field(sa_type=Text)
    saved_at: datetime = Field(sa_type=Instant)


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


class WorkItem(Provenance, table=True):
    """One Jira issue.

    `touched_at` is its last change that was not our own writing of a label. `absence` is the class of why the
    source no longer lists it, with the evidence in `absent_why`.
    """

    __tablename__ = "work_item"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    id: int | None = key()
    key: str = Field(index=True)
    key_folded: str
    project_key: str
    project_folded: str
    project_name: str
    summary: str = Field(sa_type=Text)
    summary_folded: str = Field(sa_type=Text)
    type_name: str
    type_folded: str
    hierarchy_level: int | None = None
    status: str
    status_folded: str
    status_category: str
    assignee: str | None = None
    assignee_folded: str | None = None
    priority: str | None = None
    priority_folded: str | None = None
    created_at: datetime | None = Field(default=None, sa_type=Instant)
    updated_at: datetime | None = Field(default=None, sa_type=Instant)
    due_on: date | None = None
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    parent_source_id: str | None = Field(default=None, index=True)
    parent_key: str | None = None
    parent_folded: str | None = None
    parent_id: int | None = Field(default=None, sa_column=Column(Serial, nullable=True, index=True))
    url: str = Field(sa_type=Text)
    in_scope: bool = True
    touched_at: datetime | None = Field(default=None, sa_type=Instant)
    absence: str | None = None
    absent_why: str | None = long_text()


class WorkItemLabel(SQLModel, table=True):
    """One label of a work item, as Jira has it, ours included."""

    __tablename__ = "work_item_label"

    work_item_id: int = refers_to("work_item.id", primary_key=True)
    label: str = Field(primary_key=True)
    label_folded: str


class WorkItemValue(SQLModel, table=True):
    """One value of a field that the site declares for rules. `number` counts millionths."""

    __tablename__ = "work_item_value"

    work_item_id: int = refers_to("work_item.id", primary_key=True)
    name: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    text: str = Field(sa_type=Text)
    text_folded: str = Field(sa_type=Text)
    number: int | None = Field(default=None, sa_type=BigInteger)
    day: date | None = None


class Project(SQLModel, table=True):
    """A Jira project that work items were ever in: what rules about projects flag."""

    __table_args__ = (UniqueConstraint("source", "key_folded"),)

    id: int | None = key()
    source: str
    key: str
    key_folded: str
    name: str
    name_folded: str


class CostCentre(SQLModel, table=True):
    """A cost centre that budget lines were ever booked on: what rules about cost centres flag."""

    __tablename__ = "cost_centre"

    id: int | None = key()
    name: str
    name_folded: str = Field(unique=True)


class WorkItemReference(SQLModel, table=True):
    """A tie that a work item claims, resolved or not; `meant`: somebody meant to name an objective."""

    __tablename__ = "work_item_reference"

    id: int | None = key()
    work_item_id: int = refers_to("work_item.id", index=True)
    how: str
    target: str = Field(sa_type=Text)
    target_folded: str = Field(sa_type=Text, index=True)
    evidence: str = Field(sa_type=Text)
    meant: bool = True
    strength: str | None = None


class RemoteLook(SQLModel, table=True):
    """When a work item was last asked for its remote links."""

    __tablename__ = "remote_look"

    work_item_id: int = refers_to("work_item.id", primary_key=True)
    looked_at: datetime = Field(sa_type=Instant)


class Objective(Provenance, table=True):
    """One business objective. `site` is the Jira site it lives on as issue `issue_id`, if it does."""

    __table_args__ = (UniqueConstraint("source", "source_id"),)

    id: int | None = key()
    key_folded: str = Field(index=True)
    title: str = Field(sa_type=Text)
    title_folded: str = Field(sa_type=Text)
    state: str
    parent: str | None = None
    owner: str | None = None
    owner_folded: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    url: str | None = long_text()
    site: str | None = None
    issue_id: str | None = Field(default=None, index=True)
    kind: str | None = None
    kind_folded: str | None = None
    target_share: int | None = None


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

    A source of rates is a set of rates: `source` names it.
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


class FormerKey(SQLModel, table=True):
    """A key that an issue had before it was moved: money may still be booked on it."""

    __tablename__ = "former_key"

    work_item_id: int = refers_to("work_item.id", primary_key=True)
    key_folded: str = Field(primary_key=True)
    key: str
    until: datetime = Field(sa_type=Instant)


class Amount(SQLModel):
    """What a budget line says: one amount for one period and version, in one currency's minor units.

    `line` is where it stands in the artifact, the first time it was stated so.
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


class LinkClaim(Provenance, table=True):
    """One row of a mapping file, or a remote link: this issue, on this site, serves this objective."""

    __tablename__ = "link_claim"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    id: int | None = key()
    issue: str
    issue_folded: str = Field(index=True)
    objective: str
    objective_folded: str = Field(index=True)
    evidence: str = Field(sa_type=Text)
    site: str | None = None
    how: str
    strength: str | None = None


class ObjectiveLink(SQLModel, table=True):
    """Work item → objective, rebuilt each night. `via_id` is the ancestor an inherited link comes from.

    An item may be tied to one objective in several ways: `counts` marks one link of each pair.
    """

    __tablename__ = "objective_link"

    id: int | None = key()
    work_item_id: int = refers_to("work_item.id", index=True)
    objective_id: int = refers_to("objective.id", index=True)
    how: str
    strength: str | None = None
    evidence: str = Field(sa_type=Text)
    via_id: int | None = refers_to("work_item.id", nullable=True)
    depth: int = 0
    counts: bool = False


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


class Hit(SQLModel, table=True):
    """A rule that is true for a row in this run; replaced each night. `severity` is raised, or the rule's."""

    rule: str = Field(primary_key=True)
    entity: str = Field(primary_key=True)
    subject_id: int = Field(sa_column=Column(Serial, primary_key=True, autoincrement=False))
    severity: str | None = None
    evidence: str = Field(sa_type=Text)


class Finding(SQLModel, table=True):
    """The life of a hit over the nights: pending → open → clearing → closed, waived beside it.

    `alignment` says that the rule asks whether work serves an objective: waived, it makes the work waived.
    """

    __table_args__ = (UniqueConstraint("rule", "entity", "subject_id"),)

    id: int | None = key()
    rule: str
    entity: str
    subject_id: int = Field(sa_column=Column(Serial, nullable=False))
    rule_hash: str
    severity: str
    mode: str = "label"
    label: str | None = None
    owner: str | None = None
    alignment: bool = False
    waiver_id: int | None = Field(default=None, sa_column=Column(Serial, nullable=True))
    state: str = Field(index=True)
    since: datetime = Field(sa_type=Instant)
    opened_at: datetime | None = Field(default=None, sa_type=Instant)
    clearing_since: datetime | None = Field(default=None, sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant)
    closed_why: str | None = None
    opened_run: int | None = None
    closed_run: int | None = None
    last_run: int
    evidence: str = Field(sa_type=Text)


class Waiver(SQLModel, table=True):
    """Somebody's word that findings of a rule are accepted for a time; `condition` says which, in JQL.

    `origin` is where it was given (`file`), `state` what became of it: `granted`, or `withdrawn` when it is
    gone from there. A waiver that is asked for on a ticket will have an origin and states of its own.
    """

    __table_args__ = (UniqueConstraint("origin", "rule", "condition"),)

    id: int | None = key()
    origin: str
    state: str
    rule: str
    condition: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    owner: str
    owner_folded: str | None = None
    approver: str | None = None
    approver_folded: str | None = None
    until: date
    place: str = Field(sa_type=Text)
    first_run: int
    last_run: int


class PlanChange(SQLModel, table=True):
    """One label change that a run wanted, written or not."""

    __tablename__ = "plan_change"

    run_id: int = refers_to("run.id", primary_key=True)
    work_item_id: int = refers_to("work_item.id", primary_key=True)
    label: str = Field(primary_key=True)
    operation: str
    rule: str


class LabelWrite(SQLModel, table=True):
    """The ledger: what we meant to write, and how Jira answered."""

    __tablename__ = "label_write"

    id: int | None = key()
    run_id: int = refers_to("run.id", index=True)
    work_item_id: int = refers_to("work_item.id", index=True)
    label: str
    operation: str
    rule: str
    state: str
    intended_at: datetime = Field(sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    reason: str | None = long_text()


class Coverage(SQLModel, table=True):
    """The figures of a run: money and work by state, for the whole portfolio ('') and for each project.

    A project is its key on its Jira site: two sites may well use one key.
    `state` is aligned, unaligned, waived or unknown. Rows with an empty `currency` count work items;
    the others hold money of one version and fiscal year, and count the work items it falls to.
    """

    run_id: int = refers_to("run.id", primary_key=True)
    site: str = Field(primary_key=True)
    project_key: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    fiscal_year: int = Field(primary_key=True)
    state: str = Field(primary_key=True)
    project_name: str
    amount_minor: int = Field(sa_type=BigInteger)
    items: int


class ConvertedMoney(SQLModel, table=True):
    """Figures of a run that are derived: money of another currency in the reporting one, by standing.

    `source_minor` is the original amount that a rate was found for, in its own currency; `amount_minor` what
    it is worth in `target`, by the rates of `rate_set`.
    """

    __tablename__ = "converted_money"

    run_id: int = refers_to("run.id", primary_key=True)
    currency: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    fiscal_year: int = Field(primary_key=True)
    state: str = Field(primary_key=True)
    target: str
    rate_set: str
    rate_type: str
    source_minor: int = Field(sa_type=BigInteger)
    amount_minor: int = Field(sa_type=BigInteger)


class MissingRate(SQLModel, table=True):
    """Money of a run that could not be converted, because its rate set has no rate for the period."""

    __tablename__ = "missing_rate"

    run_id: int = refers_to("run.id", primary_key=True)
    currency: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    fiscal_year: int = Field(primary_key=True)
    period: str = Field(primary_key=True)
    target: str
    rate_set: str
    rate_type: str
    source_minor: int = Field(sa_type=BigInteger)
