"""`tieline doctor`: all good on a good set-up, each defect shown with its exit code, and nothing written."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command

from connectors.naps import Nap
from sync.cli.siteview import told_skew
from sync.sandbox import Answer, Call, Deployment
from sync.store.migrating import migrations
from tests.sync.cli.desk import CANARY, Desk


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_a_good_set_up_is_good_throughout_and_nothing_is_written(desk: Desk) -> None:
    said = desk.say("doctor")
    assert said.code == 0
    assert "✗" not in said.out
    name = "Cloud" if desk.jira.deployment is Deployment.CLOUD else "Data Center"
    text = " ".join(said.out.split())
    for words in (
        "✓ settings zone UTC, labels align-…",
        "✓ rules 5 rules, no mistakes",
        f"✓ site jira Jira {name} ",
        "✓ account Tieline Sync, zone Etc/UTC",
        "✓ may browse projects yes reading issues",
        "✓ may edit issues yes writing labels",
        "✓ edit issues in scope 1 of 1 project writing labels",
        "✓ administer projects in scope 1 of 1 project writing labels without mail to watchers",
        "✓ objective fields Objective ids (customfield_",
        "✓ issue links any that leads to an objective links to objectives",
        "✓ labels any that is the id of an objective links to objectives",
        "✓ remote links none is looked at links to objectives",
        "✓ epic link field ",
        "✓ issue types level 2: Initiative; level 1: Epic; level 0:"
        if desk.jira.deployment is Deployment.CLOUD
        else "✓ issue types level 1: Epic; level 0:",
        "✓ objectives in Jira not asked for",
        "✓ note No Parent Link field"
        if desk.jira.deployment is Deployment.DATA_CENTER
        else "✓ note No Goals field is visible",
        "✓ issues in scope 3",
        "✓ source objectives objectives: 3 records, 0 refused",
        "✓ source finance finance: 4 records, 0 refused",
        "All is ready for `tieline run --dry-run`.",
    ):
        assert words in text
    assert desk.writes() == 0


def defects(desk: Desk, code: int, **environ: str) -> list[str]:
    """What doctor finds bad, as JSON; the text must show the same."""
    said = desk.say("doctor", "--json", **environ)
    assert said.code == code
    bad = [found["seen"] for found in said.document if not found["good"]]
    shown = desk.say("doctor", **environ)
    assert shown.code == code
    assert shown.out.count("✗") == len(bad)
    assert f"To put right: {len(bad)}." in shown.out
    assert desk.writes() == 0
    return bad


def test_a_missing_permission_is_shown_once(desk: Desk) -> None:
    desk.jira.site.permissions.read_only_projects.add("PAY")
    (bad,) = defects(desk, 4)
    assert bad == "Tieline Sync lacks EDIT_ISSUES in every project."


def test_a_field_nobody_knows_is_shown(desk: Desk) -> None:
    (bad,) = defects(desk, 2, JIRA_OBJECTIVE_FIELD="Objectiv ids")
    assert "Objectiv ids" in bad
    assert "Objective ids" in bad


def test_a_jql_that_jira_refuses_is_shown(desk: Desk) -> None:
    (bad,) = defects(desk, 2, JIRA_JQL="issuetype === Epic")
    assert "JIRA_JQL" in bad


def test_a_pause_that_jira_asks_for_is_not_waited_for_where_it_takes_longer_than_somebody_has(
    desk: Desk,
) -> None:
    desk.jira.before("GET", "/myself", lambda call: Answer(429, {}, {"Retry-After": "600"}), None)
    desk.patch.setattr("connectors.naps.Nap.__call__", no_waiting)
    (bad,) = defects(desk, 5)
    assert "(it asks for a pause)" in bad


def no_waiting(nap: Nap, seconds: float) -> None:
    raise AssertionError(f"doctor waits {seconds:.0f} s")


def test_a_jql_that_finds_nothing_is_shown(desk: Desk) -> None:
    (bad,) = defects(desk, 2, JIRA_JQL='issuetype = Epic AND summary ~ "nothingsuch"')
    assert "JIRA_JQL matches no issue" in bad


def test_a_mistake_in_a_rule_is_shown_beside_everything_else(desk: Desk) -> None:
    rules = desk.write("rules.yaml", "version: 1\nrules:\n  - id: x\n    when: statsu = Done\n")
    (bad,) = defects(desk, 2, TIELINE_RULES=str(rules))
    assert "statsu" in bad


def test_a_clock_that_is_off_is_shown(desk: Desk) -> None:
    def an_hour_ahead(call: Call) -> Answer:
        told = datetime.now(UTC) + timedelta(hours=1)
        return Answer(
            200,
            {
                "baseUrl": desk.jira.url,
                "version": "1001.0.0",
                "versionNumbers": [1001, 0, 0],
                "deploymentType": "Cloud",
                "serverTime": told.strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            },
        )

    desk.jira.before("GET", "/serverInfo", an_hour_ahead)
    (bad,) = defects(desk, 1)
    assert bad.startswith("Jira's is 3")
    assert bad.endswith("seconds ahead")


def test_the_difference_of_two_clocks_is_said_in_words() -> None:
    assert told_skew(None) == "Jira does not tell its time"
    assert told_skew(-0.2) == "agree to the second"
    assert told_skew(-1.0) == "Jira's is 1 second behind"
    assert told_skew(90.4) == "Jira's is 90 seconds ahead"


def test_projects_that_lack_a_permission_are_named_with_what_they_lack_it_for(desk: Desk) -> None:
    site = desk.jira.site
    site.permissions.admin = site.permissions.link_issues = site.permissions.bulk_change = False
    site.permissions.project_admin.add("PAY")
    site.add_project("WEB", "The web")
    site.add_issue({"project": "WEB", "summary": "A page", "issuetype": "Epic"})
    said = desk.say("doctor", "--json")
    assert said.code == 0
    found = {one["check"]: one for one in said.document}
    loud = found["administer projects in scope"]
    assert (loud["seen"], loud["needed_for"], loud["details"]) == (
        "1 of 2 projects, not in WEB",
        "writing labels without mail to watchers",
        {"PAY": True, "WEB": False},
    )
    assert found["may bulk change"]["seen"] == "no"
    assert found["may bulk change"]["needed_for"] == "writing many labels in one request"
    notes = [one["seen"] for one in said.document if one["check"] == "note"]
    assert any(note.startswith("The account lacks BULK_CHANGE: many label changes") for note in notes)
    assert any("Jira may mail the watchers there" in note for note in notes)


def test_a_link_type_nobody_knows_is_shown_and_a_known_one_with_its_direction(desk: Desk) -> None:
    sources = """\
