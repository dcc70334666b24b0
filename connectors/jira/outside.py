"""Turn what work names as objectives into the issues it names that `objective_jql` leaves out, or why not.

They are asked for by their ids and keys, many at a time, as parents outside the scope are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from connectors.base import Named, NamedObjectives
from connectors.jira.absence import Inquiry
from connectors.jira.mapping import IssueMapping, Mapped, Reader, objective_state
from connectors.jira.reading import search_for
from connectors.jira.search import Found, Raw, Scope, id_of
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
        late = self._late(named, found)
        given, asked = self.search.singly(late, FIELDS) if late else (Found([]), set[str]())
        found |= by_id(given.issues)
        moved = {*self._moved(named, found), *(former.key for former in given.former)}
        mapping = mapping_for(self.site, self.own_prefix)
        mapped = [to_outside(found[name], mapping) for name in found if name not in named.objectives]
        gone = [name for name in lacking(named.ask, found.values()) if name not in moved]
        told = [name for name in gone if name in named.known | asked]
        yield Page(
            records=(
                *(one.record for one in mapped if one.record is not None),
                *self._hidden(told),
            ),
            quarantined=tuple(entry for one in mapped for entry in one.refused),
            former_keys=given.former,
        )

    def _late(self, named: Named, found: Mapping[str, Raw]) -> list[str]:
        """The names to ask for once more: nothing has them, and nothing is known of them.

        Where an issue came that nobody asked for, one of the names is a key it had: it may be any of them.
        """
        wanted = {name.casefold() for name in (*named.ask, *named.former.values())}
        strange = any(not names_of(issue) & wanted for issue in found.values())
        moved = self._moved(named, found)
        left = (name for name in lacking(named.ask, found.values()) if name not in moved)
        return [name for name in left if strange or name not in named.known]

    def _moved(self, named: Named, found: Mapping[str, Raw]) -> set[str]:
        """The names that are known as former keys of issues that are there."""
        return {name for name, issue in named.former.items() if issue in found or issue in named.objectives}

    def _given(self, names: Sequence[str]) -> dict[str, Raw]:
        batches = (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))
        return by_id(issue for batch in batches for issue in self.search.indexed(batch, FIELDS))

    def _hidden(self, names: Sequence[str]) -> Iterator[OutsideObjective]:
        """What Jira does not give by these names, each with the reason."""
        inquiry = Inquiry(self.site.client, self.search, self.scope, FIELDS, keys_among)
        for absence in inquiry.not_given(names):
            yield OutsideObjective(absence.id, absence.id, absence.id, hidden=absence.evidence)


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
