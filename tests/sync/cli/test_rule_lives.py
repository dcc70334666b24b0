"""How rules live, as the commands tell it: first nights, modes, waivers, owners and ages."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from tests.sync.cli.desk import NO_OBJECTIVE, Desk

RULES = """\
version: 1
rules:
  - id: aimless
    when: issuetype = Epic AND objective IS EMPTY
    label: no-objective
    owner: pmo@example.com
    MORE
    tests: [{flag: {issuetype: Epic}}, {pass: {issuetype: Epic, objective: GROW}}]
"""
WAIVER = """\
version: 1
waivers:
  - rule: aimless
    match: key = PAY-2
    reason: The board decides in June
    owner: jane@example.com
    until: UNTIL
"""


@pytest.fixture
def desk(desk: Desk) -> Desk:
    rules(desk)
    desk.write("waivers.yaml", "version: 1\nwaivers: []\n")
    text = (desk.folder / ".env").read_text(encoding="utf-8")
    desk.write(".env", text + "TIELINE_RULES=rules.yaml\nTIELINE_WAIVERS=waivers.yaml\n")
    return desk


def rules(desk: Desk, more: str = "severity: warning") -> None:
    desk.write("rules.yaml", RULES.replace("MORE", more))


def waive(desk: Desk, until: date) -> None:
    desk.write("waivers.yaml", WAIVER.replace("UNTIL", until.isoformat()))


def test_a_rule_goes_from_observing_through_warning_to_its_first_night_of_labels(desk: Desk) -> None:
    rules(desk, "mode: observe")
    observed = desk.say("run")
    assert "First night" not in observed.out
    assert json.loads((desk.folder / "tieline-report/report.json").read_text())["findings"] == []
    assert "open (observed)" in desk.say("check").out
    rules(desk, "mode: warn")
    assert desk.say("run").code == 0
    (count,) = json.loads((desk.folder / "tieline-report/report.json").read_text())["findings"]
    assert (count["rule"], count["open"], count["owner"]) == ("aimless", 1, "pmo@example.com")
    assert desk.labels("PAY-2") == ["people"]
    rules(desk, "mode: label")
    assert "First night of aimless: align-no-objective goes onto 1 ticket: PAY-2." in desk.say("plan").out
    labelled = desk.say("run")
    assert "First night of aimless: align-no-objective goes onto 1 ticket: PAY-2." in labelled.out
    assert desk.labels("PAY-2") == ["people", NO_OBJECTIVE]
    assert "First night" not in desk.say("run").out


def test_a_first_night_that_the_guard_stops_is_announced_again(desk: Desk) -> None:
    assert desk.say("run", TIELINE_MAX_CHANGES="1").code == 0
    rules(desk, "was: gone\n    mode: warn")
    assert desk.say("run").code == 0
    rules(desk, "limit: {new: 0, share: 1%}")
    for number in range(10, 25):
        desk.add(f"PAY-{number}", "One of many")
    assert desk.say("run").code == 6
    again = desk.say("run", "--allow-changes", "20")
    assert (again.code, "First night of aimless" in again.out) == (0, True)
    assert "First night" not in desk.say("run").out


def test_findings_that_wait_are_counted_in_the_first_night(desk: Desk) -> None:
    rules(desk, "for: 14d")
    said = desk.say("run")
    assert "First night of aimless: align-no-objective goes onto 0 tickets." in said.out
    assert "1 finding more wait for the end of its `for`." in said.out


def test_a_waiver_is_listed_with_its_findings_and_told_before_it_ends(desk: Desk) -> None:
    soon = desk.tomorrow() + timedelta(days=4)
    waive(desk, soon)
    (new,) = desk.say("waivers", "--json").document["waivers"]
    assert (new["findings"], new["state"]) == (None, "ends soon")
    ran = desk.say("run")
    remark = f"waivers.yaml:3: the waiver of aimless ends in 5 days ({soon}); then 1 finding comes back."
    assert remark in ran.out
    assert desk.labels("PAY-2") == ["people"]
    listed = desk.say("waivers")
    assert "key = PAY-2" in listed.out
    assert remark in listed.out
    document = desk.say("waivers", "--json").document
    assert document["waivers"][0]["findings"] == 1
    report = json.loads((desk.folder / "tieline-report/report.json").read_text())
    assert report["work"]["waived"] == 1
    assert report["waivers"]["granted"][0]["owner"] == "jane@example.com"
    assert "The board decides in June" in (desk.folder / "tieline-report/index.html").read_text()
    row = (desk.folder / "tieline-report/findings.csv").read_text().splitlines()[1]
    assert row.endswith(f",pmo@example.com,0,{soon},The board decides in June")


def test_explain_says_who_waived_what_until_when(desk: Desk) -> None:
    waive(desk, desk.tomorrow())
    assert desk.say("run").code == 0
    said = desk.say("explain", "PAY-2").out
    assert "aimless: flagged, waived since" in said
    assert f"waived until {desk.tomorrow()} by jane@example.com: The board decides in June" in said
    assert "label: align-no-objective (not written: waived)" in said
    assert "owner of the rule: pmo@example.com" in said


def test_explain_says_when_grace_ends(desk: Desk) -> None:
    rules(desk, "for: 14d")
    assert desk.say("run").code == 0
    said = desk.say("explain", "PAY-2").out
    opens = desk.tomorrow() + timedelta(days=13)
    assert f"opens on {opens} if it is still so" in said
    assert "(not written yet: `for` is not over)" in said


def test_explain_says_what_a_rule_found_on_a_ticket_that_it_does_not_flag(desk: Desk) -> None:
    assert desk.say("run").code == 0
    said = desk.say("explain", "PAY-1").out
    assert "aimless: not flagged" in said
    assert "✗ objective IS EMPTY\n      found: GROW" in said


def test_the_list_of_rules_counts_what_stands(desk: Desk) -> None:
    assert desk.say("rules", "list", "--json").document[0]["findings"] is None
    assert not (desk.folder / "tieline.db").exists()
    assert desk.say("run").code == 0
    (rule,) = desk.say("rules", "list", "--json").document
    assert rule["findings"] == {"open": 1, "pending": 0, "clearing": 0, "waived": 0}
    assert rule["owner"] == "pmo@example.com"


def test_without_waivers_the_list_says_where_they_belong(desk: Desk) -> None:
    assert "No waivers. TIELINE_WAIVERS names the file or the folder" in desk.say("waivers").out


def test_findings_are_shown_with_their_age_and_who_has_them(desk: Desk) -> None:
    desk.jira.site.edit("PAY-2", {"assignee": desk.jira.site.add_user("ada", "Ada")})
    assert desk.say("run").code == 0
    row = next(line for line in desk.say("check").out.splitlines() if "PAY-2" in line)
    assert row.split()[-2:] == ["0", "Ada"]


def test_waivers_are_checked_with_the_rules(desk: Desk) -> None:
    waive(desk, desk.tomorrow())
    assert "1 rule and 1 waiver, no mistakes." in desk.say("rules", "check").out
    desk.write("waivers.yaml", WAIVER.replace("rule: aimless", "rule: aimles").replace("UNTIL", "soon"))
    said = desk.say("rules", "check")
    assert said.code == 2
    assert "waivers.yaml:3:11" in said.out
    assert "There is no rule aimles. Did you mean aimless?" in said.out
    assert "waivers.yaml:7:12" in said.out
    assert desk.say("run").code == 2
    assert desk.writes() == 0
