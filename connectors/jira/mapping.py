"""Turn one raw Jira issue into a work item or an objective, whatever Jira left out or put in: pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from connectors.jira.declared import declared_values
from connectors.jira.fields import DeclaredField, FieldMap, SiteField
from connectors.jira.linktypes import LinkMap
from connectors.jira.ties import FieldTie, at_separators, compiled
from connectors.jira.values import SEPARATORS, day_of, goal_ids, groups_in, moment_of, targets_of, text_of
from connectors.pages import Quarantined
from connectors.records import (
    FieldValue,
    How,
    Objective,
    ObjectiveState,
    Reference,
    StatusCategory,
    Strength,
    WorkItem,
)

RAW_LIMIT = 2000
SIDES = (("outwardIssue", "outward"), ("inwardIssue", "inward"))
CATEGORY_OF_ID = {2: StatusCategory.TO_DO, 4: StatusCategory.IN_PROGRESS, 3: StatusCategory.DONE}

R = TypeVar("R")
V = TypeVar("V")
# An object of JSON is a dict, and that is what is asked below: to ask for a Mapping costs ten times as much.
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FieldReading:
    """How the values of one field that holds objectives are read."""

    separators: re.Pattern[str] = SEPARATORS
    pattern: re.Pattern[str] | None = None
    strength: Strength | None = None

    def targets(self, value: Any) -> Iterator[str]:
        for target in targets_of(value, self.separators):
            found = self.pattern.findall(target) if self.pattern else []
            yield from found or [target]


AS_USUAL = FieldReading()


def field_reading(tie: FieldTie) -> FieldReading:
    return FieldReading(at_separators(tie), compiled(tie.pattern) if tie.pattern else None, tie.strength)


@dataclass(frozen=True, slots=True)
class IssueMapping:
    """How the issues of one site are read.

    `own_prefix`: labels that begin with it are ours, an output, and never read as objective ids.
    `objective_links`: which issue links count, by type and direction; None: all of them.
    `strengths`: what the options of the strength field mean, by their casefolded words.
    """

    source: str
    browse_url: str
    fields: FieldMap = field(default_factory=FieldMap)
    own_prefix: str = "align-"
    objective_label_prefix: str | None = None
    objective_links: LinkMap | None = None
    epic_types: frozenset[str] = frozenset({"epic"})
    strengths: Mapping[str, Strength] = field(default_factory=dict)
    readings: Mapping[str, FieldReading] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mapped(Generic[R]):
    """What became of one raw issue: the record (None if it was refused) and what had to be refused of it."""

    record: R | None
    refused: tuple[Quarantined, ...] = ()


class Reader:
    """One raw issue under way: its fields, and the values that had to be refused."""

    def __init__(self, raw: Any, mapping: IssueMapping) -> None:
        self.raw = raw
        self.mapping = mapping
        self.refused: list[Quarantined] = []
        fields = raw.get("fields") if isinstance(raw, dict) else None
        self.fields: Raw = fields if isinstance(fields, dict) else {}

    def nested(self, name: str) -> Raw:
        value = self.fields.get(name)
        return value if isinstance(value, dict) else {}

    def parse(self, name: str, convert: Callable[[Any], V | None]) -> V | None:
        """The converted value; one that cannot be read is reported and left out, the issue stays."""
        try:
            return convert(self.fields.get(name))
        except (ValueError, TypeError, OverflowError, OSError):
            value = self.fields.get(name)
            self.refuse(
                f"{name} {value!r} is not a date Tieline can read: the issue is kept without it", name
            )
            return None

    def refuse(self, reason: str, column: str | None = None) -> None:
        key = self.raw.get("key") or self.raw.get("id") if isinstance(self.raw, dict) else None
        where = f"{self.mapping.source} {key}" if key else self.mapping.source
        raw = json.dumps(self.raw, ensure_ascii=False, default=str)[:RAW_LIMIT]
        self.refused.append(Quarantined(file=where, line=None, column=column, reason=reason, raw=raw))

    def is_usable(self) -> bool:
        if not isinstance(self.raw, dict):
            self.refuse("not an issue: Jira sent something that is no object")
        elif not self.raw.get("id") or not self.raw.get("key"):
            self.refuse("the issue has no id or no key")
        elif not isinstance(self.raw.get("fields"), dict):
            self.refuse("the issue came without its fields, so nothing is known about its labels")
        return not self.refused

    @property
    def id(self) -> str:
        return str(self.raw["id"])

    @property
    def key(self) -> str:
        return str(self.raw["key"])

    @property
    def url(self) -> str:
        return f"{self.mapping.browse_url}/browse/{self.key}"


def to_work_item(raw: Any, mapping: IssueMapping, *, in_scope: bool = True) -> Mapped[WorkItem]:
    """A raw issue of either deployment, from search, bulk fetch or the agile API, as a work item."""
    reader = Reader(raw, mapping)
    if not reader.is_usable():
        return Mapped(None, tuple(reader.refused))
    project = reader.nested("project")
    project_key = text_of(project.get("key")) or reader.key.rpartition("-")[0]
    labels = labels_of(reader.fields)
    parent_id, parent_key = parent_of(reader)
    item = WorkItem(
        id=reader.id,
        key=reader.key,
        project_key=project_key,
        project_name=text_of(project.get("name")) or project_key,
        summary=text_of(reader.fields.get("summary")) or "",
        type_name=text_of(reader.nested("issuetype").get("name")) or "",
        hierarchy_level=hierarchy_level(reader.nested("issuetype"), mapping.epic_types),
        status=text_of(reader.nested("status").get("name")) or "",
        status_category=status_category(reader.nested("status")),
        url=reader.url,
        labels=labels,
        parent_id=parent_id,
        parent_key=parent_key,
        assignee=text_of(reader.fields.get("assignee")),
        priority=text_of(reader.fields.get("priority")),
        created=reader.parse("created", moment_of),
        updated=reader.parse("updated", moment_of),
        due=reader.parse("duedate", day_of),
        resolved=reader.parse("resolutiondate", moment_of),
        values=tuple(value for declared in mapping.fields.declared for value in values_of(reader, declared)),
        references=distinct(tuple(references_of(reader, labels))),
        in_scope=in_scope,
    )
    return Mapped(item, tuple(reader.refused))


def to_objective(raw: Any, mapping: IssueMapping) -> Mapped[Objective]:
    """A raw issue that is an objective: its key is the objective's id, Done means closed."""
    reader = Reader(raw, mapping)
    if not reader.is_usable():
        return Mapped(None, tuple(reader.refused))
    start = mapping.fields.start
    objective = Objective(
        id=reader.key,
        title=text_of(reader.fields.get("summary")) or reader.key,
        state=objective_state(reader),
        parent=parent_of(reader)[1],
        owner=text_of(reader.fields.get("assignee")),
        starts=reader.parse(start.id, day_of) if start else None,
        ends=reader.parse("duedate", day_of),
        url=reader.url,
        issue_id=reader.id,
    )
    return Mapped(objective, tuple(reader.refused))


