"""Turn a connected Jira site into what `doctor` shows of it: plain values, and a sentence for each defect."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from connectors.budget import RateBudget
from connectors.errors import BadInput, ConnectorError
from connectors.jira.discovery import Access, IssueType, read_access, read_issue_types, read_permissions
from connectors.jira.fields import FieldMap, SiteField
from connectors.jira.reading import search_for
from connectors.jira.remarks import notes_of, off_screen_note, off_screen_problem, problems_of
from connectors.jira.screens import without_labels
from connectors.jira.search import Scope
from connectors.jira.site import JiraSite
from connectors.jira.source import folded
from connectors.jira.ties import RemoteLinkTies

ANYWHERE = ("BROWSE_PROJECTS", "EDIT_ISSUES")
ON_CLOUD = (*ANYWHERE, "BULK_CHANGE")

Seen = TypeVar("Seen")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What `doctor` shows about one site, as plain values.

    `problems` holds one sentence for each defect, `notes` one for what is assumed or cannot be done and why.
    `clock_skew` is the site's clock minus ours in seconds, None where the site tells no time; `issues` and
    `objectives` are counts (on Cloud an approximation), None where they could not be had or do not apply.
    `permissions` holds for some project or other, `access` for those in scope.
    `hierarchy_fields` are those that name parents and goals, by what they are for; `link_types` the issue
    links that count, None where all do. `labels` and `remote_links` say which of these do;
    `limits` how fast the site may be asked.
    """

    name: str
    url: str
    deployment: str
    version: str
    account: str
    timezone: str | None
    clock_skew: float | None
    permissions: Mapping[str, bool]
    objective_fields: tuple[str, ...]
    cost_code_fields: tuple[str, ...]
    issues: int | None
    objectives: int | None
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    issue_types: tuple[IssueType, ...] = ()
    hierarchy_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    access: Access = field(default_factory=Access)
    link_types: tuple[str, ...] | None = None
    labels: str = ""
    remote_links: str = ""
    limits: str = ""


def diagnose(site: JiraSite, now: datetime) -> Diagnosis:
    """Look at everything a night needs, and write nothing. `now` is when `connect` returned."""
    config, look = site.config, Look(site)
    fields = look.at(lambda: site.fields) or FieldMap()
    asked = ON_CLOUD if site.is_cloud else ANYWHERE
    permissions = look.at(lambda: read_permissions(site.client, asked)) or {}
    issues, objectives = look.at_count("JIRA_JQL"), look.at_count("JIRA_OBJECTIVE_JQL")
    types = look.at(lambda: read_issue_types(site, folded(config.epic_types))) or ()
    access = look.at(lambda: read_access(site, Scope(config.jql, "JIRA_JQL"))) if issues else None
    access = access or Access()
    writable = [key for key in access.projects if key not in access.unwritable]
    no_labels = look.at(lambda: without_labels(site, Scope(config.jql, "JIRA_JQL"), writable)) or ()
    links, prefix = look.at(lambda: links_of(site)), config.objective_label_prefix
    return Diagnosis(
        name=config.name,
        url=config.url,
        deployment=site.deployment,
        version=site.version,
        account=site.account,
        timezone=site.timezone,
        clock_skew=(site.server_time - now).total_seconds() if site.server_time else None,
        permissions=permissions,
        objective_fields=names_of(fields.objective),
        cost_code_fields=names_of(fields.cost_code),
        issues=issues,
        objectives=objectives,
        problems=(
            *look.problems,
            *problems_of(site, permissions, access, issues, types),
            *off_screen_problem(site, no_labels),
        ),
        notes=(*notes_of(site, fields, permissions, access, types), *off_screen_note(site, no_labels)),
        issue_types=types,
        hierarchy_fields={
            "epic link": names_of(fields.epic_link),
            "parent link": names_of(fields.parent_link),
            "goals": names_of(fields.goals),
        },
        access=access,
        link_types=links,
        labels=f"those that begin with {prefix}" if prefix else "any that is the id of an objective",
        remote_links=told_remote_links(config.remote_links),
        limits=told_limits(site.client.budget),
    )


def told_limits(budget: RateBudget) -> str:
    """How fast the site may be asked, and who says so."""
    if budget.told is not None:
        rate, burst = budget.told
        return f"{rate:g} requests a second, {burst:g} at once, as its answers say"
    each = ", ".join(f"{method} {limit:g}" for method, limit in budget.limits.items())
    return f"its answers say nothing; kept to a second and endpoint: {each}"


def told_remote_links(ties: RemoteLinkTies | None) -> str:
    """Which remote links tie work to objectives, and what they may cost."""
    if ties is None:
        return "none is looked at"
    return f"{', '.join((*ties.urls, *ties.global_ids))}; at most {ties.most} requests a night"


def links_of(site: JiraSite) -> tuple[str, ...] | None:
    """The issue links that tie work to objectives, as people see them: `Contributes: contributes to`."""
    if site.links is None:
        return None
    return tuple(
        f"{one.name}: {' / '.join(filter(None, (getattr(one, way) for way in site.links[one.id])))}"
        for one in site.link_types
        if one.id in site.links
    )


class Look:
    """Looks at one thing after another; what goes wrong with one is noted and keeps nobody from the next."""

    def __init__(self, site: JiraSite) -> None:
        self.site = site
        self.problems: list[str] = []

    def at(self, look: Callable[[], Seen]) -> Seen | None:
        try:
            return look()
        except BadInput as error:
            self.problems.extend(error.problems)
        except ConnectorError as error:
            self.problems.append(str(error))
        return None

    def at_count(self, setting: str) -> int | None:
        config = self.site.config
        jql = {"JIRA_JQL": config.jql, "JIRA_OBJECTIVE_JQL": config.objective_jql}[setting]
        return self.at(lambda: search_for(self.site).count(Scope(jql, setting))) if jql else None


def names_of(fields: Sequence[SiteField]) -> tuple[str, ...]:
    """Each with its id and kind, and with its project where it belongs to one."""
    return tuple(f"{one.name} ({one.candidate})" for one in fields)
