"""The words everyone shares: what a connector makes of the outside world, validated at the edge.

Every record is a frozen value. Identity is the source's immutable id; keys and titles are for display."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Any


class StatusCategory(StrEnum):
    """Jira's three status categories, by key (names are localised), and the one for missing statuses."""

    TO_DO = "new"
    IN_PROGRESS = "indeterminate"
    DONE = "done"
    UNDEFINED = "undefined"


class How(StrEnum):
    """How a link between two records is expressed at its source."""

    PARENT_CHAIN = "parent chain"
    ISSUE_LINK = "issue link"
    CUSTOM_FIELD = "custom field"
    GOALS_FIELD = "goals field"
    LABEL = "label"
    REMOTE_LINK = "remote link"
    MAPPING_FILE = "mapping file"
    COST_CODE = "cost code"
    ISSUE_KEY = "issue key"
    CONFIRMED = "confirmed match"
    ALLOCATION = "allocation table"
    PARENT_PROJECT = "parent project"

    __hash__ = str.__hash__  # an enumeration hashes names, in Python, which takes five times as long


class Strength(StrEnum):
    """What a tie says of the work, where its source says more than that there is one."""

    TRACES = "traces"
    SUPPORTS = "supports"
    ACCELERATES = "accelerates"


@dataclass(frozen=True, slots=True)
class Reference:
    """Something a record says about another one, before anybody knows whether that other one exists.

    `target` is an objective id, an issue id or key, or a cost code, exactly as written at the source.
    `evidence` names the place it was read from, for people: `Objective ids (customfield_10043)`.
    `meant`: whoever wrote it meant to name an objective. Any label may be the id of one, and any issue link
    lead to one; where such a reference leads nowhere, nothing is amiss.
    """

    how: How
    target: str
    evidence: str
    meant: bool = True
    strength: Strength | None = None


class ValueType(StrEnum):
    """What a field of Jira holds that a site declares for rules to ask about."""

    TEXT = "text"
    OPTION = "option"
    OPTIONS = "options"
    NUMBER = "number"
    DATE = "date"
    USER = "user"
    USERS = "users"

    @property
    def many(self) -> bool:
        return self in {ValueType.OPTIONS, ValueType.USERS}


# Fields that the rules which ship ask about, wherever a site says which of its fields hold them.
STANDARD_FIELDS: Mapping[str, ValueType] = {
    "description": ValueType.TEXT,
    "businessOwner": ValueType.USER,
    "risk": ValueType.OPTION,
    "riskOwner": ValueType.USER,
    "approval": ValueType.OPTION,
    "benefit": ValueType.NUMBER,
}


# Numbers are kept as whole millionths: no database rounds those.
MILLIONTHS = 1_000_000


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One value of a declared field, by the name that rules use: a text, and what it means as number or day.

    `number` counts millionths.
    """

    name: str
    text: str
    number: int | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One Jira issue: an epic first, also an initiative, a story or anything else in scope.

    `hierarchy_level` is Jira's: -1 sub-task, 0 story, 1 epic, 2 and more above; None where unknown.
    `references` are the ties it claims (to objectives and to cost codes), each once; `parent_id` and
    `parent_key` may name an issue that was not pulled. `in_scope` is False for a parent that was fetched only
    so that the chain to its objective is known: it is stored, but neither judged nor counted.
    """

    id: str
    key: str
    project_key: str
    project_name: str
    summary: str
    type_name: str
    hierarchy_level: int | None
    status: str
    status_category: StatusCategory
    url: str
    labels: tuple[str, ...] = ()
    parent_id: str | None = None
    parent_key: str | None = None
    assignee: str | None = None
    priority: str | None = None
    created: datetime | None = None
    updated: datetime | None = None
    due: date | None = None
    resolved: datetime | None = None
    references: tuple[Reference, ...] = ()
    values: tuple[FieldValue, ...] = ()
    in_scope: bool = True


class ObjectiveState(StrEnum):
    """Whether an objective counts: only an active one within its dates makes work aligned."""

    DRAFT = "draft"
    ACTIVE = "active"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Objective:
    """A business goal with an owner, a state and validity dates (both inclusive), in a tree by `parent`.

    `kind` is the owner's own word for what sort of goal it is (growth, service …); `target_share` is the
    share of all money that should serve it, in hundredths of a percent.
    """

    id: str
    title: str
    state: ObjectiveState = ObjectiveState.ACTIVE
    parent: str | None = None
    owner: str | None = None
    starts: date | None = None
    ends: date | None = None
    url: str | None = None
    issue_id: str | None = None
    kind: str | None = None
    target_share: int | None = None


