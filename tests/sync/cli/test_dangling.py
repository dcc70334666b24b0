"""`tieline dangling` and the run say what is named and not there."""

from __future__ import annotations

from tests.sync.cli.desk import Desk


def test_a_run_counts_what_leads_nowhere_and_the_command_lists_it(desk: Desk) -> None:
    desk.jira.site.edit("PAY-2", {desk.objective_field: "GONE"})
    run = " ".join(desk.say("run", "--dry-run").out.split())
    assert "References that lead nowhere" in run
    assert "jira custom field objective not known 1 PAY-2 → GONE" in run
    assert "`tieline dangling` lists them." in run
    listed = " ".join(desk.say("dangling").out.split())
    assert "jira PAY-2 custom field GONE objective not known Objective ids (customfield_" in listed
    (row,) = desk.say("dangling", "jira", "--json").document
    assert (row["subject"], row["target"], row["fault"]) == ("PAY-2", "GONE", "objective not known")
    (counted,) = desk.say("check", "--json").document["dangling"]
    assert (counted["number"], counted["example"]) == (1, "PAY-2 → GONE")


def test_where_every_reference_leads_somewhere_nothing_is_shown(desk: Desk) -> None:
    assert "lead nowhere" not in desk.say("run", "--dry-run").out
    said = desk.say("dangling")
    assert (said.code, said.out.strip()) == (0, "Every reference leads somewhere.")
    assert desk.say("dangling", "--json").document == []


def test_a_source_nobody_knows_is_refused_with_those_there_are(desk: Desk) -> None:
    said = desk.say("dangling", "jra")
    assert said.code == 2
    assert "jra: no such source; there are jira, objectives, finance" in said.err
