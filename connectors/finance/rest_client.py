"""Turn one declared request into a JSON answer with exact numbers, on one origin only.

Redirects and next links may stay on the origin (scheme, host, port) and go nowhere else: a credential that
left it could not be called back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn
from urllib.parse import urljoin, urlsplit

import requests

from connectors.errors import AuthenticationFailed, ConnectorError, IncompleteRead, Refused
from connectors.finance.rest_config import (
    ApiKey,
    BasicAuth,
    BearerToken,
    ClientCredentials,
    NoAuth,
    RestFinanceConfig,
)
from connectors.http import Place, RetryPolicy, basic_secret, call, clean, request_error, status_error

_REDIRECTS = 5
_EARLY = timedelta(seconds=60)
_UNSAID_LIFE = 300


class NotJson(ValueError):
    """The text is no JSON document. `str()` says why."""


def parse_json(content: bytes) -> Any:
    """The document with every number exact: int or Decimal, never float; NaN and Infinity are no numbers."""

    def refuse(word: str) -> NoReturn:
        raise NotJson(f"{word} is no number")

    try:
        return json.loads(content, parse_float=Decimal, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise NotJson(str(error)) from None


def origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or (443 if parts.scheme == "https" else 80),
    )


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to be sent."""

    url: str
    params: Mapping[str, str] = field(default_factory=dict)


class _Ours(requests.auth.AuthBase):
    """Sends our headers; being there also keeps requests from looking into a .netrc file."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.update(self._headers)
        return request


class RestClient:
    """The session with one API: retries, the login, and the origin it is pinned to."""

    def __init__(self, config: RestFinanceConfig, policy: RetryPolicy) -> None:
        self.config = config
        self._policy = policy
        self._session = requests.Session()
        self._place = Place(config.base_url, f"base_url of {config.name}")
        self._token: tuple[str, datetime] | None = None
        self._asked = False

    def close(self) -> None:
        self._session.close()

    def first(self) -> Ask:
        """The declared request, without what paging adds."""
        base = self.config.base_url.rstrip("/") + "/"
        url = urljoin(base, self.config.request.path.lstrip("/")) if self.config.request.path else base[:-1]
        return Ask(url, self.config.request.params)

    def follow(self, current: str, link: str) -> Ask:
        """The next page by its address; refused on another origin."""
        url = urljoin(current, link)
        self._refuse_stranger(url, "the next page")
        return Ask(url)

    def fetch(self, ask: Ask) -> tuple[Any, str]:
        """The answer to a request and the address it came from; a login that has expired is renewed once."""
        resend = self.config.request.method == "GET" or self.config.request.repeatable
        self._keep_pace()
        try:
            response = call(lambda: self._send(ask), self._policy, resend=resend)
        except AuthenticationFailed:
            if not isinstance(self.config.auth, ClientCredentials):
                raise
            self._token = None
            response = call(lambda: self._send(ask), self._policy, resend=resend)
        try:
            return parse_json(response.content), response.url
        except NotJson as error:
            said = clean(str(error), self._secrets())
            raise IncompleteRead(f"{self._place.host} answered with no JSON: {said}") from None

    def _send(self, ask: Ask) -> requests.Response:
        headers, params = self._login()
        for _ in range(_REDIRECTS):
            response = self._exchange(ask, headers, params)
            if not response.is_redirect:
                return response
            url = urljoin(response.url, response.headers["Location"])
            self._refuse_stranger(url, "a redirect")
            ask = replace(ask, url=url, params={})
        raise Refused(f"{self._place.host} redirects without end.")

    def _exchange(self, ask: Ask, headers: Mapping[str, str], params: Mapping[str, str]) -> requests.Response:
        request, limits = self.config.request, self.config.limits
        try:
            response = self._session.request(
                request.method,
                ask.url,
                params={**ask.params, **params},
                headers={"Accept": "application/json", **request.headers},
                json=request.body,
                auth=_Ours(headers),
                timeout=limits.timeout_seconds,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise request_error(error, self._place) from None
        self._refuse_status(response, self._place)
        return response

    def _refuse_status(self, response: requests.Response, place: Place) -> None:
        if response.status_code >= 400:
            said = clean(response.text, self._secrets())
            raise status_error(response.status_code, response.headers, said, place, self._policy.now())

    def _refuse_stranger(self, url: str, what: str) -> None:
        if origin(url) != origin(self.config.base_url):
            raise Refused(
                f"{self.config.name}: {what} leads to {urlsplit(url).netloc}, away from {self._place.host}. "
                "The credential is not sent there; correct base_url if that is where the API has moved to."
            )

    def _keep_pace(self) -> None:
        if self._asked and self.config.limits.per_minute:
            self._policy.sleep(60 / self.config.limits.per_minute)
        self._asked = True

    def _login(self) -> tuple[dict[str, str], dict[str, str]]:
        """Headers and query parameters that carry the credential."""
        match self.config.auth:
            case NoAuth():
                return {}, {}
            case BasicAuth(user=user, password=password):
                return {"Authorization": f"Basic {basic_secret(user, password.get_secret_value())}"}, {}
            case ApiKey(name=name, value=value, where="query"):
                return {}, {name: value.get_secret_value()}
            case ApiKey(name=name, value=value):
                return {name: value.get_secret_value()}, {}
            case BearerToken(token=token):
                return {"Authorization": f"Bearer {token.get_secret_value()}"}, {}
            case ClientCredentials() as auth:
                return {"Authorization": f"Bearer {self._current_token(auth)}"}, {}

    def _current_token(self, auth: ClientCredentials) -> str:
        if self._token is None or self._policy.now() >= self._token[1]:
            self._token = self._new_token(auth)
        return self._token[0]

    def _new_token(self, auth: ClientCredentials) -> tuple[str, datetime]:
        secret = auth.client_secret.get_secret_value()
        form = {"grant_type": "client_credentials", **auth.form}
        form |= {"scope": auth.scope} if auth.scope else {}
        headers = {}
        if auth.secret_in == "form":  # noqa: S105  a place, not a secret
            form |= {"client_id": auth.client_id, "client_secret": secret}
        else:
            headers = {"Authorization": f"Basic {basic_secret(auth.client_id, secret)}"}
        place = Place(auth.token_url, f"token_url of {self.config.name}")
        try:
            response = self._session.post(
                auth.token_url,
                data=form,
                auth=_Ours(headers),
                timeout=self.config.limits.timeout_seconds,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise request_error(error, place) from None
        self._refuse_status(response, place)
        return self._read_token(response, place)

    def _read_token(self, response: requests.Response, place: Place) -> tuple[str, datetime]:
        refusal: ConnectorError = AuthenticationFailed(
            f"{place.host} gave no access token. Check client_id, client_secret and scope "
            f"of {self.config.name}."
        )
        try:
            answer = parse_json(response.content)
        except NotJson:
            raise refusal from None
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token:
            raise refusal
        life = answer.get("expires_in", _UNSAID_LIFE)
        seconds = int(life) if str(life).isdecimal() else _UNSAID_LIFE
        return token, self._policy.now() + max(timedelta(seconds=seconds) - _EARLY, timedelta())

    def _secrets(self) -> list[str]:
        auth = self.config.auth
        values = [getattr(auth, name, None) for name in ("password", "value", "token", "client_secret")]
        known = [value.get_secret_value() for value in values if value is not None]
        if isinstance(auth, BasicAuth):
            known.append(basic_secret(auth.user, auth.password.get_secret_value()))
        return [*known, self._token[0]] if self._token else known
