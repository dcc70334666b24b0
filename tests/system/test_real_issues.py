"""Thousands of real issues through two nights: all are stored, odd ones too, with exactly their labels."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sync.sandbox import Deployment, Sandbox
from sync.store.links import work_item
from tests.system.nights import ALL_MAY_BE_FLAGGED, SHARED, Night, Service, labels_in, labels_in_store, serve

JIRA = SHARED / "jira"
ODD_LABELS = ["with,comma", '"quoted"', "it's", "trailing,", "Größe-✓", "<b>", "=1+1", "null", "%", "a" * 255]
HUGE = 998_000


@dataclass
class Loaded:
    """A service after its first night, and the raw issues it was loaded with."""

    service: Service
    raw: dict[str, dict[str, Any]]
    odd: dict[str, str]
    first: Night


def raw_issues(file: Path) -> dict[str, dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return {issue["key"]: issue["fields"] for line in lines for issue in [json.loads(line)]}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(
            (Deployment.CLOUD, "tidev_alloy_mod_daemon", "project in (ALOY, MOD, DAEMON)", "ALOY"), id="cloud"
        ),
        pytest.param((Deployment.DATA_CENTER, "apache_arrow_dc", "project = ARROW", "ARROW"), id="dc"),
    ],
)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    deployment, name, jql, project = request.param
    file = JIRA / f"{name}.issues.jsonl.gz"
    if not file.exists():
        pytest.skip("needs the real issues in ../shared/data/jira")
    with Sandbox(deployment) as jira:
        jira.site.permissions.admin = True
        jira.site.load([file])
        odd = add_odd_issues(jira, project)
        folder = tmp_path_factory.mktemp(name)
        (folder / "objectives.csv").write_text("id,title\nO1,An objective\n", encoding="utf-8")
        settings = {"JIRA_JQL": jql, "OBJECTIVES_PATH": str(folder / "objectives.csv")} | ALL_MAY_BE_FLAGGED
        with serve(jira, folder, settings) as service:
            yield Loaded(service, raw_issues(file), odd, service.night())


def add_odd_issues(jira: Sandbox, project: str) -> dict[str, str]:
    """What real sites hold and these files do not: each kind of oddity on an issue of its own."""
    site = jira.site
    epic = site.add_issue({"project": project, "issuetype": "Epic", "summary": "An epic soon gone"})
    odd = {
        "labels": site.add_issue({"project": project, "summary": "Odd labels", "labels": ODD_LABELS}),
        "no reporter": site.add_issue({"project": project, "summary": "Nobody's", "reporter": None}),
        "no summary": site.add_issue({"project": project, "summary": None}),
        "dangling": site.add_issue({"project": project, "summary": "An orphan", "parent": epic}),
        "huge": site.add_issue({"project": project, "summary": "Long", "description": "ß" * HUGE}),
        "control": site.add_issue({"project": project, "summary": "Bell \x07, tab \t, \u202eback"}),
    }
    site.delete(epic)
    return odd


def test_the_night_is_done(loaded: Loaded) -> None:
    assert (loaded.first.result.status, loaded.first.result.exit_code) == ("done", 0)


def test_every_issue_is_in_the_store_with_exactly_its_labels(loaded: Loaded) -> None:
    stored = labels_in_store(loaded.service.engine)
    expected = {key: sorted(fields["labels"]) for key, fields in loaded.raw.items()}
    assert len(expected) >= 1994
    ours = {change.ticket.issue_key for change in loaded.first.result.plan.changes}
    assert {key: without_ours(stored[key], key in ours) for key in expected} == expected
    assert stored.keys() - expected.keys() == set(loaded.odd.values())


def without_ours(names: list[str], flagged: bool) -> list[str]:
    return [name for name in names if not (flagged and name == "align-no-objective")]


def test_labels_with_commas_quotes_and_markup_arrive_whole(loaded: Loaded) -> None:
    assert labels_in_store(loaded.service.engine)[loaded.odd["labels"]] == sorted(ODD_LABELS)


def test_every_oddity_is_stored_under_its_key(loaded: Loaded) -> None:
    item = work_item
    with loaded.service.engine.connect() as connection:
        rows = connection.execute(select(item.c.key, item.c.summary, item.c.parent_id)).all()
    found = {row.key: row for row in rows}
    assert found[loaded.odd["no summary"]].summary == ""
    assert found[loaded.odd["dangling"]].parent_id is None
    assert found[loaded.odd["control"]].summary == "Bell \x07, tab \t, \u202eback"
    assert {"no reporter", "huge"} <= loaded.odd.keys()
    assert {loaded.odd["no reporter"], loaded.odd["huge"]} <= found.keys()


def test_open_epics_are_labelled_and_nothing_else_is_touched(loaded: Loaded) -> None:
    def is_open_epic(fields: dict[str, Any]) -> bool:
        status = (fields.get("status") or {}).get("statusCategory") or {}
        return (fields.get("issuetype") or {}).get("name") == "Epic" and status.get("key") != "done"

    flagged = {change.ticket.issue_key for change in loaded.first.result.plan.changes}
    assert flagged == {key for key, fields in loaded.raw.items() if is_open_epic(fields)}
    assert loaded.first.writes == len(flagged)
    untouched = {key: fields["labels"] for key, fields in loaded.raw.items() if key not in flagged}
    assert {key: loaded.first.labels[key] for key in untouched} == untouched


def test_a_second_night_writes_nothing(loaded: Loaded) -> None:
    before = labels_in(loaded.service.jira)
    second = loaded.service.night()
    assert (second.writes, second.result.exit_code) == (0, 0)
    assert labels_in(loaded.service.jira) == before
