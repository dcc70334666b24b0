"""`tieline explain`: why a ticket is flagged or not, and by which chain it serves its objective."""

from __future__ import annotations

from typing import Any

import pytest

from sync.sandbox import Deployment
from tests.sync.cli.desk import Desk

pytestmark = pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])


def explained(desk: Desk, key: str, *more: str) -> str:
    said = desk.say("explain", key, *more)
    assert said.code == 0, said.err
    return " ".join(said.out.split())


def rule_of(document: Any, name: str) -> Any:
    return next(rule for rule in document["rules"] if rule["rule"] == name)


def test_a_flagged_epic_names_rule_values_origins_label_and_remedy(desk: Desk) -> None:
    desk.say("run")
    text = explained(desk, "PAY-2", "--rule", "epic-without-objective")
    for words in (
        "PAY-2 Nobody knows why",
        f"{desk.jira.url}/browse/PAY-2",
        "Not aligned: no tie leads to any of the 3 known objectives.",
        "Why it serves no live objective · parent chain: it has no parent",
        "· custom field: nothing in Objective ids",
        "· issue link: there is no link",
        "· label: no label is the id of an objective: people",
        "· remote link: none is looked at (remote_links)",
        "· mapping file: none is configured (links)",
        "epic-without-objective: flagged, open since 20",
        "PAY-2 serves no business objective",
        "✓ issuetype = Epic found: Epic (Jira, read 20",
        "✓ statusCategory != Done found: To Do (Jira, read 20",
        "✓ objective IS EMPTY found: nothing (links of this item and its parents)",
        "label: align-no-objective",
        "to clear it: Link the epic, or one of its parents, to an objective",
        "run 1: added align-no-objective (done)",
    ):
        assert words in text
    assert "epic-over-budget" not in text.partition("Labels written")[0]


def test_a_comparison_shows_both_sides_and_the_lines_they_were_read_from(desk: Desk) -> None:
    desk.say("run")
    text = explained(desk, "PAY-2")
    assert "PAY-2 has spent 300.00 USD of 250.25 USD planned for this fiscal year" in text
    assert "found: 300.00 USD, against 250.25 USD (budget lines that fall to this item)" in text
    assert "budget 2026: 250.25 USD (finance line 3, by cost code: Cost code (" in text


def test_an_aligned_epic_shows_the_field_that_names_its_objective(desk: Desk) -> None:
    desk.say("run")
    text = explained(desk, "PAY-1")
    assert "Aligned: serves GROW." in text
    assert "✓ GROW Grow the business (active) by custom field: Objective ids (" in text
    assert "epic-without-objective: not flagged" in text
    assert "✗ objective IS EMPTY found: GROW" in text
    assert "to clear it" not in text


def test_a_child_shows_the_parent_it_inherits_its_objective_from(desk: Desk) -> None:
    story = desk.jira.site.add_issue({"project": "PAY", "summary": "Pay by card", "parent": "PAY-1"})
    desk.say("run", JIRA_JQL="project = PAY")
    text = explained(desk, story)
    assert "Aligned: serves GROW." in text
    assert "Under PAY-1 Card payments" in text
    assert "by custom field: inherited from PAY-1: Objective ids (" in text


def test_a_mapping_file_shows_its_line(desk: Desk) -> None:
    desk.write("links.csv", "issue,objective,how\nPAY-2,SAVE,Supports\n")
    sources = desk.write(
        "sources.yaml",
        f"""\
jira:
  - url: ${{JIRA_URL}}
    jql: issuetype = Epic
    {desk.entry_lines()}
objectives:
  - {{name: objectives, path: objectives.csv, columns: {{id: id, title: title}}}}
links:
  - {{name: by-hand, path: links.csv, columns: {{issue: issue, objective: objective, strength: how}}}}
""",
    )
    more = {"TIELINE_SOURCES": str(sources)}
    assert desk.say("run", **more).code == 0
    said = desk.say("explain", "PAY-2", **more)
    text = " ".join(said.out.split())
    assert "✓ SAVE Save money (active) by mapping file: " in text
    assert "links.csv, line 2, supports it" in text


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ("GROWS", "names 'GROWS', which is no known objective; the nearest is GROW · "),
        ("Save Mony", "names 'Save Mony', which is no known objective; the nearest is SAVE (Save money) · "),
        ("xyzzy", "names 'xyzzy', which is no known objective · "),
    ],
)
def test_what_came_closest_is_an_objective_that_nobody_knows_with_the_nearest(
    desk: Desk, held: str, said: str
) -> None:
    desk.jira.site.edit("PAY-2", {desk.objective_field: held})
    desk.say("run")
    text = explained(desk, "PAY-2")
    assert "Why it serves no live objective ✗ custom field: Objective ids (" in text
    assert said in text


def test_a_tie_to_an_objective_that_does_not_count_is_what_came_closest(desk: Desk) -> None:
    desk.say("run")
    text = explained(desk, "PAY-3")
    assert "Why it serves no live objective ✗ custom field: Objective ids (" in text
    assert "leads to OLD, which does not count today" in text


