"""One night after another on a sandbox Jira: what is flagged is labelled, and nothing else is touched."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from connectors.base import LabelWriter
from connectors.jira import JiraSiteConfig
from sync.errors import Exit, LeaseHeld
from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.night import run_judge, run_night, run_pull
from sync.sandbox import Answer, Call, Deployment, Sandbox
from sync.service.cron import Slot
from sync.store import history, labels, runs, tables
from sync.store.schema import table_of
from tests.clock import NOW
from tests.sync.dying_night import DIED
from tests.sync.house import NO_OBJECTIVE, OBJECTIVES, House

ROOT = Path(__file__).parents[2]
# The requests that a site's threads may have under way at once.
PARALLEL = JiraSiteConfig.model_fields["parallel"].default


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def house(request: pytest.FixtureRequest, engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(request.param) as jira:
        yield House(jira, tmp_path, engine).furnish()


@pytest.fixture
def cloud(engine: Engine, tmp_path: Path) -> Iterator[House]:
    with Sandbox(Deployment.CLOUD) as jira:
        yield House(jira, tmp_path, engine).furnish()


def test_what_serves_nothing_is_labelled_and_what_is_mended_loses_its_label(house: House) -> None:
    good, bad = house.add_epic("O1"), house.add_epic(labels=["people's own"])
    done = house.add_epic(status="Done")
    first = house.night()
    assert (first.exit_code, first.status) == (Exit.OK, "done")
    assert house.labels(bad) == [NO_OBJECTIVE, "people's own"]
    assert (house.labels(good), house.labels(done)) == ([], [])
    assert house.writes() == 1
    second = house.night()
    assert (second.exit_code, house.writes()) == (Exit.OK, 0)
    house.serve(bad, "O2")
    third = house.night()
    assert (third.exit_code, house.writes()) == (Exit.OK, 1)
    assert house.labels(bad) == ["people's own"]
    assert house.ledger() == [(bad, "add", "done"), (bad, "remove", "done")]
    assert house.findings() == [(bad, "epic-without-objective", "closed")]
    assert house.night().exit_code == Exit.OK
    assert house.writes() == 0


def test_a_dry_run_writes_nothing_and_says_what_it_would_write(house: House) -> None:
    bad = house.add_epic()
    result = house.night(dry_run=True)
    assert result.exit_code == Exit.OK
    assert [(c.ticket.issue_key, c.operation, c.label) for c in result.plan.changes] == [
        (bad, "add", NO_OBJECTIVE)
    ]
    assert (house.writes(), house.labels(bad), house.ledger()) == (0, [], [])
    house.night()
    assert house.labels(bad) == [NO_OBJECTIVE]


def test_labels_of_people_survive_whatever_they_do_before_and_during_the_run(house: House) -> None:
    forged = house.add_epic("O1", labels=[NO_OBJECTIVE, "align-by-hand"])
    flagged = [house.add_epic(labels=["before"]) for _ in range(3)]

    def meddle(call: Call) -> None:
        for key in flagged:
            house.jira.site.label(key, ["during", "align-during"], ["before"])

    house.before_write(meddle)
    assert house.night().exit_code == Exit.OK
    for key in flagged:
        assert house.labels(key) == ["align-during", NO_OBJECTIVE, "during"]
    assert house.labels(forged) == ["align-by-hand", NO_OBJECTIVE], "forged by people: not ours to remove"
    for key in flagged:
        house.serve(key, "O1")
    house.jira.site.label(flagged[0], ["later"])
    assert house.night().exit_code == Exit.OK
    assert house.labels(flagged[0]) == ["align-during", "during", "later"]
    assert house.labels(flagged[1]) == ["align-during", "during"]
    assert house.labels(forged) == ["align-by-hand", NO_OBJECTIVE]


def test_a_label_that_people_take_away_comes_back_while_the_epic_serves_nothing(house: House) -> None:
    bad = house.add_epic()
    house.night()
    house.jira.site.label(bad, remove=[NO_OBJECTIVE])
    house.night()
    assert house.labels(bad) == [NO_OBJECTIVE]
    house.night()
    assert house.writes() == 0


def test_a_label_of_ours_that_people_took_off_and_put_on_again_is_theirs(house: House) -> None:
    bad = house.add_epic()
    first = house.night()
    house.serve(bad, "O1")
    house.jira.site.label(bad, remove=[NO_OBJECTIVE])
    house.night()
    assert house.ledger() == [(bad, "add", "done"), (bad, "remove", "by people")]
    house.jira.site.label(bad, add=[NO_OBJECTIVE])
    house.night()
    assert (house.writes(), house.labels(bad)) == (0, [NO_OBJECTIVE])
    with house.engine.connect() as connection:
        assert [lost for *_, lost in labels.made_by(connection, first.run_id)] == [True]


def test_without_the_objectives_file_nothing_is_judged_that_asks_for_objectives(cloud: House) -> None:
    good = cloud.add_epic("O1")
    cloud.night()
    (cloud.folder / "objectives.csv").unlink()
    result = cloud.night()
    assert (result.exit_code, result.status) == (Exit.USAGE, "incomplete")
    assert "epic-without-objective" in result.judgement.frozen
    assert (cloud.writes(), cloud.labels(good)) == (0, [])
    assert "objectives.csv" in str([pulled.message for pulled in result.pulled])


def test_a_ticket_that_leaves_the_scope_is_no_longer_judged_and_loses_its_label(house: House) -> None:
    """The usual scope of a team leaves out what is done: the ticket is still there, but not listed."""
    house.more = {"JIRA_JQL": "project = PAY AND statusCategory != Done"}
    bad, other = house.add_epic(labels=["people's own"]), house.add_epic()
    assert house.night().exit_code == Exit.OK
    assert house.labels(bad) == [NO_OBJECTIVE, "people's own"]
    house.jira.site.edit(bad, {"status": "Done"})
    assert house.night().exit_code == Exit.OK
    assert house.labels(bad) == ["people's own"]
    assert house.labels(other) == [NO_OBJECTIVE]
    assert (bad, "epic-without-objective", "closed") in house.findings()
    assert house.night().exit_code == Exit.OK
    assert house.writes() == 0
    house.jira.site.edit(bad, {"status": "To Do"})
    assert house.night().exit_code == Exit.OK
    assert house.labels(bad) == [NO_OBJECTIVE, "people's own"], "it is judged again once it is back"


def test_a_label_that_could_not_be_taken_off_is_tried_again_while_the_ticket_is_out_of_scope(
    house: House,
) -> None:
    house.more = {"JIRA_JQL": "project = PAY AND statusCategory != Done"}
    bad = house.add_epic()
    house.night()
    house.jira.site.edit(bad, {"status": "Done"})
    locked = house.jira.site.permissions.read_only_issues
    locked.add(house.jira.site.get(bad).id)
    for _ in range(3):
        assert house.night(retry=True).exit_code == Exit.PARTLY
        assert house.labels(bad) == [NO_OBJECTIVE]
    locked.clear()
    assert house.night(retry=True).exit_code == Exit.OK
    assert house.labels(bad) == []
    for _ in range(3):
        assert house.night().exit_code == Exit.OK
        assert house.writes() == 0


def test_labels_of_an_older_prefix_are_taken_off_but_those_of_people_stay(house: House) -> None:
    bad = house.add_epic(labels=["align-by-hand"])
    house.night()
    assert house.labels(bad) == ["align-by-hand", NO_OBJECTIVE]
    house.more = {"TIELINE_LABEL_PREFIX": "tie-"}
    assert house.night().exit_code == Exit.OK
    assert house.labels(bad) == ["align-by-hand", "tie-no-objective"]
    assert house.night().exit_code == Exit.OK
    assert house.writes() == 0


def test_a_jira_that_cannot_be_reached_freezes_everything(house: House) -> None:
    good, bad = house.add_epic("O1"), house.add_epic()
    house.night()
    before = house.findings()
    house.serve(bad, "O1")
    house.serve(good)
    house.more = {"JIRA_URL": "http://127.0.0.1:9"}
    result = house.night()
    assert (result.exit_code, result.status) == (Exit.INCOMPLETE, "incomplete")
    assert set(result.judgement.frozen) >= {"epic-without-objective", "epic-on-dead-objective"}
    assert not result.plan
    assert (house.writes(), house.labels(bad), house.findings()) == (0, [NO_OBJECTIVE], before)
    house.more = {}
    assert house.night().exit_code == Exit.OK
    assert (house.labels(good), house.labels(bad)) == ([NO_OBJECTIVE], [])


def test_a_read_that_breaks_off_half_way_freezes_everything(cloud: House) -> None:
    bad = cloud.add_epic()
    cloud.night()
    cloud.serve(bad, "O1")
    cloud.jira.before("POST", r"/search/jql", lambda call: Answer(200, {"issues": [], "isLast": False}), 1)
    result = cloud.night()
    assert result.exit_code == Exit.INCOMPLETE
    assert (cloud.writes(), cloud.labels(bad)) == (0, [NO_OBJECTIVE])


def test_a_site_that_could_not_be_read_whole_is_not_written_to(cloud: House) -> None:
    bad = cloud.add_epic()
    assert cloud.night(dry_run=True).plan, "the finding is open, and its label still to be written"
    cloud.jira.before("POST", r"/search/jql", lambda call: Answer(200, {"issues": [], "isLast": False}), 1)
    result = cloud.night()
    assert (result.exit_code, cloud.writes(), cloud.labels(bad)) == (Exit.INCOMPLETE, 0, [])
    assert not result.plan


def test_a_wrong_credential_is_told_by_its_own_exit_code(house: House) -> None:
    bad = house.add_epic()
    secret = (
        {"JIRA_API_TOKEN": "wrong"} if house.jira.deployment is Deployment.CLOUD else {"JIRA_PAT": "wrong"}
    )
    house.more = secret
    result = house.night()
    assert result.exit_code == Exit.ACCESS
    assert (house.writes(), house.labels(bad)) == (0, [])
    assert "mistyped" not in str([pulled.message for pulled in result.pulled])


def test_a_source_that_shrank_too_much_is_not_believed(house: House) -> None:
    epics = [house.add_epic("O1") for _ in range(9)]
    bad = house.add_epic()
    house.night()
    for key in epics[:5]:
        house.jira.site.delete(key)
    result = house.night()
    assert result.exit_code == Exit.INCOMPLETE
    held = next(pulled for pulled in result.pulled if pulled.status == "held")
    assert held.message == (
        "5 of 10 known rows are gone; TIELINE_MAX_SHRINK allows 20%. Nothing was deleted and its findings "
        "are frozen. If this is meant, run once with --allow-shrink."
    )
    assert house.writes() == 0
    assert house.night(allow_shrink=True).exit_code == Exit.OK
    assert house.labels(bad) == [NO_OBJECTIVE]


def test_too_large_a_plan_is_stopped_before_the_first_write(house: House) -> None:
    epics = [house.add_epic() for _ in range(12)]
    result = house.night()
    assert (result.exit_code, result.status) == (Exit.GUARD, "stopped by the guard")
    assert result.stopped == [
        (
            "The plan changes 12 of 12 tickets; TIELINE_MAX_SHARE allows 20%. "
            "If this is meant, run once with --allow-changes 12."
        )
    ]
    assert (house.writes(), house.ledger()) == (0, [])
    assert house.night(allow_changes=12).exit_code == Exit.OK
    assert all(house.labels(key) == [NO_OBJECTIVE] for key in epics)


def test_while_another_run_is_at_work_none_begins(cloud: House) -> None:
    cloud.add_epic()
    with cloud.engine.begin() as connection:
        runs.take_lease(connection, "elsewhere:1", NOW, timedelta(days=2))
    with pytest.raises(LeaseHeld, match=r"Another run \(elsewhere:1\) is at work") as held:
        cloud.night()
    assert held.value.exit_code == Exit.LEASE
    assert len(cloud.jira.requests()) == 0
    cloud.now += timedelta(days=3)
    assert cloud.night().exit_code == Exit.OK


def test_a_run_that_loses_its_lease_stops_writing(cloud: House) -> None:
    """What its threads have sent already cannot be called back; nothing more is sent."""
    cloud.more = {"TIELINE_MAX_SHARE": "100%"}
    keys = [cloud.add_epic() for _ in range(30)]

    def steal(call: Call) -> None:
        cloud.now += timedelta(hours=1)
        with cloud.engine.begin() as connection:
            runs.take_lease(connection, "elsewhere:1", cloud.now, timedelta(hours=1))

    cloud.before_write(steal)
    with pytest.raises(LeaseHeld, match=r"(slept through|lost) its lease"):
        cloud.night()
    assert 1 <= sum(map(len, map(cloud.labels, keys))) <= PARALLEL
    cloud.now += timedelta(hours=2)
    assert cloud.night().exit_code == Exit.OK
    assert [cloud.labels(key) for key in keys] == [[NO_OBJECTIVE]] * 30


def test_a_run_that_wakes_after_its_lease_writes_nothing_at_all(cloud: House) -> None:
    keys = [cloud.add_epic() for _ in range(3)]
    service, sites = cloud.service()

    def asleep(permit: Callable[[], None], older: frozenset[str]) -> Mapping[str, LabelWriter]:
        cloud.now += timedelta(hours=1)
        return sites.writers(permit, older)

    with pytest.raises(LeaseHeld, match="slept through its lease, so it writes no more"):
        run_night(replace(service, writers=asleep), Options(), Quiet())
    sites.close()
    assert cloud.writes() == 0
    assert [cloud.labels(key) for key in keys] == [[], [], []]


def test_a_scheduled_night_runs_once_however_many_watch(cloud: House) -> None:
    slot = ("night", Slot(NOW, NOW.date().isoformat()))
    assert cloud.night(slot=slot).exit_code == Exit.OK
    with pytest.raises(LeaseHeld, match="has been run already"):
        cloud.night(slot=slot)
    assert len(cloud.jira.requests()) == 0
    assert cloud.night().exit_code == Exit.OK, "the lease was given back"


def die_at(house: House, database_url: str, write: int, when: str) -> None:
    """Run a night that is killed at a write; then a day passes, so that its lease has run out."""
    given = [json.dumps(house.environ()), database_url, str(write), when]
    killed = subprocess.run(
        [sys.executable, "-m", "tests.sync.dying_night", *given], cwd=ROOT, check=False, capture_output=True
    )
    assert killed.returncode == DIED, killed.stderr.decode()
    house.now += timedelta(days=1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_night_killed_while_writing_is_made_good_by_the_next_one(
    house: House, database_url: str, when: str
) -> None:
    keys = [house.add_epic() for _ in range(4)]
    die_at(house, database_url, 2, when)
    labelled = 2 if when == "after" else 1
    assert sum(bool(house.labels(key)) for key in keys) == labelled
    assert [state for _, _, state in house.ledger()].count("intended") == 3
    result = house.night()
    assert result.exit_code == Exit.OK
    assert house.writes() == 4 - labelled
    assert [house.labels(key) for key in keys] == [[NO_OBJECTIVE]] * 4
    assert "intended" not in [state for _, _, state in house.ledger()]
    with house.engine.connect() as connection:
        assert history.newest_runs(connection, 2)[1].status == "killed"
    for key in keys:
        house.serve(key, "O1")
    house.night()
    assert [house.labels(key) for key in keys] == [[]] * 4, "what the killed run wrote is ours to remove"
    house.night()
    assert house.writes() == 0


def test_after_a_kill_a_night_without_jira_does_not_forget_what_was_written(
    cloud: House, database_url: str
) -> None:
    bad = cloud.add_epic()
    die_at(cloud, database_url, 1, "after")
    assert cloud.labels(bad) == [NO_OBJECTIVE]
    cloud.more = {"JIRA_URL": "http://127.0.0.1:9"}
    assert cloud.night().exit_code == Exit.INCOMPLETE
    cloud.more = {}
    cloud.serve(bad, "O1")
    assert cloud.night().exit_code == Exit.OK
    assert cloud.labels(bad) == []


def test_a_ticket_that_may_not_be_edited_is_parked_and_the_rest_goes_on(house: House) -> None:
    locked, free = house.add_epic(), house.add_epic()
    house.jira.site.permissions.read_only_issues.add(house.jira.site.get(locked).id)
    result = house.night()
    assert (result.exit_code, result.status) == (Exit.PARTLY, "partly done")
    assert (house.labels(locked), house.labels(free)) == ([], [NO_OBJECTIVE])
    assert result.written is not None
    assert [parked.ticket.issue_key for parked in result.written.parked] == [locked]
    house.jira.site.permissions.read_only_issues.clear()
    assert house.night().exit_code == Exit.OK
    assert house.labels(locked) == [NO_OBJECTIVE]


def test_an_objective_that_lives_in_jira_reaches_epics_through_parents_outside_the_scope(
    house: House,
) -> None:
    house.more = {"JIRA_OBJECTIVE_JQL": "issuetype = Initiative", "OBJECTIVES_PATH": ""}
    site = house.jira.site
    objective = site.add_issue({"project": "PAY", "issuetype": "Initiative", "summary": "Grow"})
    child = house.add_epic()
    if house.jira.deployment is Deployment.CLOUD:
        site.edit(child, {"parent": objective})
    else:
        link = {"type": {"name": "Relates"}, "outwardIssue": {"id": site.get(objective).id, "key": objective}}
        site.edit(child, {"issuelinks": [link]})
    alone = house.add_epic()
    assert house.night().exit_code == Exit.OK
    assert (house.labels(child), house.labels(alone)) == ([], [NO_OBJECTIVE])
    site.edit(objective, {"status": "Done"})
    assert house.night().exit_code == Exit.OK
    assert house.labels(child) == ["align-dead-objective"]


def test_a_parent_outside_the_scope_is_not_judged_and_not_counted(house: House) -> None:
    house.more = {"JIRA_JQL": "issuetype = Story", "TIELINE_RULES": str(house.folder / "rules.yaml")}
    (house.folder / "rules.yaml").write_text(STORY_RULE, encoding="utf-8")
    parent = house.add_epic("O1")
    orphan = house.add_epic()
    served = house.jira.site.add_issue(
        {"project": "PAY", "issuetype": "Story", "summary": "S", "parent": parent}
    )
    loose = house.jira.site.add_issue(
        {"project": "PAY", "issuetype": "Story", "summary": "S", "parent": orphan}
    )
    assert house.night().exit_code == Exit.OK
    assert (house.labels(served), house.labels(loose)) == ([], ["align-nothing"])
    assert (house.labels(parent), house.labels(orphan)) == ([], [])
    coverage = table_of(tables.Coverage)
    rows = house.rows(
        select(coverage.c.state, coverage.c["items"]).where(
            coverage.c.project_key == "", coverage.c.currency == ""
        )
    )
    assert sorted(tuple(row) for row in rows) == [("aligned", 1), ("unaligned", 1)]


STORY_RULE = """
version: 1
rules:
  - id: serves-nothing
    title: Serves nothing
    when: objective IS EMPTY
    severity: warning
    label: nothing
    message: "{key} serves nothing"
    tests:
      - flag: {issuetype: Story}
      - pass: {issuetype: Story, objective: O1}
