from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync.figures.coverage import Headline, Split
from sync.figures.run import Detail, Figures
from sync.report.document import to_json
from tests.sync.report.making import RUN, full, item, portfolio, project


def parsed(figures: Figures) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(to_json(figures))
    return document


def test_the_headline_is_in_minor_units_and_as_the_page_writes_it() -> None:
    headline = parsed(portfolio(project("PAY", 38_287_360_588_00, 5_088_627_000_00)))["headline"]
    assert headline["money"]["aligned_minor"] == 3_828_736_058_800
    assert headline["money"]["total_minor"] == 4_337_598_758_800
    assert headline["money"]["aligned_percent"] == 88.2
    assert headline["text"] == {
        "aligned": "38,287,360,588.00 USD",
        "unaligned": "5,088,627,000.00 USD",
        "waived": "0.00 USD",
        "unknown": "0.00 USD",
        "total": "43,375,987,588.00 USD",
    }


def test_every_split_adds_up() -> None:
    document = parsed(full())
    for part in (*document["money"], *(money for it in document["projects"] for money in it["money"])):
        parts = (part[f"{state}_minor"] for state in ("aligned", "unaligned", "waived", "unknown"))
        assert sum(parts) == part["total_minor"]


def test_objectives_and_what_serves_none_add_up_to_the_headline() -> None:
    document = parsed(full())
    parts = [money for it in document["objectives"] for money in it["money"]]
    assert sum(part["total_minor"] for part in parts) == document["headline"]["money"]["total_minor"]
    assert [it["id"] for it in document["objectives"]] == ["O1", None]
    assert document["objectives"][0]["target_percent"] == 25.5


def test_no_text_in_it_can_act_on_a_terminal() -> None:
    written = to_json(full("\x1b[31m\x9b1m\u202e\u0000 é"))
    assert written.isascii()
    assert not [c for c in written if ord(c) < 32 and c != "\n"]
    assert json.loads(written)["unaligned"]["largest"][0]["summary"] == "\x1b[31m\x9b1m\u202e\u0000 é"


@given(st.text())
def test_any_text_comes_through_unchanged(text: str) -> None:
    assert parsed(full(text))["projects"][0]["name"] == text or not text


def test_what_is_not_known_has_no_share() -> None:
    document = parsed(Figures(RUN, Headline(None, "no money"), Split(unknown=2)))
    assert document["headline"] == {"money": None, "note": "no money"}
    assert document["work"]["aligned_percent"] is None
    assert document["change"] is None


def test_the_fifty_largest_items_stand_for_all_that_are_counted() -> None:
    items = tuple(item(f"PAY-{number}", 100 - number) for number in range(60))
    figures = replace(portfolio(project("PAY", 1, 1)), detail=Detail(unaligned=items))
    document = parsed(figures)["unaligned"]
    assert (document["items"], document["amount_minor"]) == (60, sum(it.amount_minor for it in items))
    assert [it["key"] for it in document["largest"]] == [it.key for it in items[:50]]


def test_a_total_that_does_not_reconcile_says_by_how_much() -> None:
    totals = parsed(full())["control_totals"]
    assert not totals["reconcile"]
    assert totals["totals"][0]["difference_minor"] == 1


def test_references_that_lead_nowhere_are_in_it() -> None:
    assert [(it["source"], it["number"]) for it in parsed(full())["dangling"]] == [("jira", 1234)]
