"""Turn OAuth 2.0 client credentials into access tokens: one for all threads, renewed before it expires."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import requests

from connectors import http
from connectors.errors import AuthenticationFailed, ConnectorError, Refused
from connectors.http import Place, RetryPolicy

# A token this close to its end counts as expired: clocks differ, and requests take their time.
SKEW = timedelta(seconds=60)
UNSAID_LIFE = 300.0


class Nobody(requests.auth.AuthBase):
    """Sends no credential, and by being there keeps requests from taking one out of a .netrc file."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is asked for with. The secret goes to `token_url`, and nowhere else.

    `settings` names where these are configured, for messages.
    """

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str | None = None
    settings: str = "token_url, client_id and client_secret"


class AccessTokens:
    """The current access token of a grant. Thread-safe."""

    def __init__(
        self, grant: Grant, policy: RetryPolicy, timeout: tuple[float, float], verify: str | bool = True
    ) -> None:
        self.grant = grant
        self._policy = policy
        self._timeout = timeout
        self._verify = verify
        self._place = Place(grant.token_url, "token_url")
        self._lock = threading.Lock()
        self._token = ""
        self._ends: datetime | None = None

    def current(self) -> str:
        """A token that is good for at least another minute, asked for if need be."""
        with self._lock:
            if self._ends is None or self._policy.now() >= self._ends - SKEW:
                self._token, life = http.call(self._ask, self._policy, resend=True)
                # One that lives for less than the skew is used all the same, and asked for anew each time.
                self._ends = self._policy.now() + life
            return self._token

    def renew(self, refused: str) -> None:
        """Have the next token asked for, if `refused` is still the current one."""
        with self._lock:
            if self._token == refused:
                self._ends = None

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (self.grant.client_secret, self._token) if secret)

    def _ask(self) -> tuple[str, timedelta]:
        grant = self.grant
        form = {"grant_type": "client_credentials", "client_id": grant.client_id}
        form |= {"client_secret": grant.client_secret} | ({"scope": grant.scope} if grant.scope else {})
        try:
            response = requests.post(
                grant.token_url,
                data=form,
                headers={"Accept": "application/json"},
                auth=Nobody(),
                timeout=self._timeout,
                verify=self._verify,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise http.request_error(error, self._place) from None
        return self._read(response)

    def _read(self, response: requests.Response) -> tuple[str, timedelta]:
        answer = document_in(response)
        if not response.ok or response.is_redirect:
            raise self._refusal(response, answer)
        token = answer.get("access_token")
        if not isinstance(token, str) or not token:
            raise AuthenticationFailed(
                f"{self._place.host} gave no access token: check {self.grant.settings}."
            )
        return token, timedelta(seconds=life_of(answer))

    def _refusal(self, response: requests.Response, answer: Mapping[str, Any]) -> ConnectorError:
        said = http.clean(str(answer.get("error_description") or answer.get("error") or ""), self.secrets)
        if response.is_redirect:
            return Refused(f"{self._place.host} redirects instead of giving a token: check token_url.")
        if response.status_code in {400, 401, 403}:
            return AuthenticationFailed(
                f"{self._place.host} gave no access token ({response.status_code}"
                f"{': ' + said if said else ''}): check {self.grant.settings}."
            )
        now = self._policy.now()
        return http.status_error(response.status_code, response.headers, said, self._place, now)


class Bearer(requests.auth.AuthBase):
    """Puts the current token on each request; only for a session that talks to one address."""

    def __init__(self, tokens: AccessTokens) -> None:
        self.tokens = tokens

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.tokens.current()}"
        return request


def document_in(response: requests.Response) -> Mapping[str, Any]:
    try:
        answer = json.loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def life_of(answer: Mapping[str, Any]) -> float:
    """Seconds the token lives for; a few minutes where the answer does not say."""
    try:
        seconds = float(answer.get("expires_in", UNSAID_LIFE))
    except (TypeError, ValueError):
        return UNSAID_LIFE
    return min(seconds, 86_400.0) if seconds >= 0 else UNSAID_LIFE
