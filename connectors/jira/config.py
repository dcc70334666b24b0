"""Turn the settings of one Jira site into a checked, frozen value; secrets never show in its repr."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from connectors.budget import CLOUD_LIMITS
from connectors.jira.jql import scope_of
from connectors.jira.ties import FieldTie, LinkTie, RemoteLinkTies
from connectors.oauth import Grant
from connectors.records import STANDARD_FIELDS, Strength, ValueType
from connectors.verdicts import Marker

FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")
ONE_OR_MANY = {"objective_field": "objective_fields", "cost_code_field": "cost_code_fields"}


class FieldDeclaration(BaseModel):
    """A field of this Jira that rules may ask about: its id or unambiguous name, and what it holds."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    field: str = Field(min_length=1)
    type: ValueType


class JiraSiteConfig(BaseModel):
    """One Jira site. `url` is where people browse; `api_url` is set only where the API lives elsewhere.

    Credentials: `email` + `api_token` (Cloud), or `pat`, or `username` + `password` (Data Center), or those
    of an OAuth 2.0 client: `token_url`, `client_id`, `client_secret` and, if need be, `token_scope`.
    `gateway`: the API is reached through Atlassian's gateway, as tokens with scopes and OAuth need on Cloud.
    `objective_links`: the issue link types that tie work to an objective; None takes every link, for one that
    leads to no objective means nothing anyway.
    `objective_label_prefix`: only labels with this prefix name an objective, by what follows it; None takes
    every label as the possible id of an objective.
    `strength_field`: the field whose option says what an issue's ties say of the work, in the words that
    `strengths` explains; traces, supports and accelerates need no explanation.
    `epic_types`: names or ids of the issue types that are epics where Jira does not tell (Data Center).
    `ca_bundle`: a file of certificate authorities to trust, where the organisation signs its own.
    `fields`: fields that rules may ask about, by the name they use: `risk: customfield_10100` for those of
    `STANDARD_FIELDS`, `team: {field: Team, type: option}` for others.
    `start_field`: the field in which issues that are objectives keep their first day.
    `page_size`: issues in one answer; by default the most that Jira gives, 100 on Cloud, 1000 on Data Center.
    `parallel`: how many requests at most may be under way at once.
    `bulk_edits`: many equal label changes go as bulk edits where Jira has them (Cloud) and allows us to.
    `markers`: how tickets are told why they bear our labels: `link`, `property`, `comment`; or not.
    `rate_limits`: requests per second the site allows for each method on one endpoint; we stay below them.
    `webhook_secret`: what this Jira signs its webhooks with; without it none is taken.
    `time_limit`: seconds after which a run stops asking and leaves the rest to the next one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(default="jira", min_length=1)
    url: str
    api_url: str | None = None
    email: str | None = None
    api_token: SecretStr | None = None
    pat: SecretStr | None = None
    username: str | None = None
    password: SecretStr | None = None
    token_url: str | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    token_scope: str | None = None
    gateway: bool = False
    gateway_url: str = "https://api.atlassian.com"
    jql: str
    objective_jql: str | None = None
    objective_fields: tuple[FieldTie, ...] = ()
    cost_code_fields: tuple[str, ...] = ()
    objective_links: tuple[LinkTie, ...] | None = None
    objective_label_prefix: str | None = None
    remote_links: RemoteLinkTies | None = None
    strength_field: str | None = None
    strengths: dict[str, Strength] = Field(default_factory=dict)
    epic_types: tuple[str, ...] = ("Epic",)
    start_field: str | None = None
    fields: dict[str, FieldDeclaration] = Field(default_factory=dict)
    ca_bundle: str | None = None
    connect_timeout: float = Field(default=10.0, gt=0)
    read_timeout: float = Field(default=60.0, gt=0)
    page_size: int | None = Field(default=None, ge=1, le=5000)
    parallel: int = Field(default=16, ge=1, le=32)
    bulk_edits: bool = True
    markers: tuple[Marker, ...] = (Marker.LINK, Marker.PROPERTY)
    rate_limits: dict[str, float] = Field(default_factory=lambda: dict(CLOUD_LIMITS))
    webhook_secret: SecretStr | None = Field(default=None, min_length=16)
    time_limit: float = Field(default=4 * 3600.0, gt=0)

    @model_validator(mode="before")
    @classmethod
    def accept_singular_names(cls, given: Any) -> Any:
        """`objective_field: Objective` may be written for `objective_fields: [Objective]`."""
        if not isinstance(given, Mapping):
            return given
        settings = dict(given)
        for one, many in ONE_OR_MANY.items():
            if one in settings:
                if settings.get(many):
                    raise ValueError(f"give either {one} or {many}, not both")
                settings[many] = settings.pop(one)
        return settings

    @field_validator("fields", mode="before")
    @classmethod
    def complete_declarations(cls, given: Any) -> Any:
        """Give the fields that rules know by themselves their type, and refuse another one."""
        return declarations(given)

    @field_validator("objective_fields", "cost_code_fields", "epic_types", mode="before")
    @classmethod
    def accept_one_name(cls, value: Any) -> Any:
        """A single name may stand for a list of one; a blank one, as an empty variable gives, for none."""
        if isinstance(value, str):
            return (value.strip(),) if value.strip() else ()
        return (value,) if isinstance(value, Mapping) else () if value is None else value

    @field_validator("markers", mode="before")
    @classmethod
    def accept_words(cls, given: Any) -> Any:
        """Words may stand for a list; `none` for an empty one."""
        words = given.replace(",", " ").split() if isinstance(given, str) else given or ()
        return () if list(words) == ["none"] else tuple(words)

    @field_validator("objective_links", mode="before")
    @classmethod
    def accept_one_link(cls, value: Any) -> Any:
        """As above, but a blank one means that every link counts; an empty list that none does."""
        if isinstance(value, str):
            return (value.strip(),) if value.strip() else None
        return (value,) if isinstance(value, Mapping) else value

    @field_validator("url", "api_url", "gateway_url", "token_url")
    @classmethod
    def check_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a web address such as https://example.atlassian.net")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must be the plain address of the site: no user, password, query or fragment")
        return value.strip().rstrip("/")

    @field_validator("rate_limits")
    @classmethod
    def complete_limits(cls, given: dict[str, float]) -> dict[str, float]:
        """Methods that are not named keep Jira's documented limits."""
        limits = {method.strip().upper(): limit for method, limit in given.items()}
        wrong = [method for method, limit in limits.items() if method not in CLOUD_LIMITS or not limit > 0]
        if wrong:
            raise ValueError(
                f"{', '.join(wrong)}: give requests per second above 0 for {', '.join(CLOUD_LIMITS)}"
            )
        return {**CLOUD_LIMITS, **limits}

    @field_validator("jql", "objective_jql")
    @classmethod
    def check_jql(cls, value: str | None) -> str | None:
        return None if value is None else scope_of(value)

    @model_validator(mode="after")
    def check_credentials(self) -> Self:
        basic = (self.email, self.api_token)
        login = (self.username, self.password)
        if any(basic) and not all(basic):
            raise ValueError("email and api_token (JIRA_EMAIL and JIRA_API_TOKEN) are needed together")
        if any(login) and not all(login):
            raise ValueError("username and password are needed together")
        oauth = (self.token_url, self.client_id, self.client_secret)
        if any(oauth) and not all(oauth):
            raise ValueError("token_url, client_id and client_secret are needed together")
        if sum(map(all, (basic, login, (self.pat,), oauth))) != 1:
            raise ValueError(
                "one credential is needed: JIRA_EMAIL with JIRA_API_TOKEN (Cloud) or JIRA_PAT (Data Center)"
            )
        return self

    @model_validator(mode="after")
    def check_token_address(self) -> Self:
        """The client's secret travels in the clear to an http address: only this machine may have one."""
        parts = urlsplit(self.token_url or "https:")
        if parts.scheme != "https" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("token_url must be an https address: the client secret is sent there")
        return self

    @property
    def grant(self) -> Grant | None:
        """What access tokens are asked for with, where that is how this site is entered."""
        if not (self.token_url and self.client_id and self.client_secret):
            return None
        secret = self.client_secret.get_secret_value()
        return Grant(self.token_url, self.client_id, secret, self.token_scope, self.credential_settings)

    @property
    def address_setting(self) -> str:
        """The setting that says where requests go, for messages."""
        if not self.api_url:
            return "JIRA_URL"
        return "gateway_url" if self.gateway else "api_url"

    @property
    def api_base(self) -> str:
        """Where requests go: never taken from a `self` link in an answer."""
        return self.api_url or self.url

    @property
    def basic_auth(self) -> tuple[str, str] | None:
        """User and secret for Basic authentication, where that is how this site is entered."""
        if self.email and self.api_token:
            return self.email, self.api_token.get_secret_value()
        if self.username and self.password:
            return self.username, self.password.get_secret_value()
        return None

    @property
    def secrets(self) -> tuple[str, ...]:
        given = (self.api_token, self.pat, self.password, self.client_secret)
        return tuple(secret.get_secret_value() for secret in given if secret is not None)

    @property
    def credential_settings(self) -> str:
        """The settings that hold the credential, for messages."""
        if self.pat:
            return "JIRA_PAT"
        if self.client_id:
            return "token_url, client_id and client_secret"
        return "JIRA_EMAIL and JIRA_API_TOKEN" if self.email else "username and password"


def declarations(given: Any) -> Any:
    """Read the short form of `fields:`. Raises ValueError for a name or a type that rules could not use."""
    if not isinstance(given, Mapping):
        return {} if given is None else given
    return {str(name): declaration(str(name), value) for name, value in given.items()}


def declaration(name: str, value: Any) -> Any:
    """Complete the declaration of one field."""
    if not FIELD_NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot be the name of a field: use letters and digits, as in businessOwner"
        )
    standard = STANDARD_FIELDS.get(name)
    if isinstance(value, str) and standard is None:
        kinds = ", ".join(ValueType)
        raise ValueError(f"say what {name} holds, as in {{field: {value}, type: option}} ({kinds})")
    if isinstance(value, Mapping):
        if standard is not None and value.get("type", standard) != standard:
            raise ValueError(
                f"{name} is always of type {standard}; use another name for a field of another type"
            )
        return {"type": standard, **value} if standard else value
    return {"field": value, "type": standard}
