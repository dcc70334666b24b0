"""Turn one declared request into an answer, on one origin only.

Redirects and next links may stay on the origin (scheme, host, port) and go nowhere else: a credential that
left it could not be called back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import requests

from connectors.base import TokenStore
from connectors.errors import AuthenticationFailed, IncompleteRead, Refused
from connectors.finance.logins import Login
from connectors.finance.rest_config import Request, RestFinanceConfig
from connectors.finance.rest_session import NotJson, Pace, RestSession, parse_json
from connectors.http import Place, RetryPolicy, call

_REDIRECTS = 5


def origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return (
        parts.scheme,
        (parts.hostname or "").lower(),
        parts.port or (443 if parts.scheme == "https" else 80),
    )


@dataclass(frozen=True, slots=True)
class Ask:
    """One request to be sent; `repeatable` says that sending it twice is harmless."""

    url: str
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    repeatable: bool = True
    accept: str = "application/json"


class RestClient:
    """The session with one API: retries, the login, and the origin it is pinned to."""

    def __init__(
        self, config: RestFinanceConfig, policy: RetryPolicy, store: TokenStore | None = None
    ) -> None:
        limits = config.limits
        self.config = config
        self.session = RestSession(policy, limits.timeout_seconds, allow_private=config.allow_private)
        self._policy = policy
        self._login = Login(config.auth, config.name, self.session, store)
        self._place = Place(config.base_url, f"base_url of {config.name}")
        self._pace = Pace(timedelta(seconds=limits.seconds_apart()), policy)
        self._sent = 0

    def close(self) -> None:
        self.session.close()

    def ask(self, request: Request, values: Mapping[str, str]) -> Ask:
        """The declared request with these values in their places, without what paging adds."""
        return Ask(
            url=self.address(request.path, values),
            method=request.method,
            params={key: spliced(value, values) for key, value in request.params.items()},
            headers=request.headers,
            body=None if request.body is None else _filled(request.body, values),
            repeatable=request.method == "GET" or request.repeatable,
        )

    def address(self, path: str, values: Mapping[str, str]) -> str:
        """The address of a declared path. A value put into it cannot leave its place: it is quoted."""
        base = self.config.base_url.rstrip("/") + "/"
        safe = {key: quote(value, safe="") for key, value in values.items()}
        return urljoin(base, "./" + spliced(path, safe).lstrip("/")) if path else base[:-1]

    def follow(self, current: str, link: str, ask: Ask) -> Ask:
        """The next page by its address; refused on another origin."""
        url = urljoin(current, link)
        self._refuse_stranger(url, "the next page")
        return replace(ask, url=url, params={})

    def fetch(self, ask: Ask) -> tuple[Any, str]:
        """The document answered to a request, and the address it came from, without its query."""
        content, url = self.content(ask)
        try:
            return parse_json(content), url
        except NotJson as error:
            said = self.session.clean(str(error))
            raise IncompleteRead(f"{self._place.host} answered with no JSON: {said}") from None

    def content(self, ask: Ask) -> tuple[bytes, str]:
        """The answer to a request as it came, and the address it came from, without its query."""
        response = self.send(ask)
        return response.content, response.url.partition("?")[0]

    def send(self, ask: Ask, *, stream: bool = False) -> requests.Response:
        """The answer to a request; a login that has expired meanwhile is renewed once."""
        try:
            return call(lambda: self._send(ask, stream=stream), self._policy, resend=ask.repeatable)
        except AuthenticationFailed:
            if not self._login.renew():
                raise
            return call(lambda: self._send(ask, stream=stream), self._policy, resend=ask.repeatable)

    def _send(self, ask: Ask, *, stream: bool) -> requests.Response:
        credential = self._login.credential()
        for _ in range(_REDIRECTS):
            self._count()
            response = self.session.exchange(
                self._place,
                ask.method,
                ask.url,
                {"Accept": ask.accept, **ask.headers, **credential.headers},
                params={**ask.params, **credential.params},
                json=ask.body,
                stream=stream,
            )
            if not response.is_redirect:
                return response
            url = urljoin(response.url, response.headers["Location"])
            self._refuse_stranger(url, "a redirect")
            ask = replace(ask, url=url, params={})
        raise Refused(f"{self._place.host} redirects without end.")

    def _count(self) -> None:
        most = self.config.limits.max_requests
        if most is not None and self._sent >= most:
            raise IncompleteRead(
                f"{self.config.name}: reading it takes more than {most} requests. "
                "Raise `limits.max_requests` if the API allows more."
            )
        self._pace.keep()
        self._sent += 1

    def _refuse_stranger(self, url: str, what: str) -> None:
        if origin(url) != origin(self.config.base_url):
            raise Refused(
                f"{self.config.name}: {what} leads to {urlsplit(url).netloc}, away from {self._place.host}. "
                "The credential is not sent there; correct base_url if that is where the API has moved to."
            )


def spliced(text: str, values: Mapping[str, str]) -> str:
    """The text with `{name}` replaced, for the names there are values of; other braces stay."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _filled(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {key: _filled(value, values) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [_filled(value, values) for value in node]
    return spliced(node, values) if isinstance(node, str) else node
