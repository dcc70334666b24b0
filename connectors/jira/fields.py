"""Turn configured field names into the ids of one site, and find the fields known only by their kind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rapidfuzz import fuzz, process

from connectors.errors import BadInput
from connectors.jira.config import JiraSiteConfig
from connectors.jira.ties import FieldTie
from connectors.records import ValueType

EPIC_LINK = "com.pyxis.greenhopper.jira:gh-epic-link"
PARENT_LINK = "com.atlassian.jpo:jpo-custom-field-parent"
GOALS = "com.atlassian.jira.plugin.system.customfieldtypes:goals"

OBJECTIVE = "JIRA_OBJECTIVE_FIELD"

# Everything a work item is made of; a description is asked for only where it is declared, comments never.
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
    "resolutiondate",
)


@dataclass(frozen=True, slots=True)
class SiteField:
    """One field of a site. `name` is for people; `kind` is `schema.custom`, or what the field holds.

    `project_id` is set where the field belongs to one team-managed project: names repeat among them.
    """

    id: str
    name: str
    kind: str = ""
    project_id: str | None = None

    def __str__(self) -> str:
        return self.name if self.name == self.id else f"{self.name} ({self.id})"

    @property
    def candidate(self) -> str:
        """What tells it apart from others of its name."""
        only = f"only in project {self.project_id}" if self.project_id else ""
        told = ", ".join(filter(None, (self.kind.rpartition(":")[2], only)))
        return f"{self.id}: {told}" if told else self.id


@dataclass(frozen=True, slots=True)
class DeclaredField:
    """A field of the site that rules ask about, by the name they use."""

    name: str
    field: SiteField
    type: ValueType


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Which field of this site holds what; several fields of one kind occur (one for each project).

    `ties` says how those that hold objectives are read, by their ids.
    """

    objective: tuple[SiteField, ...] = ()
    cost_code: tuple[SiteField, ...] = ()
    goals: tuple[SiteField, ...] = ()
    epic_link: tuple[SiteField, ...] = ()
    parent_link: tuple[SiteField, ...] = ()
    start: SiteField | None = None
    strength: SiteField | None = None
    ties: Mapping[str, FieldTie] = field(default_factory=dict)
    declared: tuple[DeclaredField, ...] = ()

    @property
    def to_request(self) -> tuple[str, ...]:
        groups = (self.objective, self.cost_code, self.goals, self.epic_link, self.parent_link)
        custom = [one.id for group in groups for one in group]
        custom += [one.id for one in (self.start, self.strength) if one]
        custom += [declared.field.id for declared in self.declared]
        return tuple(dict.fromkeys([*SYSTEM_FIELDS, *custom]))


def site_fields(answer: object) -> tuple[SiteField, ...]:
    """The fields in an answer to `GET field`; entries without an id or a name are of no use and left out."""
    entries = answer if isinstance(answer, list) else []
    return tuple(
        SiteField(str(entry["id"]), str(entry["name"]), kind_of(entry), project_of(entry))
        for entry in entries
        if isinstance(entry, Mapping) and entry.get("id") and entry.get("name")
    )


def kind_of(entry: Mapping[str, Any]) -> str:
    schema = entry.get("schema")
    if not isinstance(schema, Mapping):
        return ""
    return str(schema.get("custom") or schema.get("system") or "")


def project_of(entry: Mapping[str, Any]) -> str | None:
    """The id of the team-managed project that a field or an issue type belongs to, if it does."""
    scope = entry.get("scope")
    project = scope.get("project") if isinstance(scope, Mapping) else None
    return str(project["id"]) if isinstance(project, Mapping) and project.get("id") else None


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

    def resolve_one(name: str | None, setting: str) -> SiteField | None:
        return next(iter(resolve([name] if name else [], setting)), None)

    ties = {one.id: tie for tie in config.objective_fields for one in resolve([tie.field], OBJECTIVE)}
    resolved = FieldMap(
        objective=tuple(one for one in fields if one.id in ties),
        cost_code=resolve(config.cost_code_fields, "cost_code_fields"),
        start=resolve_one(config.start_field, "start_field"),
        strength=resolve_one(config.strength_field, "strength_field"),
        ties=ties,
        goals=of_kind(GOALS, fields),
        epic_link=of_kind(EPIC_LINK, fields),
        parent_link=of_kind(PARENT_LINK, fields),
        declared=tuple(
            DeclaredField(name, found, declared.type)
            for name, declared in config.fields.items()
            for found in resolve([declared.field], f"fields: {name}")
        ),
    )
    if problems:
        raise BadInput(*problems)
    return resolved


def of_kind(kind: str, fields: Iterable[SiteField]) -> tuple[SiteField, ...]:
    return tuple(one for one in fields if one.kind == kind)


def find_field(name: str, fields: Sequence[SiteField], setting: str) -> SiteField:
    """The one field with this id or, whatever the case, this name; or the only one of this kind."""
    wanted = name.strip().casefold()
    matches = [one for one in fields if one.id.casefold() == wanted]
    matches = matches or [one for one in fields if one.name.strip().casefold() == wanted]
    matches = matches or [one for one in fields if one.kind.casefold() == wanted != ""]
    if len(matches) == 1:
        return matches[0]
    if matches:
        candidates = "; ".join(one.candidate for one in matches)
        raise BadInput(
            f"{setting}: {len(matches)} fields are called {name!r}: give the id of one ({candidates})."
        )
    raise BadInput(f"{setting}: this Jira shows the account no field called {name!r}.{nearest(name, fields)}")


def nearest(name: str, fields: Iterable[SiteField]) -> str:
    by_text = {text: one for one in fields for text in (one.name, one.id)}
    close = process.extract(name, list(by_text), scorer=fuzz.WRatio, limit=3, score_cutoff=70)
    named = dict.fromkeys(str(by_text[text]) for text, _, _ in close)
    return (
        f" Did you mean {' or '.join(named)}?" if named else " Check the name and the account's permissions."
    )
