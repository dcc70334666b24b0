"""From a change in Jira to the label gone: what a webhook hints at is judged at once, and nothing else is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from sync.frame.lease import take_lease
from sync.hooks.receiving import LARGEST
from sync.sandbox import Deployment
from sync.sandbox.answers import Answer
from sync.store import tables
from sync.store.schema import table_of
from tests.sync.hooks.gatehouse import guarded
from tests.sync.house import NO_OBJECTIVE, House


def test_an_epic_that_gets_its_objective_loses_its_label_and_the_next_night_has_nothing_to_do(
    house: House,
) -> None:
    with guarded(house) as gate:
        house.serve("PAY-2", "O1")
        assert gate.tell("PAY-2").status_code == 202
        gate.until(lambda: gate.labels("PAY-2") == [])
        gate.until(gate.settled)
        assert [(row.operation, row.state) for row in gate.writes()] == [("remove", "done")]
    assert [it for it in house.findings() if it[2] == "open"] == [
        (key, "epic-without-objective", "open") for key in ("PAY-3", "PAY-4")
    ]
    house.night()
    assert house.writes() == 0


@pytest.mark.parametrize("deployment", [Deployment.DATA_CENTER])
def test_on_data_center_too(house: House) -> None:
    with guarded(house) as gate:
        house.serve("PAY-2", "O1")
        gate.tell("PAY-2")
        gate.until(lambda: gate.labels("PAY-2") == [])


def test_an_epic_that_loses_its_objective_and_a_new_one_without_are_labelled(house: House) -> None:
    with guarded(house) as gate:
        house.serve("PAY-1", "")
        house.add_epic(key="PAY-9")
        gate.tell("PAY-1")
        gate.tell("PAY-9", "jira:issue_created")
        gate.until(lambda: gate.labels("PAY-1") == gate.labels("PAY-9") == [NO_OBJECTIVE])
    house.night()
    assert house.writes() == 0


def depths(house: House) -> list[tuple[str, int]]:
    """Which items are tied to an objective, and over how many levels."""
    link, item = table_of(tables.ObjectiveLink), table_of(tables.WorkItem)
    rows = house.rows(
        select(item.c.key, link.c.depth, link.c.counts, link.c.evidence)
        .join_from(link, item, item.c.id == link.c.work_item_id)
        .order_by(item.c.key, link.c.evidence)
    )
    return [tuple(row) for row in rows]


def test_what_is_below_an_item_is_tied_as_a_whole_night_would(house: House) -> None:
    house.more["JIRA_JQL"] = "project = PAY"
    house.add_epic(key="PAY-20")
    story = {"project": "PAY", "summary": "Below", "issuetype": "Story", "parent": {"key": "PAY-20"}}
    for key in ("PAY-21", "PAY-22"):
        house.jira.site.add_issue({**story, "key": key})
    house.night()
    with guarded(house) as gate:
        house.serve("PAY-20", "O1", "O2")
        house.serve("PAY-21", "O2")
        gate.tell("PAY-20")
        gate.tell("PAY-21")
        gate.until(lambda: gate.labels("PAY-20") == [])
        gate.until(gate.settled)
    instant = depths(house)
    assert [(row[0], row[1]) for row in instant if row[0] != "PAY-1"] == [
        ("PAY-20", 0), ("PAY-20", 0), ("PAY-21", 0), ("PAY-21", 1), ("PAY-21", 1),
        ("PAY-22", 1), ("PAY-22", 1),
    ]  # fmt: skip
    house.night(whole=True)
    assert sorted(depths(house)) == sorted(instant)


def test_what_is_two_levels_down_inherits_each_tie_once(house: House) -> None:
    house.more["JIRA_JQL"] = "project = PAY"
    house.add_epic("O1", key="PAY-20")
    for key, parent in (("PAY-21", "PAY-20"), ("PAY-22", "PAY-21")):
        fields = {"project": "PAY", "key": key, "summary": "Below", "issuetype": "Story"}
        house.jira.site.add_issue({**fields, "parent": {"key": parent}})
    house.night()
    nightly = depths(house)
    assert [row[1] for row in nightly if row[0] == "PAY-22"] == [2]
    with guarded(house) as gate:
        gate.tell("PAY-22")
        gate.until(gate.settled)
        assert gate.hints.told["looked at"] == 1
    assert depths(house) == nightly


def test_an_epic_that_leaves_the_scope_loses_its_label_at_once(house: House) -> None:
    house.more["JIRA_JQL"] = "issuetype = Epic AND status != Done"
    house.night()
    with guarded(house) as gate:
        house.jira.site.edit("PAY-2", {"status": "Done"})
        gate.tell("PAY-2")
        gate.until(lambda: gate.labels("PAY-2") == [])


def test_forged_oversized_and_useless_deliveries_change_nothing_and_are_counted(house: House) -> None:
    with guarded(house) as gate:
        house.serve("PAY-2", "O1")
        body = b'{"webhookEvent": "jira:issue_updated", "issue": {"id": "%s"}}' % (
            house.jira.site.get("PAY-2").id.encode()
        )
        assert gate.send(body, {}).status_code == 401
        assert gate.send(body, {"X-Hub-Signature": "sha256=" + "0" * 64}).status_code == 401
        assert gate.deliver({"issue": 1}, secret="another secret, not ours").status_code == 401
        assert gate.deliver({"issue": 1}, site="elsewhere").status_code == 401
        assert gate.deliver(b"x" * (LARGEST + 1)).status_code == 413
        assert gate.session.post(f"{gate.url}/hooks/jira", data=iter([b"x" * 70_000] * 20)).status_code == 413
        assert gate.deliver(b"no json").status_code == 202
        assert (
            gate.deliver({"webhookEvent": "jira:issue_updated", "issue": {"id": "99999"}}).status_code == 202
        )
        gate.until(gate.settled)
        assert dict(gate.hints.told) == {
            "forged": 4, "oversized": 2, "of no use": 1, "taken": 1, "looked at": 1,
        }  # fmt: skip
        assert gate.labels("PAY-2") == [NO_OBJECTIVE]
        assert gate.writes() == []


def test_a_queue_that_is_full_says_so_and_the_night_does_the_rest(house: House) -> None:
    with guarded(house, room=1) as gate:
        house.serve("PAY-2", "O1")
        ends = {"sourceIssueId": gate.id("PAY-2"), "destinationIssueId": gate.id("PAY-3")}
        answer = gate.deliver({"webhookEvent": "issuelink_created", "issueLink": ends})
        assert (answer.status_code, dict(gate.hints.told)) == (503, {"no room": 1})
        assert gate.labels("PAY-2") == [NO_OBJECTIVE]
    house.night()
    assert house.labels("PAY-2") == []


def test_while_a_night_is_at_work_a_hint_waits_for_its_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sync.hooks.worker.AGAIN_SECONDS", 0.05)
    with house.engine.begin() as connection:
        lease = take_lease(house.engine, connection, "the night", lambda: house.now)
    with guarded(house) as gate:
        house.serve("PAY-2", "O1")
        gate.tell("PAY-2")
        gate.until(lambda: bool(gate.hints.waiting))
        assert gate.labels("PAY-2") == [NO_OBJECTIVE]
        with house.engine.begin() as connection:
            lease.free(connection, house.now)
        gate.until(lambda: gate.labels("PAY-2") == [])


RULES = """\
version: 1
rules:
  - id: epic-without-objective
    when: issuetype = Epic
    label: no-objective
    tests: [{flag: {issuetype: Epic}}, {pass: {issuetype: Story}}]
