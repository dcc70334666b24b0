"""`tieline runs --show`: how long each step took, what was asked of Jira, and why a source was incomplete."""

from __future__ import annotations

import re

from sync.sandbox import Answer
from tests.sync.cli.desk import Desk


def test_a_run_is_shown_with_its_steps_and_its_requests(desk: Desk) -> None:
    desk.say("run")
    requests = len(desk.jira.requests())
    shown = desk.say("runs", "--show", "1").out
    assert re.search(r"^Run 1 \(run\) at 20\d\d-\d\d-\d\d \d\d:\d\d UTC: done after \d+", shown)
    for step in ("pull jira", "link, judge and plan", "write labels", "report"):
        assert re.search(rf"^{step} .*\d\.\d$", shown, re.MULTILINE)
    assert re.search(r"^jira +PUT +issue/\{\} +2 +204: 2$", shown, re.MULTILINE)
    assert "Not read whole" not in shown
    document = desk.say("runs", "--show", "1", "--json").document
    assert sum(row["number"] for row in document["requests"]) == requests
    assert [step["step"] for step in document["steps"]][-1] == "report"


def test_a_run_that_read_a_source_by_half_says_why(desk: Desk) -> None:
    desk.jira.before("*", "search|bulkfetch", lambda call: Answer(403, {"errorMessages": ["Not for you"]}))
    desk.say("run")
    shown = desk.say("runs", "--show", "1").out
    assert re.search(r"^Not read whole\n.*\njira +failed +.*answered 403: Not for you", shown, re.MULTILINE)
    assert re.search(r"^jira .* 403: \d+$", shown, re.MULTILINE)
