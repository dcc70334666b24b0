"""Turn what work names as objectives into the issues it names that `objective_jql` leaves out, or why not.

They are asked for by their ids and keys, many at a time, as parents outside the scope are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors.base import NamedObjectives
from connectors.jira.absence import Inquiry
from connectors.jira.mapping import IssueMapping, Mapped, Reader, objective_state
from connectors.jira.reading import search_for
from connectors.jira.search import Raw, Scope, id_of
from connectors.jira.site import JiraSite
from connectors.jira.source import mapping_for
from connectors.jira.values import text_of
from connectors.pages import Page
from connectors.records import OutsideObjective

FIELDS = ("summary", "status", "issuetype")
AT_ONCE = 100


class OutsideObjectives:
    """A source of the issues that work names as objectives and that are none, also of those not given."""

    def __init__(self, site: JiraSite, jql: str, candidates: NamedObjectives, own_prefix: str) -> None:
        self.site = site
        self.scope = Scope(jql, "JIRA_OBJECTIVE_JQL")
        self.candidates = candidates
        self.own_prefix = own_prefix
        self.search = search_for(site)

    @property
    def name(self) -> str:
        return outside_name(self.site.config.name)

    def pages(self, cursor: str | None = None) -> Iterator[Page]:  # noqa: ARG002 - asked anew in each run
        named = self.candidates.choose()
        found = self._given(named.ask)
        fresh = [name for name in lacking(named.ask, found.values()) if name not in named.known]
        given, asked = self.search.singly(fresh, FIELDS) if fresh else ([], set[str]())
        found |= by_id(given)
        wanted = {name.casefold() for name in named.ask}
        moved = [issue for issue in found.values() if not (names_of(issue) & wanted)]
        mapping = mapping_for(self.site, self.own_prefix)
        mapped = [to_outside(issue, mapping) for issue in found.values() if issue not in moved]
        told = [name for name in lacking(named.ask, found.values()) if name in named.known | asked]
        yield Page(
            records=(
                *(one.record for one in mapped if one.record is not None),
                *self._hidden(told, moved),
            ),
            quarantined=tuple(entry for one in mapped for entry in one.refused),
        )

    def _given(self, names: Sequence[str]) -> dict[str, Raw]:
        batches = (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))
        return by_id(issue for batch in batches for issue in self.search.indexed(batch, FIELDS))

    def _hidden(self, names: Sequence[str], moved: Sequence[Raw]) -> Iterator[OutsideObjective]:
        """What Jira does not give by these names, each with the reason."""
        inquiry = Inquiry(self.site.client, self.search, self.scope, FIELDS, keys_among)
        newer = ", ".join(str(issue.get("key")) for issue in moved)
        for absence in inquiry.not_given(names):
            why = (
                f"{absence.evidence}; moved issues that came instead: {newer}" if moved else absence.evidence
            )
            yield OutsideObjective(absence.id, absence.id, absence.id, hidden=why)


def outside_name(site: str) -> str:
    """The name under which the objectives outside the query of a site are stored."""
    return f"{site}-outside-objectives"


def to_outside(raw: Raw, mapping: IssueMapping) -> Mapped[OutsideObjective]:
    reader = Reader(raw, mapping)
    if not reader.is_usable():
        return Mapped(None, tuple(reader.refused))
    record = OutsideObjective(
        id=reader.id,
        key=reader.key,
        title=text_of(reader.fields.get("summary")) or reader.key,
        state=objective_state(reader),
        type_name=text_of(reader.nested("issuetype").get("name")) or "",
        url=reader.url,
    )
    return Mapped(record)


def by_id(issues: Iterable[Raw]) -> dict[str, Raw]:
    return {id_of(issue) or "": issue for issue in issues}


def names_of(issue: Raw) -> set[str]:
    return {str(issue.get(name) or "").casefold() for name in ("id", "key")}


def lacking(names: Sequence[str], issues: Iterable[Raw]) -> list[str]:
    """The names that none of the issues has."""
    given = {name for issue in issues for name in names_of(issue)}
    return [name for name in names if name.casefold() not in given]


def keys_among(names: Sequence[str]) -> Mapping[str, str]:
    """The keys among ids and keys: they tell the project."""
    return {name: name for name in names if not name.isdecimal()}
