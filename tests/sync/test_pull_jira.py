"""Pulling a Jira night after night: only changes are read; nothing is lost, raised again or buried alive."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, select

from connectors.base import Known
from connectors.census import Census, Entry
from connectors.pages import Page, Proof
from connectors.records import WorkItem
from sync.errors import Exit
from sync.feeds import Feed, Kind
from sync.frame.progress import Quiet
from sync.pull import Pull
from sync.sandbox import Answer, Call, Deployment, Sandbox
from sync.sandbox.mischief import Mischief
from sync.store.database import open_store
from sync.store.money.guards import Allowed
from tests.clock import NOW
from tests.sync.making import begin_run, epic, work_item
from tests.sync.office import Clock, Office


@pytest.fixture(params=list(Deployment), ids=["cloud", "dc"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    chosen: Deployment = request.param
    return chosen


@pytest.fixture
def office(deployment: Deployment, tmp_path: Path) -> Iterator[Office]:
    clock, engine = Clock(), open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    with Sandbox(deployment, now=clock, views_max=4) as jira:
        yield Office(jira, engine, clock).furnish()
    engine.dispose()


@pytest.fixture
def office_of_both(deployment: Deployment, engine: Engine) -> Iterator[Office]:
    """The office with its store on SQLite and on PostgreSQL."""
    clock = Clock()
    with Sandbox(deployment, now=clock, views_max=4) as jira:
        yield Office(jira, engine, clock).furnish()


def standing(office: Office, key: str) -> tuple[str, str | None]:
    """Whether a row is there, missing or deleted, and why it is absent."""
    row = office.row(key)
    word = "deleted" if row.deleted_at else "missing" if row.missing_since else "there"
    return word, row.absence


def test_a_second_night_lists_everything_and_reads_only_what_changed(office_of_both: Office) -> None:
    office = office_of_both
    assert office.pull().complete
    first = office.told()
    assert (first.reading, first.expected, first.seen, first.unexplained) == ("whole", 12, 12, 0)
    office.clock.now += timedelta(days=3)
    assert office.pull().complete, "what was written before the first night is out of the window by now"
    office.jira.site.edit("PAY-1", {"summary": "Edited"})
    born = office.add("PAY")
    assert office.pull().complete
    told = office.told()
    assert (told.reading, told.expected, told.seen, told.records) == ("changes", 13, 13, 2)
    assert office.held() == office.there()
    assert office.row("PAY-1").summary == "Edited"
    assert office.row(born).last_seen == office.clock.now


# --- what is gone


def test_a_deleted_issue_is_buried_when_it_is_missed_twice_with_the_evidence(office_of_both: Office) -> None:
    office = office_of_both
    office.pull()
    office.jira.site.delete("PAY-2")
    assert office.pull().complete
    assert standing(office, "PAY-2") == ("missing", "deleted")
    assert office.told().explained == '{"deleted": 1}'
    assert office.row("PAY-2").absent_why == (
        "Jira does not give it by its id, though project PAY is open to the account"
    )
    assert office.pull().complete
    assert standing(office, "PAY-2") == ("deleted", "deleted")
    assert office.held() == office.there()


def test_an_issue_that_is_hidden_for_a_night_is_there_again_though_nobody_edited_it(office: Office) -> None:
    office.pull()
    office.pull(after=timedelta(days=2))
    hidden = office.jira.site.permissions.hidden_issues
    hidden.add(office.jira.site.get("PAY-2").id)
    assert office.pull().complete
    assert standing(office, "PAY-2") == ("missing", "deleted")
    hidden.clear()
    assert office.pull().complete
    assert standing(office, "PAY-2") == ("there", None)


def test_an_issue_moved_out_of_the_scope_is_told_from_a_deleted_one_at_once(office: Office) -> None:
    office.pull()
    moved = office.jira.site.move("PAY-2", "OUT")
    assert office.pull().complete
    row = office.row(moved)
    assert (row.in_scope, row.missing_since, row.absence) == (False, None, "left the scope")
    assert row.absent_why == f"Jira gives {moved}, and JIRA_JQL does not match it"
    back = office.jira.site.move(moved, "PAY")
    assert office.pull().complete
    row = office.row(back)
    assert (row.in_scope, row.absence) == (True, None)
    assert office.held() == office.there()


def test_a_project_that_is_no_longer_shown_is_gone_as_such_and_comes_back(office: Office) -> None:
    office.jql = "issuetype = Epic"
    office.pull()
    office.jira.site.permissions.hidden_projects.add("WEB")
    for _ in range(2):
        assert office.pull().complete
    assert standing(office, "WEB-1") == ("deleted", "project gone")
    assert "project WEB is deleted or no longer visible" in office.row("WEB-1").absent_why
    office.jira.site.permissions.hidden_projects.clear()
    assert office.pull().complete
    assert standing(office, "WEB-1") == ("there", None)
    assert office.held() == office.there()


def test_an_account_that_may_no_longer_browse_is_told_from_deletion(office: Office) -> None:
    office.pull()
    office.jira.site.permissions.hidden_issues.add(office.jira.site.get("PAY-2").id)
    nothing = {"BROWSE_PROJECTS": {"havePermission": False}}
    office.jira.before("GET", r"/mypermissions", lambda _: Answer(200, {"permissions": nothing}))
    assert office.pull().complete
    assert standing(office, "PAY-2") == ("missing", "no longer visible")


def test_an_archived_issue_is_gone_and_data_center_tells_why(office: Office) -> None:
    office.pull()
    office.jira.site.archive("PAY-2")
    assert office.pull().complete
    cloud = office.jira.deployment is Deployment.CLOUD
    assert standing(office, "PAY-2") == ("missing", "deleted" if cloud else "archived")


def test_more_absences_than_may_be_are_not_believed_nor_even_asked_about(office: Office) -> None:
    office.pull()
    office.pull(after=timedelta(days=2))
    for number in range(1, 8):
        office.jira.site.delete(f"PAY-{number}")
    pulled = office.pull()
    assert (pulled.status, pulled.exit_code) == ("held", Exit.INCOMPLETE)
    assert "7 of 12 known rows are gone" in (pulled.message or "")
    assert standing(office, "PAY-2") == ("there", None)
    paths = [request.path for request in office.jira.requests()]
    assert not [path for path in paths if "bulkfetch" in path or "/issue/" in path or "/project" in path]
    office.max_shrink = 1.0
    assert office.pull().complete
    assert standing(office, "PAY-2") == ("missing", "deleted")


def test_a_scope_that_names_a_hidden_project_fails_closed(office: Office) -> None:
    office.pull()
    office.jira.site.permissions.hidden_projects.add("WEB")
    pulled = office.pull()
    assert (pulled.status, pulled.exit_code) == ("failed", Exit.INCOMPLETE)
    assert "did not accept the JQL in JIRA_JQL" in (pulled.message or "")
    assert standing(office, "WEB-1") == ("there", None)


# --- how others lose issues


def test_an_edit_that_the_index_learns_of_late_is_read_the_night_after(office: Office) -> None:
    """The next window reaches back before the night that could not see it; the store never goes back."""
    office.pull()
    office.jira.site.index.lagging = True
    office.clock.now += timedelta(hours=1)
    office.jira.site.edit("PAY-1", {"summary": "Seen late"})
    born = office.add("PAY")
    office.jira.site.delete("PAY-4")
    assert office.pull().complete
    office.jira.site.reindex()
    assert office.pull().complete
    assert office.row("PAY-1").summary == "Seen late"
    assert office.row(born).in_scope
    assert office.held() == office.there()


def test_an_issue_the_index_has_lost_for_a_while_is_not_missed(office: Office) -> None:
    """It was taken out of the scope and put back, and the index has heard of the first alone."""
    office.jql = "project in (PAY, WEB) AND status != Done"
    office.pull()
    office.jira.site.edit("PAY-2", {"status": "Done"})
    office.jira.site.index.lagging = True
    office.jira.site.edit("PAY-2", {"status": "In Progress", "summary": "Back"})
    assert office.pull().complete
    if office.jira.deployment is Deployment.CLOUD:
        assert (office.row("PAY-2").in_scope, office.row("PAY-2").summary) == (True, "Back"), "reconciled"
    office.jira.site.reindex()
    assert office.pull().complete
    assert office.held() == office.there()


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kathmandu", "Pacific/Kiritimati"])
def test_no_change_falls_between_two_nights_whatever_the_zones(
    deployment: Deployment, tmp_path: Path, zone: str
) -> None:
    clock, engine = Clock(), open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    with Sandbox(deployment, now=clock, site_zone="Asia/Tokyo", account_zone=zone) as jira:
        office = Office(jira, engine, clock).furnish()
        office.pull()
        for hours in (1, 9, 17, 23):
            jira.site.edit("PAY-1", {"summary": f"Edited {hours}"})
            office.pull(after=timedelta(hours=hours))
            assert office.told().reading == "changes"
            assert office.held() == office.there()
    engine.dispose()


def test_pages_short_and_empty_in_the_middle_lose_nothing(office: Office) -> None:
    for seed in range(5):
        office.jira.site.mischief.random.seed(seed)
        office.jira.site.mischief.short_pages = True
        assert office.pull(whole=seed % 2 == 0).complete
        assert office.held() == office.there()


class Unlucky(Random):
    """Chance that always cuts a page down to one issue."""

    def choice(self, seq: Any) -> Any:
        return seq[1]


def test_a_token_given_twice_is_no_end(tmp_path: Path) -> None:
    clock, engine = Clock(), open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    with Sandbox(Deployment.CLOUD, now=clock) as jira:
        office = Office(jira, engine, clock).furnish(30)
        office.pull()
        jira.site.mischief = Mischief(Unlucky(), short_pages=True, repeat_tokens=1)
        pulled = office.pull()
        assert (pulled.status, pulled.exit_code) == ("failed", Exit.INCOMPLETE)
        assert "the same page token twice" in (pulled.message or "")
        assert office.held() == office.there(), "nothing was taken for gone"
        assert office.pull().complete
    engine.dispose()


def test_people_who_edit_and_delete_between_pages_hide_no_issue(office: Office) -> None:
    """Offset paging by the time of change loses one issue for each edit; here 20 of them meet every page."""
    number = iter(range(1, 9999))

    def meddle(call: Call) -> None:
        for _ in range(20):
            office.clock.now += timedelta(seconds=1)
            office.jira.site.edit(f"PAY-{next(number) % 8 + 1}", {"summary": f"Edited {next(number)}"})

    office.jira.before("POST", r"search|bulkfetch", meddle)
    for whole in (True, False, True, False):
        assert office.pull(whole=whole).complete
        assert office.told().unexplained == 0
        assert office.held().keys() == office.there().keys()
    office.jira.clear_hooks()
    assert office.pull().complete
    assert office.held() == office.there()


def test_what_bulk_fetch_keeps_to_itself_is_neither_lost_nor_buried(tmp_path: Path) -> None:
    clock, engine = Clock(), open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    with Sandbox(Deployment.CLOUD, now=clock) as jira:
        office = Office(jira, engine, clock).furnish()
        jira.site.mischief.withheld = {jira.site.get("PAY-8").id}
        for _ in range(2):
            assert office.pull().complete
            assert office.told().explained == '{"not given": 1}'
        jira.site.mischief.withheld = set()
        assert office.pull().complete
        assert office.held() == office.there()
        jira.site.edit("PAY-2", {"summary": "Edited"})
        jira.site.mischief.withheld = {jira.site.get("PAY-2").id}
        for _ in range(3):
            assert office.pull().complete
            assert standing(office, "PAY-2") == ("there", None), "listed, so it is not gone"
    engine.dispose()


def test_a_moved_parent_takes_its_children_along_though_jira_calls_them_unchanged(office: Office) -> None:
    site = office.jira.site
    parent = office.add("PAY")
    child = office.add("PAY", issuetype="Story", parent=parent)
    office.pull()
    office.clock.now += timedelta(days=2)
    before = site.get(child).fields["updated"]
    moved = site.move(parent, "WEB")
    assert site.get(child).fields["updated"] == before
    assert office.pull().complete
    assert office.row(child).parent_key == moved


def test_a_child_of_which_the_index_tells_an_old_parent_key_is_tied_to_the_parent_all_the_same(
    office: Office,
) -> None:
    site = office.jira.site
    parent = office.add("PAY")
    child = office.add("PAY", issuetype="Story", parent=parent)
    office.pull()
    site.edit(child, {"summary": "Edited"})
    site.index.lagging = True
    moved = site.move(parent, "WEB")
    site.reconcile([site.get(parent).id])
    for _ in range(2):
        assert office.pull().complete
    site.reindex()
    assert office.row(child).parent_key == moved


def test_a_parent_that_was_moved_while_hidden_is_tied_again_when_it_is_shown(office_of_both: Office) -> None:
    office = office_of_both
    site = office.jira.site
    hidden = office.add("OUT", issuetype="Initiative")
    site.permissions.hidden_projects = {"OUT"}
    child = office.add("PAY", parent=hidden)
    office.pull()
    site.add_project("NEW", "New")
    shown = site.move(hidden, "NEW")
    assert office.pull().complete
    assert office.told().reading == "changes"
    assert office.row(shown).source_id == site.get(hidden).id
    assert office.row(child).parent_key == shown


def test_a_renamed_key_is_seen_though_no_date_moves(office: Office) -> None:
    office.pull()
    office.clock.now += timedelta(days=2)
    office.pull()
    issue = office.jira.site.get("PAY-2")
    issue.key = "PAYMENTS-2"
    office.jira.site.revision += 1
    assert office.pull().complete
    assert office.told().records == 1
    assert office.row("PAYMENTS-2").source_id == issue.id


# --- when all is read


def test_all_is_read_at_first_on_demand_weekly_and_when_the_question_changes(office: Office) -> None:
    def reading(**options: Any) -> str:
        assert office.pull(**options).complete
        return str(office.told().reading)

    assert [reading(), reading(), reading(whole=True), reading()] == ["whole", "changes", "whole", "changes"]
    field = office.jira.site.add_field("Objective ids")
    office.jira.site.get("PAY-1").fields[field] = "O1"
    office.more = {"objective_field": field}
    assert [reading(), reading()] == ["whole", "changes"], "a new field is read for old issues too"
    office.jql = "project = PAY"
    assert [reading(), reading()] == ["whole", "changes"]
    assert [reading() for _ in range(7)] == ["changes"] * 5 + ["whole", "changes"]


def test_a_night_that_failed_is_made_up_for_by_the_next(office: Office) -> None:
    office.pull()
    office.jira.site.edit("PAY-1", {"summary": "Edited"})
    office.jira.before("POST", "search", lambda _: Answer(400, {"errorMessages": ["no"], "errors": {}}))
    for _ in range(3):
        assert office.pull().status == "failed"
    office.jira.clear_hooks()
    assert office.pull().complete
    assert office.told().reading == "changes"
    assert office.held() == office.there()


def test_a_night_after_which_nothing_changed_costs_its_list_and_next_to_nothing_more(
    deployment: Deployment, tmp_path: Path
) -> None:
    clock, engine = Clock(), open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    with Sandbox(deployment, now=clock) as jira:
        office = Office(jira, engine, clock, more={"page_size": None}).furnish(5200)
        office.pull(after=timedelta(days=2))
        full = searches(office)
        clock.now += timedelta(days=2)
        office.pull()
        census = -(-5200 // (5000 if deployment is Deployment.CLOUD else 1000))
        assert office.told().reading == "changes"
        assert searches(office) - census <= 0.02 * full
    engine.dispose()


def searches(office: Office) -> int:
    """How many requests asked for issues."""
    return sum("search" in made.path or "issue" in made.path for made in office.jira.requests())


# --- the proof


class Forgetful:
    """A source that lists issues and gives only some of them: it stands for a bug or a broken Jira."""

    name = "jira"

    def __init__(self, given: int, listed: int) -> None:
        self.given, self.listed = given, listed
        self.told: list[Known] = []

    def pages(self, cursor: str | None = None) -> Iterator[Page]:
        return self.pages_since(Known(), cursor)

    def pages_since(self, known: Known, cursor: str | None = None) -> Iterator[Page]:
        self.told.append(known)
        items: tuple[WorkItem, ...] = tuple(epic(f"PAY-{number}") for number in range(1, self.given + 1))
        yield Page(items)
        census = Census(Entry(number) for number in range(1, self.listed + 1))
        yield Page(proof=Proof(census, "whole", "bookmark"))


def test_a_read_in_which_anything_is_unexplained_is_incomplete(engine: Engine) -> None:
    def read(source: Forgetful) -> tuple[str, str | None, Exit]:
        feed = Feed("jira", Kind.WORK, lambda: source, resumable=True)
        run_id = begin_run(engine)
        pulled = Pull(engine, feed, run_id, lambda: NOW, Allowed(0.2), Quiet()).read()
        return pulled.status, pulled.message, pulled.exit_code

    assert read(Forgetful(3, 3)) == ("complete", None, Exit.OK)
    status, message, code = read(Forgetful(3, 5))
    assert (status, code) == ("incomplete", Exit.INCOMPLETE)
    assert message == (
        "2 of 5 issues do not add up: the source and the store disagree about them, and nothing explains it "
        "(ids 4, 5). Its findings are frozen; the next run reads it again."
    )
    more = Forgetful(3, 2)
    status, message, _ = read(more)
    assert (status, "(ids 3)" in (message or "")) == ("incomplete", True)
    assert more.told[0].bookmark == "bookmark", "that of the last complete read"
    with engine.connect() as connection:
        assert connection.execute(select(work_item).where(work_item.c.deleted_at.is_not(None))).all() == []
