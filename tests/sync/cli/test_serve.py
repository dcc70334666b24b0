"""`tieline serve`: says when it runs what, runs each slot once, and stops within seconds when told to."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event

import requests

from sync.cli.output import Output
from sync.cli.serve import Watch, shelf_for
from sync.cli.session import open_session
from sync.sandbox import Answer
from sync.service.timetable import load_schedules
from sync.store import history
from tests.fakes.inbox import open_inbox
from tests.sync.cli.desk import CANARY, NO_OBJECTIVE, Desk

LATE = {"TIELINE_SCHEDULE": "30 2 * * *", "TIELINE_TIMEZONE": "Europe/Berlin"}
MINUTELY = {"TIELINE_SCHEDULE": "* * * * *"}
SILENT = {"TIELINE_LOG": "off"}


@dataclass
class Office:
    """A served store whose clock the test holds."""

    desk: Desk
    watch: Watch
    now: datetime

    def tick(self, **later: float) -> str:
        """Tick after this time, and give what was said."""
        self.now += timedelta(**later)
        self.desk.capture.readouterr()
        self.watch.tick()
        return self.desk.capture.readouterr().out


@contextmanager
def served(desk: Desk, **environ: str) -> Iterator[Office]:
    with desk.patch.context() as patch:
        patch.chdir(desk.folder)
        for key, value in environ.items():
            patch.setenv(key, value)
        with open_session(None) as session:
            shelf = shelf_for(session.settings)
            schedules = load_schedules(session.settings)
            watch = Watch(session, Output(as_json=False), schedules, lambda: office.now, shelf)
            office = Office(desk, watch, datetime(2026, 3, 3, 1, 59, tzinfo=UTC))
            object.__setattr__(session.service, "clock", watch.clock)
            object.__setattr__(session.service.post, "clock", watch.clock)
            watch.begin()
            yield office


def rows(desk: Desk) -> list[tuple[str, str, str | None]]:
    """Every run, the oldest first: who asked for it, how it ended, what was said."""
    store = desk.store()
    with store.connect() as connection:
        found = [(row.trigger, row.status, row.message) for row in history.newest_runs(connection, 50)]
    store.dispose()
    return found[::-1]


def started(desk: Desk, environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sync", "serve"],
        cwd=desk.folder,
        env=desk.environ(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def test_it_says_when_it_runs_what_and_stops_on_sigterm(desk: Desk) -> None:
    process = started(desk, LATE)
    assert process.stdout is not None
    first = process.stdout.readline()
    assert re.fullmatch(
        r"Serving night \('30 2 \* \* \*' in Europe/Berlin\)\. Next: 20\d\d-\d\d-\d\d 02:30 CES?T\.\n", first
    )
    assert process.stdout.readline() == "Stop with Ctrl-C.\n"
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")


def test_it_serves_pages_where_it_is_told_to_until_it_is_stopped(desk: Desk) -> None:
    assert desk.say("run").code == 0
    token = f"{CANARY}-0123456789"
    process = started(desk, {"TIELINE_LISTEN": "0", "TIELINE_LOGINS": f"anna:{token}"})
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    url = next(line for line in lines if line.startswith("Pages: ")).split()[1]
    assert requests.get(f"{url}/livez", timeout=60).text == "ok\n"
    assert requests.get(f"{url}/runs", timeout=60).status_code == 401
    mine = {"Authorization": f"Bearer {token}"}
    assert "align-no-objective" in requests.get(f"{url}/items?key=PAY-2", headers=mine, timeout=60).text
    assert requests.get(f"{url}/report/findings.csv", headers=mine, timeout=60).status_code == 200
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")


def test_a_webhook_is_answered_while_it_serves(desk: Desk) -> None:
    assert desk.say("run").code == 0
    secret = f"{CANARY}-0123456789"
    process = started(desk, {"TIELINE_LISTEN": "0", "JIRA_WEBHOOK_SECRET": secret, **LATE, **SILENT})
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    url = next(line for line in lines if line.startswith("Pages: ")).split()[1].rstrip(",")
    desk.jira.site.edit("PAY-2", {desk.objective_field: "GROW"})
    issue = {"id": desk.jira.site.get("PAY-2").id}
    body = json.dumps({"webhookEvent": "jira:issue_updated", "issue": issue}).encode()
    signature = {"X-Hub-Signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
    assert requests.post(f"{url}/hooks/jira", body, headers=signature, timeout=60).status_code == 202
    assert requests.post(f"{url}/hooks/jira", body, timeout=60).status_code == 401
    end = time.monotonic() + 120
    while "align-no-objective" in desk.labels("PAY-2"):
        assert time.monotonic() < end, "the label is still there"
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "Webhooks: 1 forged, 1 looked at, 1 taken." in out
    assert [row[0] for row in rows(desk)] == ["cli", "webhook"]


def test_an_address_that_cannot_be_had_is_said_at_once(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = desk.spawn("serve", TIELINE_LISTEN=str(port))
    assert said.code == 2
    assert f"TIELINE_LISTEN: cannot listen on {port}: Address already in use" in said.err


def test_a_night_that_falls_due_is_run_once(desk: Desk) -> None:
    with served(desk) as office:
        assert office.tick() == ""
        assert "Run 1: done" in office.tick(minutes=2)
        assert office.tick() == ""
        assert "Run 2: done" in office.tick(days=1)
    assert rows(desk) == [("schedule night", "done", None)] * 2
    assert desk.writes() == 2
    assert re.search(r"^night +0 2 \* \* \* +UTC +2026-03-04 +done ", desk.say("status").out, re.MULTILINE)


def test_a_digest_that_quiet_hours_held_goes_out_with_the_first_tick_after_them(desk: Desk) -> None:
    with open_inbox() as inbox:
        desk.write(
            "sources.yaml",
            f"""\
