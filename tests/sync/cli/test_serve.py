"""`tieline serve`: says when the next night is, runs the one that is due once, and stops when told to."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta

import requests

from sync.cli.output import Output
from sync.cli.serve import Watch, shelf_for
from sync.cli.session import open_session
from sync.store import history
from tests.sync.cli.desk import CANARY, Desk


def triggers(desk: Desk) -> list[str]:
    store = desk.store()
    with store.connect() as connection:
        rows = history.newest_runs(connection, 50)
    store.dispose()
    return [row.trigger for row in rows]


def test_it_says_when_the_next_night_is_and_stops_on_sigterm(desk: Desk) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "sync", "serve"],
        cwd=desk.folder,
        env=desk.environ({"TIELINE_SCHEDULE": "30 2 * * *", "TIELINE_TIMEZONE": "Europe/Berlin"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("Serving '30 2 * * *' in Europe/Berlin. Next night: 20")
    assert "02:30 CE" in first
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "Stopped.\n", "")


def test_it_serves_pages_where_it_is_told_to_until_it_is_stopped(desk: Desk) -> None:
    assert desk.say("run").code == 0
    token = f"{CANARY}-0123456789"
    process = subprocess.Popen(
        [sys.executable, "-m", "sync", "serve"],
        cwd=desk.folder,
        env=desk.environ({"TIELINE_LISTEN": "0", "TIELINE_LOGINS": f"anna:{token}"}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
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


def test_an_address_that_cannot_be_had_is_said_at_once(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = desk.spawn("serve", TIELINE_LISTEN=str(port))
    assert said.code == 2
    assert f"TIELINE_LISTEN: cannot listen on {port}: Address already in use" in said.err


def test_a_night_that_falls_due_is_run_once(desk: Desk) -> None:
    now = datetime(2026, 3, 3, 1, 59, tzinfo=UTC)
    with desk.patch.context() as patch:
        patch.chdir(desk.folder)
        with open_session(None) as session:
            watch = Watch(session, Output(as_json=False), now, lambda: now, shelf_for(session.settings))
            watch.tick()
            assert triggers(desk) == []
            now += timedelta(minutes=2)
            watch.tick()
            watch.tick()
            assert triggers(desk) == ["schedule"]
            now += timedelta(days=1)
            watch.tick()
            assert triggers(desk) == ["schedule", "schedule"]
    assert desk.writes() == 2
    assert "Last scheduled night: " + str(date(2026, 3, 4)) in desk.say("status").out


def test_what_keeps_a_night_from_running_is_said_once_and_tried_again(desk: Desk) -> None:
    now = datetime(2026, 3, 3, 1, 59, tzinfo=UTC)
    with desk.patch.context() as patch:
        patch.chdir(desk.folder)
        rules = desk.write("rules.yaml", "version: 1\n")
        patch.setenv("TIELINE_RULES", str(rules))
        with open_session(None) as session:
            watch = Watch(session, Output(as_json=False), now, lambda: now, shelf_for(session.settings))
            now += timedelta(minutes=2)
            desk.capture.readouterr()
            watch.tick()
            watch.tick()
            said = desk.capture.readouterr().out
            assert said.count("The night of 2026-03-03 could not run:") == 1
            assert triggers(desk) == []
            rules.write_text(GOOD_RULE, encoding="utf-8")
            watch.tick()
            assert triggers(desk) == ["schedule"]


def test_an_edit_counts_once_it_is_whole_and_a_broken_one_leaves_the_last_rules_in_place(desk: Desk) -> None:
    now = datetime(2026, 3, 3, 1, 0, tzinfo=UTC)
    with desk.patch.context() as patch:
        patch.chdir(desk.folder)
        rules = desk.write("rules.yaml", LABELS)
        patch.setenv("TIELINE_RULES", str(rules))
        with open_session(None) as session:
            shelf = shelf_for(session.settings)
            shelf.take(now)
            watch = Watch(session, Output(as_json=False), now, lambda: now, shelf)

            def tick(hours: int = 0) -> str:
                nonlocal now
                now += timedelta(hours=hours)
                desk.capture.readouterr()
                watch.tick()
                return desk.capture.readouterr().out

            assert "1 added" in tick(hours=2)
            rules.write_text(LABELS.replace("objective IS", "objectiv IS"), encoding="utf-8")
            assert tick() == ""  # it may still be being saved
            broken = tick()
            assert "have mistakes; the rules from before stay" in broken
            assert "Did you mean objective?" in broken
            assert tick() == ""
            night = tick(hours=24)
            stale = "The rule files have mistakes; the rules of 2026-03-03 01:00 UTC were used."
            assert stale in night
            assert "align-aimless" in desk.labels("PAY-2")
            rules.write_text(LABELS.replace("label: aimless", "label: lost"), encoding="utf-8")
            assert tick() == ""
            assert tick() == "The rule files were changed; the new rules count from now on.\n"
            assert stale not in tick(hours=24)
    assert desk.labels("PAY-2") == ["people", "align-lost"]
    assert [row for row in messages(desk) if row] == [stale]


def messages(desk: Desk) -> list[str | None]:
    store = desk.store()
    with store.connect() as connection:
        rows = history.newest_runs(connection, 50)
    store.dispose()
    return [row.message for row in rows]


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
