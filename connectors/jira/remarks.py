"""Turn what was seen of a Jira site into sentences: what is wrong, what is assumed, what cannot be done."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.jira.discovery import EPIC_LEVEL, Access, IssueType
from connectors.jira.fields import FieldMap
from connectors.jira.site import JiraSite

SHOWN = 10
# What each permission is needed for; without the first two there is no night.
FEATURES = {
    "BROWSE_PROJECTS": "reading issues",
    "EDIT_ISSUES": "writing labels",
    "ADMINISTER_PROJECTS": "writing labels without mail to watchers",
    "BULK_CHANGE": "writing many labels in one request",
    "LINK_ISSUES": "a link that says why a ticket is labelled",
}
NEEDED = ("BROWSE_PROJECTS", "EDIT_ISSUES")


def problems_of(
    site: JiraSite,
    permissions: Mapping[str, bool],
    access: Access,
    issues: int | None,
    types: Sequence[IssueType],
) -> Iterator[str]:
    """One sentence for each defect."""
    yield from missing_everywhere(site, permissions)
    yield from unwritable_problem(site, permissions, access.unwritable)
    if issues == 0:
        yield "JIRA_JQL matches no issue this account can see: check the JQL and its permissions."
    yield from epic_problem(site, types)


def notes_of(
    site: JiraSite,
    fields: FieldMap,
    permissions: Mapping[str, bool],
    access: Access,
    types: Sequence[IssueType],
) -> Iterator[str]:
    """One sentence for each thing assumed, or not possible here."""
    if not fields.objective:
        yield (
            "No field holds objectives (JIRA_OBJECTIVE_FIELD): work is tied to them by parents, issue links, "
            "goals, labels and mapping files only."
        )
    yield from cloud_notes(fields) if site.is_cloud else data_center_notes(fields, types)
    if site.is_cloud and not permissions.get("BULK_CHANGE", True):
        yield "The account lacks BULK_CHANGE: many label changes are written ticket by ticket, slower."
    yield from access_notes(access)


def listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def missing_everywhere(site: JiraSite, permissions: Mapping[str, bool]) -> Iterator[str]:
    for name in NEEDED:
        if not permissions.get(name, True):
            yield f"{site.account} lacks {name} in every project."


def unwritable_problem(
    site: JiraSite, permissions: Mapping[str, bool], unwritable: Sequence[str]
) -> Iterator[str]:
    if unwritable and permissions.get("EDIT_ISSUES", True):
        yield (
            f"{site.account} lacks EDIT_ISSUES in {listed(unwritable)}: no label can be written there. Grant "
            "it, or leave these projects out of JIRA_JQL."
        )


def epic_problem(site: JiraSite, types: Sequence[IssueType]) -> Iterator[str]:
    if types and not any(one.level == EPIC_LEVEL for one in types):
        known = listed([one.name for one in types])
        remedy = "" if site.is_cloud else " Name it in epic_types."
        yield f"No issue type of {site.config.name} is an epic; there are {known}.{remedy}"


def off_screen_problem(site: JiraSite, projects: Sequence[str]) -> Iterator[str]:
    if projects and not site.is_cloud:
        yield (
            f"The field Labels is not on the edit screen of {listed(projects)}: Jira refuses labels there. "
            "Put it on that screen, or leave these projects out of JIRA_JQL."
        )


def off_screen_note(site: JiraSite, projects: Sequence[str]) -> Iterator[str]:
    if projects and site.is_cloud:
        yield (
            f"The field Labels is not on the edit screen of {listed(projects)}: people there cannot take a "
            "label of ours off, though we can put one on."
        )


def cloud_notes(fields: FieldMap) -> Iterator[str]:
    if not fields.goals:
        yield "No Goals field is visible: links to goals of Atlassian Home are not read."


def data_center_notes(fields: FieldMap, types: Sequence[IssueType]) -> Iterator[str]:
    epics = sorted({one.name for one in types if one.level == EPIC_LEVEL})
    if epics:
        yield (
            f"Data Center does not tell which issue types are epics: {listed(epics)} "
            f"{'is' if len(epics) == 1 else 'are'} taken to be (epic_types)."
        )
    if not fields.epic_link:
        yield (
            "No Epic Link field is visible: stories are not tied to their epics. Jira has one once there is "
            "a Jira Software project the account can browse."
        )
    if not fields.parent_link:
        yield "No Parent Link field (Advanced Roadmaps) is visible: parents above epics are not read."


def access_notes(access: Access) -> Iterator[str]:
    if access.loud:
        yield (
            f"The account does not administer {listed(access.loud)}: Jira may mail the watchers there when a "
            "label is written."
        )
    if not access.complete:
        yield (
            "JIRA_JQL spans more projects than a look is worth: permissions were read in "
            f"{len(access.projects)} of them."
        )
