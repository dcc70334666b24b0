"""The commands that run a night or a part of it, and their exit codes."""

from __future__ import annotations

import json

import pytest

from sync.sandbox import Deployment
from tests.sync.cli.desk import Desk

on_both = pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])


@on_both
def test_a_run_writes_its_labels_and_the_next_one_has_nothing_to_write(desk: Desk) -> None:
    first = desk.say("run")
    assert (first.code, desk.writes()) == (0, 2)
    assert "Labels written: 3 added, 0 removed." in first.out
    assert "Run 1: done" in first.out
    assert desk.labels("PAY-2") == ["people", "align-no-objective", "align-over-budget"]
    second = desk.say("run")
    assert (second.code, desk.writes()) == (0, 2)
    assert "Labels written: 0 added, 0 removed." in second.out


def test_a_dry_run_says_what_it_would_write_and_writes_nothing(desk: Desk) -> None:
    said = desk.say("run", "--dry-run")
    assert (said.code, desk.writes()) == (0, 0)
    assert "3 label changes planned, none written." in said.out


def test_a_plan_is_shown_kept_in_a_file_and_carried_out(desk: Desk) -> None:
    desk.say("pull")
    shown = desk.say("plan", "--out", "plan.json", "--detailed-exitcode")
    assert (shown.code, desk.writes()) == (10, 0)
    assert "3 to add, 0 to remove." in shown.out
    applied = desk.say("apply", "plan.json")
    assert (applied.code, desk.writes()) == (0, 2)
    assert desk.say("plan", "--detailed-exitcode").code == 0
    again = desk.say("apply", "plan.json")
    assert (again.code, desk.writes()) == (6, 2)


def test_the_guard_lets_a_plan_through_when_told_to(desk: Desk) -> None:
    stopped = desk.say("run", TIELINE_MAX_CHANGES="2")
    assert (stopped.code, desk.writes()) == (6, 0)
    allowed = desk.say("run", "--allow-changes", "3", TIELINE_MAX_CHANGES="2")
    assert (allowed.code, desk.writes()) == (0, 2)


def test_nothing_is_judged_by_a_store_that_was_never_filled(desk: Desk) -> None:
    for command in ("check", "plan", "apply"):
        said = desk.say(command)
        assert said.code == 5
        assert "Not judged (" in said.out
    assert desk.writes() == 0


def test_a_first_night_that_reads_nothing_tells_the_cause_and_not_that_there_is_no_report(desk: Desk) -> None:
    kept = {key: value for key, value in desk.settings().items() if not key.endswith("_PATH")}
    desk.write(".env", "".join(f"{key}={value}\n" for key, value in kept.items()))
    said = desk.say("run", "--json", JIRA_API_TOKEN="wrong")
    assert (said.code, said.document["report"]) == (4, None)
    assert "check JIRA_EMAIL and JIRA_API_TOKEN" in said.document["problems"][0]


def test_a_pull_names_its_sources_and_can_be_limited_to_some(desk: Desk) -> None:
    said = desk.say("pull", "finance", "--json")
    assert said.code == 0
    assert [(row["source"], row["records"]) for row in said.document["sources"]] == [("finance", 4)]


@on_both
def test_how_complete_a_read_was_is_told_by_pull_status_and_the_report(desk: Desk) -> None:
    desk.say("run")
    for command in (("pull", "jira"), ("status",), ("runs", "--show", "1")):
        (row,) = [row for row in desk.say(*command, "--json").document["sources"] if row["source"] == "jira"]
        assert (row["reading"], row["unexplained"], row["explained"]) == ("whole", 0, {})
        assert row["expected"] == row["seen"] > 0
        text = desk.say(*command).out
        assert "Completeness" in text
        assert "unexplained" in text
    folder = desk.folder / "tieline-report"
    assert "0 unexplained" in (folder / "index.html").read_text(encoding="utf-8")
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    (read,) = [row for row in report["sources"] if row["source"] == "jira"]
    assert (read["listed"], read["unexplained"]) == (read["seen"], 0)


def test_a_full_read_can_be_asked_for(desk: Desk) -> None:
    assert desk.say("pull", "--full").code == 0
    assert desk.say("run", "--full").code == 0


def test_check_lists_every_open_finding(desk: Desk) -> None:
    desk.say("run", "--dry-run")
    document = desk.say("check", "--json").document
    assert [(row["rule"], row["subject"]) for row in document["findings"] if row["entity"] == "workItem"] == [
        ("epic-on-dead-objective", "PAY-3"),
        ("epic-over-budget", "PAY-2"),
        ("epic-without-objective", "PAY-2"),
    ]


def test_the_runs_are_listed_with_the_command_that_asked_for_them(desk: Desk) -> None:
    assert desk.say("runs").out == "No run yet.\n"
    assert "Last run: none yet" in desk.say("status").out
    desk.say("run", "--dry-run")
    desk.say("run")
    listed = [line.split() for line in desk.say("runs").out.splitlines()]
    assert [(row[0], row[1]) for row in listed[2:4]] == [("2", "run"), ("1", "run")]
    assert "run --dry-run" in desk.say("runs").out
    assert "Last run: 2 (run) at 20" in desk.say("status").out
    shown = desk.say("runs", "--show", "2").out
    assert "Run 2 (run) at 20" in shown
    assert "add  done        3" in shown
    assert [row["id"] for row in desk.say("runs", "--json").document] == [2, 1]


def test_a_report_can_be_written_again_elsewhere(desk: Desk) -> None:
    desk.say("run", "--dry-run")
    said = desk.say("report", "--out", "elsewhere")
    assert said.code == 0
    assert (desk.folder / "elsewhere/index.html").is_file()


COMMANDS = [
    ("doctor",),
    ("run",),
    ("pull",),
    ("check",),
    ("plan",),
    ("apply",),
    ("explain", "PAY-2"),
    ("report",),
    ("runs",),
    ("runs", "--show", "1"),
    ("status",),
    ("quarantine",),
    ("waivers",),
    ("rules", "check"),
    ("rules", "test"),
    ("rules", "list"),
]


def test_every_command_prints_one_json_document_and_nothing_else(desk: Desk) -> None:
    desk.say("run")
    for command in COMMANDS:
        said = desk.say(*command, "--json")
        assert (said.code, said.err) == (0, ""), command
        assert isinstance(said.document, dict | list), command


def test_no_command_says_none_or_leaves_blanks_at_the_end_of_a_line(desk: Desk) -> None:
    desk.say("run")
    for command in COMMANDS:
        said = desk.say(*command)
        assert "None" not in said.out, command
        assert [line for line in said.out.splitlines() if line != line.rstrip()] == [], command


def test_every_command_has_help_that_fits_eighty_columns(desk: Desk) -> None:
    top = desk.say("--help").out
    assert "..." not in top.partition("Commands:")[2]
    for name in {command[0] for command in COMMANDS} | {"demo", "serve", "sandbox"}:
        said = desk.say(name, "--help")
        assert (said.code, name in top) == (0, True)
        assert max(len(line) for line in said.out.splitlines()) <= 80
