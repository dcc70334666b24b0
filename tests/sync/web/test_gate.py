"""Who comes in and who does not: nothing but `/livez` answers without a login."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from starlette.routing import Route

from sync.store.database import open_store
from sync.web.application import routes
from sync.web.attempts import MOST, Attempts
from sync.web.entry import inside
from sync.web.sessions import LASTS, Seal
from tests.clock import NOW
from tests.sync.report.markup import squeezed
from tests.sync.report.stage import COMPANY, Stage
from tests.sync.web.lobby import ANNA, BOB, Lobby, serve


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One company is enough for all: the door changes nothing in it."""
    engine = open_store(f"sqlite:///{tmp_path_factory.mktemp('company') / 'tieline.db'}")
    made = Stage(engine)
    made.night(COMPANY)
    yield made
    engine.dispose()


@pytest.fixture
def stage(company: Stage) -> Stage:
    return Stage(company.engine, company.now)


EXAMPLES = {"site": "jira", "issue": "3", "number": "1", "name": "findings.csv"}
SECRETS = ("PAY-3", "Summary of", "epic-without-objective", "Objective O1", "jira.example", "100,000")


def every_route() -> Iterator[tuple[str, str]]:
    """Each method and path that the pages know, with an example for each part of it."""
    for route in routes():
        assert isinstance(route, Route)
        path = re.sub(r"{(\w+)(:\w+)?}", lambda part: EXAMPLES[part[1]], route.path)
        for method in sorted(route.methods or ()):
            yield method, path


def test_without_a_login_no_route_says_anything_but_livez(door: Lobby) -> None:
    walked = list(every_route())
    assert len(walked) > 20
    more = [("POST", "/hooks/jira"), ("GET", "/nothing"), ("POST", "/nothing"), ("GET", "/metrics")]
    for method, path in [*walked, *more]:
        if (method, path) in {("GET", "/livez"), ("HEAD", "/livez")}:
            continue
        answer = door.session.request(method, door.url + path, headers={"Accept": "text/html"})
        assert answer.status_code in {401, 403, 404, 415} or path == "/login", (method, path)
        assert not [text for text in SECRETS if text in answer.text], (method, path)
    assert door.get("/livez").text == "ok\n"


@pytest.mark.parametrize("path", ["/livez/../runs", "/LOGIN", "/login/", "//findings", "/livez%2f..%2fruns"])
def test_a_path_that_only_looks_like_an_open_one_is_closed(door: Lobby, path: str) -> None:
    request = requests.Request("GET", door.url).prepare()
    request.url = door.url + path
    assert door.session.send(request, allow_redirects=False).status_code == 401


def test_a_token_opens_a_session_that_no_script_and_no_other_site_can_use(door: Lobby) -> None:
    answer = door.log_in(after="/findings?rule=a%20b")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/findings?rule=a%20b")
    cookie = next(it for it in answer.raw.headers.getlist("Set-Cookie") if it.startswith("tieline_session="))
    assert {"HttpOnly", "SameSite=strict", "Path=/", "Max-Age=43200"} <= set(cookie.split("; "))
    assert ANNA not in cookie
    assert "Logged in as anna" in squeezed(door.visit("/").text)


def test_behind_https_cookies_go_no_other_way(stage: Stage) -> None:
    with serve(stage, TIELINE_PUBLIC_URL="https://tieline.example") as lobby:
        answer = lobby.get("/login")
        assert "; Secure" in answer.headers["Set-Cookie"]
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_a_session_ends_in_time_on_log_out_and_when_it_was_tampered_with(lobby: Lobby) -> None:
    mine = lobby.session.cookies["tieline_session"]
    for forged in (mine[:-1] + ("0" if mine[-1] != "0" else "1"), "x" + mine, mine.partition(".")[0], "é"):
        answer = requests.get(
            lobby.url + "/runs", headers={"Cookie": f"tieline_session={forged}".encode()}, timeout=30
        )
        assert answer.status_code == 401
    lobby.stage.now += LASTS - timedelta(seconds=1)
    assert lobby.get("/runs").status_code == 200
    out = lobby.post("/logout", {"ticket": lobby.ticket("/runs")})
    assert (out.status_code, "tieline_session" in lobby.session.cookies) == (303, False)
    lobby.session.cookies["tieline_session"] = mine
    lobby.stage.now += timedelta(seconds=1)
    assert lobby.get("/runs").status_code == 401


def test_a_session_of_another_process_is_none() -> None:
    assert Seal().name_in(Seal().session("anna", NOW), NOW) is None


def test_five_wrong_tokens_close_the_door_for_a_while_to_the_right_one_too(door: Lobby) -> None:
    for _ in range(MOST):
        answer = door.log_in("wrong-token-of-good-length")
        assert (answer.status_code, "That is no token" in answer.text) == (401, True)
    closed = door.log_in(BOB)
    assert (closed.status_code, closed.headers["Retry-After"]) == (429, "901")
    assert "Try again in 16 minutes." in closed.text
    assert door.get("/runs", headers={"Authorization": f"Bearer {BOB}"}).status_code == 401
    door.stage.now += timedelta(minutes=15)
    assert door.log_in(BOB).status_code == 303


