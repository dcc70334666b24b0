"""Entering a Jira: which one it is, who we are, and one clear sentence for everything that can be wrong."""

from __future__ import annotations

import base64
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import AuthenticationFailed, RateLimited, Refused, Unreachable
from connectors.jira import JiraSiteConfig
from connectors.jira.ties import FieldTie, LinkTie
from tests.connectors.jira.conftest import MYSELF, SERVER_INFO, TOKEN, Jira, config_for, connect
from tests.fakes.scripted_http import Answer, Asked, Naps, Script, ScriptedServer, in_turn

GONE = Answer({"errorMessages": ["gone"]}, status=410)


def test_cloud_is_entered_by_email_and_token_and_spoken_to_in_version_3(jira: Jira) -> None:
    site, scripted = jira("cloud", lambda _: GONE)
    assert (site.deployment, site.is_cloud, site.version) == ("cloud", True, "1001.0.0")
    assert (site.account, site.timezone) == ("Night Sync", "Europe/Berlin")
    assert site.server_time == datetime(2026, 11, 23, 2, 0, 5, tzinfo=UTC)
    expected = base64.b64encode(f"night@example.com:{TOKEN}".encode()).decode()
    assert [request.headers["authorization"] for request in scripted.server.asked] == [
        f"Basic {expected}"
    ] * 2
    assert scripted.asked("myself")[0].path == "/rest/api/3/myself"


def test_data_center_is_entered_by_personal_access_token_and_spoken_to_in_version_2(jira: Jira) -> None:
    site, scripted = jira("datacenter", lambda _: GONE, email=None, api_token=None, pat="p4t")
    assert (site.deployment, site.is_cloud, site.account) == ("datacenter", False, "Night Sync")
    assert scripted.asked("myself")[0].path == "/rest/api/2/myself"
    assert scripted.asked("myself")[0].headers["authorization"] == "Bearer p4t"


def test_data_center_is_entered_by_user_and_password_where_it_allows_that(jira: Jira) -> None:
    login = {"email": None, "api_token": None, "username": "night", "password": "p4ss"}
    site, scripted = jira("datacenter", lambda _: GONE, **login)
    assert site.deployment == "datacenter"
    sent = scripted.asked("myself")[0].headers["authorization"]
    assert sent == "Basic " + base64.b64encode(b"night:p4ss").decode()


def test_nothing_is_asked_of_a_site_that_does_not_let_us_in() -> None:
    """A Jira that takes us for nobody answers searches, with fewer issues: none may be sent."""
    with ScriptedServer(myself_answers(Answer({"displayName": "Anonymous"}))) as server:
        with pytest.raises(AuthenticationFailed):
            connect(config_for(server.url))
        assert [asked.path.rpartition("/")[2] for asked in server.asked] == ["serverInfo", "myself"]


def test_a_site_that_takes_the_connection_and_says_nothing_is_given_up() -> None:
    ended = threading.Event()

    def silent(_: Asked) -> Answer:
        ended.wait(20)
        return Answer(drop=True)

    with ScriptedServer(silent) as server:
        with pytest.raises(Unreachable) as told:
            connect(config_for(server.url, read_timeout=0.05))
        assert len(server.asked) == 5
        ended.set()
    assert "JIRA_URL" in str(told.value)


def test_a_context_path_is_kept(jira: Jira) -> None:
    def script(asked: Asked) -> Answer:
        paths = ["/jira/rest/api/2/serverInfo", "/jira/rest/api/2/myself"]
        known: dict[str, Any] = dict(zip(paths, (SERVER_INFO, MYSELF), strict=True))
        return Answer(known[asked.path]["datacenter"])

    with ScriptedServer(script) as server, connect(config_for(server.url + "/jira/")) as site:
        assert site.config.url == server.url + "/jira"


def test_with_an_api_address_requests_go_there_and_people_are_sent_to_the_site(jira: Jira) -> None:
    def script(asked: Asked) -> Answer:
        assert asked.path.startswith("/ex/jira/cid/rest/api/")
        known = SERVER_INFO if asked.path.endswith("serverInfo") else MYSELF
        return Answer(known["cloud"])

    with ScriptedServer(script) as server:
        config = config_for("https://people.example.com", api_url=server.url + "/ex/jira/cid")
        with connect(config) as site:
            assert (site.config.url, site.deployment) == ("https://people.example.com", "cloud")


def refusal(script: Script, **settings: object) -> tuple[Exception, Naps]:
    naps = Naps()
    with ScriptedServer(script) as server, pytest.raises(Exception) as raised:  # noqa: PT011 - each test says which
        connect(config_for(server.url, **settings), naps)
    assert TOKEN not in str(raised.value)
    assert "\n" not in str(raised.value)
    return raised.value, naps


def myself_answers(answer: Answer, deployment: str = "cloud") -> Script:
    return lambda asked: Answer(SERVER_INFO[deployment]) if asked.path.endswith("serverInfo") else answer


def test_a_wrong_token_is_told_once_with_the_settings_that_hold_it() -> None:
    error, naps = refusal(myself_answers(Answer({"message": f"bad {TOKEN}"}, status=401)))
    assert isinstance(error, AuthenticationFailed)
    assert "JIRA_EMAIL and JIRA_API_TOKEN" in str(error)
    assert naps.seconds == []


