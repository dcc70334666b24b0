"""Find the projects on whose edit screen Labels is missing: Data Center refuses to write a label there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.errors import NotFound, PermissionDenied
from connectors.jira.reading import search_for
from connectors.jira.search import Scope
from connectors.jira.site import JiraSite

# A look is not worth more requests: two for each project.
PROJECTS = 20


def without_labels(site: JiraSite, scope: Scope, projects: Sequence[str]) -> tuple[str, ...]:
    """Ask of one issue of each project what may be edited there."""
    return tuple(key for key in projects[:PROJECTS] if not offers_labels(site, scope, key))


def offers_labels(site: JiraSite, scope: Scope, project: str) -> bool:
    """Look at one issue; where nothing of it may be edited at all, that says nothing of labels."""
    fields = edit_screen(site, scope, project)
    return not fields or "labels" in fields


def edit_screen(site: JiraSite, scope: Scope, project: str) -> Mapping[str, object]:
    """Give the editable fields of some issue of a project."""
    issues = search_for(site).sample(scope.also(f'project = "{project}"'), ["project"])
    if not issues:
        return {}
    try:
        answer = site.client.get(f"issue/{issues[0]['id']}/editmeta")
    except (NotFound, PermissionDenied):
        return {}
    fields = answer.get("fields") if isinstance(answer, Mapping) else None
    return fields if isinstance(fields, Mapping) else {}