@dataclass(frozen=True, slots=True)
class OutsideObjective:
    """An issue that work names as an objective although the site's own query for objectives leaves it out.

    It makes no work aligned: it is known so that people and rules can tell "names something else" from "names
    nothing". `hidden` says why Jira does not give it; then `id` and `key` are the name it was asked for by.
    """

    id: str
    key: str
    title: str
    state: ObjectiveState = ObjectiveState.ACTIVE
    type_name: str = ""
    url: str | None = None
    hidden: str | None = None


class BudgetVersion(StrEnum):
    """What an amount means: planned, expected or spent. They are never added to each other."""

    BUDGET = "budget"
    FORECAST = "forecast"
    ACTUAL = "actual"


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One amount for one period, version, cost centre and project, in one currency.

    `amount_minor` counts the currency's minor units (cents for USD, yen for JPY): never a float.
    `period` is a fiscal year or a part of it as declared: `FY2017`, `FY2017-03`; `fiscal_year` is its year.
    `id` is the natural key within the source; `line` is the physical line the amount was read from.
    `issues` are the issue keys it names in the column declared for them; `parents` are the codes of the
    projects that its project is part of, the nearest first.
    """

    id: str
    version: BudgetVersion
    fiscal_year: int
    period: str
    currency: str
    amount_minor: int
    project: str | None = None
    cost_centre: str | None = None
    account: str | None = None
    description: str | None = None
    line: int | None = None
    issues: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LineColumns:
    """Budget lines by the column: the first line is made of the first value of each, and so on.

    A million lines come to the store like this in a fraction of the time that as many objects take. Issues
    and parents they have none.
    """

    id: Sequence[str]
    version: Sequence[str]
    fiscal_year: Sequence[int]
    period: Sequence[str]
    currency: Sequence[str]
    amount_minor: Sequence[int]
    project: Sequence[str | None]
    cost_centre: Sequence[str | None]
    account: Sequence[str | None]
    description: Sequence[str | None]
    line: Sequence[int]

    def __len__(self) -> int:
        return len(self.id)

    def lines(self) -> Iterator[BudgetLine]:
        """The same lines, one by one."""
        for own_id, version, *rest in zip(*_COLUMNS(self), strict=True):
            yield BudgetLine(own_id, BudgetVersion(version), *rest)


_COLUMNS: Callable[[LineColumns], tuple[Sequence[Any], ...]] = attrgetter(
    *(column.name for column in fields(LineColumns))
)


class CodeField(StrEnum):
    """Which code of a budget line is meant, the most specific first."""

    PROJECT = "project"
    COST_CENTRE = "cost_centre"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class AllocationRule:
    """One row of an allocation table: the money booked on this code falls to this item or to this objective.

    `prefix` says that it speaks of all codes that begin like this one. Exactly one of `issue` (key or id) and
    `objective` is given. `millionths` is the share of each line, None for an equal share. `starts` and `ends`
    are fiscal periods as numbers, both inclusive: 202603 for FY2026-03. `source` limits the rule to the lines
    of one finance source, `site` to the issues of one Jira site.
    """

    id: str
    field: CodeField
    code: str
    evidence: str
    prefix: bool = False
    issue: str | None = None
    objective: str | None = None
    millionths: int | None = None
    starts: int | None = None
    ends: int | None = None
    source: str | None = None
    site: str | None = None


@dataclass(frozen=True, slots=True)
class LinkClaim:
    """Something beside an issue says that it (key or id) serves this objective (id): a row of a mapping file.

    `site` is the Jira site that the issue is on; None where the row does not say.
    """

    issue: str
    objective: str
    evidence: str
    site: str | None = None
    how: How = How.MAPPING_FILE
    strength: Strength | None = None


class RateType(StrEnum):
    """What an exchange rate is of: one day, the average or the end of a period, or what a plan assumed."""

    SPOT = "spot"
    AVERAGE = "average"
    CLOSING = "closing"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class FxRate:
    """One unit of `base` is worth `rate` units of `quote`, on a day or over a fiscal period: one of the two.

    `rate` is exact and more than zero, in whole units of both currencies, not in their minor units. `period`
    is named like a budget line's: `FY2026-03`, or `FY2026` for all of a year. `id` is the natural key. It
    stands on `line` of `file`, on `sheet` where that is a workbook.
    """

    id: str
    type: RateType
    base: str
    quote: str
    rate: Decimal
    on: date | None = None
    period: str | None = None
    line: int | None = None
    file: str | None = None
    sheet: str | None = None


Record = WorkItem | Objective | OutsideObjective | BudgetLine | LinkClaim | FxRate | AllocationRule
