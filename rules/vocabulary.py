"""The product's words for rules: which entities, fields and relations there are, without any column."""

from __future__ import annotations

from rules.catalogue import Catalogue, Entity, Field, Kind, Relation

STATUS_CATEGORIES = (("To Do", "new"), ("In Progress", "indeterminate"), ("Done", "done"))
OBJECTIVE_STATES = (("draft",), ("active",), ("closed",))
BUDGET_VERSIONS = (("budget",), ("forecast",), ("actual",))

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
        synonyms=(*STATUS_CATEGORIES, ("undefined", "No Category")),
        closed=True,
    ),
    Field("assignee", Kind.OPTION, "who works on it"),
    Field("priority", Kind.OPTION, "the name of the priority"),
    Field("labels", Kind.OPTION, "its labels", aliases=("label",), many=True),
    Field("created", Kind.DATETIME, "when it was created"),
    Field("updated", Kind.DATETIME, "when it last changed"),
    Field("due", Kind.DATE, "when it is due", aliases=("duedate",)),
    Field("parent", Kind.OPTION, "the key of its parent"),
)
OBJECTIVE_FIELDS = (
    Field("key", Kind.OPTION, "the objective's id", aliases=("id",)),
    Field("title", Kind.TEXT, "its title"),
    Field("state", Kind.OPTION, "draft, active or closed", synonyms=OBJECTIVE_STATES, closed=True),
    Field("owner", Kind.OPTION, "who answers for it"),
    Field("starts", Kind.DATE, "the first day it is valid"),
    Field("ends", Kind.DATE, "the last day it is valid"),
    Field("live", Kind.BOOLEAN, "active, and today is within its dates"),
)


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


VOCABULARY = Catalogue(
    (
        Entity(
            "workItem",
            WORK_ITEM_FIELDS + _budget("amount", "forecast", "actual"),
            (
                Relation(
                    "objective", OBJECTIVE_FIELDS, "key", "the objectives it serves, itself or by its parents"
                ),
            ),
            "one Jira issue",
        ),
        Entity(
            "objective",
            OBJECTIVE_FIELDS + _budget("amount"),
            (Relation("workItem", WORK_ITEM_FIELDS, "key", "the work items that serve it"),),
            "one business objective",
        ),
        Entity(
            "budgetLine",
            (
                Field("id", Kind.OPTION, "its natural key at the source"),
                Field("project", Kind.OPTION, "the project or investment code"),
                Field("costCentre", Kind.OPTION, "the cost centre"),
                Field("account", Kind.OPTION, "the account"),
                Field(
                    "version",
                    Kind.OPTION,
                    "budget, forecast or actual",
                    synonyms=BUDGET_VERSIONS,
                    closed=True,
                ),
                Field("fiscalYear", Kind.NUMBER, "the fiscal year, such as 2026"),
                Field("currency", Kind.OPTION, "the ISO 4217 code of the amount as booked"),
                Field("amount", Kind.MONEY, "the amount, in the reporting currency"),
            ),
            (Relation("workItem", WORK_ITEM_FIELDS, "key", "the work items it pays for"),),
            "one amount for one period",
        ),
    )
)
DEFAULT_ENTITY = "workItem"