def test_parents_outside_the_scope_or_not_to_be_seen_are_named(desk: Desk) -> None:
    site = desk.jira.site
    story = site.add_issue({"project": "PAY", "summary": "Pay", "issuetype": "Story", "parent": "PAY-2"})
    site.add_project("TOP", "Programmes")
    lost = site.add_issue({"project": "TOP", "summary": "Lost", "issuetype": "Epic"})
    orphan = site.add_issue({"project": "PAY", "summary": "Orphan", "issuetype": "Story", "parent": lost})
    site.delete(lost)
    desk.say("run", JIRA_JQL="issuetype = Story")
    said = "parent chain: none of its parents serves a live objective: PAY-2 (outside the scope)"
    assert said in explained(desk, story)
    document = desk.say("explain", orphan, "--json").document
    chain = next(one for one in document["tried"] if one["how"] == "parent chain")
    assert chain["near"] is (f"has the parent {lost}, which is deleted" in chain["found"])


def test_an_aligned_ticket_shows_what_it_names_in_vain_and_not_what_was_tried(desk: Desk) -> None:
    desk.jira.site.edit("PAY-1", {desk.objective_field: "GROW, GONE"})
    desk.say("run")
    text = explained(desk, "PAY-1")
    assert "names 'GONE', which is no known objective" in text
    assert "Why it serves" not in text


def test_labels_that_people_use_for_other_things_are_no_loose_ends(desk: Desk) -> None:
    desk.say("run")
    assert "'people'" not in explained(desk, "PAY-2")


def test_a_ticket_is_found_by_its_id_and_in_any_letter_case(desk: Desk) -> None:
    desk.say("run", "--dry-run")
    for name in (desk.jira.site.get("PAY-2").id, "pay-2"):
        assert explained(desk, name).startswith("PAY-2 Nobody knows why")


def test_as_json_it_holds_the_same(desk: Desk) -> None:
    desk.say("run")
    flagged = desk.say("explain", "PAY-2", "--json").document
    rule = rule_of(flagged, "epic-without-objective")
    assert (rule["flagged"], rule["state"], rule["label"]) == (True, "open", "align-no-objective")
    assert [(part["text"], part["holds"], part["found"]) for part in rule["parts"]] == [
        ("issuetype = Epic", True, ["Epic"]),
        ("statusCategory != Done", True, ["To Do"]),
        ("objective IS EMPTY", True, []),
    ]
    assert rule["fix"].startswith("Link the epic")
    aligned = desk.say("explain", "PAY-1", "--json").document
    assert [(tie["objective"], tie["how"], tie["live"]) for tie in aligned["ties"]] == [
        ("GROW", "custom field", True)
    ]
    assert rule_of(aligned, "epic-without-objective")["flagged"] is False


def test_a_budget_line_is_explained_from_its_file_to_the_objective_it_reaches(desk: Desk) -> None:
    desk.say("run")
    said = desk.say("explain", "money.csv:2", "--budget").out
    for text in (
        "budget FY2026: 1,000.50 USD",
        "Read from money.csv, line 2 (sha256 ",
        "project from column 'project'",
        "amount from column 'amount'",
        "· its project is an issue key: nothing",
        f"✓ its project in a field of the issue: PAY-1 (Cost code ({desk.cost_field}) = C-1)",
        "1,000.50 USD  PAY-1  Card payments",
        "serves GROW",
    ):
        assert text in said
    (line,) = desk.say("explain", "money.csv:2", "--budget", "--json").document
    assert (line["source"], line["amount_minor"], line["since_run"]) == ("finance", 100050, 1)
    assert [share["key"] for share in line["shares"]] == ["PAY-1"]
    assert desk.say("explain", line["id"], "--json").document == [line], "the id alone tells a line"


def test_a_restated_budget_line_shows_what_it_said_before_and_who_decided_about_it(desk: Desk) -> None:
    desk.say("run")
    text = (desk.folder / "money.csv").read_text(encoding="utf-8")
    desk.write("money.csv", text.replace("70.00", "71.00"))
    desk.say("match", "confirm", "C-9", "PAY-3", "--reason", "agreed", "--by", "Ada", "--percent", "50")
    desk.say("run")
    said = desk.say("explain", "project=C-9", "--budget").out
    for words in (
        "runs 1 to 2: 70.00 USD (money.csv, line 5)",
        "decision 1: project C-9 is for PAY-3, Ada on ",
        "✓ confirmed match of its project: PAY-3, 50 % (decision 1 by Ada: agreed)",
        "35.50 USD  PAY-3  Outlived its goal",
        "serves OLD (not live)",
        "35.50 USD  no work",
    ):
        assert words in said


def test_a_budget_line_that_nobody_knows_is_answered_with_the_nearest(desk: Desk) -> None:
    desk.say("run")
    said = desk.say("explain", "C-1|||budget|FY2027|USD", "--budget")
    assert said.code == 2
    assert "no such budget line in the store. Did you mean 'C-1|||budget|FY2026|USD'?" in said.err
    assert desk.say("explain", "money.csv:99", "--budget").code == 2
