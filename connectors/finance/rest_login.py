"""What `sources.yaml` may say about logging in to a finance API, in eight ways."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, model_validator

from connectors.declared import Declared


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


class RefreshToken(Declared):
    """OAuth2 with a refresh token, which every login may replace by another one.

    `refresh_token` is the one to begin with, as the consent of a person gave it; later ones are kept. A new
    one declared here starts afresh.
    """

    type: Literal["oauth2_refresh"]
    token_url: Url
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr
    secret_in: Literal["header", "form"] = "header"  # noqa: S105
    scope: str | None = None
    form: dict[str, str] = Field(default_factory=dict)


class SignedAssertion(Declared):
    """OAuth2 with a JWT signed by a private key (PEM) in place of a secret.

    `grant: client_credentials` sends it as `client_assertion`, `jwt_bearer` as `assertion`. The audience is
    `token_url` if nothing else is said.
    """

    type: Literal["jwt"]
    token_url: Url
    key: SecretStr
    key_id: str | None = None
    algorithm: Literal[
        "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "EdDSA"
    ]
    issuer: str
    subject: str | None = None
    audience: str | None = None
    claims: dict[str, Any] = Field(default_factory=dict)
    lives_seconds: Annotated[int, Field(ge=30, le=3600)] = 300
    grant: Literal["client_credentials", "jwt_bearer"] = "client_credentials"
    scope: str | None = None
    form: dict[str, str] = Field(default_factory=dict)


class TwoStep(Declared):
    """A login of its own that gives a token, which then goes with each request.

    What is sent to `url` is `body` (as JSON) or, with `user` and `password`, HTTP Basic. The token stands in
    the answer at `token`, or in its header `token_header`; `{token}` in `value` is where it is put.
    """

    type: Literal["login"]
    url: Url
    user: str | None = None
    password: SecretStr | None = None
    body: dict[str, SecretStr] = Field(default_factory=dict)
    token: Keys | None = None
    token_header: str | None = None
    header: str = "Authorization"
    value: str = "Bearer {token}"
    lives_minutes: Annotated[int, Field(ge=1, le=1440)] = 20

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.token is None) is (self.token_header is None):
            raise ValueError(
                "declare where the token stands: either `token` (in the answer) or `token_header`"
            )
        if (self.user is None) is not (self.password is None):
            raise ValueError("declare `user` and `password` together")
        if "{token}" not in self.value:
            raise ValueError("`value` must hold {token}")
        return self


TokenLogin = ClientCredentials | RefreshToken | SignedAssertion | TwoStep
Auth = Annotated[
    NoAuth | BasicAuth | ApiKey | BearerToken | TokenLogin,
    Field(discriminator="type"),
]