jira:
  - url: ${JIRA_URL}
    jql: issuetype = Epic
    %s
    objective_links: [{type: %s, direction: outward}]
    objective_label_prefix: "obj:"
    remote_links: {urls: "https://okr.example/o/{objective}", most: 7}
"""
    entry = desk.entry_lines()
    desk.write("sources.yaml", sources % (entry, "Block"))
    (bad,) = defects(desk, 2, TIELINE_SOURCES="sources.yaml")
    assert bad == "objective_links: this Jira has no link type called 'Block'. Did you mean Blocks?"
    desk.write("sources.yaml", sources % (entry, "blocks"))
    text = " ".join(desk.say("doctor", TIELINE_SOURCES="sources.yaml").out.split())
    assert "✓ issue links Blocks: blocks links to objectives" in text
    assert "✓ labels those that begin with obj: links" in text
    assert "✓ remote links https://okr.example/o/{objective}; at most 7 requests a night" in text


def seen_of(desk: Desk, check: str, **environ: str) -> dict[str, object]:
    document = desk.say("doctor", "--json", **environ).document
    return next(one for one in document if one["check"] == check)


def test_a_store_is_neither_made_nor_upgraded(desk: Desk) -> None:
    assert seen_of(desk, "store")["seen"] == "none at tieline.db yet; the first run makes it"
    assert not (desk.folder / "tieline.db").exists()
    desk.say("pull")
    store = desk.store()
    command.downgrade(migrations(store), "-1")
    store.dispose()
    told = str(seen_of(desk, "store")["seen"])
    assert re.fullmatch(r"sqlite 3\.\d+\.\d+, schema (\d+); the next run upgrades it to \d+", told)
    assert seen_of(desk, "store")["seen"] == told


def test_a_store_of_a_newer_version_is_shown_beside_everything_else(desk: Desk) -> None:
    desk.say("pull")
    store = desk.store()
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.dispose()
    (bad,) = defects(desk, 2)
    assert "the store has schema 9999" in bad


def test_a_place_where_no_store_can_be_made_is_shown(desk: Desk) -> None:
    (bad,) = defects(desk, 2, TIELINE_DATABASE_URL="sqlite:///nowhere/tieline.db")
    assert "nowhere is not there or cannot be written, so no run can make tieline.db" in bad


def test_a_database_that_does_not_answer_is_shown_without_its_password(desk: Desk) -> None:
    (bad,) = defects(desk, 2, TIELINE_DATABASE_URL=f"postgresql://t:{CANARY}@127.0.0.1:9/t")
    assert bad.startswith("TIELINE_DATABASE_URL: cannot open postgresql+psycopg://t:***@127.0.0.1:9/t: ")


def test_a_full_disk_is_shown_with_its_remedy(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.cli.homeview.FREE_BYTES", 10**18)
    said = desk.say("doctor")
    assert said.code == 1
    assert "free disk space: Make room on the disk of " in said.out
    assert str(seen_of(desk, "free disk space")["remedy"]).startswith("Make room on the disk of ")


def test_what_is_good_has_no_remedy_and_a_missing_permission_has_one(desk: Desk) -> None:
    desk.jira.site.permissions.read_only_projects.add("PAY")
    document = desk.say("doctor", "--json").document
    remedies = {one["check"]: one["remedy"] for one in document if one["remedy"]}
    assert remedies.keys() == {"may edit issues"}
    assert remedies["may edit issues"].startswith("Grant the account EDIT_ISSUES in the permission scheme")


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_a_project_without_labels_on_its_edit_screen_is_named(desk: Desk) -> None:
    """On Data Center no label can be written there; on Cloud only people cannot."""
    desk.jira.site.add_project("WEB", "The web")
    desk.jira.site.add_issue({"project": "WEB", "summary": "A page", "issuetype": "Epic"})
    desk.jira.site.permissions.labels_off_screen.add("WEB")
    start = "The field Labels is not on the edit screen of WEB: "
    if desk.jira.deployment is Deployment.CLOUD:
        notes = [one for one in desk.say("doctor", "--json").document if one["seen"].startswith(start)]
        assert [(note["check"], note["good"]) for note in notes] == [("note", True)]
    else:
        (bad,) = defects(desk, 2)
        assert bad.startswith(f"{start}Jira refuses labels there. Put it on that screen")
        refused = desk.say("run")
        assert refused.code == 3
        assert "not on the appropriate screen" in refused.out
