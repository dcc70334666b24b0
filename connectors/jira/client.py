"""Turn requests to one Jira into decoded JSON or our errors: the only place that knows the `jira` package."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from jira import JIRA

from connectors import http
from connectors.allowance import read_allowance
from connectors.budget import RateBudget, Route, Tally, shared_budget
from connectors.errors import (
    AuthenticationFailed,
    ConnectorError,
    RateLimited,
    Refused,
    Transient,
)
from connectors.http import Place, RetryPolicy
from connectors.jira.config import JiraSiteConfig
from connectors.jira.decoding import decode
from connectors.oauth import AccessTokens, Bearer

# English texts whatever the account's language: our messages quote them, and rules name types and statuses.
HEADERS = {"User-Agent": "tieline", "Accept-Language": "en", "X-Force-Accept-Language": "true"}
SCOPES = "read:jira-work, write:jira-work and read:jira-user"
SAFE_METHODS = frozenset({"GET", "HEAD"})
ID_OR_KEY = re.compile(r"\d+|[^\W\d]\w*-\d+")


class NotJira(Refused):
    """The address answers, but not as Jira's REST API does: nothing there can be trusted."""


class Conflict(Refused):
    """Somebody else changed the issue at the same moment (409): add and remove operations may be repeated."""


class JiraClient:
    """Requests to one Jira, built on the configured address alone.

    The `jira` package gives the session: authentication, TLS, proxies. Its own request method is not used: it
    resends posts, cuts long pauses short and dumps headers and bodies into its errors. One client serves one
    thread, as its session does; `budget` is shared by all that talk to the site, `tally` by this run's.
    No redirect is followed, so what proves who we are goes to that one address. `permit` is called right
    before a request that may change something, and raises to keep it from being sent.
    """

    def __init__(self, config: JiraSiteConfig, policy: RetryPolicy, budget: RateBudget | None = None) -> None:
        self.config = config
        self.policy = policy
        self.budget = budget or shared_budget(config.api_base, config.rate_limits)
        self.tally = Tally()
        self.permit: Callable[[], None] = lambda: None
        self.give_up_at = self.budget.now() + config.time_limit
        self.version = "2"
        self.place = Place(config.api_base, config.address_setting)
        self._jira = JIRA(
            server=config.api_base,
            options={"verify": config.ca_bundle or True, "check_update": False, "headers": dict(HEADERS)},
            basic_auth=config.basic_auth,
            token_auth=config.pat.get_secret_value() if config.pat else None,
            get_server_info=False,  # we ask ourselves, under our retry policy
            max_retries=0,
            timeout=(config.connect_timeout, config.read_timeout),
            logging=False,
        )
        self._session = self._jira._session  # noqa: SLF001 - the package offers no public way to its session
        self.use_tokens(self._tokens())

    def _tokens(self) -> AccessTokens | None:
        config = self.config
        timeout = (config.connect_timeout, config.read_timeout)
        grant = config.grant
        return AccessTokens(grant, self.policy, timeout, config.ca_bundle or True) if grant else None

    def use_tokens(self, tokens: AccessTokens | None) -> None:
        self.tokens = tokens
        if tokens is not None:
            self._session.auth = Bearer(tokens)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not show in any message, in every form in which it travels."""
        basic = self.config.basic_auth
        sent = (http.basic_secret(*basic),) if basic else ()
        return (*self.config.secrets, *sent, *(self.tokens.secrets if self.tokens else ()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def twin(self, sleep: Callable[[float], None]) -> JiraClient:
        """A client of the same site for another thread: same login, budget, tally and end of the run."""
        twin = JiraClient(self.config, replace(self.policy, sleep=sleep), self.budget)
        twin.tally, twin.give_up_at, twin.version = self.tally, self.give_up_at, self.version
        twin.permit = self.permit
        twin.use_tokens(self.tokens)
        return twin

    def close(self) -> None:
        self._session.close()

    def get(self, path: str, **params: str) -> Any:
        return self.request("GET", path, params=params)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        resend: bool | None = None,
        subject: str = "",
        fields: Sequence[str] | None = None,
    ) -> Any:
        """The decoded answer (None if it has no body) to a request below `/rest/api/<version>/`.

        `resend`: whether doing it twice is harmless; by default only reading is. `subject`: what the request
        carried, for the message when Jira refuses it, such as `the JQL in JIRA_JQL`. `fields`: the answer
        lists issues, and of each these are wanted.
        """
        route = route_of(method, path)
        twice = method in SAFE_METHODS if resend is None else resend

        def send() -> Any:
            response = self._send(route, path, params, body)
            if response.status_code == 401 and self.tokens is not None:
                self.tokens.renew(token_of(response))
                response = self._send(route, path, params, body)
            return self._judge(response, subject, fields)

        left = max(0.0, self.give_up_at - self.budget.now())
        policy = replace(self.policy, deadline=min(self.policy.deadline, left))
        try:
            return http.call(send, policy, resend=twice)
        except RateLimited as error:
            if not twice or "time_limit" in str(error):
                raise
            later = "longer than this run has left (time_limit). The next run goes on from here."
            raise RateLimited(f"{error}, {later}", error.retry_after) from None

    def _send(
        self, route: Route, path: str, params: Mapping[str, str] | None, body: object
    ) -> requests.Response:
        """One exchange, when the budget allows it; the budget hears what the answer says about the next."""
        url = f"{self.config.api_base}/rest/api/{self.version}/{path}"
        give_up_at = min(self.give_up_at, self.budget.now() + self.policy.deadline)
        sent_at = self.budget.admit(route, give_up_at, self.policy.sleep)
        if route.method not in SAFE_METHODS:
            self.permit()
        try:
            response = self._exchange(route.method, url, params, body)
        except requests.RequestException as error:
            self.tally.add(route, None)
            raise http.request_error(error, self.place) from None
        self.tally.add(route, response.status_code)
        allowance = read_allowance(response.status_code, response.headers, self.policy.now())
        self.budget.heed(route, sent_at, allowance)
        return response

    def _exchange(
        self, method: str, url: str, params: Mapping[str, str] | None, body: object
    ) -> requests.Response:
        response = requests.Session.request(
            self._session,
            method,
            url,
            params=dict(params) if params else None,
            json=body,
            timeout=(self.config.connect_timeout, self.config.read_timeout),
            # Given here, it is not overruled by REQUESTS_CA_BUNDLE unless it is plain True.
            verify=self._session.verify,
            allow_redirects=False,
            stream=True,
        )
        # In one piece: requests takes ten kilobytes at a time, and for each all threads would take turns.
        response._content = b"".join(response.iter_content(None))  # noqa: SLF001
        return response

    def _judge(self, response: requests.Response, subject: str, fields: Sequence[str] | None) -> Any:
        if 300 <= response.status_code < 400:
            raise NotJira(self._redirected(response))
        self._refuse_lapsed_session(response)
        answer = decode(response.content, fields if response.ok else None)
        if not response.ok:
            raise self._error(response, said_in(answer), subject)
        if response.status_code == HTTPStatus.NO_CONTENT or not response.content:
            return None
        if answer is None:
            raise NotJira(self.not_jira("a web page"))
        return answer

    def _refuse_lapsed_session(self, response: requests.Response) -> None:
        """Data Center may drop a session and go on as `anonymous`: fewer issues, and no error to tell."""
        if response.status_code != 401 and response.headers.get("X-AUSERNAME") == "anonymous":
            self._session.cookies.clear()
            raise Transient(f"{self.place.host} answered as if nobody were logged in.")

    def _redirected(self, response: requests.Response) -> str:
        parts = urlsplit(response.headers.get("Location", ""))
        target = f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.path or "elsewhere"
        return (
            f"{self.place.host} redirects to {http.clean(target, self.secrets)} instead of answering: put "
            f"Jira's final address into {self.place.setting}, and see that no login page stands before it."
        )

    def not_jira(self, what: str) -> str:
        return (
            f"{self.place.host} answered with {what}, not as a Jira does: check {self.place.setting} "
            "(Data Center often needs a path, such as https://host/jira)."
        )

    def _error(self, response: requests.Response, said: str, subject: str) -> ConnectorError:
        status = response.status_code
        text = http.clean(said, self.secrets)
        if status == 401 and "scope" in said.lower():
            return AuthenticationFailed(
                f"{self.place.host} answered 401: {text}. Give the token the scopes {SCOPES}, or check "
                f"{self.config.credential_settings}."
            )
        if status == 401:
            return AuthenticationFailed(self.login_failed("Jira did not accept the credential (401)"))
        if "CAPTCHA" in response.headers.get("X-Authentication-Denied-Reason", ""):
            return AuthenticationFailed(
                f"{self.place.host} asks the account for a CAPTCHA after failed logins: log in there once "
                f"with a browser, then check {self.config.credential_settings}."
            )
        if status == 409:
            return Conflict(f"{self.place.host} answered 409: {text or 'the issue was being changed'}")
        if status == 400 and subject:
            return Refused(f"{self.place.host} did not accept {subject}: {text or 'it gave no reason'}")
        return http.status_error(status, response.headers, text, self.place, self.policy.now())

    def login_failed(self, what: str) -> str:
        hint = (
            " An API token lives at most a year; one with scopes works only through the gateway: set "
            "`gateway: true` for this site in sources.yaml."
            if self.config.email and not self.config.api_url
            else " The token may have expired or been revoked."
        )
        return f"{what} at {self.place.host}: check {self.config.credential_settings}.{hint}"


def token_of(response: requests.Response) -> str:
    """The bearer token that a request went out with."""
    return str(response.request.headers.get("Authorization", "")).removeprefix("Bearer ")


def route_of(method: str, path: str) -> Route:
    """What a request counts under: `PUT issue/10001` is the endpoint `issue/{}` and the item 10001."""
    parts = path.split("/")
    named = [part for part in parts if ID_OR_KEY.fullmatch(part)]
    endpoint = "/".join("{}" if part in named else part for part in parts)
    return Route(method, endpoint, named[0] if named and method not in SAFE_METHODS else None)


def said_in(answer: Any) -> str:
    """Jira's own words in an error answer, of any of the shapes in use."""
    if not isinstance(answer, Mapping):
        return ""
    messages = answer.get("errorMessages")
    said = [messages] if isinstance(messages, str) else list(messages or ())
    errors = answer.get("errors")
    if isinstance(errors, Mapping):
        said += [f"{name}: {text}" for name, text in errors.items()]
    elif isinstance(errors, list):  # bulk operations
        said += [error["message"] for error in errors if isinstance(error, Mapping) and error.get("message")]
    said += [answer[name] for name in ("message", "errorMessage") if answer.get(name)]
    return "; ".join(str(part) for part in said if part)