def test_the_addresses_that_failed_are_remembered_up_to_a_number_and_by_network() -> None:
    attempts = Attempts(lambda: NOW)
    for number in range(10_000):
        attempts.note_failure(f"10.0.{number >> 8}.{number & 255}")
    assert len(attempts.failures) == 4096
    for number in range(MOST):
        attempts.note_failure(f"2001:db8::{number}")
    assert attempts.wait("2001:db8::ffff") > 0
    assert attempts.wait("2001:db9::1") == 0


def test_a_machine_reads_with_its_token_and_sends_no_form_with_it(door: Lobby) -> None:
    mine = {"Authorization": f"Bearer {BOB}"}
    assert door.get("/runs", headers=mine).status_code == 200
    assert door.post("/logout", {"ticket": ""}, headers=mine).status_code == 403
    assert door.get("/runs", headers={"Authorization": f"Basic {BOB}"}).status_code == 401


@pytest.mark.parametrize("ticket", ["", "0" * 64, "é"])
def test_a_form_that_we_did_not_give_to_this_visitor_is_refused(lobby: Lobby, ticket: str) -> None:
    for method, path in every_route():
        if method == "POST" and path != "/login":
            assert lobby.post(path, {"ticket": ticket}).status_code == 403, path
    assert lobby.get("/runs").status_code == 200


def test_a_form_from_another_site_is_refused_even_with_our_ticket(lobby: Lobby) -> None:
    form = {"ticket": lobby.ticket("/runs")}
    assert lobby.post("/logout", form, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert lobby.post("/logout", form).status_code == 303


def test_a_form_too_long_or_in_another_form_is_refused(lobby: Lobby) -> None:
    assert lobby.post("/logout", {"ticket": "x" * 70_000}).status_code == 413
    assert lobby.session.post(lobby.url + "/logout", json={}).status_code == 415


def test_the_login_form_of_one_browser_is_of_no_use_to_another(door: Lobby) -> None:
    ticket = door.ticket("/login")
    door.session.cookies.clear()
    answer = door.post("/login", {"ticket": ticket, "token": ANNA})
    assert (answer.status_code, "tieline_session" in door.session.cookies) == (403, False)


def test_somebody_who_comes_by_a_link_from_a_ticket_is_asked_to_come_again_by_our_own_page(
    lobby: Lobby,
) -> None:
    session = lobby.session.cookies.pop("tieline_session")  # which no browser sends along from there
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    bounced = lobby.get("/items/jira/3", headers=link)
    assert (bounced.status_code, 'http-equiv="refresh" content="0"' in bounced.text) == (401, True)
    assert "PAY-3" not in bounced.text
    lobby.session.cookies["tieline_session"] = session
    again = lobby.get("/items/jira/3", headers={"Sec-Fetch-Site": "same-origin"})
    assert (again.status_code, "PAY-3" in again.text) == (200, True)


@pytest.mark.parametrize(
    ("after", "goes_to"),
    [
        ("/findings?text=a&page=2", "/findings?text=a&page=2"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: x=y", "/"),
        ("", "/"),
    ],
)
def test_after_the_login_one_goes_to_a_page_of_ours(after: str, goes_to: str) -> None:
    assert inside(after) == goes_to


def test_every_answer_says_what_a_browser_may_do(lobby: Lobby) -> None:
    for path in ("/", "/report", "/findings", "/items/jira/3", "/nothing", "/livez", "/login"):
        headers = lobby.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; "), path
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert (headers["Cache-Control"], headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
        assert "server" not in headers


PROXY = {"TIELINE_LOGINS": "", "TIELINE_PROXY_HEADER": "X-Forwarded-User"}


def test_a_named_proxy_is_believed_who_somebody_is(stage: Stage) -> None:
    with serve(stage, **PROXY, TIELINE_PROXY_ADDRESSES="10.1.2.3 127.0.0.0/8") as lobby:
        mine = {"X-Forwarded-User": "carla@example.com"}
        assert "carla@example.com" in lobby.get("/runs", headers=mine).text
        assert "Log out" not in lobby.get("/runs", headers=mine).text
        bare = lobby.get("/runs")
        assert (bare.status_code, "has not said who you are" in bare.text) == (401, True)
        for wrong in ("", "a b", "x" * 61, "<b>", "anna, bob"):
            assert lobby.get("/runs", headers={"X-Forwarded-User": wrong}).status_code == 403


def test_the_header_of_a_proxy_is_refused_from_anybody_else(stage: Stage) -> None:
    with serve(stage, **PROXY, TIELINE_PROXY_ADDRESSES="10.1.2.3") as lobby:
        for more in ({}, {"X-Forwarded-For": "10.1.2.3"}, {"Forwarded": "for=10.1.2.3"}):
            answer = lobby.get("/runs", headers={"X-Forwarded-User": "carla", **more})
            assert answer.status_code == 403
            assert answer.text.startswith("X-Forwarded-User is believed from the proxy alone")


def test_where_nobody_can_log_in_the_page_says_what_to_set(stage: Stage) -> None:
    with serve(stage, TIELINE_LOGINS="") as lobby:
        assert "sets TIELINE_LOGINS first" in lobby.get("/").text
        assert lobby.get("/", headers={"Authorization": "Bearer "}).status_code == 401
