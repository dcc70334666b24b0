"""The page of findings: what is looked for is found, counted, put in order and cut into pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import insert, update

from sync.store import finding_search
from sync.store.finding_search import ORDERS, Search
from sync.store.findings import finding
from tests.sync.making import SITE, epic, names
from tests.sync.report.stage import COMPANY, Stage
from tests.sync.web.lobby import Lobby, serve

HOSTILE = "<script>document.title='taken over'</script><b onclick=x>100%_\\ \u202egnp.exe"
MANY = tuple(epic(f"BIG-{number}", summary=f"Ünder {number}") for number in range(100, 230))


@pytest.fixture
def busy(stage: Stage) -> Iterator[Lobby]:
    """A company with findings for several pages, one of them with a text that would rather be a tag."""
    hostile = epic("EVIL-9", summary=HOSTILE)
    stage.night({SITE: (*COMPANY[SITE], *MANY, hostile)})
    with serve(stage) as lobby:
        lobby.log_in()
        yield lobby


def subjects(lobby: Lobby, query: str) -> list[str]:
    """What the findings of a page are about, in order."""
    rows = [it for it in lobby.visit(f"/findings{query}").all("th") if it.attributes.get("scope") == "row"]
    return [row.text.split()[0] for row in rows]


def test_all_that_stand_are_counted_and_cut_into_pages(busy: Lobby) -> None:
    first = busy.visit("/findings?rule=epic-without-objective")
    assert "133 findings; 1 to 50 of 133 on this page." in " ".join(first.text.split())
    every = [it for page in (1, 2, 3) for it in subjects(busy, f"?rule=epic-without-objective&page={page}")]
    assert len(every) == len(set(every)) == 133
    last = busy.visit("/findings?rule=epic-without-objective&page=3")
    assert [a.attributes["href"] for a in last.all("a") if a.text == "Previous"] == [
        "/findings?rule=epic-without-objective&page=2"
    ]
    beyond = busy.visit("/findings?rule=epic-without-objective&page=99999")
    assert "Page 3 of 3" in beyond.text


SEARCHES: tuple[tuple[str, list[str]], ...] = (
    ("text=pay-3", ["PAY-3"]),
    ("text=PAY+summary", ["PAY-3"]),
    ("text=%C3%BCNDER+229", ["BIG-229"]),
    ("text=100%25_", ["EVIL-9"]),
    ("text=100%25_%5C", ["EVIL-9"]),
    ("text=%25", ["EVIL-9"]),
    ("project=web", ["WEB-5"]),
    ("project=nothing", []),
    ("site=jira&project=evil", ["EVIL-9"]),
    ("site=elsewhere", []),
    ("severity=error&project=web", []),
    ("severity=warning&project=web", ["WEB-5"]),
    ("rule=nothing", []),
    ("state=closed&project=web", []),
    ("state=waived", []),
    ("state=nonsense&project=web", ["WEB-5"]),
)


def test_what_is_looked_for_is_found(busy: Lobby) -> None:
    for query, found in SEARCHES:
        among = "" if "rule=" in query else "&rule=epic-without-objective"
        assert subjects(busy, f"?{query}{among}") == found, query


def test_a_finding_that_closed_is_found_among_the_closed(busy: Lobby) -> None:
    busy.night({SITE: (*COMPANY[SITE][:2], epic("PAY-3", names("O1")), *COMPANY[SITE][3:])})
    assert subjects(busy, "?text=pay-3&rule=epic-without-objective") == []
    assert subjects(busy, "?text=pay-3&rule=epic-without-objective&state=closed") == ["PAY-3"]


def test_each_order_shows_the_same_findings(busy: Lobby) -> None:
    with busy.stage.engine.connect() as connection:
        total = finding_search.count(connection, Search())
        read = {
            order: [
                row
                for at in range(0, total, 7)
                for row in finding_search.read(connection, Search(order=order), at, 7)
            ]
            for order in ORDERS
        }
    for order, rows in read.items():
        assert len({row.id for row in rows}) == len(rows) == total, order
    ranks = [{"error": 0, "warning": 1, "info": 2}[row.severity] for row in read["severity"]]
    assert ranks == sorted(ranks)
    since = [row.since for row in read["oldest"]]
    assert since == sorted(since)
    assert [row.since for row in read["newest"]] == since[::-1]


def test_tickets_are_in_the_order_of_their_numbers(busy: Lobby) -> None:
    found = subjects(busy, "?order=subject&rule=epic-without-objective")
    assert found[:3] == ["BIG-100", "BIG-101", "BIG-102"]
    assert subjects(busy, "?order=subject&rule=epic-without-objective&page=3")[-3:] == [
        "EVIL-9",
        "PAY-3",
        "WEB-5",
    ]


def test_hostile_text_stays_text_wherever_it_is_shown(busy: Lobby) -> None:
    for path in ("/findings?text=evil", "/items?key=EVIL-9", "/findings?text=" + "%3Cscript%3E"):
        page = busy.visit(path)
        assert page.all("script") == []
        assert [it for it in page.elements if any(name.startswith("on") for name in it.attributes)] == []
        assert "\u202e" not in page.text
    assert "<script>document.title" in busy.visit("/items?key=EVIL-9").text


def test_no_query_breaks_the_page(busy: Lobby) -> None:
    for query in ("text=%00", "text=" + "x" * 5000, "page=-1", "page=%F0%9F%98%80", "text=%ff", "order=%27"):
        assert busy.get(f"/findings?{query}").status_code == 200, query


def test_what_is_only_observed_must_be_asked_for(busy: Lobby) -> None:
    with busy.stage.engine.begin() as connection:
        connection.execute(
            update(finding).where(finding.c.rule == "epic-without-objective").values(mode="observe")
        )
    assert subjects(busy, "?text=pay-3&rule=epic-without-objective") == []
    assert subjects(busy, "?text=pay-3&rule=epic-without-objective&state=observed") == ["PAY-3"]


def test_a_finding_on_something_else_than_work_is_named_and_found(busy: Lobby) -> None:
    with busy.stage.engine.begin() as connection:
        one = connection.execute(finding.select().limit(1)).mappings().one()
        line = {**one, "id": None, "rule": "money", "entity": "budgetLine", "subject_id": 1}
        connection.execute(insert(finding).values({k: v for k, v in line.items() if k != "id"}))
    page = busy.visit("/findings?rule=money&text=pay")
    assert [a.attributes["href"] for a in page.all("a") if a.attributes["href"].startswith("/money?line=")]