def test_a_wrong_personal_access_token_names_its_own_setting() -> None:
    script = myself_answers(Answer(status=401, text="<html>login</html>"), "datacenter")
    error, _ = refusal(script, email=None, api_token=None, pat=TOKEN)
    assert isinstance(error, AuthenticationFailed)
    assert "check JIRA_PAT." in str(error)


def test_being_taken_for_an_anonymous_visitor_is_a_failed_login() -> None:
    error, _ = refusal(myself_answers(Answer({"displayName": "Anonymous"})))
    assert isinstance(error, AuthenticationFailed)
    assert "anonymous" in str(error)


def test_a_captcha_after_failed_logins_is_explained() -> None:
    denied = Answer(
        status=403, text="x", headers={"X-Authentication-Denied-Reason": "CAPTCHA_CHALLENGE; login-url=u"}
    )
    error, _ = refusal(myself_answers(denied))
    assert isinstance(error, AuthenticationFailed)
    assert "log in there once with a browser" in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(text="<html>Welcome</html>"),
        Answer(text="<html>Nothing here</html>", status=404),
        Answer({"hello": "world"}),
        Answer([1, 2]),
    ],
)
def test_an_address_that_is_no_jira_is_told_as_such(answer: Answer) -> None:
    error, naps = refusal(lambda _: answer)
    assert isinstance(error, Refused)
    assert "not as a Jira does: check JIRA_URL" in str(error)
    assert naps.seconds == []


def test_a_redirect_is_not_followed_but_told_with_its_target() -> None:
    error, _ = refusal(
        lambda _: Answer(status=302, headers={"Location": "https://sso.example.com/login?x=1"})
    )
    assert isinstance(error, Refused)
    assert "redirects to https://sso.example.com instead" in str(error)


def test_an_unreachable_site_is_told_after_five_tries() -> None:
    error, naps = refusal(lambda _: Answer(drop=True))
    assert isinstance(error, Unreachable)
    assert "JIRA_URL" in str(error)
    assert naps.seconds == [2.0, 4.0, 8.0, 16.0]


def test_a_busy_site_is_entered_after_the_pause_it_asks_for(jira: Jira) -> None:
    naps = Naps()
    busy = Answer(status=429, headers={"Retry-After": "45"})
    script = in_turn(busy, Answer(SERVER_INFO["cloud"]), Answer(MYSELF["cloud"]))
    with ScriptedServer(script) as server, connect(config_for(server.url), naps):
        assert naps.seconds == [45.0]


def test_a_rate_limit_that_does_not_end_stays_one() -> None:
    error, _ = refusal(lambda _: Answer(status=429))
    assert isinstance(error, RateLimited)


@pytest.mark.parametrize(
    "said",
    [
        {"errorMessages": None},
        {"errorMessages": "text"},
        {"errorMessages": [1, None]},
        {"errors": ["x"]},
        [],
        "x",
        None,
    ],
)
def test_odd_error_bodies_break_nothing(said: object) -> None:
    error, _ = refusal(lambda _: Answer(said, status=400))
    assert isinstance(error, Refused)
    assert "answered 400" in str(error)


def test_secrets_do_not_show_in_the_configuration() -> None:
    config = config_for("https://jira.example.com")
    assert TOKEN not in repr(config)
    assert TOKEN not in str(config.model_dump())


def test_a_configuration_needs_exactly_one_credential() -> None:
    given = {"url": "https://j.example.com", "jql": "project = A"}
    with pytest.raises(ValueError, match="JIRA_EMAIL with JIRA_API_TOKEN"):
        JiraSiteConfig.model_validate(given)
    with pytest.raises(ValueError, match="needed together"):
        JiraSiteConfig.model_validate(given | {"email": "a@example.com"})
    with pytest.raises(ValueError, match="one credential"):
        JiraSiteConfig.model_validate(given | {"pat": "x", "username": "u", "password": "p"})


@pytest.mark.parametrize("url", ["jira.example.com", "ftp://x", "https://", "https://u:p@h", "https://h?x=1"])
def test_only_a_plain_web_address_is_taken(url: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        JiraSiteConfig.model_validate({"url": url, "jql": "project = A", "pat": "x"})


def test_unknown_settings_are_refused_and_secrets_not_repeated() -> None:
    with pytest.raises(ValueError, match="jira_url") as told:
        JiraSiteConfig.model_validate({"jira_url": TOKEN, "jql": "project = A", "pat": TOKEN, "url": TOKEN})
    assert TOKEN not in str(told.value)


def test_one_name_stands_for_a_list_of_one() -> None:
    config = config_for("https://j.example.com", objective_field="Objective", objective_links="implements")
    assert config.objective_fields == (FieldTie(field="Objective"),)
    assert config.objective_links == (LinkTie(type="implements"),)
    blank = config_for("https://j.example.com", objective_fields="", objective_links="")
    assert (blank.objective_fields, blank.objective_links) == ((), None)
    fuller = config_for("https://j.example.com", objective_fields={"field": "A", "separators": "|"})
    assert fuller.objective_fields == (FieldTie(field="A", separators=("|",)),)
    with pytest.raises(ValueError, match="not both"):
        config_for("https://j.example.com", objective_field="A", objective_fields=["B"])
