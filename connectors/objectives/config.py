"""What `sources.yaml` may say about files of objectives, and about files that tie issues to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from connectors.declared import Declared, DeclaredFiles, Header, Name
from connectors.records import ObjectiveState, Strength

# Words people use, each in small letters with single spaces. `states` adds to them and overrides them.
KNOWN_STATES: Mapping[str, ObjectiveState] = {
    word: state
    for state, words in {
        ObjectiveState.DRAFT: "draft, proposed, planned, planning, pending, new, not started, to do, future",
        ObjectiveState.ACTIVE: (
            "active, open, approved, started, in progress, ongoing, current, live, on track, ahead, at risk, "
            "off track, delayed, blocked"
        ),
        ObjectiveState.CLOSED: (
            "closed, done, complete, completed, achieved, met, not met, missed, failed, ended, expired, "
            "retired, superseded, archived, cancelled, canceled, abandoned, dropped, inactive"
        ),
    }.items()
    for word in words.split(", ")
}


def _names_a_whole_date(pattern: str) -> str:
    if not all(
        any(code in pattern for code in codes) for codes in (("%Y", "%y"), ("%m", "%b", "%B"), ("%d",))
    ):
        raise ValueError(f"date_format {pattern!r} must name year, month and day, such as %d/%m/%Y")
    return pattern


class ObjectiveColumns(Declared):
    """The columns (in YAML: the keys) that hold what we want to know of an objective."""

    id: Header
    title: Header
    parent: Header | None = None
    owner: Header | None = None
    status: Header | None = None
    starts: Header | None = None
    ends: Header | None = None
    url: Header | None = None
    kind: Header | None = None
    target_share: Header | None = None


class ObjectivesSourceConfig(DeclaredFiles):
    """Objectives in CSV or YAML files: one file, or a folder of them.

    `states` says what this source's status words mean, where they are not among the known ones. Dates are
    ISO 8601 (2017-09-30) unless `date_format` gives another form in strptime's codes.
    """

    name: Name
    columns: ObjectiveColumns
    states: dict[str, ObjectiveState] = Field(default_factory=dict)
    date_format: Annotated[str, AfterValidator(_names_a_whole_date)] = "%Y-%m-%d"

    def column_names(self) -> Iterator[str]:
        return (name for name in self.columns.model_dump().values() if name is not None)

    def meanings(self) -> dict[str, ObjectiveState]:
        """Every status word this source understands, folded."""
        return {**KNOWN_STATES, **{fold(word): state for word, state in self.states.items()}}


class LinkColumns(Declared):
    """The columns that name an issue (key or id) and the objective (id) it serves.

    `site` names the Jira site of the issue, by the name it has in `sources.yaml`: needed where more than one
    site has an issue of that key or id. `strength` says what the tie says: traces, supports or accelerates.
    """

    issue: Header = "issue"
    objective: Header = "objective"
    site: Header | None = None
    strength: Header | None = None


class LinksConfig(DeclaredFiles):
    """A mapping file: one row says that one issue serves one objective.

    `strengths` says what this file's words for a strength mean, beside traces, supports and accelerates.
    """

    name: Name = "links"
    columns: LinkColumns = LinkColumns()
    strengths: dict[str, Strength] = Field(default_factory=dict)

    def column_names(self) -> Iterator[str]:
        return (name for name in self.columns.model_dump().values() if name is not None)

    def meanings(self) -> dict[str, Strength]:
        """Every word for a strength that this file may use, folded."""
        own = {strength.value: strength for strength in Strength}
        return own | {fold(word): strength for word, strength in self.strengths.items()}


def canonical(path: Path, name: str = "objectives") -> ObjectivesSourceConfig:
    """The mapping used when only a path is given: columns named as in our own words, id and title needed."""
    names = list(ObjectiveColumns.model_fields)
    return ObjectivesSourceConfig(
        name=name,
        path=path,
        columns=ObjectiveColumns(**{name: name for name in names}),
        optional=tuple(name for name in names if name not in {"id", "title"}),
    )


def fold(word: str) -> str:
    return " ".join(word.replace("_", " ").replace("-", " ").split()).casefold()