jira:
  - {{name: jira, url: "{desk.jira.url}", jql: issuetype = Epic, objective_field: Objective ids,
      email: "${{JIRA_EMAIL}}", api_token: "${{JIRA_API_TOKEN}}"}}
objectives:
  - {{name: goals, path: objectives.csv, columns: {{id: id, title: title}}}}
digests:
  - {{name: team, to: "{inbox.address()}", quiet_hours: 20:00-07:00}}
""",
        )
        with served(desk, TIELINE_SOURCES="sources.yaml", **SILENT) as office:
            assert "Digest for team (json): held (quiet hours 20:00-07:00)" in office.tick(minutes=1)
            assert office.tick(hours=4, minutes=59) == ""
            assert inbox.mail == []
            assert office.tick(minutes=1) == "Digest for team (json): sent\n"
            assert office.tick(minutes=1) == ""
        assert len(inbox.take()) == 1


def test_a_night_that_was_missed_is_caught_up_once_after_a_restart(desk: Desk) -> None:
    with served(desk):
        pass
    with served(desk) as office:
        assert "Run 1: done" in office.tick(days=3, hours=5)
        assert office.tick(minutes=1) == ""


SEVERAL = """\
jira:
  - name: jira
    url: ${JIRA_URL}
    email: ${JIRA_EMAIL}
    api_token: ${JIRA_API_TOKEN}
    jql: issuetype = Epic
    objective_field: Objective ids
objectives:
  - {name: goals, path: objectives.csv, columns: {id: id, title: title}}
schedules:
  - {name: changes, cron: "30 * * * *", run: pull, sources: [jira]}
  - {name: night, cron: 0 2 * * *}
