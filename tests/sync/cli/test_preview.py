"""`rules preview` says what an edit does by name, and touches nothing: neither Jira nor the store."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.sync.cli.desk import NO_OBJECTIVE, Desk, Said

RULES = """\
version: 1
rules:
  - id: epic-without-objective
    when: issuetype = Epic AND objective IS EMPTY
    label: no-objective
    tests: [{flag: {issuetype: Epic}}, {pass: {issuetype: Epic, objective: GROW}}]
"""
WIDER = RULES.replace("objective IS EMPTY", '(objective IS EMPTY OR objective.live != "true")')


@pytest.fixture
def judged(desk: Desk) -> Desk:
    """A desk whose last night used RULES: PAY-2 is flagged and labelled."""
    desk.write("rules.yaml", RULES)
    desk.write(".env", (desk.folder / ".env").read_text(encoding="utf-8") + "TIELINE_RULES=rules.yaml\n")
    assert desk.say("run").code == 0
    assert desk.labels("PAY-2") == ["people", NO_OBJECTIVE]
    return desk


def preview(desk: Desk, text: str, *more: str) -> Said:
    desk.write("rules.yaml", text)
    said = desk.say("rules", "preview", *more)
    assert said.code == 0
    return said


def names(document: dict[str, list[dict[str, str]]], word: str) -> list[str]:
    return [it["name"] for it in document[word]]


def test_an_edit_is_told_by_what_it_raises_clears_and_keeps(judged: Desk) -> None:
    (rule,) = preview(judged, WIDER, "--json").document["rules"]
    assert rule["changes"] == ["condition changed"]
    assert names(rule, "raised") == ["PAY-3"]
    assert names(rule, "kept") == ["PAY-2"]
    assert names(rule, "cleared") == []
    (back,) = preview(judged, WIDER.replace("Epic AND", "Story AND"), "--json").document["rules"]
    assert names(back, "cleared") == ["PAY-2"]


def test_the_writes_of_an_edit_are_those_the_night_then_makes(judged: Desk) -> None:
    found = preview(judged, WIDER, "--json").document
    assert [(w["operation"], w["key"], w["label"]) for w in found["writes"]] == [
        ("add", "PAY-3", NO_OBJECTIVE)
    ]
    before = judged.writes()
    assert judged.say("run").code == 0
    assert judged.writes() == before + 1
    assert NO_OBJECTIVE in judged.labels("PAY-3")


def test_a_preview_changes_neither_the_store_nor_jira(judged: Desk) -> None:
    def state() -> tuple[str, int]:
        with judged.store().connect() as connection:
            dump = "\n".join(connection.connection.driver_connection.iterdump())  # type: ignore[union-attr]
        return hashlib.sha256(dump.encode()).hexdigest(), judged.writes()

    before = state()
    preview(judged, WIDER)
    assert state() == before


def test_rules_as_they_were_change_nothing(judged: Desk) -> None:
    said = preview(judged, "# a comment more\n" + RULES)
    assert "1 rule unchanged." in said.out
    assert "It would write nothing to Jira." in said.out
    assert "Compared with the rules of run 1 (" in said.out


def test_a_rename_keeps_everything_and_writes_nothing(judged: Desk) -> None:
    renamed = RULES.replace("id: epic-without-objective", "id: aimless\n    was: epic-without-objective")
    found = preview(judged, renamed, "--json").document
    (rule,) = found["rules"]
    assert rule["changes"] == ["id epic-without-objective → aimless"]
    assert names(rule, "kept") == ["PAY-2"]
    assert found["writes"] == []


def test_a_rule_that_goes_or_stops_to_label_takes_its_labels_along(judged: Desk) -> None:
    other = RULES.replace("id: epic-without-objective", "id: another").replace("no-objective", "aimless")
    found = preview(judged, other, "--json").document
    assert [rule["changes"] for rule in found["rules"]] == [["new rule"], ["rule gone"]]
    assert sorted((w["operation"], w["label"]) for w in found["writes"]) == [
        ("add", "align-aimless"),
        ("remove", NO_OBJECTIVE),
    ]
    warns = preview(judged, RULES.replace("    label:", "    mode: warn\n    label:"), "--json").document
    assert warns["rules"][0]["changes"] == ["mode label → warn"]
    assert [(w["operation"], w["key"]) for w in warns["writes"]] == [("remove", "PAY-2")]


def test_a_grace_period_holds_the_writes_back(judged: Desk) -> None:
    found = preview(judged, WIDER.replace("    label:", "    for: 14d\n    label:"), "--json").document
    assert names(found["rules"][0], "raised") == ["PAY-3"]
    assert found["writes"] == []


def test_a_waiver_shows_the_label_that_it_takes_off(judged: Desk) -> None:
    waivers = judged.write(
        "waivers.yaml",
        "version: 1\nwaivers:\n  - rule: epic-without-objective\n    match: key = PAY-2\n"
        "    reason: Agreed\n    owner: jane\n    until: 2126-01-01\n",
    )
    said = judged.say("rules", "preview", "--waivers", str(waivers))
    assert said.code == 2
    assert "A waiver lasts 365 days at most." in said.err
    tomorrow = judged.tomorrow().isoformat()
    waivers.write_text(waivers.read_text(encoding="utf-8").replace("2126-01-01", tomorrow), encoding="utf-8")
    found = judged.say("rules", "preview", "--waivers", str(waivers), "--json").document
    assert found["rules"][0]["changes"] == ["waivers changed"]
    assert found["rules"][0]["waived"] == 1
    assert [(w["operation"], w["key"]) for w in found["writes"]] == [("remove", "PAY-2")]


def test_the_limit_that_would_stop_the_writes_is_named(judged: Desk) -> None:
    for number in range(10, 30):
        judged.add(f"PAY-{number}", "One of many", judged.objective_field, "OLD")
    assert (judged.say("pull").code, judged.say("check").code) == (0, 0)
    stopped = preview(judged, WIDER, "--json").document["stopped"]
    assert any("TIELINE_MAX_SHARE allows 20%" in problem for problem in stopped)
    own = preview(judged, WIDER.replace("    label:", "    limit: {new: 12}\n    label:"))
    assert (
        "Would be stopped: Rule epic-without-objective would add 21 labels; its `limit` allows 12" in own.out
    )
    assert "21 raised" in own.out


def test_a_store_that_was_never_judged_is_refused_with_what_to_do(desk: Desk) -> None:
    assert desk.say("pull").code == 0
    said = desk.say("rules", "preview")
    assert said.code == 2
    assert said.err == (
        "The store holds nothing that was judged yet. Make it ready with `tieline run --dry-run`.\n"
    )


def test_what_was_read_and_not_judged_is_said(judged: Desk) -> None:
    assert judged.say("pull").code == 0
    assert (
        "Sources were read after run 1 judged; `tieline check` brings the links up to date."
        in preview(judged, WIDER).out
    )


def test_after_an_upgrade_everything_is_new(judged: Desk) -> None:
    with judged.store().begin() as connection:
        connection.exec_driver_sql("UPDATE run SET rule_text = NULL")
    said = preview(judged, RULES)
    assert "Compared with no rules, because no run has kept its own yet." in said.out
    assert "epic-without-objective: new rule" in said.out
    assert "  + 1 raised: PAY-2 Nobody knows why" in said.out


def test_other_rules_can_be_named_to_compare_with(judged: Desk) -> None:
    judged.write("wider.yaml", WIDER)
    found = judged.say("rules", "preview", "rules.yaml", "--against", "wider.yaml", "--json").document
    assert found["against"] == "wider.yaml"
    assert names(found["rules"][0], "cleared") == ["PAY-3"]


def test_mistakes_in_the_new_rules_are_told_and_nothing_is_compared(judged: Desk) -> None:
    judged.write("rules.yaml", RULES.replace("objective IS", "objectiv IS"))
    said = judged.say("rules", "preview")
    assert said.code == 2
    assert "Did you mean objective?" in said.err


def test_a_comment_for_a_pull_request_shows_titles_as_text(judged: Desk) -> None:
    judged.add("PAY-9", "<b>@everyone</b> | [x](http://evil.example)")
    assert (judged.say("pull").code, judged.say("check").code) == (0, 0)
    said = preview(judged, WIDER, "--format", "markdown")
    assert "| epic-without-objective | condition changed | 1 | 0 | 2 |" in said.out
    assert "<details><summary>epic-without-objective: 1 raised</summary>" in said.out
    assert "- PAY-3 Outlived its goal" in said.out
    row = next(line for line in said.out.splitlines() if line.startswith("- PAY-9"))
    assert not set(row.removeprefix("- ")) & set("<>@|[]:/.")


def test_rules_of_a_run_that_nobody_can_read_any_more_are_named(judged: Desk) -> None:
    with judged.store().begin() as connection:
        connection.exec_driver_sql("UPDATE rule_text SET files = replace(files, 'objective IS', 'goal IS')")
    said = judged.say("rules", "preview")
    assert said.code == 2
    assert "The rules of run 1 cannot be read any more; name a folder with --against." in said.err
    assert Path("rules.yaml").name in said.err
