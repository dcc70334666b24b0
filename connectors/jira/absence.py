"""Turn issues that a scope no longer lists into absences: why each is gone, by which evidence.

Jira answers alike for what is deleted and what is hidden. So each is asked for by its id, which is not bound
to the lag of the search index; for those not given, the state of their project tells more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.errors import NotFound, PermissionDenied
from connectors.jira.client import JiraClient
from connectors.jira.discovery import read_permissions
from connectors.jira.search import Raw, Scope, Search, id_of
from connectors.pages import Absence, Gone

# The day an issue was put into the archive; Data Center fills it, and issues not archived lack it.
ARCHIVED_FIELD = "archiveddate"
BROWSE = "BROWSE_PROJECTS"
NEXT_TIME = "too many to be asked for one by one in a night: the next one goes on"


@dataclass(frozen=True, slots=True)
class Missed:
    """What became of the issues a scope no longer lists.

    `listed` are in the scope after all: the index lags. `left` are out of it and still to be seen; each of
    them has its absence too.
    """

    listed: tuple[Raw, ...] = ()
    left: tuple[Raw, ...] = ()
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True, slots=True)
class Inquiry:
    """Asks one Jira what became of issues; `keys` gives their last known keys."""

    client: JiraClient
    search: Search
    scope: Scope
    fields: Sequence[str]
    keys: Callable[[Sequence[str]], Mapping[str, str]]

    def ask(self, missed: Sequence[str]) -> Missed:
        """Find out about these ids."""
        fields = [*self.fields, ARCHIVED_FIELD]
        found = by_name(self.search.indexed(missed, fields)) if missed else {}
        absences = []
        doubtful: dict[str, Absence] = {}
        for absence in self.not_given([name for name in missed if name not in found]):
            if absence.gone is Gone.DELETED:
                doubtful[absence.id] = absence
            else:
                absences.append(absence)
        given, asked = self.search.singly(list(doubtful), fields)
        found |= by_name(given.issues)
        absences += [
            absence if name in asked else replace(absence, gone=Gone.UNKNOWN, evidence=NEXT_TIME)
            for name, absence in doubtful.items()
            if name not in found
        ]
        return self._sorted_out(found, absences)

    def _sorted_out(self, found: Mapping[str, Raw], absences: list[Absence]) -> Missed:
        """Tell apart what is archived, what is in the scope after all, and what has left it."""
        archived = {name: told(issue, ARCHIVED_FIELD) for name, issue in found.items()}
        open_ones = [name for name, day in archived.items() if not day]
        still = self.search.matching(self.scope, open_ones) if open_ones else set()
        left = [name for name in open_ones if name not in still]
        absences += [
            Absence(name, Gone.ARCHIVED, f"archived on {day}") for name, day in archived.items() if day
        ]
        absences += [self._left(name, found[name]) for name in left]
        return Missed(
            listed=tuple(found[name] for name in open_ones if name in still),
            left=tuple(found[name] for name in left),
            absences=tuple(absences),
        )

    def _left(self, name: str, issue: Raw) -> Absence:
        return Absence(
            name,
            Gone.LEFT_SCOPE,
            f"Jira gives {issue.get('key')}, and {self.scope.setting} does not match it",
        )

    def not_given(self, names: Sequence[str]) -> Iterator[Absence]:
        """Say why these are not given: one request for each project they are in."""
        keys = self.keys(names)
        of_project = defaultdict(list)
        for name in names:
            of_project[keys.get(name, "").rpartition("-")[0]].append(name)
        for project, members in of_project.items():
            gone, evidence = self._project(project)
            yield from (Absence(name, gone, evidence) for name in members)

    def _project(self, key: str) -> tuple[Gone, str]:
        """Why issues of a project are not given: one request for each project."""
        if not key:
            return Gone.UNKNOWN, "Jira does not give it by its id"
        try:
            answer: Any = self.client.get(f"project/{key}")
        except NotFound:
            return Gone.PROJECT_GONE, f"project {key} is deleted or no longer visible to the account"
        except PermissionDenied:
            return Gone.NOT_VISIBLE, f"the account may no longer see project {key}"
        if isinstance(answer, Mapping) and answer.get("archived") is True:
            return Gone.ARCHIVED, f"project {key} is archived"
        if not read_permissions(self.client, (BROWSE,), project=key).get(BROWSE, True):
            return Gone.NOT_VISIBLE, f"the account may no longer browse project {key}"
        return Gone.DELETED, f"Jira does not give it by its id, though project {key} is open to the account"


def by_name(issues: Sequence[Raw]) -> dict[str, Raw]:
    return {id_of(issue) or "": issue for issue in issues}


def told(issue: Raw, name: str) -> str:
    fields = issue.get("fields")
    return str(fields.get(name) or "") if isinstance(fields, Mapping) else ""


def not_asked(missed: Sequence[str], most: int) -> tuple[Absence, ...]:
    """The absences of more issues than may be gone at once: nobody asked, so nothing is known of them."""
    why = f"{len(missed)} issues are no longer listed, more than the {most} that may be gone at once"
    return tuple(Absence(name, Gone.UNKNOWN, why) for name in missed)
