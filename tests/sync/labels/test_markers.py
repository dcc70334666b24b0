"""Beside each label of ours a ticket says why: once, quietly, and as long as the label is there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from sync.errors import Exit, LeaseHeld
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.labels.undo import run_undo
from sync.night import run_judge
from sync.sandbox import Answer, Call, Deployment, Sandbox
from sync.store import audit, markers
from tests.sync.house import NO_OBJECTIVE, House
from tests.sync.making import work_item

ALL = {"JIRA_MARKERS": "link, property, comment", "TIELINE_PUBLIC_URL": "https://tieline.example.com"}
KEY = "tieline.alignment"


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def house(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(request.param) as jira:
        yield House(jira, tmp_path, engine, dict(ALL)).furnish()


def link(house: House, key: str) -> Any:
    found = house.jira.site.get(key).remote_links
    assert len(found) < 2
    return found[0] if found else None


def told(house: House, key: str) -> Any:
    return house.jira.site.get(key).properties.get(KEY)


def comments(house: House, key: str) -> list[Any]:
    return list((house.jira.site.get(key).fields.get("comment") or {}).get("comments", []))


def shown(house: House, key: str) -> tuple[bool, bool, int]:
    """Which markers a ticket bears: link, property, number of comments."""
    return (
        bool(house.jira.site.get(key).remote_links),
        told(house, key) is not None,
        len(comments(house, key)),
    )


EVERYTHING, NOTHING = (True, True, 1), (False, False, 0)


def ledger(house: House) -> list[tuple[str, str, str]]:
    table = markers.ledger
    rows = house.rows(select(table.c.kind, table.c.operation, table.c.state).order_by(table.c.id))
    return [(row.kind, row.operation, row.state) for row in rows]


def undo(house: House, run_id: int, **options: Any) -> RunResult:
    service, sites = house.service()
    try:
        return run_undo(service, run_id, Options(**options), Quiet())[0]
    finally:
        sites.close()


def text_of(house: House, comment: Any) -> str:
    return str(comment["body"])


def test_a_ticket_is_told_in_every_way_why_it_bears_its_label(house: House) -> None:
    bad = house.add_epic()
    result = house.night()
    assert result.exit_code == Exit.OK
    assert house.labels(bad) == [NO_OBJECTIVE]
    found = link(house, bad)
    assert found["globalId"] == "tieline:alignment"
    assert found["object"]["url"] == f"https://tieline.example.com/explain/jira/{house.jira.site.get(bad).id}"
    assert found["object"]["title"].startswith(f"{bad} serves no business objective. ")
    assert NO_OBJECTIVE in found["object"]["summary"]
    said = told(house, bad)
    assert {name: said[name] for name in ("version", "labels", "rules", "run", "more")} == {
        "version": 1,
        "labels": [NO_OBJECTIVE],
        "rules": ["epic-without-objective"],
        "run": result.run_id,
        "more": 0,
    }
    assert said["since"] == f"{house.now:%Y-%m-%d}"
    assert said["fix"]
    assert said["findings"][0]["message"] == said["message"] == f"{bad} serves no business objective"
    (comment,) = comments(house, bad)
    assert f"{bad} serves no business objective" in text_of(house, comment)


def test_a_night_in_which_nothing_changed_writes_no_marker(house: House) -> None:
    for _ in range(3):
        house.add_epic()
    house.night()
    for _ in range(2):
        result = house.night()
        assert house.writes() == 0
        assert (result.markers.changes, result.marked) == ((), None)
    assert [request.path for request in house.jira.requests() if "comment" in request.path] == []


def test_our_own_markers_are_no_touch_of_a_person(house: House) -> None:
    house.jira.site.now = lambda: house.now  # as Jira stamps, so we note our answers
    house.add_epic()
    house.night()
    first = house.rows(select(work_item.c.touched_at))
    house.more["JIRA_MARKERS"] = "link, comment"
    house.more["TIELINE_PUBLIC_URL"] = "https://elsewhere.example.com"
    for _ in range(2):
        house.night()
    assert house.rows(select(work_item.c.touched_at)) == first


def test_all_of_it_goes_with_the_last_label(house: House) -> None:
    bad = house.add_epic()
    house.night()
    assert shown(house, bad) == EVERYTHING
    house.serve(bad, "O1")
    result = house.night()
    assert house.labels(bad) == []
    assert shown(house, bad) == NOTHING
    assert result.marked is not None
    assert (result.marked.put, result.marked.removed) == (0, 3)
    house.night()
    assert house.writes() == 0


def test_it_goes_when_a_person_takes_the_label_off_for_good(house: House) -> None:
    bad = house.add_epic()
    for _ in range(2):
        house.night()
        house.jira.site.label(bad, remove=[NO_OBJECTIVE])
    result = house.night()
    assert [change.ticket.issue_key for change in result.plan.disputed] == [bad]
    assert shown(house, bad) == NOTHING


def test_a_label_that_a_person_put_there_is_not_explained(house: House) -> None:
    own = house.add_epic(labels=[NO_OBJECTIVE])
    house.night()
    assert shown(house, own) == NOTHING


def test_without_an_address_there_is_no_link_and_one_that_was_there_goes(house: House) -> None:
    bad = house.add_epic()
    house.night()
    del house.more["TIELINE_PUBLIC_URL"]
    house.night()
    assert shown(house, bad) == (False, True, 1)
    assert told(house, bad)["url"] is None


def test_what_is_switched_off_goes_and_what_is_switched_on_comes(house: House) -> None:
    bad = house.add_epic()
    house.more["JIRA_MARKERS"] = "property"
    house.night()
    assert shown(house, bad) == (False, True, 0)
    house.more["JIRA_MARKERS"] = "link"
    house.night()
    assert shown(house, bad) == (True, False, 0)
    house.more["JIRA_MARKERS"] = "none"
    house.night()
    assert shown(house, bad) == NOTHING


def test_other_words_replace_what_was_said_and_double_nothing(house: House) -> None:
    bad = house.add_epic()
    house.night()
    house.more["TIELINE_PUBLIC_URL"] = "https://elsewhere.example.com/tieline"
    result = house.night()
    assert result.marked is not None
    assert result.marked.put == 3
    assert shown(house, bad) == EVERYTHING
    assert link(house, bad)["object"]["url"].startswith("https://elsewhere.example.com/tieline/explain/")
    assert "elsewhere.example.com" in text_of(house, comments(house, bad)[0])


def lose_answers(house: House, method: str, path: str, times: int | None = 1) -> None:
    """Let Jira do what it is asked, and lose its answer."""

    def act(call: Call) -> Answer | None:
        operation = next(
            one
            for one in house.jira._application.operations
            if one.method == method and one.handler.__name__ == HANDLERS[path]
        )
        with house.jira.site.lock:
            operation.handler(call)
        return Answer(504, "<html>gateway timeout</html>")

    house.jira.before(method, rf"/{path}$", act, times)


HANDLERS = {
    "comment": "post_comment",
    "remotelink": "post_remote_link",
    "properties/tieline.alignment": "put_property",
}


@pytest.mark.parametrize(("method", "path"), [("POST", "comment"), ("POST", "remotelink")])
def test_a_lost_answer_doubles_nothing(house: House, method: str, path: str) -> None:
    bad = house.add_epic()
    lose_answers(house, method, path)
    first = house.night()
    assert house.labels(bad) == [NO_OBJECTIVE]
    assert first.exit_code == Exit.OK
    house.jira.clear_hooks()
    house.night()
    assert shown(house, bad) == EVERYTHING
    house.night()
    assert house.writes() == 0
    assert {state for _, _, state in ledger(house)} <= {"done", "dropped"}


def test_a_comment_whose_answer_was_lost_is_found_again_by_its_mark(house: House) -> None:
    bad = house.add_epic()
    lose_answers(house, "POST", "comment", None)
    result = house.night()
    assert result.marked is not None
    assert result.marked.open == 1
    assert len(comments(house, bad)) == 1
    house.night()
    assert len(comments(house, bad)) == 1
    assert [state for kind, _, state in ledger(house) if kind == "comment"] == ["dropped", "done"]


def test_people_may_quote_our_mark(house: House) -> None:
    bad = house.add_epic()
    theirs = {"id": "7", "author": house.jira.site.add_user("anna"), "body": "what is [tieline:alignment]?"}
    house.jira.site.edit(bad, {"comment": {"comments": [theirs]}})
    house.night()
    assert len(comments(house, bad)) == 2
    house.serve(bad, "O1")
    house.night()
    assert [comment["id"] for comment in comments(house, bad)] == ["7"]


def test_a_comment_that_may_not_be_deleted_says_that_it_is_settled(house: House) -> None:
    bad = house.add_epic()
    house.night()
    house.jira.site.permissions.delete_own_comments = False
    house.serve(bad, "O1")
    house.night()
    (comment,) = comments(house, bad)
    assert "This has been put right" in text_of(house, comment)
    house.night()
    assert house.writes() == 0


def test_a_comment_that_somebody_else_is_at_is_deleted_the_next_night(house: House) -> None:
    bad = house.add_epic()
    house.night()
    busy = Answer(409, {"errorMessages": ["edited by somebody else"], "errors": {}})
    house.jira.before("DELETE", "/comment/", lambda _: busy)
    house.serve(bad, "O1")
    house.night()
    assert "serves no business objective" in text_of(house, comments(house, bad)[0])
    house.jira.clear_hooks()
    house.night()
    assert shown(house, bad) == NOTHING


def test_a_refused_marker_is_parked_and_neither_the_label_nor_the_others_fail(house: House) -> None:
    bad = house.add_epic()
    house.jira.site.permissions.link_issues = False
    result = house.night()
    assert result.exit_code == Exit.OK
    assert house.labels(bad) == [NO_OBJECTIVE]
    assert shown(house, bad) == (False, True, 1)
    assert result.marked is not None
    ((change, reason),) = result.marked.parked
    assert (change.ticket.issue_key, change.marker) == (bad, "link")
    assert "permission to link issues" in reason
    house.jira.site.permissions.link_issues = True
    house.night()
    assert link(house, bad) is not None, "asked again the next night"


def test_what_is_refused_again_waits_longer_and_retry_asks_at_once(house: House) -> None:
    house.add_epic()
    house.jira.site.permissions.link_issues = False
    house.night()
    asked = []
    for retry in (False, False, True):
        assert house.night(retry=retry).exit_code == Exit.OK
        asked.append(house.writes())
    assert asked == [1, 0, 1]


def test_a_site_that_takes_no_links_at_all_is_not_asked_for_all_of_them(house: House) -> None:
    house.more["JIRA_MARKERS"] = "link"
    house.jira.site.permissions.link_issues = False
    for _ in range(60):
        house.add_epic()
    result = house.night(allow_changes=60)
    assert result.marked is not None
    assert len(result.marked.parked) + result.marked.dropped == 60
    posts = [request for request in house.jira.requests() if request.path.endswith("remotelink")]
    assert 20 <= len(posts) <= 20 + 16, "no more than were under way when it was clear"


def test_a_site_that_is_down_after_the_labels_leaves_the_markers_to_the_next_night(house: House) -> None:
    keys = [house.add_epic() for _ in range(8)]
    house.jira.before("PUT", "/properties/", lambda _: Answer(503, "down"), None)
    result = house.night(allow_changes=8)
    assert result.exit_code == Exit.OK
    assert [house.labels(key) for key in keys] == [[NO_OBJECTIVE]] * 8
    assert result.marked is not None
    assert result.marked.broken_sites.keys() == {"jira"}
    house.jira.clear_hooks()
    house.night()
    assert [shown(house, key) for key in keys] == [EVERYTHING] * 8
    house.night()
    assert house.writes() == 0


def test_the_marker_waits_for_its_label(house: House) -> None:
    good, bad = house.add_epic(), house.add_epic()
    refuse = Answer(400, {"errorMessages": [], "errors": {"labels": "Field 'labels' cannot be set."}})
    issue = house.jira.site.get(bad).id
    house.jira.before("PUT", rf"/issue/{issue}$", lambda _: refuse, None)
    result = house.night()
    assert result.exit_code == Exit.PARTLY
    assert (shown(house, good), shown(house, bad)) == (EVERYTHING, NOTHING)
    house.jira.clear_hooks()
    house.night()
    assert shown(house, bad) == EVERYTHING


def test_a_night_writes_no_more_markers_than_it_may_and_the_next_go_on(house: House) -> None:
    keys = [house.add_epic() for _ in range(5)]
    house.more |= {"JIRA_MARKERS": "property", "TIELINE_MAX_MARKERS": "2"}
    left = [house.night().markers.left for _ in range(4)]
    assert left == [3, 1, 0, 0]
    assert [shown(house, key) for key in keys] == [(False, True, 0)] * 5


def test_removals_come_before_new_markers(house: House) -> None:
    cured = house.add_epic()
    house.more |= {"JIRA_MARKERS": "property", "TIELINE_MAX_MARKERS": "1"}
    house.night()
    house.serve(cured, "O1")
    fresh = house.add_epic()
    house.night()
    assert (told(house, cured), told(house, fresh)) == (None, None)
    house.night()
    assert told(house, fresh) is not None


def test_a_stopped_plan_and_a_dry_run_write_no_marker_but_show_them(house: House) -> None:
    keys = [house.add_epic() for _ in range(12)]
    stopped = house.night()
    assert stopped.exit_code == Exit.GUARD
    assert stopped.markers.count("put") == 36, "shown, and held back with the labels"
    assert house.night(dry_run=True).markers.count("put") == 36
    assert house.writes() == 0
    assert [shown(house, key) for key in keys] == [NOTHING] * 12
    assert ledger(house) == []


def test_a_reviewed_plan_is_refused_when_other_words_would_be_written(house: House) -> None:
    bad = house.add_epic()
    house.night(dry_run=True)

    def judge(**options: Any) -> RunResult:
        service, sites = house.service()
        try:
            return run_judge(service, Options(**options), Quiet())
        finally:
            sites.close()

    reviewed = judge(dry_run=True).saved
    assert all(change.says.startswith(f"{bad} serves no") for change in reviewed.markers)
    house.more["TIELINE_PUBLIC_URL"] = "https://elsewhere.example.com"
    refused = judge(expected=reviewed)
    assert "what is to be said beside the labels has changed" in refused.stopped[0]
    assert refused.marked is None
    house.more |= ALL
    assert judge(expected=reviewed).marked is not None


def test_an_undo_takes_the_markers_back_with_the_labels(house: House) -> None:
    bad = house.add_epic()
    night = house.night()
    result = undo(house, night.run_id)
    assert house.labels(bad) == []
    assert shown(house, bad) == NOTHING
    assert {(change.marker, change.operation) for change in result.saved.markers} == {
        ("link", "remove"),
        ("property", "remove"),
        ("comment", "remove"),
    }


def test_an_undo_of_a_removal_says_again_what_was_said(house: House) -> None:
    bad = house.add_epic()
    house.night()
    before = (link(house, bad)["object"], told(house, bad))
    house.serve(bad, "O1")
    cleared = house.night()
    undo(house, cleared.run_id)
    assert house.labels(bad) == [NO_OBJECTIVE]
    assert (link(house, bad)["object"], told(house, bad)) == before
    assert shown(house, bad) == EVERYTHING
    house.night()
    assert shown(house, bad) == NOTHING, "the next night judges anew"


def test_an_undo_leaves_no_marker_beside_a_label_that_is_gone(house: House) -> None:
    """The label came in one night, and its markers, held back by the number, in the next."""
    bad = house.add_epic()
    house.more["TIELINE_MAX_MARKERS"] = "0"
    night = house.night()
    house.more["TIELINE_MAX_MARKERS"] = "9"
    house.night()
    assert shown(house, bad) == EVERYTHING
    undo(house, night.run_id)
    assert house.labels(bad) == []
    assert shown(house, bad) == NOTHING


def test_a_run_that_wrote_markers_alone_is_taken_back_to_what_was_said_before(house: House) -> None:
    bad = house.add_epic()
    house.night()
    before = told(house, bad)
    house.more["TIELINE_PUBLIC_URL"] = "https://elsewhere.example.com"
    night = house.night()
    assert told(house, bad) != before
    undo(house, night.run_id, dry_run=True)
    assert told(house, bad) != before
    undo(house, night.run_id)
    assert told(house, bad) == before
    assert house.labels(bad) == [NO_OBJECTIVE]


def test_every_marker_stands_in_the_chain_of_what_was_done(house: House) -> None:
    house.add_epic()
    night = house.night()
    with house.engine.connect() as connection:
        entries = [entry for entry in audit.entries_of(connection, night.run_id) if entry.event == "marker"]
        assert audit.verify(audit.entries_of(connection), audit.heads(connection)).broken is None
    kept = [json.loads(entry.detail) for entry in entries]
    assert sorted(detail["marker"] for detail in kept) == ["comment", "link", "property"]
    assert {(detail["operation"], detail["state"]) for detail in kept} == {("put", "done")}


def test_a_run_that_lost_its_lease_writes_no_marker(house: House) -> None:
    bad = house.add_epic()

    def sleep_through(call: Call) -> None:
        house.now = house.now.replace(year=house.now.year + 1)

    house.jira.before("POST", "/remotelink", sleep_through, 1)
    with pytest.raises(LeaseHeld):
        house.night()
    assert told(house, bad) is None
    house.jira.clear_hooks()
    house.night()
    assert shown(house, bad) == EVERYTHING
