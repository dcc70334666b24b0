"""With TIELINE_LOG a command tells on stderr what happens; stdout stays its answer."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

from sync.sandbox import Answer
from tests.sync.cli.desk import SECRETS, Desk

HOSTILE = "one\r\ntwo\x1b[31mred"


def events(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_a_run_tells_its_steps_its_refusals_and_its_end_beside_one_document_on_stdout(desk: Desk) -> None:
    desk.jira.site.get("PAY-2").fields["labels"] = []
    answer = Answer(400, {"errors": {"labels": HOSTILE + SECRETS.token}})
    desk.jira.before("PUT", "/issue/", lambda call: answer)
    said = desk.say("run", "--json", TIELINE_LOG="json")
    assert said.document["exit_code"] == 3
    told = events(said.err)
    assert told[0]["event"] == "run began"
    ended = [event for event in told if event["event"] == "step ended"]
    assert [event["step"] for event in ended][-3:] == ["link, judge and plan", "write labels", "report"]
    assert next(event for event in ended if event["step"] == "pull jira")["records"] == 3
    refused = min((event for event in told if event["event"] == "write refused"), key=itemgetter("issue"))
    assert (refused["site"], refused["project"], refused["issue"], refused["run"]) == (
        "jira",
        "PAY",
        "PAY-2",
        1,
    )
    assert (told[-1]["event"], told[-1]["status"], told[-1]["exit_code"]) == ("run ended", "partly done", 3)


def test_a_source_that_is_incomplete_and_a_plan_that_is_stopped_are_warnings(desk: Desk) -> None:
    for number in range(10, 20):
        desk.add(f"PAY-{number}", "Without")
    (desk.folder / "money.csv").write_text("nonsense\n1\n", encoding="utf-8")
    said = desk.say("run", TIELINE_LOG="json", TIELINE_MAX_CHANGES="1", TIELINE_MAX_SHARE="1%")
    warned = {event["event"]: event for event in events(said.err) if event["level"] == "warning"}
    assert warned["source incomplete"]["source"] == "finance"
    assert "TIELINE_MAX" in warned["guard stopped the plan"]["why"]


def test_a_command_logs_what_went_wrong_beside_the_run_unless_told_to_be_silent(desk: Desk) -> None:
    lost = {
        "TIELINE_METRICS_FILE": str(desk.folder / "nowhere" / "tieline.prom"),
        "TIELINE_PING_URL": "http://127.0.0.1:9/check",
    }
    ran = desk.say("run", **lost)
    assert ran.code == 0
    assert "could not tell of the run: whom=MetricsFile" in ran.err
    assert "ping failed: why=127.0.0.1: no answer" in ran.err
    assert len(ran.err.splitlines()) == 3, "the run itself is told by its summary"
    assert desk.say("run", TIELINE_LOG="off", **lost).err == ""
