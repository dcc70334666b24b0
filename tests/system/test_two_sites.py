"""A Cloud and a Data Center in one night: each has a fate of its own, and the other goes on."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from connectors.http import RetryPolicy
from sync.errors import Exit
from sync.frame.progress import Quiet
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.night import run_night
from sync.sandbox import Answer, Deployment, Sandbox
from sync.store.coverage import coverage
from sync.store.runs import sources_of
from tests.system.nights import Service, findings, serve

NO_OBJECTIVE = "align-no-objective"


@dataclass
class Company:
    """Two sites with the same project key, a service on both, and the name of the one that will fail."""

    sites: dict[str, Sandbox]
    fields: dict[str, str]
    service: Service

    def night(self) -> RunResult:
        self.service.session.sites.close()
        return run_night(self.service.session.service, Options("test"), Quiet())

    def labels(self, site: str, key: str) -> list[str]:
        return list(self.sites[site].site.get(key).fields["labels"])

    def serve(self, site: str, key: str, objective: str | None) -> None:
        self.sites[site].site.edit(key, {self.fields[site]: objective})

    def work(self, result: RunResult) -> dict[tuple[str, str], int]:
        """How many work items of each site are in each state."""
        rows = select(coverage.c.site, coverage.c.state, coverage.c["items"]).where(
            coverage.c.run_id == result.run_id, coverage.c.project_key == "PAY", coverage.c.currency == ""
        )
        with self.service.engine.connect() as connection:
            return {(row[0], row[1]): row[2] for row in connection.execute(rows)}

    def statuses(self, result: RunResult) -> dict[str, str]:
        with self.service.engine.connect() as connection:
            return {row.source: row.status for row in sources_of(connection, result.run_id)}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def furnished(jira: Sandbox) -> str:
    field = jira.site.add_field("Objective ids")
    jira.site.permissions.admin = True
    jira.site.add_project("PAY", "Payments")
    for number, objective in ((1, "O1"), (2, None), (3, None)):
        epic = {"project": "PAY", "key": f"PAY-{number}", "summary": str(number), "issuetype": "Epic"}
        jira.site.add_issue(epic | {field: objective})
    return field


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    cloud = Sandbox(Deployment.CLOUD, port=free_port()).start()
    dc = Sandbox(Deployment.DATA_CENTER, port=free_port(), context_path="/jira").start()
    sites = {"cloud": cloud, "dc": dc}
    try:
        fields = {name: furnished(jira) for name, jira in sites.items()}
        (tmp_path / "goals.csv").write_text("id,title\nO1,One\n", encoding="utf-8")
        common = "jql: issuetype = Epic, objective_field: Objective ids"
        sources = tmp_path / "sources.yaml"
        sources.write_text(
            f"""\
jira:
  - {{name: cloud, url: "{cloud.url}", {common}, email: {cloud.credentials.email},
     api_token: {cloud.credentials.token}}}
  - {{name: dc, url: "{dc.url}", {common}, pat: {dc.credentials.pat}}}
objectives:
  - {{name: goals, path: goals.csv, columns: {{id: id, title: title}}}}
""",
            encoding="utf-8",
        )
        with serve(cloud, tmp_path, {"TIELINE_SOURCES": str(sources)}) as service:
            service.session.sites.policy = RetryPolicy(sleep=lambda _: None)
            yield Company(sites, fields, service)
    finally:
        for jira in sites.values():
            jira.stop()


class Fault:
    """Something that goes wrong with a site until it is mended."""

    def __init__(self, method: str = "", path: str = "", status: int = 0) -> None:
        self.method = method
        self.path = path
        self.status = status
        self.mended = False

    def strike(self, jira: Sandbox) -> None:
        if not self.status:
            jira.stop()
            return
        answer = Answer(self.status, {"errorMessages": ["no"]})
        jira.before(self.method, self.path, lambda _: None if self.mended else answer)

    def mend(self, jira: Sandbox) -> None:
        self.mended = True
        if not self.status:
            jira.start()


FATES = {
    "down": (("", "", 0), Exit.INCOMPLETE),
    "login refused": (("GET", r"/myself$", 401), Exit.ACCESS),
    "broken while read": (("*", r"/search", 500), Exit.INCOMPLETE),
}
ABOUT = ("epic-without-objective", "workItem")
BOTH_KNOWN = (("aligned", 1), ("unaligned", 2))


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize(("broken", "sound"), [("cloud", "dc"), ("dc", "cloud")])
def test_a_site_that_fails_keeps_its_findings_and_labels_while_the_other_goes_on(
    company: Company, fate: str, broken: str, sound: str
) -> None:
    first = company.night()
    assert (first.exit_code, company.statuses(first)["cloud"], company.statuses(first)["dc"]) == (
        Exit.OK,
        "complete",
        "complete",
    )
    for site in (broken, sound):
        assert company.labels(site, "PAY-2") == company.labels(site, "PAY-3") == [NO_OBJECTIVE]
    assert company.work(first) == {(site, state): n for site in ("cloud", "dc") for state, n in BOTH_KNOWN}

    for site in (broken, sound):
        company.serve(site, "PAY-1", None)
        company.serve(site, "PAY-2", "O1")
    said, code = FATES[fate]
    fault = Fault(*said)
    fault.strike(company.sites[broken])
    second = company.night()
    assert second.exit_code == code
    assert company.statuses(second)[broken] == "failed"
    assert second.judgement.dark == (broken,)
    everywhere = {"budget-without-work", "objective-without-work", "epic-over-budget"}
    assert second.judgement.frozen.keys() >= everywhere
    assert "epic-without-objective" not in second.judgement.frozen
    found = findings(company.service.engine)
    assert [found[(*ABOUT, f"PAY-{number}", "open")] for number in (1, 2, 3)] == [1, 1, 2]
    assert company.labels(sound, "PAY-1") == company.labels(sound, "PAY-3") == [NO_OBJECTIVE]
    assert company.labels(sound, "PAY-2") == []
    assert company.labels(broken, "PAY-1") == []
    assert company.labels(broken, "PAY-2") == company.labels(broken, "PAY-3") == [NO_OBJECTIVE]
    assert company.work(second) == {(broken, "unknown"): 3} | {(sound, state): n for state, n in BOTH_KNOWN}

    fault.mend(company.sites[broken])
    third = company.night()
    assert (third.exit_code, third.judgement.dark) == (Exit.OK, ())
    for site in (broken, sound):
        assert [company.labels(site, f"PAY-{number}") for number in (1, 2, 3)] == [
            [NO_OBJECTIVE],
            [],
            [NO_OBJECTIVE],
        ]


def test_findings_on_equal_keys_of_two_sites_are_two(company: Company) -> None:
    company.night()
    found = findings(company.service.engine)
    assert found[(*ABOUT, "PAY-2", "open")] == 2
