"""The tables of work and objectives: issues, what they claim to serve, and what that comes to."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from sync.store.tables.column_types import Instant, Serial, key, long_text, refers_to
from sync.store.tables.provenance import Provenance


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


class WorkItemReference(SQLModel, table=True):
    """A tie that a work item claims, resolved or not; `meant`: somebody meant to name an objective."""

    __tablename__ = "work_item_reference"
    # Budget lines look up cost codes by what they name; links, which most references are, start at the item.
    __table_args__ = (
        Index(
            "ix_work_item_reference_cost_code",
            "target_folded",
            sqlite_where=text("how = 'cost code'"),
            postgresql_where=text("how = 'cost code'"),
        ),
    )

    id: int | None = key()
    work_item_id: int = refers_to("work_item.id", index=True)
    how: str
    target: str = Field(sa_type=Text)
    target_folded: str = Field(sa_type=Text)
    evidence: str = Field(sa_type=Text)
    meant: bool = True
    strength: str | None = None


class RemoteLook(SQLModel, table=True):
    """When a work item was last asked for its remote links."""

    __tablename__ = "remote_look"

    work_item_id: int = refers_to("work_item.id", primary_key=True)
    looked_at: datetime = Field(sa_type=Instant)


class FormerKey(SQLModel, table=True):
    """A key that an issue of `site` had before it was moved: money, and work that serves it, may name it."""

    __tablename__ = "former_key"

    site: str = Field(primary_key=True)
    issue_id: str = Field(primary_key=True)
    key_folded: str = Field(primary_key=True, index=True)
    key: str
    until: datetime = Field(sa_type=Instant)


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


class OutsideObjective(Provenance, table=True):
    """An issue of `site` that work names as an objective and that is none; `hidden`: why it is not given."""

    __tablename__ = "outside_objective"
    __table_args__ = (UniqueConstraint("source", "source_id"),)

    id: int | None = key()
    key: str
    key_folded: str = Field(index=True)
    title: str = Field(sa_type=Text)
    title_folded: str = Field(sa_type=Text)
    state: str
    type_name: str
    type_folded: str
    url: str | None = long_text()
    site: str
    issue_id: str | None = Field(default=None, index=True)
    hidden: str | None = long_text()


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


class OutsideLink(SQLModel, table=True):
    """Work item → issue that it names as an objective and that is none; it counts nowhere."""

    __tablename__ = "outside_link"

    id: int | None = key()
    work_item_id: int = refers_to("work_item.id", index=True)
    objective_id: int = refers_to("outside_objective.id", index=True)
    how: str
    strength: str | None = None
    evidence: str = Field(sa_type=Text)
    via_id: int | None = refers_to("work_item.id", nullable=True)
    depth: int = 0
    counts: bool = False
