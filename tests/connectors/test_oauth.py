"""Access tokens by client credentials: asked for when needed, kept while good, and never shown."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.errors import AuthenticationFailed, ConnectorError, Refused, Unreachable
from connectors.http import RetryPolicy
from connectors.oauth import AccessTokens, Grant
from tests.fakes.scripted_http import Answer, Asked, Naps, Script, ScriptedServer, in_turn

SECRET = "client-s3cret"
START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def given(token: str, **more: Any) -> Answer:
    return Answer({"access_token": token, "token_type": "Bearer", **more})


def tokens_of(url: str, clock: Callable[[], datetime], **settings: Any) -> AccessTokens:
    policy = RetryPolicy(sleep=Naps(), jitter=lambda: 1.0, now=clock)
    return AccessTokens(Grant(f"{url}/oauth/token", "client-1", SECRET, **settings), policy, (5.0, 5.0))


def test_a_token_is_asked_for_by_form_and_kept_until_a_minute_before_its_end() -> None:
    clock = Clock()
    with ScriptedServer(in_turn(given("t1", expires_in=3600), given("t2", expires_in=3600))) as server:
        tokens = tokens_of(server.url, clock, scope="read:jira-work")
        assert tokens.current() == "t1"
        clock.pass_by(3539)
        assert tokens.current() == "t1"
        clock.pass_by(1)
        assert tokens.current() == "t2"
    assert server.asked[0].body == {
        "grant_type": "client_credentials",
        "client_id": "client-1",
        "client_secret": SECRET,
        "scope": "read:jira-work",
    }
    assert "authorization" not in server.asked[0].headers


@pytest.mark.parametrize("life", [{}, {"expires_in": None}, {"expires_in": "soon"}, {"expires_in": -1}])
def test_a_life_that_is_not_told_is_taken_to_be_a_few_minutes(life: dict[str, Any]) -> None:
    clock = Clock()
    with ScriptedServer(in_turn(given("t1", **life), given("t2"))) as server:
        tokens = tokens_of(server.url, clock)
        tokens.current()
        clock.pass_by(200)
        assert tokens.current() == "t1"
        clock.pass_by(50)
        assert tokens.current() == "t2"


def test_a_refused_token_is_renewed_once_by_however_many_threads() -> None:
    count = iter(range(1, 99))
    with ScriptedServer(lambda _: given(f"t{next(count)}", expires_in="3600")) as server:
        tokens = tokens_of(server.url, Clock())
        first = tokens.current()
        together = threading.Barrier(8)
        seen: list[str] = []

        def refused() -> None:
            together.wait()
            tokens.renew(first)
            seen.append(tokens.current())

        threads = [threading.Thread(target=refused) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == ["t2"] * 8
        assert len(server.asked) == 2


def test_a_fault_on_the_way_is_tried_again() -> None:
    with ScriptedServer(in_turn(Answer(drop=True), Answer(status=503), given("t1"))) as server:
        assert tokens_of(server.url, Clock()).current() == "t1"


def refusal(script: Script, **settings: Any) -> ConnectorError:
    with ScriptedServer(script) as server, pytest.raises(ConnectorError) as raised:
        tokens_of(server.url, Clock(), **settings).current()
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.mark.parametrize(
    "answer",
    [
        Answer({"error": "invalid_client", "error_description": f"no {SECRET}"}, status=401),
        Answer({"error": "invalid_client"}, status=400),
        Answer(status=403, text="<html>no</html>"),
        Answer({"access_token": ""}),
        Answer({"token": "t"}),
        Answer([1]),
        Answer(text="<html>Log in</html>"),
    ],
)
def test_where_no_token_is_given_the_settings_are_named(answer: Answer) -> None:
    error = refusal(lambda _: answer, settings="token_url, client_id and client_secret of jira")
    assert isinstance(error, AuthenticationFailed)
    assert str(error).endswith("check token_url, client_id and client_secret of jira.")


def test_a_redirect_is_not_followed_with_the_secret() -> None:
    elsewhere: list[Asked] = []

    def other(asked: Asked) -> Answer:
        elsewhere.append(asked)
        return given("stolen")

    with ScriptedServer(other) as thief:
        error = refusal(lambda _: Answer(status=307, headers={"Location": f"{thief.url}/oauth/token"}))
    assert isinstance(error, Refused)
    assert "check token_url" in str(error)
    assert elsewhere == []


def test_a_token_address_that_cannot_be_reached_is_named() -> None:
    error = refusal(lambda _: Answer(drop=True))
    assert isinstance(error, Unreachable)
    assert "token_url" in str(error)


def test_the_secret_does_not_show_in_the_grant() -> None:
    assert SECRET not in repr(Grant("https://auth.example.com", "client-1", SECRET))
