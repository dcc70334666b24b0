"""The commands that list and answer what people ask for on tickets, and take over a ledger that was lost."""

from __future__ import annotations

import pytest

from tests.sync.cli.desk import NO_OBJECTIVE, Desk

APPROVE = ("waivers", "approve", "PAY-2", "--reason", "Board agreed", "--by", "jane")


def test_a_request_is_told_listed_answered_and_told_again(desk: Desk) -> None:
    desk.jira.site.label("PAY-2", add=["align-exempt"])
    first = desk.say("run")
    assert "Asked for on tickets: 2 new. `tieline waivers requests` lists what is asked." in first.out
    listed = desk.say("waivers", "requests", "--json").document["requests"]
    assert {(it["key"], it["kind"], it["standing"]) for it in listed} == {("PAY-2", "exempt", "requested")}
    explained = desk.say("explain", "PAY-2").out
    assert "Asked for on the ticket" in explained
    assert "  An exemption from epic-without-objective was heard on" in explained
    assert "2 requests on tickets to answer: `tieline waivers requests`." in desk.say("waivers").out
    granted = desk.say(*APPROVE, "--until", "2026-12-31", "--rule", "epic-without-objective")
    assert granted.code == 0
    assert (
        "PAY-2: An exemption from epic-without-objective was accepted by jane until 2026-12-31" in granted.out
    )
    document = desk.say("run", "--json").document
    assert {(it["rule"], it["standing"]) for it in document["requests"]} >= {
        ("epic-without-objective", "approved")
    }
    labels = desk.jira.site.get("PAY-2").fields["labels"]
    assert NO_OBJECTIVE not in labels
    assert "align-exempt" in labels
    assert "PAY-2" in desk.say("waivers").out
    refused = desk.say("waivers", "reject", "PAY-2", "--reason", "Link it", "--by", "jane", "--json").document
    assert {it["standing"] for it in refused["decided"]} == {"rejected"}
    page = (desk.folder / "tieline-report" / "index.html").read_text(encoding="utf-8")
    assert "Asked for on tickets" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((*APPROVE, "--until", "soon"), "--until soon: not a day. Write it as 2026-09-30."),
        ((*APPROVE, "--until", "2020-01-01"), "--until 2020-01-01: that day is over. Name "),
        ((*APPROVE, "--until", "2999-01-01"), "--until 2999-01-01: a waiver lasts 365 days at most."),
        (
            ("waivers", "reject", "PAY-2", "--reason", " ", "--by", "jane"),
            "--reason: it is empty. People read it on the ticket",
        ),
        (
            ("waivers", "reject", "PAY-2", "--reason", "No", "--by", "jane"),
            "PAY-2: nobody asks for anything there. `tieline waivers requests` lists them.",
        ),
        (
            ("adopt", "--label", "people"),
            "--label people: it does not begin with align-, so it is not ours to take.",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(
    desk: Desk, arguments: tuple[str, ...], message: str
) -> None:
    said = desk.say(*arguments)
    assert said.code == 2
    assert message in said.err
    assert "Traceback" not in said.err


def test_nobody_asks_for_anything_in_a_new_store(desk: Desk) -> None:
    assert "Nobody asks for anything." in desk.say("waivers", "requests").out


def test_labels_of_a_lost_ledger_are_told_and_taken_over_when_asked(desk: Desk) -> None:
    desk.jira.site.label("PAY-2", add=[NO_OBJECTIVE])
    desk.jira.site.label("PAY-1", add=["align-mine"])
    told = desk.say("run")
    assert "put on by people, so left alone: align-mine on PAY-1." in told.out
    assert "`tieline adopt` takes them over" in told.out
    shown = desk.say("adopt", "--dry-run")
    assert "1 label would be taken into the ledger." in shown.out
    assert "Left to the people who put them there: align-mine on PAY-1." in shown.out
    assert desk.say("adopt", "--json").document["taken"] == [["PAY-2", NO_OBJECTIVE]]
    assert "adopt" not in desk.say("plan").out
