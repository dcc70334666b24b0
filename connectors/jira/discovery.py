"""Turn a connected Jira site into what it is made of: its issue types, and the projects its scope touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.jira.client import JiraClient, NotJira
from connectors.jira.fields import project_of
from connectors.jira.mapping import hierarchy_level
from connectors.jira.reading import search_for
from connectors.jira.search import Raw, Scope
from connectors.jira.site import JiraSite

EPIC_LEVEL = 1
IN_PROJECT = ("BROWSE_PROJECTS", "EDIT_ISSUES", "ADMINISTER_PROJECTS", "LINK_ISSUES")
# A look is not worth more requests than this; what was not looked at is said.
PROJECT_SEARCHES = 20
PROJECTS_ASKED = 50


@dataclass(frozen=True, slots=True)
class IssueType:
    """One issue type. `level` is Jira's: -1 sub-task, 0 story, 1 epic, 2 and more above.

    `project_id` is set where the type belongs to one team-managed project: many types may be called Epic.
    """

    id: str
    name: str
    level: int | None
    project_id: str | None = None

    def __str__(self) -> str:
        return self.name if self.level is None else f"{self.name} (level {self.level})"


@dataclass(frozen=True, slots=True)
class Access:
    """What the account may do in the projects of a scope, by their keys; `complete`: these are all."""

    allowed: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    complete: bool = True

    @property
    def projects(self) -> tuple[str, ...]:
        return tuple(self.allowed)

    @property
    def unwritable(self) -> tuple[str, ...]:
        """Where no label can be written."""
        return self.lacking("EDIT_ISSUES")

    @property
    def loud(self) -> tuple[str, ...]:
        """Where Jira mails the watchers when one is."""
        return self.lacking("ADMINISTER_PROJECTS")

    def lacking(self, permission: str) -> tuple[str, ...]:
        return tuple(key for key, has in self.allowed.items() if not has[permission])


def read_issue_types(site: JiraSite, epic_types: frozenset[str]) -> tuple[IssueType, ...]:
    """The site's issue types, the highest first. Data Center tells no levels: `epic_types` are its epics."""
    answer = site.client.get("issuetype")
    if not isinstance(answer, list):
        raise NotJira(site.client.not_jira("an odd list of issue types"))
    types = [to_issue_type(entry, epic_types) for entry in answer if isinstance(entry, dict)]
    return tuple(sorted(types, key=lambda one: (-(one.level or 0), one.name.casefold(), one.id)))


def to_issue_type(entry: Mapping[str, Any], epic_types: frozenset[str]) -> IssueType:
    return IssueType(
        id=str(entry.get("id") or ""),
        name=str(entry.get("name") or ""),
        level=hierarchy_level(entry, epic_types),
        project_id=project_of(entry),
    )


def read_access(site: JiraSite, scope: Scope) -> Access:
    found, complete = find_projects(site, scope)
    asked = found[:PROJECTS_ASKED]
    allowed = {key: read_permissions(site.client, IN_PROJECT, key) for key in asked}
    return Access(allowed, complete=complete and asked == found)


def find_projects(site: JiraSite, scope: Scope) -> tuple[tuple[str, ...], bool]:
    """The projects of a scope, and whether these are all. Each search leaves out those already found."""
    search, found = search_for(site), dict[str, None]()
    for _ in range(PROJECT_SEARCHES):
        listed = ", ".join(f'"{key}"' for key in found)
        rest = scope.also(f"project not in ({listed})") if found else scope
        new = [key for key in projects_of(search.sample(rest, ["project"])) if key not in found]
        if not new:
            return tuple(found), True
        found |= dict.fromkeys(new)
    return tuple(found), False


def projects_of(issues: Sequence[Raw]) -> Iterator[str]:
    for issue in issues:
        key = str(issue.get("key") or "").rpartition("-")[0]
        if key:
            yield key


def read_permissions(client: JiraClient, names: Sequence[str], project: str | None = None) -> dict[str, bool]:
    """Which of these the account has, in one project or (None) somewhere. Cloud wants to be told which."""
    place = {"projectKey": project} if project else {}
    answer = client.get("mypermissions", permissions=",".join(names), **place)
    granted = answer.get("permissions") if isinstance(answer, Mapping) else None
    if not isinstance(granted, Mapping):
        raise NotJira(client.not_jira("an odd list of permissions"))
    return {
        name: isinstance(granted.get(name), Mapping) and granted[name].get("havePermission") is True
        for name in names
    }
