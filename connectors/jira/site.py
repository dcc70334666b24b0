"""Turn a configured Jira site into a checked connection that knows which Jira it is and who we are there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from connectors.budget import DATA_CENTER_LIMITS, RateBudget, shared_budget
from connectors.errors import AuthenticationFailed, NotFound
from connectors.http import RetryPolicy
from connectors.jira.client import JiraClient, NotJira
from connectors.jira.config import JiraSiteConfig
from connectors.jira.fields import FieldMap, SiteField, map_fields, site_fields
from connectors.jira.gateway import through_gateway
from connectors.jira.linktypes import LinkMap, LinkType, link_types, map_links
from connectors.jira.values import moment_of
from connectors.turns import Turns

CLOUD = "cloud"
DATA_CENTER = "datacenter"


class JiraSite:
    """A Jira that answered and let us in. Use as a context manager, or call `close`.

    `timezone` is the account's: Jira reads the times in a JQL in it. `server_time` is the site's clock at the
    moment of connecting; None where it tells none.
    """

    def __init__(self, client: JiraClient, server_info: Mapping[str, Any], myself: Mapping[str, Any]) -> None:
        self.client = client
        self.config = client.config
        # Data Center says Server, DataCenter or Data Center; Cloud always says Cloud.
        self.deployment = CLOUD if server_info.get("deploymentType") == "Cloud" else DATA_CENTER
        self.version = str(server_info.get("version") or "")
        self.account = str(myself.get("displayName") or myself.get("name") or myself.get("accountId"))
        self.account_id = str(myself.get("accountId") or myself.get("name"))
        self.timezone = str(myself.get("timeZone") or "") or None
        self.server_time = server_clock(server_info)

    def now(self) -> datetime:
        """Our clock, as the retry policy was given it."""
        return self.client.policy.now()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.client.close()

    @property
    def requests(self) -> dict[tuple[str, str, int | None], int]:
        """How many requests this connection sent, by method, endpoint and status (None: no answer)."""
        return self.client.tally.counts()

    @property
    def is_cloud(self) -> bool:
        return self.deployment == CLOUD

    @cached_property
    def all_fields(self) -> tuple[SiteField, ...]:
        return site_fields(self.client.get("field"))

    @cached_property
    def fields(self) -> FieldMap:
        """Which field holds what here; raises `BadInput` where a configured field cannot be told."""
        return map_fields(self.config, self.all_fields)

    @cached_property
    def links(self) -> LinkMap | None:
        """Which issue links tie work to objectives (None: any); `BadInput` where a type is not here."""
        ties = self.config.objective_links
        if not ties:
            return None if ties is None else {}
        return map_links(ties, self.link_types)

    @cached_property
    def link_types(self) -> tuple[LinkType, ...]:
        """The issue link types of the site; none where linking is switched off."""
        try:
            return link_types(self.client.get("issueLinkType"))
        except NotFound:
            return ()

    @cached_property
    def zone(self) -> ZoneInfo | None:
        """The account's time zone; None where Jira names none or one this machine does not know."""
        try:
            return ZoneInfo(self.timezone) if self.timezone else None
        except (ValueError, OSError, KeyError):
            return None


def connect(
    config: JiraSiteConfig,
    policy: RetryPolicy | None = None,
    budget: RateBudget | None = None,
    turns: Turns | None = None,
) -> JiraSite:
    """Enter a Jira: find out which deployment it is, and make sure that we are not anonymous.

    Without a `budget` the one is used that all connections of this process to that site share; with `turns`
    that are given out to several processes, all of these share it.
    Raises `Unreachable`, `Refused` (it is no Jira) or `AuthenticationFailed`, each naming the setting.
    """
    policy = policy or RetryPolicy()
    config = through_gateway(config, policy)
    budget = budget or shared_budget(config.api_base, config.rate_limits, turns)
    client = JiraClient(config, policy, budget)
    try:
        server_info = read_server_info(client)
        client.version = "3" if server_info.get("deploymentType") == "Cloud" else "2"
        if client.version == "2" and "rate_limits" not in config.model_fields_set:
            client.budget.allow(DATA_CENTER_LIMITS)
        return JiraSite(client, server_info, check_login(client))
    except BaseException:
        client.close()
        raise


def read_server_info(client: JiraClient) -> Mapping[str, Any]:
    try:
        answer = client.get("serverInfo")
    except NotFound:
        raise NotJira(client.not_jira("404 (not found)")) from None
    if not isinstance(answer, Mapping) or not answer.keys() & {"deploymentType", "versionNumbers"}:
        raise NotJira(client.not_jira("something else"))
    return answer


def check_login(client: JiraClient) -> Mapping[str, Any]:
    """Who we are there. Without a login Jira may answer searches with fewer issues instead of an error."""
    answer = client.get("myself")
    if not isinstance(answer, Mapping) or not (answer.get("accountId") or answer.get("name")):
        raise AuthenticationFailed(client.login_failed("Jira takes us for an anonymous visitor"))
    return answer


def server_clock(server_info: Mapping[str, Any]) -> datetime | None:
    try:
        return moment_of(server_info.get("serverTime"))
    except (ValueError, TypeError):
        return None
