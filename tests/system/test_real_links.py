"""Every set of real issues through a night in both flavours: all are stored, and what ties them is found."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from connectors.records import How
from sync.figures.findings import Dangling
from sync.sandbox import Deployment, Sandbox
from sync.store.links import objective, objective_link, work_item
from tests.connectors.jira.real_issues import needs_real_data, real_issues
from tests.system.nights import ALL_MAY_BE_FLAGGED, SHARED, Night, Service, serve

JIRA = SHARED / "jira"
RawIssue = dict[str, Any]
BOTH = pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
KEY = re.compile(r"[A-Z][A-Z0-9_]*-[1-9]\d*")
# Those that make whole sites have tests of their own.
WHOLE_SITES = ("apache_arrow", "tidev", "hhs_connect")

pytestmark = needs_real_data


class Read:
    """What one night made of issues put into a sandbox."""

    def __init__(self, service: Service, night: Night) -> None:
        self.night = night
        with service.engine.connect() as connection:
            self.stored = set(connection.scalars(select(work_item.c.key)))
            links = (
                select(work_item.c.key, objective.c.source_id, work_item.c.type_name, objective_link.c.depth)
                .join_from(objective_link, work_item, work_item.c.id == objective_link.c.work_item_id)
                .join(objective, objective.c.id == objective_link.c.objective_id)
            )
            self.links = connection.execute(links).all()
            parents = select(func.count()).where(work_item.c.parent_id.is_not(None))
            self.with_parent = connection.scalar(parents)

    @property
    def dangling_parents(self) -> int:
        return sum(it.number for it in self.dangling if it.how == How.PARENT_CHAIN)

    @property
    def dangling(self) -> tuple[Dangling, ...]:
        return self.night.result.judgement.dangling


def read(deployment: Deployment, folder: Path, file: Path, settings: Mapping[str, str]) -> Read:
    with Sandbox(deployment) as jira:
        jira.site.permissions.admin = True
        jira.site.load([file])
        with serve(jira, folder, {**settings, **ALL_MAY_BE_FLAGGED}) as service:
            night = service.night()
            assert (night.result.status, night.result.exit_code) == ("done", 0)
            return Read(service, night)


def every_project(keys: Iterable[str]) -> str:
    projects = sorted({key.rpartition("-")[0] for key in keys})
    return f"project in ({', '.join(map(json.dumps, projects))})"


def written(folder: Path, issues: Iterable[RawIssue]) -> Path:
    file = folder / "issues.jsonl"
    file.write_text("".join(f"{json.dumps(one)}\n" for one in issues), encoding="utf-8")
    return file


# --- CONN: a programme with epics, flattened by those who published it ---


def conn_items() -> list[dict[str, Any]]:
    with gzip.open(JIRA / "hhs_connect_conn.items.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def conn_issues() -> list[RawIssue]:
    """The items in the shape of Jira's answers: the epic or the sub-task's parent, and links beside it."""
    items = conn_items()
    epics = {item["id"] for item in items if item["type"] == "Epic"}
    return [conn_issue(item, epics) for item in items]


def conn_issue(item: dict[str, Any], epics: set[str]) -> RawIssue:
    targets = list(dict.fromkeys(link["target"] for link in item["link"]))
    subtask = item["type"] == "Sub-task"
    above = [target for target in targets if subtask or target in epics]
    parent = above[0] if above and item["id"] not in epics else None
    fields: RawIssue = {
        "summary": item["title"],
        "issuetype": {"name": item["type"], "subtask": subtask},
        "labels": [],
        "issuelinks": [relates(item["id"], other) for other in targets if other != parent],
    }
    if parent:
        fields["parent"] = named(parent)
    return {**named(item["id"]), "fields": fields}


def named(key: str) -> RawIssue:
    return {"id": str(100_000 + int(key.rpartition("-")[2])), "key": key}


def relates(key: str, other: str) -> RawIssue:
    kind = {"id": "10003", "name": "Relates", "inward": "relates to", "outward": "relates to"}
    number = f"{key.rpartition('-')[2]}{other.rpartition('-')[2]}"
    return {"id": number, "type": kind, "outwardIssue": named(other)}


@BOTH
def test_the_epics_of_conn_are_found_and_what_hangs_under_none_is_loose(
    deployment: Deployment, tmp_path: Path
) -> None:
    issues = conn_issues()
    settings = {"JIRA_JQL": "project = CONN", "JIRA_OBJECTIVE_JQL": "project = CONN AND issuetype = Epic"}
    found = read(deployment, tmp_path, written(tmp_path, issues), settings)
    assert found.stored == {issue["key"] for issue in issues}
    direct = [link for link in found.links if link.depth == 0 and link.type_name not in {"Sub-task", "Epic"}]
    under = {link.key: link.source_id for link in direct if is_parent(issues, link.key, link.source_id)}
    assert (len(under), len(set(under.values()))) == (613, 24)
    ordinary = {i["key"] for i in issues if i["fields"]["issuetype"]["name"] not in {"Epic", "Sub-task"}}
    assert len(ordinary - {link.key for link in direct}) == 585
    assert found.dangling == ()


def is_parent(issues: list[RawIssue], key: str, parent: str) -> bool:
    fields = next(issue["fields"] for issue in issues if issue["key"] == key)
    return bool((fields.get("parent") or {}).get("key") == parent)


# --- whole sites whose parents are partly elsewhere ---


@BOTH
def test_the_epic_links_of_tidev_are_found_and_those_that_lead_nowhere_reported(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = JIRA / "tidev_alloy_mod_daemon.issues.jsonl.gz"
    found = read(deployment, tmp_path, file, {"JIRA_JQL": "project in (ALOY, MOD, DAEMON)"})
    assert len(found.stored) == 2183
    epic_links, subtasks, dangling = 119, 98, 42
    assert found.with_parent == epic_links + subtasks - dangling
    (parents,) = [it for it in found.dangling if it.how == How.PARENT_CHAIN]
    assert (parents.source, parents.fault, parents.number) == ("jira", "parent not found", dangling)


@BOTH
def test_the_parents_of_arrow_that_are_not_in_the_archive_are_reported(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = JIRA / "apache_arrow_dc.issues.jsonl.gz"
    found = read(deployment, tmp_path, file, {"JIRA_JQL": "project = ARROW"})
    assert len(found.stored) == 1994
    assert (found.with_parent, found.dangling_parents) == (275 - 77, 77)


# --- the answers of many sites ---


def smaller_sets() -> dict[str, dict[str, RawIssue]]:
    """The whole issues of each set by key, each once: a set may hold one in several states."""
    found: dict[str, dict[str, RawIssue]] = defaultdict(dict)
    for place, raw in real_issues():
        name = place.partition("/")[0]
        if not name.startswith(WHOLE_SITES) and KEY.fullmatch(str(raw["key"])):
            found[name].setdefault(raw["key"], raw)
    return found


def put_together(sets: Iterable[dict[str, RawIssue]]) -> list[dict[str, RawIssue]]:
    """As few sites as hold all sets: sets that use one key for two issues are of two sites."""
    sites: list[dict[str, RawIssue]] = []
    for issues in sets:
        fitting = next((site for site in sites if not site.keys() & issues.keys()), None)
        if fitting is None:
            sites.append(dict(issues))
        else:
            fitting.update(issues)
    return sites


def with_ids(issues: Iterable[RawIssue]) -> list[RawIssue]:
    """The issues under numbers of their own where a set was stripped of them, or has one twice."""
    taken: set[str] = set()
    numbered = []
    for number, raw in enumerate(issues, start=9_000_000):
        given = str(raw.get("id") or "")
        identity = given if given.isdecimal() and given not in taken else str(number)
        taken.add(identity)
        numbered.append({**raw, "id": identity})
    return numbered


@BOTH
def test_the_issues_of_every_other_set_are_stored_with_their_labels(
    deployment: Deployment, tmp_path: Path
) -> None:
    sets = smaller_sets()
    assert len(sets) >= 8
    for number, issues in enumerate(put_together(sets.values())):
        folder = tmp_path / str(number)
        folder.mkdir()
        file = written(folder, with_ids(issues.values()))
        found = read(deployment, folder, file, {"JIRA_JQL": every_project(issues)})
        assert found.stored >= issues.keys()