def objective_state(reader: Reader) -> ObjectiveState:
    done = status_category(reader.nested("status")) is StatusCategory.DONE
    return ObjectiveState.CLOSED if done else ObjectiveState.ACTIVE


def values_of(reader: Reader, declared: DeclaredField) -> tuple[FieldValue, ...]:
    """The values of a field that rules ask about; what is of another type is reported and left out."""
    raw = reader.fields.get(declared.field.id)
    if not raw and raw != 0:
        return ()
    try:
        return declared_values(declared.name, declared.type, raw)
    except ValueError as error:
        reason = (
            f"{declared.field}: {error}, as fields: {declared.name} declares; the issue is kept without it"
        )
        reader.refuse(reason, declared.field.id)
        return ()


def labels_of(fields: Raw) -> tuple[str, ...]:
    """The labels exactly as they stand: commas, quotes and case belong to them."""
    labels = fields.get("labels")
    return tuple(label for label in labels if isinstance(label, str)) if isinstance(labels, list) else ()


def hierarchy_level(issue_type: Raw, epic_types: frozenset[str]) -> int | None:
    """Jira's own level on Cloud; elsewhere sub-tasks and epics are known, the rest is the base level."""
    if not issue_type:
        return None
    level = issue_type.get("hierarchyLevel")
    if isinstance(level, int) and not isinstance(level, bool):
        return level
    if issue_type.get("subtask") is True:
        return -1
    names = {str(issue_type.get(part) or "").strip().casefold() for part in ("name", "id")}
    return 1 if names & epic_types else 0


def status_category(status: Raw) -> StatusCategory:
    category = status.get("statusCategory")
    if not isinstance(category, dict):
        return StatusCategory.UNDEFINED
    try:
        return StatusCategory(str(category.get("key")))
    except ValueError:
        number = category.get("id")
        return CATEGORY_OF_ID.get(number if isinstance(number, int) else 0, StatusCategory.UNDEFINED)


def parent_of(reader: Reader) -> tuple[str | None, str | None]:
    """Id and key of the parent: `parent` where Jira fills it, else the fields Data Center keeps it in."""
    fields = reader.mapping.fields
    places = ["parent", *(field.id for field in (*fields.epic_link, *fields.parent_link)), "epic"]
    for place in places:
        parent = issue_named_by(reader.fields.get(place))
        if parent != (None, None) and parent[0] != reader.id and parent[1] != reader.key:
            return parent
    return None, None


