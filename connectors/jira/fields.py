"""Turn configured field names into the ids of one site, and find the fields known only by their kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz, process

from connectors.errors import BadInput
from connectors.jira.config import JiraSiteConfig

EPIC_LINK = "com.pyxis.greenhopper.jira:gh-epic-link"
PARENT_LINK = "com.atlassian.jpo:jpo-custom-field-parent"
GOALS = "com.atlassian.jira.plugin.system.customfieldtypes:goals"

# Everything a work item is made of; descriptions and comments are never asked for.
SYSTEM_FIELDS = (
    "summary",
    "issuetype",
    "status",
    "project",
    "labels",
    "parent",
    "issuelinks",
    "assignee",
    "priority",
    "created",
    "updated",
    "duedate",
)


@dataclass(frozen=True, slots=True)
class SiteField:
    """One field of a site. `name` is for people; `kind` is `schema.custom`, or what the field holds."""

    id: str
    name: str
    kind: str = ""

    def __str__(self) -> str:
        return self.name if self.name == self.id else f"{self.name} ({self.id})"


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Which field of this site holds what; several fields of one kind occur (one for each project)."""

    objective: tuple[SiteField, ...] = ()
    cost_code: tuple[SiteField, ...] = ()
    goals: tuple[SiteField, ...] = ()
    epic_link: tuple[SiteField, ...] = ()
    parent_link: tuple[SiteField, ...] = ()
    start: SiteField | None = None

    @property
    def to_request(self) -> tuple[str, ...]:
        groups = (self.objective, self.cost_code, self.goals, self.epic_link, self.parent_link)
        custom = [field.id for group in groups for field in group]
        if self.start:
            custom.append(self.start.id)
        return tuple(dict.fromkeys([*SYSTEM_FIELDS, *custom]))


def site_fields(answer: object) -> tuple[SiteField, ...]:
    """The fields in an answer to `GET field`; entries without an id or a name are of no use and left out."""
    entries = answer if isinstance(answer, list) else []
    return tuple(
        SiteField(id=str(entry["id"]), name=str(entry["name"]), kind=kind_of(entry))
        for entry in entries
        if isinstance(entry, Mapping) and entry.get("id") and entry.get("name")
    )


def kind_of(entry: Mapping[str, Any]) -> str:
    schema = entry.get("schema")
    if not isinstance(schema, Mapping):
        return ""
    return str(schema.get("custom") or schema.get("system") or "")


def map_fields(config: JiraSiteConfig, fields: Sequence[SiteField]) -> FieldMap:
    """The field map of a site. Raises `BadInput` with every configured name that is unknown or ambiguous."""
    problems: list[str] = []

    def resolve(names: Iterable[str], setting: str) -> tuple[SiteField, ...]:
        found = []
        for name in names:
            try:
                found.append(find_field(name, fields, setting))
            except BadInput as error:
                problems.extend(error.problems)
        return tuple(dict.fromkeys(found))

    resolved = FieldMap(
        objective=resolve(config.objective_fields, "JIRA_OBJECTIVE_FIELD"),
        cost_code=resolve(config.cost_code_fields, "cost_code_fields"),
        start=next(iter(resolve([config.start_field] if config.start_field else [], "start_field")), None),
        goals=of_kind(GOALS, fields),
        epic_link=of_kind(EPIC_LINK, fields),
        parent_link=of_kind(PARENT_LINK, fields),
    )
    if problems:
        raise BadInput(*problems)
    return resolved


def of_kind(kind: str, fields: Iterable[SiteField]) -> tuple[SiteField, ...]:
    return tuple(field for field in fields if field.kind == kind)


def find_field(name: str, fields: Sequence[SiteField], setting: str) -> SiteField:
    """The one field with this id or, whatever the case, this name."""
    wanted = name.strip().casefold()
    matches = [field for field in fields if field.id.casefold() == wanted]
    matches = matches or [field for field in fields if field.name.strip().casefold() == wanted]
    if len(matches) == 1:
        return matches[0]
    if matches:
        candidates = ", ".join(field.id for field in matches)
        raise BadInput(
            f"{setting}: {len(matches)} fields are called {name!r}: give the id of one ({candidates})."
        )
    raise BadInput(f"{setting}: this Jira shows the account no field called {name!r}.{nearest(name, fields)}")


def nearest(name: str, fields: Iterable[SiteField]) -> str:
    by_text = {text: field for field in fields for text in (field.name, field.id)}
    close = process.extract(name, list(by_text), scorer=fuzz.WRatio, limit=3, score_cutoff=70)
    named = dict.fromkeys(str(by_text[text]) for text, _, _ in close)
    return (
        f" Did you mean {' or '.join(named)}?" if named else " Check the name and the account's permissions."
    )
