"""An objective that was moved to another project keeps the work that names it by the key of before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sync.explain.whynot import loose_ends, read_case
from sync.sandbox import Deployment, Sandbox
from sync.store.dangling import list_dangling
from sync.store.ties import find_work_item, objective_ties
from tests.clock import TODAY
from tests.system.nights import Service, serve

BOTH = pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
ADDRESS, NONE = "https://goals.example/", "align-no-objective"
EVIDENCE = {
    "PAY-1": "Goal ({field}) names GOAL-1, now {now}",
    "PAY-2": "label obj:GOAL-1 names GOAL-1, now {now}",
    "PAY-3": "Goal ({field}) names GOAL-1, now {now}",
    "PAY-4": "links.csv, line 2 names GOAL-1, now {now}",
    "PAY-5": "remote link a goal names GOAL-1, now {now}",
    "PAY-6": "inherited from PAY-1: Goal ({field}) names GOAL-1, now {now}",
}


class Office:
    """A site on which work names GOAL-1 in every way there is by a key."""

    def __init__(self, jira: Sandbox) -> None:
        self.jira, self.site = jira, jira.site
        self.field = self.site.add_field("Goal")
        for project in ("GOAL", "AIM", "PAY"):
            self.site.add_project(project, project.title())
        self.goal("GOAL-1")
        self.epic(1, **{self.field: "goal-1"})
        self.epic(2, labels=["obj:GOAL-1"])
        self.epic(3, **{self.field: f"{jira.url}/browse/GOAL-1"})
        self.epic(4)
        self.epic(5)
        self.site.get("PAY-5").remote_links.append(
            {"id": 1, "object": {"url": f"{ADDRESS}GOAL-1", "title": "a goal"}}
        )
        self.epic(6, issuetype="Story", parent="PAY-1")

    def goal(self, key: str) -> None:
        project = key.partition("-")[0]
        said = {"project": project, "key": key, "summary": f"Goal {key}", "issuetype": "Initiative"}
        self.site.add_issue(said)

    def epic(self, number: int, **fields: object) -> None:
        epic = {"project": "PAY", "key": f"PAY-{number}", "summary": str(number), "issuetype": "Epic"}
        self.site.add_issue(epic | fields)

    def sources(self, folder: Path) -> str:
        account = self.jira.credentials
        login = f"email: {account.email}, api_token: {account.token}"
        if self.jira.deployment is not Deployment.CLOUD:
            login = f"pat: {account.pat}"
        return f"""\
jira:
  - {{name: jira, url: "{self.jira.url}", jql: project = PAY, {login},
     objective_jql: "project in (GOAL, AIM) AND statusCategory != Done",
     objective_field: Goal, objective_label_prefix: "obj:",
     remote_links: {{urls: "{ADDRESS}{{objective}}"}}}}
links:
  - {{name: links, path: "{folder / "links.csv"}"}}
"""


@contextmanager
def office(deployment: Deployment, folder: Path, database: str) -> Iterator[tuple[Office, Service]]:
    with Sandbox(deployment) as jira:
        it = Office(jira)
        (folder / "links.csv").write_text("issue,objective\nPAY-4,GOAL-1\n", encoding="utf-8")
        (folder / "sources.yaml").write_text(it.sources(folder), encoding="utf-8")
        settings = {
            "TIELINE_SOURCES": str(folder / "sources.yaml"),
            "TIELINE_DATABASE_URL": database,
            "TIELINE_MAX_SHARE": "100%",
        }
        with serve(jira, folder, settings) as service:
            yield it, service


def tied(service: Service) -> dict[str, list[tuple[str, str]]]:
    """(objective, evidence) of the ties of each item, as `explain` reads them."""
    found = {}
    with service.engine.connect() as connection:
        for number in range(1, 7):
            row = find_work_item(connection, f"PAY-{number}")
            assert row is not None
            ties = objective_ties(connection, row.id, TODAY)
            found[row.key] = [(tie.objective, tie.evidence) for tie in ties]
    return found


def in_vain(service: Service) -> list[str]:
    """What dangles, and what `explain` calls a loose end."""
    with service.engine.connect() as connection:
        said = [f"{row.subject} {row.fault} {row.reason}" for row in list_dangling(connection)]
        for number in range(1, 7):
            row = find_work_item(connection, f"PAY-{number}")
            assert row is not None
            said += [f"{row.key} {end}" for end in loose_ends(read_case(connection, row, ()))]
    return said


@BOTH
def test_an_objective_that_moves_unties_nothing_that_night_or_later(
    deployment: Deployment, tmp_path: Path, empty_database_url: str
) -> None:
    with office(deployment, tmp_path, empty_database_url) as (it, service):
        first = service.night()
        assert first.result.exit_code == 0
        assert first.work() == {"aligned": 6}
        moved = it.site.move("GOAL-1", "AIM")
        for _ in range(3):
            night = service.night()
            assert (night.result.exit_code, night.writes, night.work()) == (0, 0, {"aligned": 6})
            said = {k: v.format(field=it.field, now=moved) for k, v in EVIDENCE.items()}
            assert tied(service) == {key: [(moved, evidence)] for key, evidence in said.items()}
            assert in_vain(service) == []


@BOTH
def test_on_a_first_night_jira_tells_which_key_an_objective_had(
    deployment: Deployment, tmp_path: Path, empty_database_url: str
) -> None:
    with office(deployment, tmp_path, empty_database_url) as (it, service):
        moved = it.site.move("GOAL-1", "AIM")
        for _ in range(2):
            night = service.night()
            assert (night.result.exit_code, night.work()) == (0, {"aligned": 6})
            assert {goal for ties in tied(service).values() for goal, _ in ties} == {moved}
            assert in_vain(service) == []
        assert night.writes == 0


@BOTH
def test_a_key_given_to_another_issue_ties_no_more_and_one_moved_and_closed_is_told(
    deployment: Deployment, tmp_path: Path, empty_database_url: str
) -> None:
    with office(deployment, tmp_path, empty_database_url) as (it, service):
        service.night()
        moved = it.site.move("GOAL-1", "AIM")
        it.site.edit(moved, {"status": "Done"})
        for _ in range(2):  # an objective is gone when it is missed twice
            night = service.night()
        assert night.work() == {"unaligned": 6}
        told = f"issue outside the objectives {moved} Goal GOAL-1"
        assert sorted({entry.partition(" ")[2] for entry in in_vain(service) if "outside" in entry}) == [told]
        assert all(moved in entry for entry in in_vain(service))
        it.site.edit(moved, {"status": "To Do"})
        assert service.night().work() == {"aligned": 6}
        it.goal("GOAL-1")
        it.site.edit("GOAL-1", {"status": "Done"})
        last = service.night()
        assert last.work() == {"unaligned": 6}
        assert all("GOAL-1" in entry for entry in in_vain(service))
