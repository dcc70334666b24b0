"""The tables of judging: findings, waivers, plans, the ledger of labels, and the figures."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from sync.store.tables.column_types import Instant, Serial, key, long_text, refers_to


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

    `origin` is where it was given: in a `file`, or on a `ticket` as the answer to a request. `state` is what
    became of it: `granted`, or `withdrawn` when it is gone from there or over.
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


class WaiverRequest(SQLModel, table=True):
    """A person's label on a ticket that asks to exempt it from a rule, or disputes what the rule found.

    `state` is one of `sync.waivers.asking.Standing`; a request is live until `over_at`. `waiver_id` is what
    an approval granted. `asked_by` is empty where Jira does not tell who put the label on.
    """

    __tablename__ = "waiver_request"

    id: int | None = key()
    work_item_id: int = refers_to("work_item.id", index=True)
    rule: str
    kind: str
    state: str
    asked_at: datetime = Field(sa_type=Instant)
    asked_run: int
    asked_by: str | None = None
    approver: str = ""
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    reason: str | None = long_text()
    until: date | None = None
    waiver_id: int | None = Field(default=None, sa_column=Column(Serial, nullable=True))
    over_at: datetime | None = Field(default=None, sa_type=Instant)


class PlanChange(SQLModel, table=True):
    """One label change that a run wanted; `withheld` says why it was not to be written, where it was not."""

    __tablename__ = "plan_change"

    run_id: int = refers_to("run.id", primary_key=True)
    work_item_id: int = refers_to("work_item.id", primary_key=True)
    label: str = Field(primary_key=True)
    operation: str
    rule: str
    withheld: str | None = None


class Normal(SQLModel, table=True):
    """A measure of a run that the guard let through: what later nights are held against."""

    run_id: int = refers_to("run.id", primary_key=True)
    name: str = Field(primary_key=True)
    number: int
    out_of: int


class LabelWrite(SQLModel, table=True):
    """The ledger: what we meant to write, and how Jira answered.

    A removal in the state `by people` is none of ours: a label that we had put there was seen to be gone.
    """

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


class MarkerWrite(SQLModel, table=True):
    """The ledger of markers: what we meant to tell a ticket, and how Jira answered.

    `kind` is link, property or comment; `content` the verdict, and `digest` its hash; none where it goes.
    """

    __tablename__ = "marker_write"
    __table_args__ = (Index("ix_marker_write_work_item_id_kind", "work_item_id", "kind"),)

    id: int | None = key()
    run_id: int = refers_to("run.id", index=True)
    work_item_id: int = refers_to("work_item.id")
    kind: str
    operation: str
    digest: str
    content: str | None = long_text()
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


class ObjectiveCoverage(SQLModel, table=True):
    """The money of a run by the objective it falls to and by standing; `objective_id` 0 is for none.

    Each amount is in one row only: the rows of a state add up to that state of the whole portfolio.
    """

    __tablename__ = "objective_coverage"

    run_id: int = refers_to("run.id", primary_key=True)
    objective_id: int = Field(sa_column=Column(Serial, primary_key=True, autoincrement=False))
    currency: str = Field(primary_key=True)
    version: str = Field(primary_key=True)
    fiscal_year: int = Field(primary_key=True)
    state: str = Field(primary_key=True)
    amount_minor: int = Field(sa_type=BigInteger)


class ConvertedMoney(SQLModel, table=True):
    """Figures of a run that are derived: money of another currency in the reporting one, by standing.

    `source_minor` is the original amount that a rate was found for, in its own currency; `amount_minor` what
    it is worth in `target`, by the rates of `rate_set`; `rates_from` says where those stand.
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
    rates_from: str | None = long_text()


class RateGap(SQLModel, table=True):
    """A currency and fiscal period of money that stands, with no rate to convert it; rebuilt each night."""

    __tablename__ = "rate_gap"

    currency: str = Field(primary_key=True)
    period: str = Field(primary_key=True)


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
