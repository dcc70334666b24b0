"""The product's words for rules: which entities, fields and relations there are, without any column."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.records import STANDARD_FIELDS, ValueType
from rules.catalogue import Catalogue, Entity, Field, Kind, Relation, find

STATUS_CATEGORIES = (("To Do", "new"), ("In Progress", "indeterminate"), ("Done", "done"))
OBJECTIVE_STATES = (("draft",), ("active",), ("closed",))
BUDGET_VERSIONS = (("budget",), ("forecast",), ("actual",))
CATEGORY = (*STATUS_CATEGORIES, ("undefined", "No Category"))

WORK_ITEM_FIELDS = (
    Field("key", Kind.OPTION, "the issue key, such as PAY-12", aliases=("issuekey", "issue")),
    Field("project", Kind.OPTION, "the key of the project"),
    Field("issuetype", Kind.OPTION, "Epic, Story, …", aliases=("type",)),
    Field("hierarchyLevel", Kind.NUMBER, "-1 sub-task, 0 story, 1 epic, 2 and more above"),
    Field("summary", Kind.TEXT, "the title"),
    Field("status", Kind.OPTION, "the name of the status"),
    Field(
        "statusCategory",
        Kind.OPTION,
        "To Do, In Progress or Done, or the keys new, indeterminate, done",
        synonyms=CATEGORY,
        closed=True,
    ),
    Field("assignee", Kind.OPTION, "who works on it"),
    Field("priority", Kind.OPTION, "the name of the priority"),
    Field("labels", Kind.OPTION, "its labels", aliases=("label",), many=True),
    Field("created", Kind.DATETIME, "when it was created"),
    Field("updated", Kind.DATETIME, "when it last changed, by our own label writes too"),
    Field("touched", Kind.DATETIME, "when it was last changed by anybody but us"),
    Field("resolved", Kind.DATETIME, "when it was resolved", aliases=("resolutiondate",)),
    Field("due", Kind.DATE, "when it is due", aliases=("duedate",)),
    Field("parent", Kind.OPTION, "the key of its parent"),
)
PARENT_FIELDS = (
    Field("parent.issuetype", Kind.OPTION, "the type of its parent", aliases=("parent.type",)),
    Field("parent.hierarchyLevel", Kind.NUMBER, "the level of its parent: 2 for an initiative"),
    Field("parent.status", Kind.OPTION, "the status of its parent"),
    Field(
        "parent.statusCategory",
        Kind.OPTION,
        "To Do, In Progress or Done of its parent",
        synonyms=CATEGORY,
        closed=True,
    ),
)
OBJECTIVE_FIELDS = (
    Field("key", Kind.OPTION, "the objective's id", aliases=("id",)),
    Field("title", Kind.TEXT, "its title"),
    Field("state", Kind.OPTION, "draft, active or closed", synonyms=OBJECTIVE_STATES, closed=True),
    Field("kind", Kind.OPTION, "what sort of goal its owner says it is, such as growth or service"),
    Field("owner", Kind.OPTION, "who answers for it"),
    Field("starts", Kind.DATE, "the first day it is valid"),
    Field("ends", Kind.DATE, "the last day it is valid"),
    Field("live", Kind.BOOLEAN, "active, and today is within its dates"),
    Field("targetShare", Kind.NUMBER, "the share of all money that should serve it, in percent"),
)
OUTSIDE_FIELDS = (
    Field("key", Kind.OPTION, "the issue key", aliases=("id",)),
    Field("title", Kind.TEXT, "its title"),
    Field("state", Kind.OPTION, "active or closed", synonyms=OBJECTIVE_STATES, closed=True),
    Field("issuetype", Kind.OPTION, "its type", aliases=("type",)),
)
BUDGET_LINE_FIELDS = (
    Field("id", Kind.OPTION, "its natural key at the source"),
    Field("project", Kind.OPTION, "the project or investment code"),
    Field("costCentre", Kind.OPTION, "the cost centre"),
    Field("account", Kind.OPTION, "the account"),
    Field("version", Kind.OPTION, "budget, forecast or actual", synonyms=BUDGET_VERSIONS, closed=True),
    Field("fiscalYear", Kind.NUMBER, "the fiscal year, such as 2026"),
    Field("period", Kind.OPTION, "the fiscal year or the part of it, such as FY2026-03"),
    Field("currency", Kind.OPTION, "the ISO 4217 code of the amount as booked"),
    Field("amount", Kind.MONEY, "the amount, in the reporting currency"),
    Field("restated", Kind.DATETIME, "when its amount last became another one; empty if it never did"),
    Field("rateMissing", Kind.BOOLEAN, "no exchange rate turns its amount into the reporting currency"),
)
WAIVER_FIELDS = (
    Field("rule", Kind.OPTION, "the id of the rule it waives"),
    Field("owner", Kind.OPTION, "who answers for it"),
    Field("approver", Kind.OPTION, "who approved it"),
    Field("until", Kind.DATE, "the last day it counts"),
    Field("findings", Kind.NUMBER, "how many findings are under it"),
)
STANDARD_DOCS = {
    "description": "the first 1000 letters of its description",
    "businessOwner": "who answers for it in the business",
    "risk": "how risky it is, such as High",
    "riskOwner": "who answers for its risk in the business",
    "approval": "how its approval stands, such as Approved",
    "benefit": "what it is expected to bring",
}
KINDS = {
    ValueType.TEXT: Kind.TEXT,
    ValueType.OPTION: Kind.OPTION,
    ValueType.OPTIONS: Kind.OPTION,
    ValueType.NUMBER: Kind.NUMBER,
    ValueType.DATE: Kind.DATE,
    ValueType.USER: Kind.OPTION,
    ValueType.USERS: Kind.OPTION,
}
NOT_DECLARED = "fields: {{{}: …}} at the Jira site in sources.yaml"
DEFAULT_ENTITY = "workItem"
# What `each` may say besides the name of an entity: the entity, and a field with the value it has there.
SHORTHANDS = {"epic": ("workItem", "hierarchyLevel", 1)}


def _budget(*versions: str) -> tuple[Field, ...]:
    meaning = {"amount": "planned", "forecast": "expected", "actual": "spent"}
    return tuple(
        Field(
            f"budget.{version}",
            Kind.MONEY,
            f"{meaning[version]} in the current fiscal year, in the reporting currency; empty if none",
        )
        for version in versions
    )


MONEY = _budget("amount", "forecast", "actual")
SHARE = Field("budget.share", Kind.NUMBER, "percent of all money planned for objectives that falls to it")


def vocabulary(declared: Mapping[str, ValueType]) -> Catalogue:
    """Give the words for rules, with the fields that the Jira sites declare.

    Standard fields that no site declares are there too, `absent`: a rule that asks for one waits.
    """
    items = WORK_ITEM_FIELDS + declared_fields(declared)
    work = "the work items {}"
    served = "the objectives it serves, itself or by its parents"
    outside = "the issues it names as objectives that JIRA_OBJECTIVE_JQL leaves out"
    paid = "the objectives that the work it pays for serves"
    return Catalogue(
        (
            Entity(
                "workItem",
                items + PARENT_FIELDS + MONEY,
                (
                    Relation("objective", OBJECTIVE_FIELDS, "key", served),
                    Relation("outsideObjective", OUTSIDE_FIELDS, "key", outside),
                    Relation("child", items, "key", "the work items right under it"),
                    Relation("budgetLine", BUDGET_LINE_FIELDS, "id", "the budget lines that pay for it"),
                ),
                "one Jira issue",
            ),
            Entity(
                "objective",
                (*OBJECTIVE_FIELDS, *MONEY, SHARE),
                (Relation("workItem", items, "key", work.format("that serve it")),),
                "one business objective",
            ),
            Entity(
                "budgetLine",
                BUDGET_LINE_FIELDS,
                (
                    Relation("workItem", items, "key", work.format("it pays for")),
                    Relation("objective", OBJECTIVE_FIELDS, "key", paid),
                ),
                "one amount for one period",
            ),
            Entity(
                "costCentre",
                (Field("name", Kind.OPTION, "the cost centre", aliases=("key", "id")), *MONEY),
                (
                    Relation("budgetLine", BUDGET_LINE_FIELDS, "id", "the budget lines booked on it"),
                    Relation("workItem", items, "key", work.format("its budget lines pay for")),
                ),
                "one cost centre",
            ),
            Entity(
                "project",
                (
                    Field("key", Kind.OPTION, "the key of the project"),
                    Field("name", Kind.OPTION, "its name"),
                    *MONEY,
                ),
                (Relation("workItem", items, "key", work.format("in it")),),
                "one Jira project",
            ),
            Entity("waiver", WAIVER_FIELDS, (), "one waiver that a file grants, in force or expired"),
        )
    )


def declared_fields(declared: Mapping[str, ValueType]) -> tuple[Field, ...]:
    """Give the fields that sites declare, and the standard ones that none does."""
    present = tuple(
        Field(name, KINDS[kind], STANDARD_DOCS.get(name, "declared at the Jira site"), many=kind.many)
        for name, kind in declared.items()
    )
    absent = tuple(
        Field(name, KINDS[kind], STANDARD_DOCS[name], absent=NOT_DECLARED.format(name))
        for name, kind in STANDARD_FIELDS.items()
        if name not in declared
    )
    return present + absent


def taken(name: str) -> bool:
    """Tell whether a name that a site would like to declare means something else already."""
    standard = {known.casefold() for known in STANDARD_FIELDS}
    if name.casefold() in standard:
        return name not in STANDARD_FIELDS
    return find(VOCABULARY.entities[0], name) is not None


VOCABULARY = vocabulary({})
