"""Issues named as objectives are read many at a time, each once; what is not given is told with why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest

from connectors.base import Named
from connectors.jira import JiraSiteConfig, OutsideObjectives, connect
from connectors.pages import FormerKey, Page
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


def page(jira: Sandbox, named: Named) -> Page:
    account, cloud = jira.credentials, jira.deployment is Deployment.CLOUD
    login = {"email": account.email, "api_token": account.token} if cloud else {"pat": account.pat}
    site = connect(JiraSiteConfig.model_validate(login | {"url": jira.url, "jql": "project = PAY"}))
    (found,) = OutsideObjectives(site, "labels = goal", Wanted(named), "align-").pages()
    site.close()
    return found


def read(jira: Sandbox, *ask: str, known: tuple[str, ...] = ()) -> dict[str, str | None]:
    """Ask for these names; give why each is hidden, by key, in the order of reading."""
    return dict(map(said, page(jira, Named(ask, frozenset(known))).records))


def asking(jira: Sandbox) -> list[str]:
    """The requests for issues."""
    asked = re.compile("/(bulkfetch|search|issue/[^/]+)$")
    return [one.path for one in jira.requests() if asked.search(one.path)]


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
        assert len(asking(jira)) == 3


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
@pytest.mark.parametrize("known", [(), ("GOAL-1", "GOAL-2")], ids=["new", "not given before"])
def test_of_each_that_was_moved_it_is_told_which_key_it_had(
    deployment: Deployment, known: tuple[str, ...]
) -> None:
    with goals(deployment, 4) as jira:
        site = jira.site
        moved = {key: site.move(key, "NEW") for key in ("GOAL-2", "GOAL-1", "GOAL-4")}
        site.permissions.hidden_issues.add(site.get("GOAL-3").id)
        asked = ("GOAL-1", "GOAL-2", moved["GOAL-2"], "GOAL-3")
        found = page(jira, Named(asked, frozenset(known)))
        assert set(found.former_keys) == {FormerKey(key, site.get(key).id) for key in ("GOAL-1", "GOAL-2")}
        assert dict(map(said, found.records)) == {
            moved["GOAL-1"]: None,
            moved["GOAL-2"]: None,
            "GOAL-3": "Jira does not give it by its id, though project GOAL is open to the account",
        }


@BOTH
def test_a_moved_one_that_is_an_objective_is_no_other_and_what_is_known_is_not_asked_singly(
    deployment: Deployment,
) -> None:
    with goals(deployment, 3) as jira:
        ids = {key: jira.site.get(key).id for key in ("GOAL-1", "GOAL-2", "GOAL-3")}
        moved = {key: jira.site.move(key, "NEW") for key in ids}
        named = Named(tuple(ids), objectives=frozenset({ids["GOAL-1"], ids["GOAL-2"]}))
        first = page(jira, named)
        assert set(first.former_keys) == {FormerKey(key, name) for key, name in ids.items()}
        assert dict(map(said, first.records)) == {moved["GOAL-3"]: None}
        jira.clear_requests()
        again = page(jira, replace(named, former=ids))
        assert (again.records, again.former_keys) == (first.records, ())
        assert len(asking(jira)) == 1


@BOTH
def test_a_former_key_that_another_issue_has_by_now_brings_that_one(deployment: Deployment) -> None:
    with goals(deployment, 1) as jira:
        identity = jira.site.get("GOAL-1").id
        jira.site.move("GOAL-1", "NEW")
        another = {"project": "GOAL", "key": "GOAL-1", "summary": "Another", "issuetype": "Epic"}
        jira.site.add_issue(another)
        found = page(jira, Named(("GOAL-1",), former={"GOAL-1": identity}, objectives=frozenset({identity})))
        assert dict(map(said, found.records)) == {"GOAL-1": None}


def test_few_moved_ones_among_many_are_found_by_halves() -> None:
    with goals(Deployment.CLOUD, 60) as jira:
        moved = {f"GOAL-{n}": jira.site.move(f"GOAL-{n}", "NEW") for n in (7, 50)}
        gone = tuple(f"GOAL-{n}" for n in range(61, 101))
        found = page(jira, Named((*(f"GOAL-{n}" for n in range(1, 61)), *gone)))
        assert {one.key for one in found.former_keys} == set(moved)
        assert len(found.records) == 100
        # all; the 42 that were not given; and halves of these down to each of the two
        assert len(asking(jira)) <= 2 + 2 * 2 * 6


@BOTH
def test_where_nothing_is_named_nothing_is_asked(deployment: Deployment) -> None:
    with goals(deployment, 1) as jira:
        assert read(jira) == {}
        assert not asking(jira)