"""


def test_an_issue_missing_for_one_night_keeps_its_label_and_its_finding(cloud: House) -> None:
    bad, others = cloud.add_epic(), [cloud.add_epic("O1") for _ in range(4)]
    cloud.night()
    hidden = cloud.jira.site.permissions.hidden_issues
    hidden.add(cloud.jira.site.get(bad).id)
    assert cloud.night().exit_code == Exit.OK
    assert cloud.findings() == [(bad, "epic-without-objective", "open")]
    hidden.clear()
    assert cloud.night().exit_code == Exit.OK
    assert (cloud.writes(), cloud.labels(bad)) == (0, [NO_OBJECTIVE])
    for key in others:
        assert cloud.labels(key) == []


def test_an_issue_that_moves_keeps_its_identity(house: House) -> None:
    bad = house.add_epic()
    house.jira.site.add_project("WEB", "Web")
    house.night()
    moved = house.jira.site.move(bad, "WEB")
    house.night()
    assert (house.writes(), house.findings()) == (0, [(moved, "epic-without-objective", "open")])
    house.serve(moved, "O1")
    house.night()
    assert house.labels(moved) == []


def test_pull_check_and_apply_make_a_night_together(cloud: House) -> None:
    bad = cloud.add_epic()
    service, sites = cloud.service()
    run_pull(service, Options(), Quiet())
    sites.close()
    planned = run_judge(service, Options(dry_run=True), Quiet())
    assert cloud.writes() == 0
    applied = run_judge(service, Options(expected=planned.saved), Quiet())
    sites.close()
    assert (applied.exit_code, cloud.labels(bad)) == (Exit.OK, [NO_OBJECTIVE])


def test_a_jira_that_goes_away_before_the_first_write_drops_the_intents(cloud: House) -> None:
    bad = cloud.add_epic()
    service, sites = cloud.service()
    run_pull(service, Options(), Quiet())
    sites.close()
    cloud.more = {"JIRA_URL": "http://127.0.0.1:9"}
    service, sites = cloud.service()
    result = run_judge(service, Options(), Quiet())
    sites.close()
    assert result.exit_code == Exit.PARTLY
    assert cloud.ledger() == [(bad, "add", "dropped")]
    assert (result.written.open, result.written.dropped) == (0, 1) if result.written else False
    cloud.more = {}
    assert cloud.night().exit_code == Exit.OK
    assert cloud.labels(bad) == [NO_OBJECTIVE]


def test_a_rule_that_is_taken_away_takes_its_labels_along(cloud: House) -> None:
    bad = cloud.add_epic()
    cloud.night()
    (cloud.folder / "rules.yaml").write_text(STORY_RULE.replace("objective IS EMPTY", 'issuetype = "Story"'))
    cloud.more = {"TIELINE_RULES": str(cloud.folder / "rules.yaml")}
    (cloud.folder / "rules.yaml").write_text(
        STORY_RULE.replace("when: objective", "when: issuetype = Story AND objective")
    )
    assert cloud.night().exit_code == Exit.OK
    assert cloud.labels(bad) == []


def test_the_objectives_file_may_come_in_between(cloud: House) -> None:
    late = cloud.add_epic("O3")
    cloud.night()
    assert cloud.labels(late) == [NO_OBJECTIVE]
    (cloud.folder / "objectives.csv").write_text(OBJECTIVES + "O3,New\n", encoding="utf-8")
    cloud.night()
    assert cloud.labels(late) == []


def test_a_label_that_people_take_off_comes_back_once_and_is_then_taken_for_an_objection(
    house: House,
) -> None:
    bad = house.add_epic()
    for _ in range(2):
        house.night()
        assert house.labels(bad) == [NO_OBJECTIVE]
        house.jira.site.label(bad, remove=[NO_OBJECTIVE])
    for _ in range(30):
        result = house.night()
        assert house.labels(bad) == []
        assert [change.ticket.issue_key for change in result.plan.disputed] == [bad]
    house.serve(bad, "O1")
    assert house.night().plan.disputed == ()
    house.serve(bad)
    house.night()
    assert house.labels(bad) == [NO_OBJECTIVE], "a new finding is a new question"


def test_a_ticket_that_refuses_is_asked_more_and_more_rarely_and_at_once_on_demand(house: House) -> None:
    bad = house.add_epic()
    house.jira.site.permissions.read_only_issues.add(house.jira.site.get(bad).id)
    asked = []
    for night in range(20):
        result = house.night()
        asked += [night] if house.writes() else []
        assert result.exit_code == (Exit.PARTLY if house.writes() else Exit.OK)
        assert bool(result.plan.postponed) == (not house.writes())
    assert asked == [0, 1, 3, 7, 14]
    house.jira.site.permissions.read_only_issues.clear()
    house.night(retry=True)
    assert house.labels(bad) == [NO_OBJECTIVE]
