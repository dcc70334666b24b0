"""What tickets are told beside their labels is shown before, told after, and looked at by doctor."""

from __future__ import annotations

import json

from tests.sync.cli.desk import Desk

ON = {"JIRA_MARKERS": "link, property", "TIELINE_PUBLIC_URL": "https://tieline.example.com"}


def test_a_plan_shows_it_as_text_as_markdown_and_in_the_file(desk: Desk) -> None:
    desk.say("pull", **ON)
    text = desk.say("plan", "--out", "plan.json", **ON).out
    assert "Beside the labels" in text
    assert "+link +property" in text
    assert "PAY-2 has spent (amount) of (amount) planned for this fiscal year." in text, "no money on tickets"
    assert "4 markers to write beside the labels, 0 to remove." in text
    markdown = desk.say("plan", "--format", "markdown", **ON).out
    assert (
        "\n\n**4 markers to write beside the labels, 0 to remove**\n\n| ticket | markers | says |" in markdown
    )
    assert "| PAY-3 | +link +property | PAY-3 serves only objectives that are closed" in markdown
    saved = json.loads((desk.folder / "plan.json").read_text(encoding="utf-8"))
    assert [(one["ticket"]["issue_key"], one["marker"], one["operation"]) for one in saved["markers"]] == [
        ("PAY-2", "link", "put"),
        ("PAY-2", "property", "put"),
        ("PAY-3", "link", "put"),
        ("PAY-3", "property", "put"),
    ]
    assert desk.writes() == 0
    assert "Beside the labels: 4 markers written, 0 removed." in desk.say("apply", "plan.json", **ON).out


def test_a_run_tells_what_was_refused_and_what_is_left_to_later_nights(desk: Desk) -> None:
    desk.jira.site.permissions.link_issues = False
    said = desk.say("run", TIELINE_MAX_MARKERS="3", **ON)
    assert said.code == 0
    assert "PAY-2: link refused by Jira: " in said.out
    assert "1 marker left to the next nights (TIELINE_MAX_MARKERS)." in said.out
    document = desk.say("run", "--json", **ON).document
    assert document["markers_planned"] == {"put": 1, "remove": 0, "left": 0, "postponed": 2}
    assert document["markers_written"]["put"] == 1


def test_explain_says_what_the_ticket_was_told(desk: Desk) -> None:
    desk.jira.site.permissions.link_issues = False
    desk.say("run", **ON)
    said = desk.say("explain", "PAY-2", **ON).out
    assert "Told beside the labels" in said
    assert "property written (done)" in said
    assert "link put (parked: " in said


def test_doctor_says_by_what_tickets_are_told_and_where_links_lead(desk: Desk) -> None:
    assert "link, property; links lead to https://tieline.example.com" in desk.say("doctor", **ON).out
    off = desk.say("doctor", JIRA_MARKERS="link").out
    assert "link; no links: TIELINE_PUBLIC_URL is not set" in off


def test_an_unknown_marker_is_refused_with_those_there_are(desk: Desk) -> None:
    said = desk.say("plan", JIRA_MARKERS="likn")
    assert said.code == 2
    assert "JIRA_MARKERS: Input should be 'link', 'property' or 'comment'" in said.out + said.err
