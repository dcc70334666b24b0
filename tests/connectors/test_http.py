"""When a request is sent again, how long we wait first, and what is said when it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import requests

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
from connectors.http import (
    Place,
    RetryPolicy,
    basic_secret,
    call,
    clean,
    request_error,
    status_error,
)
from tests.fakes.scripted_http import Answer, Naps, ScriptedServer

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PLACE = Place("https://user:pass@jira.example.com/jira", "JIRA_URL")


def policy(naps: Naps, jitter: float = 1.0, **settings: float) -> RetryPolicy:
    return RetryPolicy(sleep=naps, jitter=lambda: jitter, now=lambda: NOW, **settings)  # type: ignore[arg-type]


def failing(times: int, error: Exception) -> Callable[[], str]:
    left = [error] * times

    def send() -> str:
        if left:
            raise left.pop()
        return "answer"

    return send


def test_a_transient_failure_is_sent_again_after_doubling_pauses() -> None:
    naps = Naps()
    assert call(failing(4, Transient("busy")), policy(naps), resend=True) == "answer"
    assert naps.seconds == [2.0, 4.0, 8.0, 16.0]


def test_after_the_fifth_try_the_failure_is_told() -> None:
    naps = Naps()
    with pytest.raises(Unreachable, match="busy"):
        call(failing(5, Transient("busy")), policy(naps), resend=True)
    assert len(naps.seconds) == 4


def test_backoff_never_exceeds_its_cap_and_jitter_spreads_it() -> None:
    naps = Naps()
    call(failing(7, Transient("busy")), policy(naps, jitter=1.3, tries=8), resend=True)
    assert naps.seconds[-2:] == [39.0, 39.0]


def test_what_must_not_happen_twice_is_sent_once() -> None:
    naps = Naps()
    with pytest.raises(Unreachable):
        call(failing(1, Transient("busy")), policy(naps), resend=False)
    assert naps.seconds == []


def test_a_permanent_failure_is_not_sent_again() -> None:
    naps = Naps()
    with pytest.raises(Refused):
        call(failing(1, Refused("no")), policy(naps), resend=True)
    assert naps.seconds == []


def test_the_pause_the_server_asks_for_is_a_floor_not_a_cap() -> None:
    naps = Naps()
    call(failing(1, RateLimited("slow", 300.0)), policy(naps, jitter=0.7), resend=True)
    call(failing(1, RateLimited("slow", 0.5)), policy(naps, jitter=0.7), resend=True)
    assert naps.seconds == [300.0, 1.4]


def test_a_pause_longer_than_the_deadline_ends_the_call_at_once_and_stays_a_rate_limit() -> None:
    naps = Naps()
    with pytest.raises(RateLimited) as told:
        call(failing(1, RateLimited("slow", 5000.0)), policy(naps, deadline=2400.0), resend=True)
    assert told.value.retry_after == 5000.0
    assert naps.seconds == []


def test_the_deadline_counts_all_pauses_of_one_call() -> None:
    naps = Naps()
    with pytest.raises(RateLimited):
        call(failing(4, RateLimited("slow", 1000.0)), policy(naps, deadline=2400.0), resend=True)
    assert naps.seconds == [1000.0, 1000.0]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Refused),
        (401, AuthenticationFailed),
        (403, PermissionDenied),
        (404, NotFound),
        (410, Refused),
        (422, Refused),
        (429, RateLimited),
        (500, Transient),
        (502, Transient),
        (504, Transient),
    ],
)
def test_each_status_has_its_place_in_the_tree(status: int, kind: type[ConnectorError]) -> None:
    error = status_error(status, {}, "the reason", PLACE, NOW)
    assert type(error) is kind
    assert str(error).startswith(f"jira.example.com answered {status}: the reason")


def test_a_rate_limit_is_no_failed_try_and_only_the_deadline_ends_it() -> None:
    naps = Naps()
    assert call(failing(9, RateLimited("slow", 60.0)), policy(naps), resend=True) == "answer"
    with pytest.raises(RateLimited):
        call(failing(99, RateLimited("slow", 60.0)), policy(naps, deadline=600.0), resend=True)
    assert naps.seconds == [60.0] * 19


def test_a_503_that_names_a_pause_is_a_rate_limit() -> None:
    error = status_error(503, {"Retry-After": "7"}, "", PLACE, NOW)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7.0


def failure(url: str) -> ConnectorError:
    with pytest.raises(requests.RequestException) as raised:
        requests.get(url, timeout=(0.3, 0.3))
    return request_error(raised.value, Place(url, "JIRA_URL"))


def test_a_refused_connection_names_the_host_and_the_setting() -> None:
    with ScriptedServer(lambda _: Answer()) as server:
        url = server.url
    error = failure(url)
    assert isinstance(error, Transient)
    assert str(error) == (
        f"{url.removeprefix('http://')} refused the connection: check the port in JIRA_URL and that the "
        "server is running."
    )


def test_an_unknown_host_name_is_told_as_such() -> None:
    error = failure("http://jira.invalid")
    assert str(error) == "The host name jira.invalid could not be resolved: check JIRA_URL and the network."


def test_a_connection_that_breaks_off_is_told_as_such() -> None:
    with ScriptedServer(lambda _: Answer(drop=True)) as server:
        error = failure(server.url)
    assert isinstance(error, Transient)
    assert "broke off before the answer was complete" in str(error)


def test_a_server_that_speaks_no_tls_is_told_as_such() -> None:
    with ScriptedServer(lambda _: Answer()) as server:
        error = failure(server.url.replace("http://", "https://"))
    assert isinstance(error, Unreachable)
    assert "REQUESTS_CA_BUNDLE" in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (requests.exceptions.ReadTimeout("x"), Transient, "did not answer in time"),
        (requests.exceptions.ConnectTimeout("x"), Transient, "did not answer in time"),
        (requests.exceptions.ProxyError("x"), Transient, "HTTPS_PROXY"),
        (requests.exceptions.ChunkedEncodingError("x"), Transient, "broke off"),
        (requests.exceptions.InvalidURL("x"), BadInput, "JIRA_URL is not a usable web address"),
    ],
)
def test_every_failure_to_exchange_names_its_remedy(
    error: requests.RequestException, kind: type[ConnectorError], words: str
) -> None:
    ours = request_error(error, PLACE)
    assert type(ours) is kind
    assert words in str(ours)
    assert "pass" not in str(ours)


def test_foreign_text_loses_its_secrets_its_line_breaks_and_its_length() -> None:
    token = "s3cr3t/+"
    text = (
        f"no\r\nway {token} {basic_secret('me', token)} s3cr3t%2F%2B https://me:{token}@host/x \x1b[31m"
        + "z" * 999
    )
    cleaned = clean(text, (token, basic_secret("me", token)))
    assert "s3cr3t" not in cleaned
    assert cleaned.startswith("no way *** *** *** https://***@host/x [31mz")
    assert len(cleaned) == 300
