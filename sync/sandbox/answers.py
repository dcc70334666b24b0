"""What a request asks and what the sandbox answers, apart from any web framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sync.sandbox.defaults import Deployment, JsonObject
from sync.sandbox.state import Issue, Site

UNKNOWN_ISSUE = "Issue does not exist or you do not have permission to see it."
NOT_LOGGED_IN = "You are not authenticated. Authentication required to perform this operation."


@dataclass(frozen=True, slots=True)
class Call:
    """One request, read. `version` is the REST version; `base` the site's address without a final slash."""

    site: Site
    method: str
    path: str
    base: str
    version: str
    args: Mapping[str, str]
    query: tuple[tuple[str, str], ...]
    body: Any
    anonymous: bool

    @property
    def on_cloud(self) -> bool:
        return self.site.deployment is Deployment.CLOUD

    def one(self, name: str, default: str | None = None) -> str | None:
        return next((value for key, value in self.query if key == name), default)

    def words(self, name: str) -> list[str] | None:
        """A parameter given several times, with commas, or both; None where it was not given at all."""
        given = [value for key, value in self.query if key == name]
        words = [word.strip() for value in given for word in value.split(",") if word.strip()]
        return words if given else None

    def number(self, name: str, default: int) -> int:
        return to_number(name, self.one(name), default)

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.one(name)
        return default if value is None else value.lower() == "true"

    def object(self) -> JsonObject:
        if not isinstance(self.body, dict):
            raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        return self.body

    def issue(self) -> Issue:
        """The issue of the path, if the account may see it: hidden and missing are answered alike."""
        issue = None if self.anonymous else self.site.visible(self.args["issue"])
        if issue is None:
            anonymous_on_server = self.anonymous and not self.on_cloud
            raise Refusal(401 if anonymous_on_server else 404, UNKNOWN_ISSUE)
        return issue

    def login(self) -> None:
        if self.anonymous:
            raise Refusal(401, NOT_LOGGED_IN)


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is JSON; None sends an empty body."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


# An answer of which only the beginning arrives: the connection breaks off in the middle of it.
CUT_OFF = Answer(200, '{"half": ', {"Content-Length": "1000"})


class Refusal(Exception):
    """Jira's way to say no: sentences for the whole request and for single fields."""

    def __init__(self, status: int, *messages: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join([*messages, *(errors or {}).values()]))
        self.status = status
        self.messages = messages
        self.errors = dict(errors or {})

    def answer(self) -> Answer:
        return Answer(self.status, {"errorMessages": list(self.messages), "errors": self.errors})


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint below `/rest/api/N`. `writes` marks those that change something when they succeed."""

    method: str
    path: str
    handler: Handler
    only: Deployment | None = None
    writes: bool = False


def to_number(name: str, value: Any, default: int) -> int:
    if value is None:
        return default
    try:
        return int(value)
    except (TypeError, ValueError):
        raise Refusal(400, f"The parameter '{name}' must be a whole number, not '{value}'.") from None
