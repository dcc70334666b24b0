"""What work names as objectives and `objective_jql` leaves out is known, told, and never taken for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from connectors.jira import outside
from sync.explain.whynot import read_case, tried, ways_of
from sync.sandbox import Call, Deployment, Sandbox
from sync.store.dangling import list_dangling
from sync.store.links import OUTSIDE, outside_link, outside_objective, work_item
from sync.store.presence import kept
from sync.store.ties import find_work_item
from tests.system.nights import Service, serve

BOTH = pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
USED = "version: 1\npacks: {strategic: label}\n"
RULES = """\
version: 1
rules:
  - id: names-no-objective
    title: Names something that is no objective
    when: objective IS EMPTY AND outsideObjective.state = closed
    label: names-something-else
    message: "{key} names {outsideObjective}"
    tests:
      - flag: {outsideObjective: {key: GOAL-2, state: closed}}
      - pass: {outsideObjective: {key: GOAL-2, state: active}}
      - pass: {objective: O1}
"""
NONE, ELSE = "align-no-objective", "align-names-something-else"
HIDDEN = "Jira does not give it by its id, though project GOAL is open to the account"
ADDRESS = "https://goals.example/"


class Office:
    """A site on which epics name an open goal (GOAL-1), closed ones (GOAL-2, GOAL-4) and a hidden one."""

    def __init__(self, jira: Sandbox) -> None:
        self.jira, self.site = jira, jira.site
        self.field = self.site.add_field("Goal")
        self.roadmap = self.site.add_field(
            "Parent Link", {"type": "any", "custom": "com.atlassian.jpo:jpo-custom-field-parent"}
        )
        self.site.permissions.admin = True
        self.site.add_project("GOAL", "Goals")
        self.site.add_project("PAY", "Payments")
        for number in range(1, 5):
            goal = {"project": "GOAL", "key": f"GOAL-{number}", "summary": f"Goal {number}"}
            self.site.add_issue(goal | {"issuetype": "Initiative"})
        for closed in (2, 4):
            self.site.edit(f"GOAL-{closed}", {"status": "Done"})
        self.epic(1, {})
        self.link("PAY-1", "GOAL-2")
        self.epic(2, {self.field: "goal-2"})
        self.epic(3, {"labels": ["obj:GOAL-3"]})
        self.epic(4, self.below("GOAL-4"))
        self.epic(5, self.below("GOAL-1"))
        self.epic(6, {})
        self.site.get("PAY-6").remote_links.append(
            {"id": 1, "object": {"url": f"{ADDRESS}GOAL-2", "title": "a goal"}}
        )
        self.site.add_issue(
            {"project": "PAY", "key": "PAY-7", "summary": "7", "issuetype": "Story", "parent": "PAY-1"}
        )
        self.site.permissions.hidden_issues.add(self.site.get("GOAL-3").id)

    def epic(self, number: int, fields: dict[str, Any]) -> None:
        epic = {"project": "PAY", "key": f"PAY-{number}", "summary": str(number), "issuetype": "Epic"}
        self.site.add_issue(epic | fields)

    def below(self, key: str) -> dict[str, str]:
        cloud = self.jira.deployment is Deployment.CLOUD
        return {"parent": key} if cloud else {self.roadmap: key}

    def link(self, source: str, target: str) -> None:
        kind = {"id": "10000", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
        named = self.site.get(target)
        entry = {"id": "1", "type": kind, "outwardIssue": {"id": named.id, "key": named.key}}
        self.site.get(source).fields["issuelinks"] = [entry]

    def sources(self) -> str:
        account = self.jira.credentials
        login = f"email: {account.email}, api_token: {account.token}"
        if self.jira.deployment is not Deployment.CLOUD:
            login = f"pat: {account.pat}"
        return f"""\
jira:
  - {{url: "{self.jira.url}", jql: project = PAY, {login},
     objective_jql: "project = GOAL AND statusCategory != Done",
     objective_field: Goal, objective_links: Blocks, objective_label_prefix: "obj:",
     remote_links: {{urls: "{ADDRESS}{{objective}}"}}}}