"""


def test_rules_that_no_night_has_judged_by_label_nothing_at_once(house: House) -> None:
    edited = house.folder / "rules.yaml"
    edited.write_text(RULES, encoding="utf-8")
    house.more["TIELINE_RULES"] = str(edited)
    with guarded(house) as gate:
        gate.tell("PAY-1")
        gate.until(gate.settled)
        assert gate.hints.told["left to the night"] == 1
        assert gate.labels("PAY-1") == []


def test_a_source_that_was_not_read_whole_leaves_everything_to_the_night(house: House) -> None:
    (house.folder / "objectives.csv").write_text("nonsense\n", encoding="utf-8")
    house.night()
    with guarded(house) as gate:
        house.serve("PAY-2", "O1")
        gate.tell("PAY-2")
        gate.until(gate.settled)
        assert gate.hints.told["left to the night"] == 1
    assert house.labels("PAY-2") == [NO_OBJECTIVE]


def test_many_small_plans_are_stopped_where_one_large_one_would_be(house: House) -> None:
    house.more["TIELINE_MAX_CHANGES"] = "2"
    with guarded(house) as gate:
        for number in (2, 3, 4):
            house.serve(f"PAY-{number}", "O1")
            gate.tell(f"PAY-{number}")
            gate.until(lambda at=number: gate.hints.told["looked at"] >= at - 1)  # type: ignore[misc]
        assert len(gate.writes()) == 2
    run = table_of(tables.Run)
    newest = house.rows(select(run).order_by(run.c.id.desc()).limit(1))[0]
    assert (newest.trigger, newest.status) == ("webhook", "stopped by the guard")
    assert "TIELINE_MAX_CHANGES allows 2" in newest.message


def test_an_error_of_jira_leaves_it_to_the_night_and_the_next_hint_is_looked_at(house: House) -> None:
    with guarded(house) as gate:
        house.jira.before(
            "POST", "issue/bulkfetch", lambda _: Answer(403, {"errorMessages": ["no"]}), times=1
        )
        house.serve("PAY-2", "O1")
        gate.tell("PAY-2")
        gate.until(lambda: gate.hints.told["left to the night"] == 1)
        assert gate.said[0].startswith("What webhooks hinted at is left to the night: ")
        gate.tell("PAY-2")
        gate.until(lambda: gate.labels("PAY-2") == [])


def test_the_clock_may_be_far_from_the_last_night(house: House) -> None:
    house.now += timedelta(days=30)
    with guarded(house) as gate:
        house.serve("PAY-2", "O1")
        gate.tell("PAY-2")
        gate.until(gate.settled)
        assert gate.hints.told["left to the night"] == 1