def issue_named_by(value: Any) -> tuple[str | None, str | None]:
    """Id and key in `{id, key}`, in Advanced Roadmaps' `{data: {id, key}}` or in a bare key."""
    if value is None:
        return None, None
    if isinstance(value, dict):
        inner = value.get("data")
        named = inner if isinstance(inner, dict) else value
        return text_of(named.get("id")), text_of(named.get("key"))
    return None, text_of(value) if isinstance(value, str) else None


def references_of(reader: Reader, labels: tuple[str, ...]) -> Iterator[Reference]:
    fields = reader.mapping.fields
    strength = strength_of(reader)
    yield from link_references(reader, strength)
    yield from field_references(reader, strength)
    yield from goal_references(reader, strength)
    yield from label_references(labels, reader.mapping, strength)
    yield from code_references(reader, fields.cost_code)


def distinct(references: tuple[Reference, ...]) -> tuple[Reference, ...]:
    """The references without repetition; where every target is another, there is none to look for."""
    if len({reference.target for reference in references}) == len(references):
        return references
    return tuple(dict.fromkeys(references))


def strength_of(reader: Reader) -> Strength | None:
    """What the issue itself says of its ties; a word that nobody explained says nothing."""
    held_in = reader.mapping.fields.strength
    said = text_of(reader.fields.get(held_in.id)) if held_in else None
    return reader.mapping.strengths.get(said.casefold()) if said else None


def link_references(reader: Reader, strength: Strength | None) -> Iterator[Reference]:
    links = reader.fields.get("issuelinks")
    wanted = reader.mapping.objective_links
    for link in links if isinstance(links, list) else ():
        kind = link.get("type") if isinstance(link, dict) else None
        kind = kind if isinstance(kind, dict) else {}
        counted = None if wanted is None else wanted.get(str(kind.get("id") or ""), {})
        for side, direction in SIDES if isinstance(link, dict) else ():
            if side not in link or (counted is not None and direction not in counted):
                continue
            other_id, other_key = issue_named_by(link.get(side))
            target = other_id or other_key
            if target:
                verb = text_of(kind.get(direction)) or text_of(kind.get("name")) or "is linked to"
                stated = counted[direction] if counted else None
                said = f"{verb} {other_key or other_id}"
                yield Reference(How.ISSUE_LINK, target, said, wanted is not None, stated or strength)


def field_references(reader: Reader, strength: Strength | None) -> Iterator[Reference]:
    mapping = reader.mapping
    for site_field in mapping.fields.objective:
        reading = mapping.readings.get(site_field.id, AS_USUAL)
        value = reader.fields.get(site_field.id)
        groups, evidence = groups_in(value), str(site_field)
        for target in reading.targets(value):
            yield Reference(
                How.CUSTOM_FIELD,
                key_in_address(target, mapping.browse_url),
                evidence,
                meant=target not in groups,
                strength=reading.strength or strength,
            )


def code_references(reader: Reader, fields: tuple[SiteField, ...]) -> Iterator[Reference]:
    for site_field in fields:
        for target in targets_of(reader.fields.get(site_field.id)):
            yield Reference(How.COST_CODE, key_in_address(target, reader.mapping.browse_url), str(site_field))


def goal_references(reader: Reader, strength: Strength | None) -> Iterator[Reference]:
    for site_field in reader.mapping.fields.goals:
        for goal in goal_ids(reader.fields.get(site_field.id)):
            yield Reference(How.GOALS_FIELD, goal, str(site_field), strength=strength)


def key_in_address(target: str, browse_url: str) -> str:
    """The key in the address of an issue of this very site; anything else unchanged."""
    if not target.startswith(browse_url):
        return target
    match = re.fullmatch(re.escape(browse_url) + r"/browse/([A-Za-z][A-Za-z0-9_]*-\d+)/?(?:[?#].*)?", target)
    return match[1].upper() if match else target


def label_references(
    labels: tuple[str, ...], mapping: IssueMapping, strength: Strength | None
) -> Iterator[Reference]:
    own, wanted = mapping.own_prefix, mapping.objective_label_prefix or ""
    for label in labels:
        if (own and begins(label, own)) or (wanted and not begins(label, wanted)):
            continue
        target = label[len(wanted) :].strip()
        if target:
            yield Reference(How.LABEL, target, f"label {label}", bool(wanted), strength)


def begins(label: str, prefix: str) -> bool:
    return label[: len(prefix)].casefold() == prefix.casefold()
