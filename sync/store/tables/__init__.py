"""The tables of the store: storage only, records are validated before they get here.

Identity is (source, source_id); `id` is a surrogate for joins. Columns named `*_folded` hold the case-folded
text that comparisons use, so that SQLite and PostgreSQL agree. Money is integer minor units with its
ISO 4217 code. Times are UTC. Rows of the outside world vanish only by tombstone (`deleted_at`).
"""

from __future__ import annotations

from sync.store.tables.column_types import Instant, Serial
from sync.store.tables.money import (
    AllocationRule,
    Amount,
    Artifact,
    ArtifactPart,
    Balance,
    BudgetLine,
    BudgetLinePast,
    BudgetLink,
    BudgetRemainder,
    ControlTotal,
    FxRate,
    MatchDecision,
    ObjectiveShare,
    Promotion,
    Quarantine,
    Reconciliation,
)
from sync.store.tables.provenance import Provenance
from sync.store.tables.runs import AuditEntry, Cursor, Lease, Night, RuleLife, RuleText, Run, SourceRun
from sync.store.tables.verdicts import (
    ConvertedMoney,
    Coverage,
    Finding,
    LabelWrite,
    MarkerWrite,
    MissingRate,
    ObjectiveCoverage,
    PlanChange,
    RateGap,
    Waiver,
)
from sync.store.tables.work import (
    CostCentre,
    FormerKey,
    LinkClaim,
    Objective,
    ObjectiveLink,
    Project,
    RemoteLook,
    WorkItem,
    WorkItemLabel,
    WorkItemReference,
    WorkItemValue,
)

__all__ = [
    "AllocationRule",
    "Amount",
    "Artifact",
    "ArtifactPart",
    "AuditEntry",
    "Balance",
    "BudgetLine",
    "BudgetLinePast",
    "BudgetLink",
    "BudgetRemainder",
    "ControlTotal",
    "ConvertedMoney",
    "CostCentre",
    "Coverage",
    "Cursor",
    "Finding",
    "FormerKey",
    "FxRate",
    "Instant",
    "LabelWrite",
    "Lease",
    "LinkClaim",
    "MarkerWrite",
    "MatchDecision",
    "MissingRate",
    "Night",
    "Objective",
    "ObjectiveCoverage",
    "ObjectiveLink",
    "ObjectiveShare",
    "PlanChange",
    "Project",
    "Promotion",
    "Provenance",
    "Quarantine",
    "RateGap",
    "Reconciliation",
    "RemoteLook",
    "RuleLife",
    "RuleText",
    "Run",
    "Serial",
    "SourceRun",
    "Waiver",
    "WorkItem",
    "WorkItemLabel",
    "WorkItemReference",
    "WorkItemValue",
]
