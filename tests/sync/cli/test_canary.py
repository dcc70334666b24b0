"""Whatever goes wrong, no credential is told: not in what is said, logged, stored or reported.

The desk's credentials hold a canary. `say` looks for it in what is said,
and after each test all files are searched.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
import requests

from connectors.http import RetryPolicy
from sync.sandbox import CUT_OFF, Answer, Call, Deployment
from tests.sync.cli.desk import CANARY, SECRETS, SENT, Desk

LOGGED = {"TIELINE_LOG": "json", "TIELINE_LOG_LEVEL": "debug"}
EVERYWHERE = {
    "JIRA_MARKERS": "link, property, comment",
    "TIELINE_PUBLIC_URL": "https://tieline.example.com",
    "JIRA_WEBHOOK_SECRET": f"{CANARY}-webhook-secret",
    "TIELINE_PING_URL": f"http://127.0.0.1:9/{CANARY}",
}
STATUSES = (400, 401, 403, 404, 409, 410, 413, 429, 500, 502, 503, 504)
PLACES = [("POST", "/search"), ("GET", "/field"), ("*", "")]
WRITING = [("PUT", r"/issue/\d+"), ("POST", "/remotelink"), ("POST", "/comment")]


def always(fault: Answer) -> Callable[[Call], Answer]:
    return lambda _: fault


def faults(desk: Desk) -> list[Answer]:
    """What a Jira may answer, or a proxy before it, that says back what it was sent."""
    cloud = desk.jira.deployment is Deployment.CLOUD
    sent = (
        f"Authorization: Basic {SENT}, {SECRETS.token}" if cloud else f"Authorization: Bearer {SECRETS.pat}"
    )
    return [
        CUT_OFF,
        Answer(200, f"<html>{sent}</html>"),
        Answer(200, {"errorMessages": [sent]}),
        Answer(429, {}, {"Retry-After": sent}),
        Answer(302, {}, {"Location": f"http://x@127.0.0.1:9/{SECRETS.pat}"}),
        *(Answer(status, {"errorMessages": [sent], "errors": {"labels": sent}}) for status in STATUSES),
        *(Answer(status, f"<html>{sent}</html>") for status in (401, 403, 502)),
    ]


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_no_fault_of_a_jira_has_a_read_tell_a_secret(desk: Desk) -> None:
    codes = set()
    desk.patch.setattr("sync.cli.doctor.HURRIED", RetryPolicy(tries=2, sleep=lambda _: None))
    for fault, (method, path) in zip(faults(desk), cycle(PLACES), strict=False):
        desk.jira.clear_hooks()
        desk.jira.before(method, path, always(fault))
        codes |= {desk.say(command, **LOGGED, **EVERYWHERE).code for command in ("pull", "doctor")}
    assert codes >= {4, 5}
    for command in ("audit", "runs", "sources", "config"):
        desk.say(command, "--json", **EVERYWHERE)


def test_no_fault_of_a_jira_has_a_write_tell_a_secret(desk: Desk) -> None:
    told = [fault for fault in faults(desk) if fault.status in {400, 403, 500}]
    for fault, (method, path) in zip(told, cycle(WRITING), strict=False):
        desk.jira.clear_hooks()
        desk.jira.before(method, path, always(fault))
        desk.say("run", "--retry", **LOGGED, **EVERYWHERE)
    store = (desk.folder / "tieline.db").read_bytes()
    assert b"Authorization: Basic ***" in store, "what Jira said is kept, without the secret"
    desk.say("audit", "--json", **EVERYWHERE)


def test_a_crash_with_a_secret_in_its_words_tells_it_to_nobody(desk: Desk) -> None:
    def explode(_: Any, request: requests.PreparedRequest, **__: Any) -> None:
        raise ValueError(f"cannot send {request.headers['Authorization']} of {SECRETS.token}")

    desk.patch.setattr(requests.Session, "send", explode)
    for command in ("pull", "doctor"):
        said = desk.say(command, **LOGGED, **EVERYWHERE)
        assert said.code == 1
        assert "Traceback" in said.err
        assert said.err.endswith("Unexpected: ValueError: cannot send Basic *** of ***\n")


@pytest.mark.parametrize(
    "wrong",
    [
        {"JIRA_URL": f"https://jane:{CANARY}@jira.example.com"},
        {"JIRA_URL": f"https://jira.example.com?token={CANARY}"},
        {"JIRA_API_URL": f"ftp://jane:{CANARY}@jira.example.com"},
        {"JIRA_API_TOKEN_FILE": "gone.txt"},
        {"JIRA_PAT": CANARY, "JIRA_PASSWORD": CANARY},
        {"JIRA_WEBHOOK_SECRET": CANARY},
        {"TIELINE_LOGINS": f"jane:{CANARY}"},
        {"TIELINE_PING_URL": f"not an address: {CANARY}"},
        {"TIELINE_PUBLIC_URL": f"https://jane:{CANARY}@tieline.example.com"},
        {"TIELINE_DATABASE_URL": f"nonsense {CANARY}"},
        {"TIELINE_DATABASE_URL": f"postgresql://jane:{CANARY}@127.0.0.1:1/x"},
        {"TIELINE_DATABASE_URL": f"postgresql://jane:{CANARY}@127.0.0.1:no/x"},
        {"TIELINE_DATABASE_URL": f"mysql://jane:{CANARY}@127.0.0.1/x"},
    ],
    ids="-".join,
)
def test_a_setting_that_is_refused_is_not_told_where_it_is_a_secret(
    desk: Desk, wrong: dict[str, str]
) -> None:
    codes = [desk.say(command, **wrong).code for command in ("doctor", "status")]
    assert any(codes)


def test_a_sources_file_that_is_refused_does_not_tell_the_secrets_in_it(desk: Desk) -> None:
    secrets = f"api_token: {CANARY}\n    pat: {CANARY}\n    webhook_secret: {CANARY}"
    for more in ("nam: near", "page_size: many", "name: near"):
        text = f"jira:\n  - {secrets}\n    {more}\n"
        sources = desk.write("sources.yaml", text)
        for command in ("run", "doctor", "sources", "config"):
            desk.say(command, TIELINE_SOURCES=str(sources))
        sources.unlink()