"""


@contextmanager
def office(deployment: Deployment, folder: Path) -> Iterator[tuple[Office, Service]]:
    with Sandbox(deployment) as jira:
        it = Office(jira)
        rules = folder / "rules"
        rules.mkdir()
        (rules / "own.yaml").write_text(RULES, encoding="utf-8")
        (rules / "used.yaml").write_text(USED, encoding="utf-8")
        (folder / "sources.yaml").write_text(it.sources(), encoding="utf-8")
        settings = {
            "TIELINE_SOURCES": str(folder / "sources.yaml"),
            "TIELINE_RULES": str(rules),
            "TIELINE_MAX_SHARE": "100%",
        }
        with serve(jira, folder, settings) as service:
            yield it, service


def known(service: Service) -> list[tuple[str, str, str | None]]:
    """(name, state, why it is hidden) of each issue that is named and no objective."""
    goal = outside_objective
    rows = select(goal.c.key, goal.c.state, goal.c.hidden).where(kept(goal)).order_by(goal.c.key)
    with service.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(rows)]


def named(service: Service) -> list[tuple[str, str, str]]:
    """(work item, what it names, how) of each tie to one."""
    rows = (
        select(work_item.c.key, outside_objective.c.key, outside_link.c.how)
        .join_from(outside_link, work_item, work_item.c.id == outside_link.c.work_item_id)
        .join(outside_objective, outside_objective.c.id == outside_link.c.objective_id)
        .where(outside_link.c.counts, OUTSIDE.there)
        .order_by(work_item.c.key)
    )
    with service.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(rows)]


def vain(service: Service) -> list[tuple[str, str, str, str | None]]:
    with service.engine.connect() as connection:
        rows = list_dangling(connection)
    return sorted((row.subject, row.target, row.fault, row.reason) for row in rows)


class Requests:
    """Counts the requests for what is named: they alone ask for these three fields."""

    def __init__(self, jira: Sandbox) -> None:
        self.number = 0
        jira.before("*", "/(search|bulkfetch|issue/[^/]+)$", self.count)

    def count(self, call: Call) -> None:
        fields = (call.body or {}).get("fields") if call.method == "POST" else call.words("fields")
        self.number += fields == list(outside.FIELDS)

    def taken(self) -> int:
        number, self.number = self.number, 0
        return number


@BOTH
def test_what_is_named_and_no_objective_is_known_told_and_retired(
    deployment: Deployment, tmp_path: Path
) -> None:
    with office(deployment, tmp_path) as (it, service):
        requests = Requests(it.jira)
        night = service.night()
        assert night.result.exit_code == 0
        # however often it is named, and however many name it
        closed = [("GOAL-2", "closed", None), ("GOAL-4", "closed", None)]
        assert known(service) == [closed[0], ("GOAL-3", "active", HIDDEN), closed[1]]
        assert named(service) == [
            ("PAY-1", "GOAL-2", "issue link"),
            ("PAY-2", "GOAL-2", "custom field"),
            ("PAY-4", "GOAL-4", "parent chain"),
            ("PAY-6", "GOAL-2", "remote link"),
            ("PAY-7", "GOAL-2", "issue link"),
        ]
        flagged = sorted((ELSE, NONE))
        assert {key: sorted(labels) for key, labels in night.labels.items() if key.startswith("PAY")} == {
            "PAY-1": flagged, "PAY-2": flagged, "PAY-3": [NONE, "obj:GOAL-3"], "PAY-4": flagged, "PAY-5": [],
            "PAY-6": flagged, "PAY-7": [ELSE],
        }  # fmt: skip
        assert night.work() == {"aligned": 1, "unaligned": 6}
        ids = {key: it.site.get(key).id for key in ("GOAL-2", "PAY-6")}
        assert vain(service) == [
            (ids["PAY-6"], "GOAL-2", "issue outside the objectives", "GOAL-2 Goal 2"),
            ("PAY-1", ids["GOAL-2"], "issue outside the objectives", "GOAL-2 Goal 2"),
            ("PAY-2", "goal-2", "issue outside the objectives", "GOAL-2 Goal 2"),
            ("PAY-3", "GOAL-3", "issue not given by Jira", HIDDEN),
        ]
        # what is not given is asked for once more: an index may lag, and a key be one of before a move
        assert requests.taken() == 2

        again = service.night()
        assert (again.result.exit_code, again.writes, requests.taken()) == (0, 0, 1)
        assert (again.labels, len(known(service))) == (night.labels, 3)

        it.site.permissions.hidden_issues.clear()  # an objective after all, once it can be seen
        it.site.edit("PAY-4", it.below("GOAL-1"))
        service.night()
        assert known(service) == closed[:1]
        it.site.edit("GOAL-2", {"status": "To Do"})
        last = service.night()
        assert (known(service), named(service), vain(service)) == ([], [], [])
        assert {label for labels in last.labels.values() for label in labels} == {"obj:GOAL-3"}


@BOTH
def test_it_is_told_to_whoever_asks_why_work_serves_nothing(deployment: Deployment, tmp_path: Path) -> None:
    with office(deployment, tmp_path) as (_, service):
        service.night()
        ways = ways_of(service.session.sources)
        said = {}
        with service.engine.connect() as connection:
            for key in ("PAY-1", "PAY-2", "PAY-3", "PAY-7"):
                row = find_work_item(connection, key)
                assert row is not None
                first = tried(read_case(connection, row, ()), ways[row.source])[0]
                said[key] = (first.how, first.found)
    left_out = "leads to GOAL-2 (Goal 2), which JIRA_OBJECTIVE_JQL leaves out"
    assert said["PAY-1"] == ("issue link", f"blocks GOAL-2 {left_out}")
    assert said["PAY-2"][1].endswith(left_out)
    assert said["PAY-3"] == ("label", f"label obj:GOAL-3 names 'GOAL-3', which is not to be had: {HIDDEN}")
    assert said["PAY-7"] == ("issue link", f"inherited from PAY-1: blocks GOAL-2 {left_out}")
