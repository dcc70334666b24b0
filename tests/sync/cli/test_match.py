"""A person says which money is for which work; what is said outlives every run and can be taken back."""

from __future__ import annotations

from typing import Any

from tests.sync.cli.desk import Desk, Said

WHY = ("--reason", "agreed in the board", "--by", "Ada")


def money_of(desk: Desk, key: str) -> list[str]:
    desk.say("run")
    return [line.partition(" (")[0] for line in desk.say("explain", key, "--json").document["money"]]


def unmatched(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = desk.say("match", "unmatched", "--json").document
    return found


def confirm(desk: Desk, *words: str) -> Said:
    return desk.say("match", "confirm", *words, *WHY)


def test_what_a_person_confirms_counts_from_the_next_run_on_and_in_every_later_one(desk: Desk) -> None:
    desk.say("run")
    assert [(it["project"], it["amount_minor"]) for it in unmatched(desk)["money"]] == [("C-9", 7000)]
    said = confirm(desk, "c-9", "pay-3")
    assert "Decision 1: project c-9 (1 line) is for PAY-3." in said.out
    for _ in range(2):
        assert money_of(desk, "PAY-3") == ["budget 2026: 70.00 USD"]
    assert unmatched(desk)["money"] == []
    assert "decision 1 by Ada: agreed in the board" in desk.say("explain", "PAY-3").out


def test_a_decision_survives_a_night_in_which_its_code_was_gone(desk: Desk) -> None:
    desk.say("run")
    confirm(desk, "C-9", "PAY-3")
    whole = (desk.folder / "money.csv").read_text(encoding="utf-8")
    desk.write("money.csv", "".join(line for line in whole.splitlines(True) if "C-9" not in line))
    desk.say("run", "--allow-shrink")
    desk.write("money.csv", whole)
    assert money_of(desk, "PAY-3") == ["budget 2026: 70.00 USD"]


def test_a_rejected_match_is_not_made_again_and_withdrawing_it_brings_it_back(desk: Desk) -> None:
    desk.say("run")
    assert desk.say("match", "reject", "C-1", "PAY-1", *WHY).code == 0
    assert money_of(desk, "PAY-1") == []
    desk.say("match", "withdraw", "1", *WHY)
    assert money_of(desk, "PAY-1") == ["budget 2026: 1,000.50 USD"]
    assert desk.say("match", "list").out.strip().startswith("Nobody has confirmed")
    (row,) = desk.say("match", "list", "--all", "--json").document
    assert (row["verdict"], row["withdrawn_by"], row["withdrawn_why"]) == ("rejected", "Ada", WHY[1])


def test_a_newer_decision_about_the_same_two_takes_the_place_of_the_older(desk: Desk) -> None:
    desk.say("run")
    desk.say("match", "reject", "C-9", "PAY-3", *WHY)
    confirm(desk, "C-9", "PAY-3", "--percent", "25")
    (row,) = desk.say("match", "list", "--json").document
    assert (row["id"], row["verdict"], row["millionths"]) == (2, "confirmed", 250_000)
    assert money_of(desk, "PAY-3") == ["budget 2026: 17.50 USD"]
    (left,) = unmatched(desk)["money"]
    assert (left["amount_minor"], left["reason"]) == (5250, "percents leave it over")


def test_percents_over_100_are_told_at_once_and_leave_the_line_unallocated(desk: Desk) -> None:
    desk.say("run")
    confirm(desk, "C-9", "PAY-3", "--percent", "60")
    said = confirm(desk, "C-9", "PAY-2", "--percent", "60.5")
    assert "The percents confirmed for it add up to 120.5 %" in said.out
    desk.say("run")
    (left,) = unmatched(desk)["money"]
    assert (left["amount_minor"], left["reason"]) == (7000, "percents add up to more than 100")


def test_money_may_be_confirmed_for_an_objective_alone(desk: Desk) -> None:
    desk.say("run")
    confirm(desk, "project=C-9", "GROW")
    desk.say("run")
    (left,) = unmatched(desk)["money"]
    assert (left["objective"], left["reason"]) == ("GROW", "objective only")


def test_proposals_name_work_that_is_called_alike_and_are_not_repeated_once_rejected(desk: Desk) -> None:
    desk.write(
        "money.csv",
        "project,fiscal_year,currency,amount,description\nX-7,2026,USD,5,Card payment platform\n"
        "C-02,2026,USD,4,\n",
    )
    desk.say("run", "--allow-shrink")
    found = desk.say("match", "propose", "--json").document
    assert [(it["code"], it["key"], it["evidence"]) for it in found] == [
        ("X-7", "PAY-1", "its summary is like 'Card payment platform'"),
        ("C-02", "PAY-2", "it carries the code 'C-2'"),
    ]
    assert "match confirm 'project=X-7' PAY-1" in desk.say("match", "propose").out
    desk.say("match", "reject", "X-7", "PAY-1", *WHY)
    again = desk.say("match", "propose", "--json").document
    assert [it["code"] for it in again] == ["C-02"]


def test_work_without_money_and_rules_that_lead_nowhere_are_shown(desk: Desk) -> None:
    desk.say("run")
    assert [it["key"] for it in unmatched(desk)["work"]] == ["PAY-3"]
    assert "PAY-3" in desk.say("match", "unmatched").out


REFUSED = {
    "a code that no line has": (("C-99", "PAY-3"), "has the project 'C-99'. Did you mean 'C-9'?"),
    "a target nobody knows": (("C-9", "PAY-99"), "'PAY-99' is neither a work item nor an objective"),
    "a percent over 100": (("C-9", "PAY-3", "--percent", "101"), "--percent: '101' is no percent"),
    "no reason": (("C-9", "PAY-3", "--reason", " "), "--reason: say why"),
}


def test_a_decision_that_makes_no_sense_is_refused_with_the_remedy(desk: Desk) -> None:
    desk.say("run")
    for words, message in REFUSED.values():
        said = desk.say("match", "confirm", *(words if "--reason" in words else (*words, *WHY)))
        assert said.code == 2
        assert message in said.err
    assert desk.say("match", "withdraw", "7", *WHY).err.startswith("There is no decision 7 that stands.")
    assert desk.say("match", "list", "--json").document == []
