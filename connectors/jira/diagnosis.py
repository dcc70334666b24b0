"""Turn a connected Jira site into what `doctor` shows of it: plain values, and a sentence for each defect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connectors.errors import BadInput, ConnectorError
from connectors.jira.client import JiraClient, NotJira
from connectors.jira.fields import FieldMap
from connectors.jira.reading import search_for
from connectors.jira.search import Scope
from connectors.jira.site import JiraSite

PERMISSIONS = ("BROWSE_PROJECTS", "EDIT_ISSUES")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What `doctor` shows about one site, as plain values. `problems` holds one sentence for each defect.

    `clock_skew` is the site's clock minus ours in seconds, None where the site tells no time; `issues` and
    `objectives` are counts (on Cloud an approximation), None where they could not be had or do not apply.
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


def diagnose(site: JiraSite, now: datetime) -> Diagnosis:
    """Look at everything a night needs, and write nothing. `now` is when `connect` returned."""
    config = site.config
    problems: list[str] = []
    fields = FieldMap()
    permissions: Mapping[str, bool] = {}
    counts: dict[str, int | None] = {}
    try:
        fields = site.fields
    except BadInput as error:
        problems.extend(error.problems)
    try:
        permissions = read_permissions(site.client)
    except ConnectorError as error:
        problems.append(str(error))
    problems.extend(
        f"{site.account} lacks {name} in every project." for name, has in permissions.items() if not has
    )
    for setting, jql in (("JIRA_JQL", config.jql), ("JIRA_OBJECTIVE_JQL", config.objective_jql)):
        try:
            counts[setting] = search_for(site).count(Scope(jql, setting)) if jql else None
        except ConnectorError as error:
            problems.append(str(error))
    if counts.get("JIRA_JQL") == 0:
        problems.append("JIRA_JQL matches no issue this account can see: check the JQL and its permissions.")
    return Diagnosis(
        name=config.name,
        url=config.url,
        deployment=site.deployment,
        version=site.version,
        account=site.account,
        timezone=site.timezone,
        clock_skew=(site.server_time - now).total_seconds() if site.server_time else None,
        permissions=permissions,
        objective_fields=tuple(str(field) for field in fields.objective),
        cost_code_fields=tuple(str(field) for field in fields.cost_code),
        issues=counts.get("JIRA_JQL"),
        objectives=counts.get("JIRA_OBJECTIVE_JQL"),
        problems=tuple(problems),
    )


def read_permissions(client: JiraClient) -> dict[str, bool]:
    """Which of the permissions we need the account has somewhere; the list is required on Cloud only."""
    answer = client.get("mypermissions", permissions=",".join(PERMISSIONS))
    granted = answer.get("permissions") if isinstance(answer, Mapping) else None
    if not isinstance(granted, Mapping):
        raise NotJira(client.not_jira("an odd list of permissions"))
    return {
        name: isinstance(granted.get(name), Mapping) and granted[name].get("havePermission") is True
        for name in PERMISSIONS
    }
