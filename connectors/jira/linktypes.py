"""Turn the configured issue link types into the ids of one site, each with the directions that count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from connectors.errors import BadInput
from connectors.jira.ties import LinkTie
from connectors.records import Strength

DIRECTIONS = ("outward", "inward")
SETTING = "objective_links"

# By the id of a link type, then by direction: what such a link says of the work.
LinkMap = Mapping[str, Mapping[str, Strength | None]]


@dataclass(frozen=True, slots=True)
class LinkType:
    """One issue link type of a site, with its name and what it is called at either end."""

    id: str
    name: str
    outward: str = ""
    inward: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.id}: {self.outward} / {self.inward})"


def link_types(answer: object) -> tuple[LinkType, ...]:
    """The link types in an answer to `GET issueLinkType`."""
    entries = answer.get("issueLinkTypes") if isinstance(answer, Mapping) else None
    return tuple(
        LinkType(*(str(entry.get(name) or "") for name in ("id", "name", "outward", "inward")))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, Mapping) and entry.get("id")
    )


def map_links(ties: Sequence[LinkTie], types: Sequence[LinkType]) -> LinkMap:
    """Which links count. Raises `BadInput` with every type that is unknown or ambiguous."""
    problems: list[str] = []
    counted: dict[str, dict[str, Strength | None]] = {}
    for tie in ties:
        try:
            found = find_type(tie.type, types)
        except BadInput as error:
            problems.extend(error.problems)
            continue
        for direction in (tie.direction,) if tie.direction else DIRECTIONS:
            counted.setdefault(found.id, {})[direction] = tie.strength
    if problems:
        raise BadInput(*problems)
    return counted


def find_type(name: str, types: Sequence[LinkType]) -> LinkType:
    """The one type with this id, else with exactly this name, else with it in another letter case."""
    for matches in (
        [one for one in types if one.id == name],
        [one for one in types if one.name == name],
        [one for one in types if one.name.casefold() == name.casefold()],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            candidates = ", ".join(map(str, matches))
            raise BadInput(
                f"{SETTING}: {len(matches)} link types are called {name!r}: give the id of one "
                f"({candidates})."
            )
    if not types:
        raise BadInput(f"{SETTING}: this Jira has no link types: issue linking may be switched off there.")
    near = process.extractOne(name, [one.name for one in types], scorer=fuzz.WRatio, score_cutoff=60)
    said = f"Did you mean {near[0]}?" if near else f"There are {', '.join(one.name for one in types)}."
    raise BadInput(f"{SETTING}: this Jira has no link type called {name!r}. {said}")
