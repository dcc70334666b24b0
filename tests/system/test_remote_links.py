"""Remote links tie what nothing else ties, at a request for each issue, and no more than are allowed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connectors.jira.config import JiraSiteConfig
from sync.errors import Exit
from sync.sandbox import Deployment, Sandbox
from tests.sync.making import ties
from tests.system.nights import Night, Service, serve

BOTH = pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
ADDRESS = "https://okr.example/o/"


class Okrs:
    """A sandbox with four epics and three objectives, and a service that looks at remote links."""

    def __init__(self, jira: Sandbox, service: Service) -> None:
        self.jira = jira
        self.service = service

    def link(self, key: str, objective: str, *, global_id: str | None = None) -> None:
        number = len(self.jira.site.get(key).remote_links)
        link = {
            "id": 10_000 + number,
            "globalId": global_id,
            "object": {"url": ADDRESS + objective, "title": objective},
        }
        self.jira.site.get(key).remote_links.append(link)

    def night(self) -> Night:
        return self.service.night()

    def asked(self) -> list[str]:
        """The keys of the issues that were asked for their remote links in the last night."""
        paths = [request.path for request in self.jira.requests() if request.path.endswith("/remotelink")]
        return sorted(self.jira.site.get(path.split("/")[-2]).key for path in paths)

    def ties(self) -> list[tuple[str, str, str, str]]:
        with self.service.engine.connect() as connection:
            return [(row.key, row.source_id, row.how, row.evidence) for row in ties(connection) if row.counts]


@contextmanager
def okrs(deployment: Deployment, folder: Path, most: int = 100) -> Iterator[Okrs]:
    with Sandbox(deployment) as jira:
        jira.site.permissions.admin = True
        jira.site.add_project("PAY", "Payments")
        for number in range(1, 5):
            fields = {"project": "PAY", "key": f"PAY-{number}", "summary": str(number), "issuetype": "Epic"}
            jira.site.add_issue(fields | {"labels": ["O1"] if number == 1 else []})
        (folder / "goals.csv").write_text("id,title\nO1,One\nO2,Two\nO3,Three\n", encoding="utf-8")
        account = jira.credentials
        entry = (
            f"email: {account.email}\n    api_token: {account.token}"
            if deployment is Deployment.CLOUD
            else f"pat: {account.pat}"
        )
        sources = folder / "sources.yaml"
        sources.write_text(
            f"""\
jira:
  - url: {jira.url}
    jql: issuetype = Epic
    {entry}
    remote_links: {{urls: "{ADDRESS}{{objective}}", global_ids: "okr:", most: {most}, strength: supports}}
objectives:
  - {{name: goals, path: goals.csv, columns: {{id: id, title: title}}}}
""",
            encoding="utf-8",
        )
        with serve(jira, folder, {"TIELINE_SOURCES": str(sources)}) as service:
            yield Okrs(jira, service)


@BOTH
def test_only_what_nothing_else_ties_is_asked_for_and_tied(deployment: Deployment, tmp_path: Path) -> None:
    with okrs(deployment, tmp_path) as it:
        it.link("PAY-1", "O3")
        it.link("PAY-2", "O2")
        it.link("PAY-3", "elsewhere", global_id="okr:O3")
        night = it.night()
        assert (night.result.exit_code, it.asked()) == (0, ["PAY-2", "PAY-3", "PAY-4"])
        assert it.ties() == [
            ("PAY-1", "O1", "label", "label O1"),
            ("PAY-2", "O2", "remote link", "remote link O2"),
            ("PAY-3", "O3", "remote link", "remote link elsewhere"),
        ]
        assert night.labels["PAY-4"] == ["align-no-objective"]
        assert [(d.how, d.number, d.example) for d in night.result.judgement.dangling] == [
            ("remote link", 1, f"{it.jira.site.get('PAY-3').id} → elsewhere")
        ]
        it.jira.site.get("PAY-2").remote_links.clear()
        again = it.night()
        assert it.asked() == ["PAY-2", "PAY-3", "PAY-4"]
        assert [tie[0] for tie in it.ties()] == ["PAY-1", "PAY-3"]
        assert again.labels["PAY-2"] == ["align-no-objective"]


@BOTH
def test_no_more_are_asked_than_allowed_and_nothing_is_judged_until_all_were_once(
    deployment: Deployment, tmp_path: Path
) -> None:
    with okrs(deployment, tmp_path, most=2) as it:
        it.link("PAY-4", "O2")
        it.link("PAY-2", "O3")
        first = it.night()
        assert (first.result.exit_code, it.asked(), first.writes) == (Exit.INCOMPLETE, ["PAY-2", "PAY-3"], 0)
        (told,) = [pulled.message for pulled in first.result.pulled if not pulled.complete]
        assert "1 issues that nothing else ties have never been asked" in str(told)
        second = it.night()
        assert (second.result.exit_code, it.asked()) == (0, ["PAY-2", "PAY-4"])
        third = it.night()
        assert (third.result.exit_code, it.asked()) == (0, ["PAY-2", "PAY-3"])
        assert [tie[:2] for tie in it.ties()] == [("PAY-1", "O1"), ("PAY-2", "O3"), ("PAY-4", "O2")]
        assert third.labels == {"PAY-1": ["O1"], "PAY-2": [], "PAY-3": ["align-no-objective"], "PAY-4": []}


def test_by_default_no_issue_is_asked_for_its_remote_links() -> None:
    assert JiraSiteConfig.model_fields["remote_links"].default is None
