"""Turn one HTTP exchange into an answer or one of our errors: retry, plain words for failures, redaction."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote, urlsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3.exceptions import NameResolutionError

from connectors.allowance import clock_of, parse_retry_after
from connectors.budget import backoff, random_jitter
from connectors.errors import (
    AuthenticationFailed,
    BadInput,
    ConnectorError,
    NotFound,
    PermissionDenied,
    RateLimited,
    Refused,
    Transient,
    Unreachable,
)
from connectors.naps import Nap

Answer = TypeVar("Answer")

MESSAGE_LIMIT = 300
UNUSABLE_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)
TRANSIENT_STATUSES = frozenset({408, 425, 500, 502, 503, 504})


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently a request is repeated; all times are seconds.

    A pause the server asks for is kept in full; when it would end after `deadline` the call gives up at once
    instead of coming back too early. The clock and the sleep are fields so that tests need no time.
    """

    tries: int = 5
    first_wait: float = 2.0
    longest_wait: float = 30.0
    deadline: float = 2400.0
    sleep: Callable[[float], None] = field(default_factory=Nap)
    jitter: Callable[[], float] = random_jitter
    now: Callable[[], datetime] = utc_now


# Where somebody waits for the answer: a night tries longer.
HURRIED = RetryPolicy(tries=2, first_wait=1.0, deadline=30.0)


@dataclass(frozen=True, slots=True)
class Place:
    """Whom we talk to, for messages: the host (never the whole URL) and the setting that names it."""

    url: str
    setting: str

    @property
    def host(self) -> str:
        parts = urlsplit(self.url)
        return parts.netloc.rpartition("@")[2] or self.url


def call(send: Callable[[], Answer], policy: RetryPolicy, *, resend: bool) -> Answer:
    """Send, and send again after a `Transient` error where `resend` says that doing it twice is harmless.

    A `Transient` that outlives the tries becomes `Unreachable`; another error after one is `unsure`.
    `RateLimited` stays what it is, for there the source did answer and going on later will work; it is no
    failed try either, so only the deadline ends it.
    """
    failures = 0

    def wait(state: RetryCallState) -> float:
        return pause(state.attempt_number, retry_after_of(state), policy)

    def stop(state: RetryCallState) -> bool:
        spent = max(state.idle_for, state.seconds_since_start or 0.0)
        out_of_time = spent + state.upcoming_sleep > policy.deadline
        return not resend or failures >= policy.tries or out_of_time

    def attempt() -> Answer:
        nonlocal failures
        try:
            return send()
        except RateLimited:
            raise
        except Transient:
            failures += 1
            raise
        except ConnectorError as error:
            error.unsure = failures > 0
            raise

    retrying = Retrying(
        retry=retry_if_exception_type(Transient), wait=wait, stop=stop, sleep=policy.sleep, reraise=True
    )
    try:
        return retrying(attempt)
    except RateLimited:
        raise
    except Transient as error:
        raise Unreachable(str(error)) from None


def pause(attempt: int, retry_after: float | None, policy: RetryPolicy) -> float:
    """Seconds to wait after the given attempt (1 is the first); what the server asks for is a floor."""
    ours = backoff(attempt, policy.first_wait, policy.longest_wait) * policy.jitter()
    return max(ours, retry_after or 0.0)


def retry_after_of(state: RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.retry_after if isinstance(error, RateLimited) else None


def status_error(
    status: int, headers: Mapping[str, str], said: str, place: Place, now: datetime
) -> ConnectorError:
    """The error for an HTTP status; `said` is the server's own text, already shortened and redacted."""
    answered = f"{place.host} answered {status}" + (f": {said}" if said else "")
    if status == 429 or (status == 503 and "Retry-After" in headers):
        return RateLimited(
            f"{answered} (it asks for a pause)",
            parse_retry_after(headers.get("Retry-After"), clock_of(headers, now)),
        )
    if status in TRANSIENT_STATUSES:
        return Transient(answered)
    kinds: dict[int, type[ConnectorError]] = {401: AuthenticationFailed, 403: PermissionDenied, 404: NotFound}
    return kinds.get(status, Refused)(answered)


def request_error(error: requests.RequestException, place: Place) -> ConnectorError:
    """The error for an exchange that brought no answer: one sentence with the host and the remedy."""
    host = place.host
    if isinstance(error, requests.exceptions.SSLError):
        return Unreachable(
            f"The TLS certificate of {host} was not accepted. If your organisation signs its own, point "
            f"REQUESTS_CA_BUNDLE at its CA file; otherwise check {place.setting}."
        )
    if isinstance(error, UNUSABLE_ADDRESS):
        return BadInput(f"{place.setting} is not a usable web address: it must look like https://host/path.")
    return Transient(no_answer(error, host, place.setting))


def no_answer(error: requests.RequestException, host: str, setting: str) -> str:
    causes = tuple(causes_of(error))
    if isinstance(error, requests.exceptions.ProxyError):
        return (
            f"The proxy on the way to {host} did not let the request through: check HTTPS_PROXY and NO_PROXY."
        )
    if any(isinstance(cause, NameResolutionError | socket.gaierror) for cause in causes):
        return f"The host name {host} could not be resolved: check {setting} and the network."
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return f"{host} refused the connection: check the port in {setting} and that the server is running."
    if isinstance(error, requests.exceptions.Timeout):
        return f"{host} did not answer in time: check {setting}, the network and any firewall."
    return (
        f"The connection to {host} broke off before the answer was complete: check {setting} and the network."
    )


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """The error and all it wraps: urllib3 keeps the cause in `reason`, requests in the first argument."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]


def basic_secret(user: str, password: str) -> str:
    """The form in which a Basic credential travels, so that it can be redacted as well."""
    return base64.b64encode(f"{user}:{password}".encode()).decode()


def clean(text: str, secrets: Iterable[str] = (), limit: int = MESSAGE_LIMIT) -> str:
    """Foreign text made fit for a message: no secret, no control characters or line breaks, not too long."""
    for secret in sorted((s for s in secrets if s), key=len, reverse=True):
        text = text.replace(secret, "***").replace(quote(secret, safe=""), "***")
    text = re.sub(r"(?<=://)[^/\s@]+@", "***@", text)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
