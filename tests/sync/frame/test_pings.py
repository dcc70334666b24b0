"""A dead man's switch hears when a night begins and how it ends; that it hears nothing fails no night."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import Engine

from connectors.pings import address
from sync.frame.log import LogForm, logging_to
from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.night import run_judge, run_night
from sync.sandbox import Answer, Deployment, Sandbox
from tests.sync.house import House

SECRET = "canary-check-uuid"


class Check(ThreadingHTTPServer):
    """A check that keeps what it hears: path, run, body."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.heard: list[tuple[str, str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ping/{SECRET}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Check)
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        word = parts.path.removeprefix(f"/ping/{SECRET}/")
        self.server.heard.append((word, parse_qs(parts.query)["rid"][0], body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def check() -> Iterator[Check]:
    with Check() as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def house(engine: Engine, tmp_path: Path, check: Check) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        furnished = House(jira, tmp_path, engine, {"TIELINE_PING_URL": check.url}).furnish()
        furnished.add_epic("O1")
        yield furnished


def test_a_night_says_that_it_begins_and_how_it_ended(house: House, check: Check) -> None:
    house.night()
    (start, first, _), (end, second, body) = check.heard
    assert (start, end, first == second, body) == ("start", "0", True, "Run 1: done (exit code 0)")


def test_a_night_that_ends_badly_says_its_exit_code_and_why(house: House, check: Check) -> None:
    house.jira.before("*", "search|bulkfetch", lambda call: Answer(401, {}))
    house.night()
    assert check.heard[-1][0] == "4"
    assert check.heard[-1][2].startswith("Run 1: incomplete (exit code 4)")


def test_a_night_that_breaks_off_says_so_too(house: House, check: Check) -> None:
    service, sites = house.service()
    object.__setattr__(service, "report", None)
    with pytest.raises(TypeError):
        run_night(service, Options(), Quiet())
    sites.close()
    assert [word for word, _, _ in check.heard] == ["start", "1"]
    assert "ended by an unexpected error; see the log" in check.heard[-1][2]


def test_who_only_looks_pings_nobody(house: House, check: Check) -> None:
    house.night(dry_run=True)
    service, sites = house.service()
    run_judge(service, Options("check", dry_run=True), Quiet())
    sites.close()
    assert check.heard == []


@pytest.mark.parametrize("status", [404, 503])
def test_a_check_that_refuses_fails_no_night_and_is_told_without_its_address(
    house: House, check: Check, status: int
) -> None:
    check.status = status
    stream = io.StringIO()
    with logging_to(stream, LogForm.JSON):
        assert house.night().exit_code == 0
    warned = [json.loads(line) for line in stream.getvalue().splitlines() if "ping failed" in line]
    assert [line["why"] for line in warned] == [f"127.0.0.1: answered {status}"] * 2
    assert SECRET not in stream.getvalue()


def test_a_check_that_is_not_there_fails_no_night(house: House) -> None:
    house.more["TIELINE_PING_URL"] = f"http://127.0.0.1:9/{SECRET}"
    stream = io.StringIO()
    with logging_to(stream, LogForm.JSON):
        assert house.night().exit_code == 0
    assert "127.0.0.1: no answer (ConnectionError)" in stream.getvalue()
    assert SECRET not in stream.getvalue()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hc-ping.com/uuid", "https://hc-ping.com/uuid/start?rid=r"),
        ("https://hc.example.com/ping/key/slug/", "https://hc.example.com/ping/key/slug/start?rid=r"),
        ("https://hc.example.com/x?create=1#y", "https://hc.example.com/x/start?create=1&rid=r"),
    ],
)
def test_the_word_goes_to_the_path_and_the_run_to_the_query(url: str, expected: str) -> None:
    assert address(url, "start", "r") == expected