"""


def test_each_schedule_runs_what_it_is_for(desk: Desk) -> None:
    sources = desk.write("sources.yaml", SEVERAL)
    with served(desk, TIELINE_SOURCES=str(sources)) as office:
        assert "Run 1: done" in office.tick(minutes=2)
        said = office.tick(minutes=30)
        assert ("jira " in said, "goals" in said) == (True, False)
        assert office.tick() == ""
        assert "Run 3: done" in office.tick(minutes=60)
    assert [row[0] for row in rows(desk)] == ["schedule night", "schedule changes", "schedule changes"]
    status = desk.say("status", "--json", TIELINE_SOURCES=str(sources)).document
    assert [(one["name"], one["last"], one["status"]) for one in status["schedules"]] == [
        ("changes", "2026-03-03T03:30+0000", "done"),
        ("night", "2026-03-03", "done"),
    ]


def test_what_keeps_a_night_from_running_is_said_once_and_tried_again(desk: Desk) -> None:
    rules = desk.write("rules.yaml", "version: 1\n")
    with served(desk, TIELINE_RULES=str(rules)) as office:
        assert office.tick(minutes=2).count("night of 2026-03-03 could not run:") == 1
        assert office.tick() == ""
        assert rows(desk) == []
        rules.write_text(GOOD_RULE, encoding="utf-8")
        assert "Run 1: done" in office.tick()


def test_a_night_that_breaks_off_is_told_in_a_line_and_begun_again(desk: Desk) -> None:
    with served(desk) as office:
        whole = office.watch.session
        broken = Event()

        def fail(run: int) -> None:
            broken.set()
            raise OSError(28, "No space left on device")

        object.__setattr__(whole.service, "report", fail)
        said = office.tick(minutes=2)
        assert broken.is_set()
        assert said.endswith("night of 2026-03-03 broke off: OSError: [Errno 28] No space left on device\n")
        object.__setattr__(whole.service, "report", lambda run: desk.folder)
        assert "Run 2: done" in office.tick()
        assert office.tick(hours=1) == ""
    assert [row[1] for row in rows(desk)] == ["failed", "done"]


def test_a_stop_while_jira_makes_us_wait_ends_the_night_which_a_restart_takes_up(desk: Desk) -> None:
    held = Event()

    def hold(call: object) -> Answer:
        held.set()
        return Answer(429, {}, {"Retry-After": "1800"})

    desk.jira.before("*", "search|bulkfetch", hold)
    with served(desk, **MINUTELY) as office:
        office.now -= timedelta(days=30)
        office.watch.begin()
    process = started(desk, MINUTELY)
    assert held.wait(60)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out.endswith("Stopped.\n")
    events = [json.loads(line) for line in err.splitlines()]
    assert [event["event"] for event in events][:3] == ["schedule due", "run began", "step began"]
    paused = next(event for event in events if event["event"].startswith("retry after a pause"))
    assert (paused["run"], paused["level"], paused["seconds"] >= 1800) == (1, "warning", True)
    assert events[-1]["event"] == "run ended"
    assert (events[-1]["status"], events[-1]["exit_code"]) == ("interrupted", 5)
    assert [row[1] for row in rows(desk)] == ["interrupted"]
    desk.jira.clear_hooks()
    assert desk.say("run", "--schedule", "night", **MINUTELY).code == 0
    assert NO_OBJECTIVE in desk.labels("PAY-2")


def test_a_stop_while_jira_hangs_ends_the_process_all_the_same(desk: Desk) -> None:
    held, over = Event(), Event()

    def hang(call: object) -> None:
        held.set()
        over.wait(120)

    desk.jira.before("*", "search|bulkfetch", hang)
    with served(desk, **MINUTELY):
        pass
    store = desk.store()
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE known_schedule SET since = '2020-01-01 00:00:00.000000'")
    store.dispose()
    process = started(desk, MINUTELY | SILENT)
    try:
        assert held.wait(60)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert not over.is_set()
    finally:
        over.set()
        process.kill()
    assert (process.returncode, err) == (5, "")
    assert out.endswith("the next run settles what became of it.\n")
    desk.jira.clear_hooks()
    assert [row[1] for row in rows(desk)] == ["running"]


def test_run_for_a_schedule_does_its_slot_once_whoever_calls(desk: Desk) -> None:
    first = desk.say("run", "--schedule", "night")
    assert (first.code, rows(desk)[0][0]) == (0, "schedule night")
    again = desk.say("run", "--schedule", "night")
    assert again.code == 0
    assert re.fullmatch(r"night: nothing to do\. Next: 20\d\d-\d\d-\d\d 02:00 UTC\.\n", again.out)
    document = desk.say("run", "--schedule", "night", "--json").document
    assert (document["run"], document["schedule"], document["exit_code"]) == (None, "night", 0)
    with served(desk) as office:
        office.now = datetime.now(UTC)
        assert office.tick() == ""
    assert len(rows(desk)) == 1


def test_run_for_a_schedule_that_is_not_there_names_those_that_are(desk: Desk) -> None:
    said = desk.say("run", "--schedule", "weekly")
    assert (said.code, said.err) == (2, "weekly: no such schedule; there are night\n")


def test_an_edit_counts_once_it_is_whole_and_a_broken_one_leaves_the_last_rules_in_place(desk: Desk) -> None:
    rules = desk.write("rules.yaml", LABELS)
    with served(desk, TIELINE_RULES=str(rules)) as office:
        office.watch.shelf.take(office.now)
        assert "1 added" in office.tick(hours=2)
        rules.write_text(LABELS.replace("objective IS", "objectiv IS"), encoding="utf-8")
        assert office.tick() == ""  # it may still be being saved
        broken = office.tick()
        assert "have mistakes; the rules from before stay" in broken
        assert "Did you mean objective?" in broken
        assert office.tick() == ""
        night = office.tick(hours=24)
        stale = "The rule files have mistakes; the rules of 2026-03-03 01:59 UTC were used."
        assert stale in night
        assert "align-aimless" in desk.labels("PAY-2")
        rules.write_text(LABELS.replace("label: aimless", "label: lost"), encoding="utf-8")
        assert office.tick() == ""
        assert office.tick() == "The rule files were changed; the new rules count from now on.\n"
        assert stale not in office.tick(hours=24)
    assert desk.labels("PAY-2") == ["people", "align-lost"]
    assert [row[2] for row in rows(desk) if row[2]] == [stale]


LABELS = """\
version: 1
rules:
  - id: aimless
    when: issuetype = Epic AND objective IS EMPTY
    label: aimless
    tests: [{flag: {issuetype: Epic}}, {pass: {issuetype: Epic, objective: GROW}}]
"""
GOOD_RULE = """\
version: 1
rules:
  - id: mine
    title: Mine
    when: status = Done
    message: "{key}"
    tests:
      - flag: {status: Done}
      - pass: {status: Open}
"""
