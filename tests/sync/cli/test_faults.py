"""Everything a person can get wrong: one clear message with place and remedy, its exit code, no write."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from _pytest.mark import ParameterSet

from sync.sandbox import Deployment
from sync.store import runs
from tests.sync.cli.desk import CANARY, Desk, Said

RULE = """\
version: 1
rules:
  - id: mine
    title: Mine
    when: {when}
    message: "{{key}}"
"""
TESTS = "    tests:\n      - flag: {status: Done}\n      - pass: {status: Open}\n"


@dataclass(frozen=True)
class Fault:
    """What is wrong, the command that meets it, its exit code, and the words of place and remedy.

    `writes` are made all the same: what does not depend on the broken part goes on.
    """

    name: str
    arrange: Callable[[Desk], dict[str, str]]
    command: tuple[str, ...]
    code: int
    words: tuple[str, ...]
    writes: int = 0


def wrong_password(desk: Desk) -> dict[str, str]:
    return {"JIRA_API_TOKEN" if desk.jira.deployment is Deployment.CLOUD else "JIRA_PAT": CANARY}


def elsewhere(url: str) -> Callable[[Desk], dict[str, str]]:
    return lambda desk: {"JIRA_URL": url}


def not_a_jira(desk: Desk) -> dict[str, str]:
    return {"JIRA_URL": f"{desk.jira.url}/nothing"}


def rules(when: str, tests: str = TESTS) -> Callable[[Desk], dict[str, str]]:
    def arrange(desk: Desk) -> dict[str, str]:
        return {"TIELINE_RULES": str(desk.write("rules.yaml", RULE.format(when=when) + tests))}

    return arrange


def file(name: str, text: str) -> Callable[[Desk], dict[str, str]]:
    def arrange(desk: Desk) -> dict[str, str]:
        desk.write(name, text)
        return {}

    return arrange


def more_settings(text: str) -> Callable[[Desk], dict[str, str]]:
    def arrange(desk: Desk) -> dict[str, str]:
        desk.write(".env", (desk.folder / ".env").read_text(encoding="utf-8") + text)
        return {}

    return arrange


def no_env(desk: Desk) -> dict[str, str]:
    (desk.folder / ".env").unlink()
    return {}


def lost(name: str) -> Callable[[Desk], dict[str, str]]:
    def arrange(desk: Desk) -> dict[str, str]:
        (desk.folder / name).unlink()
        return {}

    return arrange


def dry_run(desk: Desk) -> dict[str, str]:
    assert desk.say("run", "--dry-run").code == 0
    return {}


def stale_plan(desk: Desk) -> dict[str, str]:
    dry_run(desk)
    assert desk.say("plan", "--out", "plan.json").code == 0
    desk.jira.site.edit("PAY-2", {desk.objective_field: "GROW"})
    assert desk.say("pull").code == 0
    return {}


def held_lease(desk: Desk) -> dict[str, str]:
    store = desk.store()
    with store.begin() as connection:
        runs.take_lease(connection, "other-machine:1", datetime.now(UTC), timedelta(minutes=15))
    store.dispose()
    return {}


def set_to(**environ: str) -> Callable[[Desk], dict[str, str]]:
    return lambda desk: environ


FAULTS = [
    Fault("wrong password", wrong_password, ("run",), 4, ("(401)", "check JIRA_")),
    Fault("wrong password, doctor", wrong_password, ("doctor",), 4, ("(401)", "check JIRA_")),
    Fault("unreachable", elsewhere("http://nosuch.invalid"), ("run",), 5, ("nosuch.invalid", "JIRA_URL")),
    Fault("unreachable, doctor", elsewhere("http://nosuch.invalid"), ("doctor",), 5, ("check JIRA_URL",)),
    Fault("not a Jira", not_a_jira, ("run",), 5, ("not as a Jira does", "check JIRA_URL")),
    Fault("not a Jira, doctor", not_a_jira, ("doctor",), 5, ("not as a Jira does", "check JIRA_URL")),
    Fault("not an address", elsewhere("example.com"), ("run",), 2, ("JIRA_URL: must be a web address",)),
    Fault(
        "misspelt field",
        rules("statsu = Done"),
        ("run",),
        2,
        ("rules.yaml:5:11  mine", "^^^^^^ ", '"statsu"', "Did you mean status?"),
    ),
    Fault("rule without a test", rules("status = Done", ""), ("run",), 2, ("rules.yaml:3:", "mine", "test")),
    Fault("no rules", set_to(TIELINE_RULES="gone.yaml"), ("run",), 2, ("gone.yaml", "cannot be read")),
    Fault(
        "missing column",
        file("money.csv", "project,fiscal_year,currency\nC-1,2026,USD\n"),
        ("run",),
        2,
        ("money.csv", "line 1", "'amount'"),
        writes=2,
    ),
    Fault(
        "missing column, doctor",
        file("money.csv", "project,fiscal_year,currency\nC-1,2026,USD\n"),
        ("doctor",),
        2,
        ("money.csv", "line 1", "'amount'"),
    ),
    Fault("lost file", lost("objectives.csv"), ("run",), 2, ("objectives.csv",), writes=1),
    Fault("unknown setting", more_settings("JIRA_URI=x\n"), ("run",), 2, (".env", "JIRA_URI", "JIRA_URL?")),
    Fault(
        "unknown setting in the environment",
        set_to(TIELINE_LABLE_PREFIX="x-"),
        ("run",),
        2,
        ("environment", "TIELINE_LABEL_PREFIX?"),
    ),
    Fault("bad zone", set_to(TIELINE_TIMEZONE="Mars"), ("status",), 2, ("TIELINE_TIMEZONE", "Europe/Berlin")),
    Fault(
        "bad schedule", set_to(TIELINE_SCHEDULE="nightly"), ("serve",), 2, ("TIELINE_SCHEDULE", "0 2 * * *")
    ),
    Fault("no .env", no_env, ("run",), 2, ("JIRA_URL is not set", "config.example.env", "tieline demo")),
    Fault("no such .env", no_env, ("run", "--env-file", "my.env"), 2, ("my.env: no such file",)),
    Fault(
        "unknown key", dry_run, ("explain", "PAY-11"), 2, ("PAY-11: no such work item", "Did you mean PAY-1?")
    ),
    Fault("unknown project", dry_run, ("explain", "PAX-2"), 2, ("PAX-2: no such work item", "mean PAY-2?")),
    Fault("unread key", set_to(), ("explain", "PAY-1"), 2, ("PAY-1: no such work item", "tieline pull")),
    Fault(
        "unknown rule",
        dry_run,
        ("explain", "PAY-1", "--rule", "epic-without-objektive"),
        2,
        ("--rule epic-without-objektive", "epic-without-objective?"),
    ),
    Fault("stale plan", stale_plan, ("apply", "plan.json"), 6, ("stale", "tieline plan --out")),
    Fault("no plan", set_to(), ("apply", "gone.json"), 2, ("gone.json: cannot read the plan",)),
    Fault("not a plan", file("odd.json", "[1]"), ("apply", "odd.json"), 2, ("odd.json: not a plan", "--out")),
    Fault("lease held", held_lease, ("run",), 7, ("other-machine:1",)),
    Fault(
        "guard",
        set_to(TIELINE_MAX_CHANGES="2"),
        ("run",),
        6,
        ("The plan holds 3 label changes", "TIELINE_MAX_CHANGES allows 2", "--allow-changes 3"),
    ),
    Fault(
        "unknown source", set_to(), ("pull", "sap"), 2, ("sap: no such source", "jira, objectives, finance")
    ),
    Fault("no run", set_to(), ("report",), 2, ("tieline run --dry-run",)),
    Fault("unknown run", dry_run, ("report", "--run", "9"), 2, ("--run 9", "tieline runs")),
    Fault("unknown run shown", dry_run, ("runs", "--show", "9"), 2, ("no run 9", "tieline runs")),
    Fault("unknown option", set_to(), ("run", "--dri-run"), 2, ("--dri-run", "tieline run --help")),
    Fault("unknown command", set_to(), ("rum",), 2, ("'rum'", "tieline --help")),
    Fault("missing argument", set_to(), ("explain",), 2, ("tieline explain --help",)),
    Fault(
        "unusable store",
        set_to(TIELINE_DATABASE_URL="sqlite:////nowhere/tieline.db"),
        ("status",),
        2,
        ("TIELINE_DATABASE_URL", "the folder exists"),
    ),
    Fault(
        "report folder that is a file",
        set_to(TIELINE_REPORT_DIR="money.csv"),
        ("run", "--dry-run"),
        2,
        ("TIELINE_REPORT_DIR", "money.csv", "Name a folder"),
    ),
    Fault(
        "bad sources file",
        lambda desk: {"TIELINE_SOURCES": str(desk.write("sources.yaml", "jira:\n  - nam: x\n"))},
        ("run",),
        2,
        ("jira.0.nam: unknown key; did you mean ", "sources.yaml:2:5"),
    ),
    Fault(
        "variable not set",
        lambda desk: {"TIELINE_SOURCES": str(desk.write("s.yaml", "jira:\n  - url: ${MY_JIRA}\n"))},
        ("run",),
        2,
        ("s.yaml:2:5", "${MY_JIRA} is not set"),
    ),
]
on_both = pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])


def named(faults: Iterable[Fault]) -> list[ParameterSet]:
    return [pytest.param(fault, id=fault.name.replace(" ", "-")) for fault in faults]


def assert_told(fault: Fault, said: Said, text: str) -> None:
    assert said.code == fault.code, said.out + said.err
    for word in fault.words:
        assert word in text
    for stream in (said.out, said.err):
        assert "Traceback" not in stream


@pytest.mark.parametrize("fault", named(FAULTS))
def test_a_mistake_is_told_once_with_place_and_remedy(desk: Desk, fault: Fault) -> None:
    said = desk.say(*fault.command, **fault.arrange(desk))
    text = said.out + said.err
    assert_told(fault, said, " ".join(text.split()) if "^" not in text else text)
    assert text.count(fault.words[0]) == 1
    assert desk.writes() == fault.writes


# What doctor finds is its document, good and bad: see test_doctor.py.
@pytest.mark.parametrize("fault", named(fault for fault in FAULTS if fault.command[0] != "doctor"))
def test_as_json_a_mistake_is_one_document_with_problems_and_exit_code(desk: Desk, fault: Fault) -> None:
    said = desk.say(*fault.command, "--json", **fault.arrange(desk))
    assert_told(fault, said, "\n".join(said.document["problems"]))
    assert said.document["exit_code"] == fault.code
    assert fault.words[0] in said.err
    assert desk.writes() == fault.writes


@pytest.mark.parametrize("name", ["wrong password", "misspelt field", "no .env", "unknown option"])
def test_the_command_says_the_same_in_a_process_of_its_own(desk: Desk, name: str) -> None:
    fault = next(fault for fault in FAULTS if fault.name == name)
    said = desk.spawn(*fault.command, **fault.arrange(desk))
    assert_told(fault, said, said.out + said.err)
    assert desk.writes() == 0


@on_both
def test_a_wrong_password_is_told_on_either_deployment(desk: Desk) -> None:
    said = desk.say("run", **wrong_password(desk))
    assert said.code == 4
    assert "check JIRA_" in said.out
    assert desk.writes() == 0


@on_both
def test_a_refused_ticket_is_parked_with_its_reason_and_the_rest_is_written(desk: Desk) -> None:
    desk.jira.site.permissions.read_only_issues.add(desk.jira.site.get("PAY-3").id)
    said = desk.say("run")
    assert said.code == 3
    assert "PAY-3: refused by Jira: " in said.out
    assert (desk.labels("PAY-2"), desk.labels("PAY-3")) == (
        ["people", "align-no-objective", "align-over-budget"],
        [],
    )


def test_every_mistake_of_every_file_is_told_at_once(desk: Desk) -> None:
    desk.write("money.csv", "project,fiscal_year\n")
    desk.write("objectives.csv", "name\n")
    said = desk.say("run", "--json")
    assert said.code == 2
    text = "\n".join(said.document["problems"])
    for word in ("money.csv", "'amount'", "'currency'", "objectives.csv", "'id'", "'title'"):
        assert word in text


def test_a_file_whose_columns_are_wrong_freezes_only_what_reads_money(desk: Desk) -> None:
    desk.write("money.csv", "project,fiscal_year,currency\nC-1,2026,USD\n")
    said = desk.say("run", "--json")
    assert said.code == 2
    assert set(said.document["frozen"].values()) == {"finance incomplete"}
    assert "epic-over-budget" in said.document["frozen"]
    assert "epic-without-objective" not in said.document["frozen"]
    assert desk.labels("PAY-2") == ["people", "align-no-objective"]
    checked = desk.say("check", "--json")
    assert checked.code == 5, "what was found is not tonight's: the last read of the money failed"
    assert any("finance: its last read (run 1) ended as failed" in it for it in checked.document["problems"])


def test_good_rows_beside_a_bad_one_count_and_the_bad_one_is_listed(desk: Desk) -> None:
    desk.write(
        "money.csv",
        "project,fiscal_year,currency,amount\nC-1,2026,USD,5.00\nC-1,2026,USD,a lot\n",
    )
    assert desk.say("run").code == 0
    said = desk.say("quarantine")
    assert (said.code, "money.csv" in said.out, "a lot" in said.out) == (0, True, True)
    (row,) = desk.say("quarantine", "--json").document
    assert (row["line"], row["column_name"]) == (3, "amount")


def test_no_secret_reaches_output_report_or_store(desk: Desk) -> None:
    """The desk's credentials hold a canary: `say` looks for it in what is said, and `leaks` in the files."""
    desk.jira.site.edit("PAY-1", {"summary": "Fine"})
    for command in (["run"], ["doctor"], ["plan", "--out", "plan.json"], ["runs", "--json"], ["report"]):
        assert desk.say(*command).code == 0
    assert (desk.folder / "tieline.db").stat().st_size > 0
    assert (desk.folder / "tieline-report/index.html").stat().st_size > 0
    assert desk.leaks() == []


def test_the_password_of_the_store_is_not_told(desk: Desk) -> None:
    said = desk.say("status", TIELINE_DATABASE_URL=f"postgresql://tieline:{CANARY}@127.0.0.1:1/tieline")
    assert said.code == 2
    assert "postgresql://tieline:***@127.0.0.1:1/tieline" in said.err
