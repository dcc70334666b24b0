"""The other pages: each says what the store holds, and leads on."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from sync.explain.work import Explainer
from sync.frame.lease import take_lease
from sync.store import tables
from sync.store.catalogue import bind_catalogue
from sync.store.money.quarantine import quarantine
from sync.store.schema import table_of
from tests.sync.making import MONEY, SITE, epic, item_id, names
from tests.sync.report.markup import read, squeezed
from tests.sync.report.stage import COMPANY
from tests.sync.web.lobby import Lobby, rules_at


def links(lobby: Lobby, path: str) -> list[str]:
    return [it.attributes["href"] for it in lobby.visit(path).all("a")]


def test_the_overview_shows_the_number_the_last_run_and_the_rules(lobby: Lobby) -> None:
    lobby.night()
    text = lobby.text("/")
    assert "79.0 % of the budget for fiscal year 2026 serves a live objective" in text
    assert "3 of 5 are aligned" in text
    assert "Run 2 (test)" in text
    assert "/findings?rule=epic-without-objective" in links(lobby, "/")
    assert [it.attributes["role"] for it in lobby.visit("/").all("svg")] == ["img"]


def test_an_empty_store_says_what_to_do(lobby: Lobby) -> None:
    assert lobby.text("/waivers").count("There is none.") == 1
    assert "Nothing matches." in lobby.text("/findings?text=nothing-of-the-kind")


def test_an_item_is_explained_with_every_value_as_the_command_does(lobby: Lobby) -> None:
    text = lobby.text("/items/jira/3")
    with lobby.stage.engine.connect() as connection:
        frame = lobby.office.frame()
        explainer = Explainer(connection, rules_at(lobby.stage.now), bind_catalogue(frame), frame, {})
        it = explainer.explain("PAY-3")
    assert it.standing in text.replace("Not aligned", "not aligned")
    for view in it.rules:
        for part in view.parts:
            assert part.text in text
            assert (", ".join(part.found) or "nothing") in text
    flagged = next(view for view in it.rules if view.rule == "epic-without-objective")
    for said in (flagged.message, flagged.why, flagged.fix, "align-no-objective"):
        assert " ".join(str(said).split()) in text
    assert "budget 2026: 30,000.00 USD" in text
    assert "add align-no-objective" in text
    assert "/runs/1" in links(lobby, "/items/jira/3")
    assert "https://jira.example/browse/PAY-3" in links(lobby, "/items/jira/3")


def test_a_key_leads_to_the_page_by_the_immutable_id(lobby: Lobby) -> None:
    for path in ("/items?key=pay-3", "/items/jira/PAY-3", "/explain/jira/PAY-3", "/explain/jira/pay-3"):
        answer = lobby.get(path)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/items/jira/3"), path


def test_a_key_that_an_issue_had_still_leads_to_it(lobby: Lobby) -> None:
    lobby.night({SITE: (*COMPANY[SITE][:2], epic("NEW-3"), *COMPANY[SITE][3:])})
    assert lobby.get("/explain/jira/PAY-3").headers["Location"] == "/items/jira/3"
    assert lobby.text("/items/jira/3").startswith("NEW-3")


MISSING = (
    "/items/other/3", "/items/jira/999", "/items?key=", "/items?key=%00", "/items/jira/%00", "/runs/99",
    "/runs/99999999999999999999", "/report/../../etc/passwd", "/report/%2e%2e%2fsecret", "/report/index.html",
    "/nothing",
)  # fmt: skip


def test_what_is_not_there_is_said_in_a_page(lobby: Lobby) -> None:
    for path in MISSING:
        answer = lobby.get(path)
        assert (answer.status_code, "<h1>Not found</h1>" in answer.text) == (404, True), path


def test_an_item_whose_finding_has_closed_tells_its_history(lobby: Lobby) -> None:
    mended = epic("PAY-3", names("O1"), labels=("align-no-objective",))
    lobby.night({SITE: (*COMPANY[SITE][:2], mended, *COMPANY[SITE][3:])})
    text = lobby.text("/items/jira/3")
    assert "Aligned: serves O1." in text
    assert "No rule flags it" in text
    assert "run 2: no longer true" in text
    assert "remove align-no-objective" in text


def test_a_budget_line_is_explained_from_its_file_to_what_it_serves(lobby: Lobby) -> None:
    text = lobby.text("/money?line=project%3DPAY-1")
    assert "budget FY2026: 100,000.01 USD" in text
    assert "PAY-1 Summary of PAY-1" in text
    assert "O1" in text
    unknown = lobby.get("/money?line=project%3DPAY-77")
    assert (unknown.status_code, "no such budget line" in unknown.text) == (404, True)
    assert lobby.get("/money?line=%00").status_code == 404
    assert lobby.get("/money").status_code == 200


def test_a_run_shows_sources_sums_labels_and_how_to_undo_it(lobby: Lobby) -> None:
    lobby.night(failed={MONEY: "the file is <locked>"})
    first, second = lobby.text("/runs/1"), lobby.text("/runs/2")
    assert "align-no-objective" in first
    assert "tieline undo 1" in first
    assert "refused: the project is archived" in first
    assert "Source finance was not read whole: failed. the file is <locked>" in second
    listed = lobby.text("/runs")
    assert "2 runs, the newest first." in listed
    assert {"/runs/1", "/runs/2"} <= set(links(lobby, "/runs"))


def test_the_quarantine_is_shown_by_source_and_state_and_in_pages(lobby: Lobby) -> None:
    row = {"run_id": 1, "first_run": 1, "source": MONEY, "file": "money.csv", "column_name": "amount",
           "code": "x", "reason": "no number: <b>abc</b>", "raw": "=cmd|' /C calc'!A0"}  # fmt: skip
    rows = [row | {"line": number, "fingerprint": str(number)} for number in range(1, 61)]
    with lobby.stage.engine.begin() as connection:
        connection.execute(insert(quarantine), rows)
        connection.execute(insert(quarantine), [row | {"status": "waived", "note": "old", "source": "other"}])
    text = lobby.text("/quarantine")
    assert "60 rows that were refused, open." in text
    assert "no number: <b>abc</b>" in text
    assert "Page 2 of 2" in lobby.text("/quarantine?page=2")
    assert "1 row that was refused, waived." in lobby.text("/quarantine?status=waived&source=other")
    assert "60 rows wait in the quarantine" in lobby.text("/")


def test_waivers_are_shown_with_what_is_to_be_done_about_them(lobby: Lobby) -> None:
    waiver = table_of(tables.Waiver)
    with lobby.stage.engine.begin() as connection:
        connection.execute(
            insert(waiver).values(
                origin="file", state="granted", rule="epic-without-objective", condition="key = PAY-3",
                reason="until the merger", owner="Anna", approver="Board", until=lobby.stage.now.date(),
                place="waivers.yaml:3", first_run=1, last_run=1,
            )
        )  # fmt: skip
    text = lobby.text("/waivers")
    assert "key = PAY-3" in text
    assert "approved by Board" in text
    assert "is unused: no finding meets its condition" in text


def test_the_report_is_the_one_of_the_last_run_with_the_menu_above_it(lobby: Lobby) -> None:
    page = lobby.visit("/report")
    assert "79.0 %" in page.all("h1")[0].text
    assert len(page.all("main")) == len(page.all("header")) == 1
    assert "/findings" in [it.attributes["href"] for it in page.all("a")]
    assert lobby.get("/report/findings.csv").status_code == 404  # nothing was written beside it yet


def ask_to_be_exempt(lobby: Lobby, key: str) -> None:
    """As a night does that sees somebody's label on a ticket."""
    with lobby.stage.engine.begin() as connection:
        connection.execute(
            insert(table_of(tables.WaiverRequest)).values(
                work_item_id=item_id(connection, key), rule="epic-without-objective", kind="exempt",
                state="requested", asked_at=lobby.stage.now, asked_run=1, approver="pmo@example.com",
            )
        )  # fmt: skip


