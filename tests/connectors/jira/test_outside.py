"""Issues named as objectives are read many at a time, each once; what is not given is told with why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from connectors.base import Named
from connectors.jira import JiraSiteConfig, OutsideObjectives, connect
from connectors.records import OutsideObjective, Record
from sync.sandbox import Deployment, Sandbox

BOTH = pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])


@dataclass(frozen=True)
class Wanted:
    """Work that names these."""

    named: Named

    def choose(self) -> Named:
        return self.named


@contextmanager
def goals(deployment: Deployment, number: int) -> Iterator[Sandbox]:
    """A site with so many goals, GOAL-1 and on."""
    with Sandbox(deployment) as jira:
        for project in ("GOAL", "NEW"):
            jira.site.add_project(project, project.title())
        for one in range(1, number + 1):
            jira.site.add_issue({"project": "GOAL", "summary": f"Goal {one}", "issuetype": "Epic"})
        jira.clear_requests()
        yield jira


def read(jira: Sandbox, *ask: str, known: tuple[str, ...] = ()) -> dict[str, str | None]:
    """Ask for these names; give why each is hidden, by key, in the order of reading."""
    account, cloud = jira.credentials, jira.deployment is Deployment.CLOUD
    login = {"email": account.email, "api_token": account.token} if cloud else {"pat": account.pat}
    site = connect(JiraSiteConfig.model_validate(login | {"url": jira.url, "jql": "project = PAY"}))
    source = OutsideObjectives(site, "labels = goal", Wanted(Named(ask, frozenset(known))), "align-")
    (page,) = source.pages()
    site.close()
    return dict(map(said, page.records))


def said(record: Record) -> tuple[str, str | None]:
    assert isinstance(record, OutsideObjective)
    assert record.hidden is not None or (record.title, record.url) != (record.key, None)
    return record.key, record.hidden


@BOTH
def test_an_issue_named_by_its_id_and_by_its_key_comes_once(deployment: Deployment) -> None:
    with goals(deployment, 2) as jira:
        identity = jira.site.get("GOAL-2").id
        assert read(jira, "GOAL-2", identity, "GOAL-1") == {"GOAL-1": None, "GOAL-2": None}


@BOTH
def test_many_are_read_a_hundred_at_a_time(deployment: Deployment) -> None:
    with goals(deployment, 250) as jira:
        assert len(read(jira, *(f"GOAL-{number}" for number in range(1, 251)))) == 250
        bulk = [one for one in jira.requests() if one.path.endswith(("/bulkfetch", "/search"))]
        assert len(bulk) == 3


@BOTH
def test_what_is_hidden_or_in_no_project_is_told_with_the_reason(deployment: Deployment) -> None:
    with goals(deployment, 1) as jira:
        jira.site.permissions.hidden_issues.add(jira.site.get("GOAL-1").id)
        for known in ((), ("GOAL-1", "OKR-7", "99999")):
            assert read(jira, "GOAL-1", "OKR-7", "99999", known=known) == {
                "GOAL-1": "Jira does not give it by its id, though project GOAL is open to the account",
                "OKR-7": "project OKR is deleted or no longer visible to the account",
                "99999": "Jira does not give it by its id",
            }


@BOTH
def test_one_that_was_moved_is_not_taken_for_the_one_named_and_its_key_is_told(
    deployment: Deployment,
) -> None:
    with goals(deployment, 1) as jira:
        newer = jira.site.move("GOAL-1", "NEW")
        ((name, why),) = read(jira, "GOAL-1").items()
        assert name == "GOAL-1"
        assert str(why).endswith(f"moved issues that came instead: {newer}")


@BOTH
def test_where_nothing_is_named_nothing_is_asked(deployment: Deployment) -> None:
    with goals(deployment, 1) as jira:
        assert read(jira) == {}
        assert not [one for one in jira.requests() if one.path.endswith(("/bulkfetch", "/search"))]
