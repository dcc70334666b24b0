"""`tieline init` on a pseudo-terminal, through a pipe and by flags: right answers and wrong ones."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from sync.sandbox import Deployment
from tests.sync.cli.desk import CANARY, NO_OBJECTIVE, Desk

OWN_COLUMNS = "Cost centre;Jahr;Betrag EUR\nC-1;2026;1.000,50\nC-2;2026;250,25\n"


@pytest.fixture
def desk(desk: Desk) -> Desk:
    (desk.folder / ".env").unlink()
    return desk


def converse(desk: Desk, answers: list[tuple[str, str]]) -> tuple[int, str]:
    """Type each answer once its question stands on the terminal; give the exit code and all shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", sys.executable, "-m", "sync", "init"],
        cwd=desk.folder,
        env=desk.environ({"COLUMNS": "200", "TERM": "dumb"}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown, unread = "", ""
    for question, answer in [*answers, ("", "")]:
        until = time.monotonic() + 60
        while time.monotonic() < until and not (question and question in unread):
            if not select.select([ours], [], [], 0.1)[0]:
                continue
            try:
                part = os.read(ours, 4096).decode(errors="replace")
            except OSError:
                break
            shown, unread = shown + part, unread + part
        if question:
            assert question in unread, shown
            unread = ""
            os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    return process.wait(timeout=60), shown.replace("\r\n", "\n")


def login(desk: Desk) -> list[tuple[str, str]]:
    known = desk.jira.credentials
    if desk.jira.deployment is Deployment.CLOUD:
        return [("E-mail address", known.email), ("API token", known.token)]
    return [("Personal access token", known.pat)]


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_right_answers_lead_to_a_night(desk: Desk) -> None:
    code, shown = converse(
        desk,
        [
            ("Address of your Jira", desk.jira.url),
            *login(desk),
            ("(JQL)", ""),
            ("The field that holds", "Objective ids"),
            ("File with your objectives", "objectives.csv"),
            ("File or folder with budgets", "money.csv"),
            ("Currency", ""),
            ("Time zone", "Europe/Berlin"),
        ],
    )
    assert code == 0, shown
    for words in ("answers.", "Logged in to Jira", "Issues in scope: 3", "3 objectives", "4 budget lines"):
        assert words in shown
    assert shown.rstrip().endswith("does so each night")
    assert CANARY not in shown
    path = desk.folder / ".env"
    assert path.stat().st_mode & 0o777 == 0o600
    assert desk.say("doctor").code == 0
    assert desk.say("run").code == 0
    assert NO_OBJECTIVE in desk.labels("PAY-2")


def test_wrong_answers_are_told_at_once_and_asked_again(desk: Desk) -> None:
    known = desk.jira.credentials
    code, shown = converse(
        desk,
        [
            ("Address of your Jira", "jira.example.com"),
            ("must be a web address", "http://127.0.0.1:9"),
            ("127.0.0.1:9 refused the connection", desk.jira.url),
            ("E-mail address", known.email),
            ("API token", "wrong"),
            ("E-mail address", known.email),
            ("API token", known.token),
            ("(JQL)", "issuetype = Epix"),
            ("✗", "issuetype = Epic"),
            ("The field that holds", "Objectiv ids"),
            ("Objective ids", "Objective ids"),
            ("File with your objectives", "nowhere.csv"),
            ("✗", "objectives.csv"),
            ("File or folder with budgets", "nowhere.csv"),
            ("✗", ""),
            ("Currency", "EURO"),
            ("✗", "EUR"),
            ("Time zone", "Mars"),
            ("✗", ""),
        ],
    )
    assert code == 0, shown
    env = (desk.folder / ".env").read_text(encoding="utf-8")
    assert "TIELINE_CURRENCY=EUR\nTIELINE_TIMEZONE=UTC\n" in env
    assert "FINANCE_PATH" not in env
    assert CANARY not in shown


def test_a_budget_with_columns_of_its_own_gets_a_sources_file(desk: Desk) -> None:
    desk.write("budget.csv", OWN_COLUMNS)
    secret = desk.write(".token", desk.jira.credentials.token)
    said = desk.say(
        "init", "--no-input", "--jira-url", desk.jira.url, "--email", desk.jira.credentials.email,
        "--api-token-file", ".token", "--objective-field", "Objective ids", "--objectives", "objectives.csv",
        "--finance", "budget.csv", "--currency", "EUR",
    )  # fmt: skip
    assert said.code == 0, said.err
    assert said.out.startswith("Written: sources.yaml, .env\nNext:\n")
    env = (desk.folder / ".env").read_text(encoding="utf-8")
    assert f"JIRA_API_TOKEN_FILE={secret}\n" in env
    assert CANARY not in env
    assert desk.say("doctor").code == 0
    assert desk.say("run", "--dry-run").code == 0
    total = desk.say("budget", "--json").document
    assert [(row["currency"], row["amount_minor"]) for row in total] == [("EUR", 125075)]
    secret.unlink()


def test_answers_may_come_through_a_pipe_and_an_end_before_the_last_writes_nothing(desk: Desk) -> None:
    known = desk.jira.credentials
    answers = [desk.jira.url, known.email, known.token, "", "", "", "", "", "", ""]
    for given, code in ((answers[:3], 2), (answers, 0)):
        done = subprocess.run(
            [sys.executable, "-m", "sync", "init"],
            cwd=desk.folder,
            env=desk.environ({}),
            input="\n".join([*given, ""]),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == code, done.stderr
        assert CANARY not in done.stdout + done.stderr
        assert (desk.folder / ".env").exists() == (code == 0)
    assert done.stdout.startswith("Written: .env\n")


REFUSED = {
    "no address": ([], "--jira-url is needed with --no-input (JIRA_URL)."),
    "nobody there": (["--jira-url", "http://127.0.0.1:9"], "127.0.0.1:9 refused the connection"),
    "no login": (["--jira-url", "URL"], "--email is needed with --no-input (JIRA_EMAIL)."),
    "no such file": (
        ["--jira-url", "URL", "--pat-file", "none"],
        "--pat-file: cannot read none as UTF-8 text.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_without_a_person_the_first_wrong_answer_ends_it(desk: Desk, case: str) -> None:
    flags, problem = REFUSED[case]
    said = desk.say("init", "--no-input", *[desk.jira.url if flag == "URL" else flag for flag in flags])
    assert said.code == 2
    assert problem in re.sub(r"/\S*/none", "none", said.err)
    assert not (desk.folder / ".env").exists()


def test_an_address_where_no_jira_answers_is_told(desk: Desk) -> None:
    said = desk.say("init", "--no-input", "--jira-url", f"{desk.jira.url}/nowhere")
    assert said.code == 2
    assert "but not as Jira does. Give the address that people open in the browser" in said.err


def test_a_file_that_is_there_is_replaced_only_when_asked(desk: Desk) -> None:
    path = desk.write(".env", "JIRA_URL=https://mine.example\n")
    said = desk.say("init", "--no-input", "--jira-url", desk.jira.url)
    assert (said.code, said.err) == (
        2,
        ".env exists already and stays as it is. To write a new one, add --replace.\n",
    )
    code, _ = converse(desk, [(".env is there already. Replace it? [y/N]", "")])
    assert code == 2
    assert path.read_text(encoding="utf-8") == "JIRA_URL=https://mine.example\n"
    pat = desk.write(".token", desk.jira.credentials.token)
    done = desk.say(
        "init", "--no-input", "--replace", "--jira-url", desk.jira.url,
        "--email", desk.jira.credentials.email, "--api-token-file", ".token",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert desk.jira.url in path.read_text(encoding="utf-8")
    pat.unlink()
