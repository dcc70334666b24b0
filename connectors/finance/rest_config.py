"""What `sources.yaml` may say about a finance API: where it is, how to log in, page and find the records."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.declared import Declared, Header
from connectors.finance.config import FinanceMapping
from connectors.headers import Column


def _usable_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{url!r} is no web address such as https://host/path")
    if parts.username or parts.password:
        raise ValueError("a web address may not hold a user or password; declare them under `auth`")
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError(f"{url!r} is not encrypted; use https")
    return url


Url = Annotated[str, AfterValidator(_usable_url)]
Keys = Annotated[tuple[str, ...], Field(min_length=1)]
"""The way to a value, one key for each level: nothing to quote, so that "@odata.nextLink" is one key."""


class NoAuth(Declared):
    """Nothing is sent."""

    type: Literal["none"] = "none"


class BasicAuth(Declared):
    """User and password with each request."""

    type: Literal["basic"]
    user: str
    password: SecretStr


class ApiKey(Declared):
    """A key in a header or in the query of each request."""

    type: Literal["api_key"]
    name: str
    value: SecretStr
    where: Literal["header", "query"] = "header"


class BearerToken(Declared):
    """A token that does not change."""

    type: Literal["bearer"]
    token: SecretStr


class ClientCredentials(Declared):
    """OAuth2 client credentials; the secret goes in a header (Basic) or in the form, to `token_url` only."""

    type: Literal["oauth2_cc"]
    token_url: Url
    client_id: str
    client_secret: SecretStr
    secret_in: Literal["header", "form"] = "header"  # noqa: S105  a place, not a secret
    scope: str | None = None
    form: dict[str, str] = Field(default_factory=dict)


Auth = Annotated[NoAuth | BasicAuth | ApiKey | BearerToken | ClientCredentials, Field(discriminator="type")]


class Request(Declared):
    """The request for a page. A POST is repeated after a failure only if it is `repeatable`."""

    method: Literal["GET", "POST"] = "GET"
    path: str = ""
    params: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    body: dict[str, Any] | None = None
    repeatable: bool = False


class Single(Declared):
    """All records come with one answer."""

    type: Literal["single"] = "single"


class Offset(Declared):
    """The offset goes on by the rows received, not by those asked for, until a page is empty.

    `more` is the way to a flag; false ends the read, where the API can be trusted with it.
    """

    type: Literal["offset"]
    param: str = "offset"
    limit_param: str | None = "limit"
    limit: Annotated[int, Field(ge=1)] = 1000
    start: Annotated[int, Field(ge=0)] = 0
    more: Keys | None = None


class Numbered(Declared):
    """Pages by number until one is empty."""

    type: Literal["page"]
    param: str = "page"
    start: int = 1
    size_param: str | None = None
    size: Annotated[int, Field(ge=1)] = 100


class NextUrl(Declared):
    """The answer holds the address of the next page, on the same origin, until it holds none."""

    type: Literal["next_url"]
    path: Keys


class Cursor(Declared):
    """The answer holds a mark that the next request carries, until it holds none."""

    type: Literal["cursor"]
    path: Keys
    param: str = "cursor"


Paging = Annotated[Single | Offset | Numbered | NextUrl | Cursor, Field(discriminator="type")]


class Expect(Declared):
    """What answers must say: a status at a place, the number of all rows, how few rows are too few."""

    status: Keys | None = None
    equals: str = "ok"
    total: Keys | None = None
    min_rows: Annotated[int, Field(ge=0)] = 1


class Limits(Declared):
    """How often and how long may be asked."""

    per_minute: Annotated[int, Field(ge=1)] | None = None
    max_pages: Annotated[int, Field(ge=1)] = 10_000
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 120


class RestFinanceConfig(FinanceMapping):
    """One finance source: an API that answers with JSON.

    A column of the mapping is a key of a record, or a way down it with dots (`AccountRef.value`). `explode`
    makes a record of each element of a nested list; what stood around it is then `parent.Name`.
    """

    kind: Literal["rest"]
    base_url: Url
    auth: Auth = NoAuth()
    request: Request = Request()
    paging: Paging = Single()
    records: tuple[str, ...] = ()
    explode: tuple[Keys, ...] = ()
    expect: Expect = Expect()
    limits: Limits = Limits()
    optional: tuple[Header, ...] = ()

    @model_validator(mode="after")
    def _knows_its_optional_columns(self) -> Self:
        for name in self.optional:
            if name not in self.column_names():
                raise ValueError(f"optional column {name!r} is not used by the mapping")
        return self

    def needed(self) -> tuple[Column, ...]:
        return tuple(Column(name, name not in self.optional) for name in dict.fromkeys(self.column_names()))