def answered(lobby: Lobby, **form: str) -> tuple[int, str]:
    """Answer what PAY-3 asks for, and give what comes of it."""
    asked = {"ticket": lobby.ticket("/waivers"), "key": "PAY-3", "rule": "epic-without-objective"}
    answer = lobby.post("/waivers", asked | form)
    return answer.status_code, squeezed(read(answer.text).text) if answer.text else ""


def test_a_request_on_a_ticket_is_approved_in_the_name_of_whoever_is_logged_in(lobby: Lobby) -> None:
    ask_to_be_exempt(lobby, "PAY-3")
    assert "PAY-3 asks to be exempt from epic-without-objective" in lobby.text("/waivers")
    until = (lobby.stage.now + timedelta(days=30)).date().isoformat()
    assert answered(lobby, answer="approve", reason="until the merger", until=until)[0] == 303
    text = lobby.text("/waivers")
    assert f"was accepted by anna until {until}: until the merger" in text
    assert "key = PAY-3" in text
    run = lobby.text("/runs/2")
    assert "asked for by waivers approve" in run
    assert '"by":"anna"' in run
    lobby.night()
    assert "waived until" in lobby.text("/items/jira/3")
    assert answered(lobby, answer="reject", reason="the merger is over")[0] == 303
    assert "was rejected by anna: the merger is over" in lobby.text("/waivers")


def test_an_answer_that_says_too_little_is_refused_with_the_remedy(lobby: Lobby) -> None:
    ask_to_be_exempt(lobby, "PAY-3")
    late = (lobby.stage.now + timedelta(days=400)).date().isoformat()
    for form, said in (
        ({"answer": "approve", "reason": " ", "until": late}, "Say why in a few words"),
        ({"answer": "approve", "reason": "so"}, "Name the last day"),
        ({"answer": "approve", "reason": "so", "until": "soon"}, "Name the last day"),
        ({"answer": "approve", "reason": "so", "until": late}, "The last day must lie between"),
        ({"answer": "approve", "reason": "so", "until": "2020-01-01"}, "The last day must lie between"),
        ({"reason": "so"}, "Approve it or reject it."),
    ):
        status, text = answered(lobby, **form)
        assert (status, said in text) == (400, True), form
    status, text = answered(lobby, answer="reject", reason="so", key="PAY-1")
    assert (status, "PAY-1: nobody asks for anything" in text) == (409, True)


def test_while_a_night_is_at_work_an_answer_is_put_off(lobby: Lobby) -> None:
    ask_to_be_exempt(lobby, "PAY-3")
    with lobby.stage.engine.begin() as connection:
        take_lease(lobby.stage.engine, connection, "the night", lambda: lobby.stage.now)
    status, text = answered(lobby, answer="reject", reason="so")
    assert (status, "Another run (the night) is at work" in text) == (409, True)
