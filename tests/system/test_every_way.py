"""Each way of tying work to an objective, alone on an epic of its own, through a night on both products."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from sync.sandbox import Deployment, Sandbox
from sync.store.links import objective, objective_link, work_item
from tests.system.nights import Service, serve

CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes:"
GOAL = "ari:cloud:townsquare:c0ffee:goal/11"
OBJECTIVES = f"id,title,url\nO1,One,https://okr.example/o/1\n42,Number,\n{GOAL},A goal,\n"

# Each field that may tie an epic: its kind, its value and the objective that this names.
FIELDS: dict[str, tuple[dict[str, Any], Any, str]] = {
    "text": ({"type": "string", "custom": CUSTOM + "textfield"}, "X9 / O1", "O1"),
    "number": ({"type": "number", "custom": CUSTOM + "float"}, 42.0, "42"),
    "select": ({"type": "option", "custom": CUSTOM + "select"}, {"id": "1", "value": "O1"}, "O1"),
    "multi-select": (
        {"type": "array", "items": "option", "custom": CUSTOM + "multiselect"},
        [{"id": "2", "value": "X9"}, {"id": "1", "value": "O1"}],
        "O1",
    ),
    "cascading": (
        {"type": "option-with-child", "custom": CUSTOM + "cascadingselect"},
        {"id": "3", "value": "Group", "child": {"id": "1", "value": "O1"}},
        "O1",
    ),
    "address": ({"type": "string", "custom": CUSTOM + "url"}, "https://okr.example/o/1", "O1"),
    "labels": ({"type": "array", "items": "string", "custom": CUSTOM + "labels"}, ["x", "O1"], "O1"),
    "picker": ({"type": "any", "custom": "com.example:picker"}, {"id": "10999", "key": "GOAL-1"}, "GOAL-1"),
    "goals": ({"type": "array", "items": "goals", "custom": CUSTOM + "goals"}, [{"id": GOAL}], GOAL),
}


class Ways:
    """A sandbox with an objective issue and one epic for each way."""

    def __init__(self, jira: Sandbox) -> None:
        self.jira = jira
        self.fields = {name: jira.site.add_field(f"By {name}", kind) for name, (kind, _, _) in FIELDS.items()}
        self.roadmap = jira.site.add_field(
            "Parent Link", {"type": "any", "custom": "com.atlassian.jpo:jpo-custom-field-parent"}
        )
        self.strength = jira.site.add_field("Alignment")
        self.expected: dict[str, tuple[str, str, str | None]] = {}
        jira.site.permissions.admin = True
        jira.site.add_project("GOAL", "Goals")
        jira.site.add_project("PAY", "Payments")
        jira.site.add_issue(
            {"project": "GOAL", "key": "GOAL-1", "summary": "A goal", "issuetype": "Initiative"}
        )
        for name, (_, value, target) in FIELDS.items():
            how = "goals field" if name == "goals" else "custom field"
            strength = "accelerates" if name == "number" else "supports" if name == "text" else None
            self.epic(
                {self.fields[name]: value, self.strength: "Direct" if strength == "accelerates" else None},
                target,
                how,
                strength,
            )
        self.epic({"labels": ["obj:O1"]}, "O1", "label")
        self.epic({"parent": "GOAL-1"} if self.cloud else {self.roadmap: "GOAL-1"}, "GOAL-1", "parent chain")
        linked = self.epic({}, "GOAL-1", "issue link", "traces")
        self.link(linked, "GOAL-1")
        loose = self.epic({}, None, "")
        self.link("GOAL-1", loose)
        story = {"project": "PAY", "summary": "A story", "issuetype": "Story", "parent": linked}
        self.expected[jira.site.add_issue(story)] = ("GOAL-1", "issue link", "traces")

    @property
    def cloud(self) -> bool:
        return self.jira.deployment is Deployment.CLOUD

    def epic(self, fields: dict[str, Any], target: str | None, how: str, strength: str | None = None) -> str:
        key = self.jira.site.add_issue({"project": "PAY", "summary": how, "issuetype": "Epic"} | fields)
        if target is not None:
            self.expected[key] = (target, how, strength)
        return key

    def link(self, source: str, target: str) -> None:
        """`source` blocks `target`: outward on the one, inward on the other."""
        kind = {"id": "10000", "name": "Blocks", "inward": "is blocked by", "outward": "blocks"}
        for one, other, side in ((source, target, "outwardIssue"), (target, source, "inwardIssue")):
            issue, named = self.jira.site.get(one), self.jira.site.get(other)
            entry = {"id": f"{issue.id}{named.id}", "type": kind, side: {"id": named.id, "key": named.key}}
            issue.fields["issuelinks"] = [*(issue.fields.get("issuelinks") or []), entry]

    def sources(self) -> str:
        account = self.jira.credentials
        login = f"email: {account.email}, api_token: {account.token}" if self.cloud else f"pat: {account.pat}"
        plain = [f"By {name}" for name in FIELDS if name not in {"text", "goals"}]
        return f"""\
jira:
  - {{url: "{self.jira.url}", jql: project = PAY, objective_jql: project = GOAL, {login},
     objective_label_prefix: "obj:", strength_field: Alignment, strengths: {{Direct: accelerates}},
     objective_fields: [{{field: By text, separators: " / ", strength: supports}}, {", ".join(plain)}],
     objective_links: [{{type: blocks, direction: outward, strength: traces}}]}}
objectives:
  - {{name: goals, path: goals.csv, columns: {{id: id, title: title, url: url}}}}
"""


@contextmanager
def ways(deployment: Deployment, folder: Path) -> Iterator[tuple[Ways, Service]]:
    with Sandbox(deployment) as jira:
        it = Ways(jira)
        (folder / "goals.csv").write_text(OBJECTIVES, encoding="utf-8")
        (folder / "sources.yaml").write_text(it.sources(), encoding="utf-8")
        with serve(jira, folder, {"TIELINE_SOURCES": str(folder / "sources.yaml")}) as service:
            yield it, service


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_each_way_ties_alone_with_its_strength(deployment: Deployment, tmp_path: Path) -> None:
    with ways(deployment, tmp_path) as (it, service):
        night = service.night()
        assert night.result.exit_code == 0
        found = select(
            work_item.c.key, objective.c.source_id, objective_link.c.how, objective_link.c.strength
        )
        on_item = work_item.c.id == objective_link.c.work_item_id
        rows = (
            found.join_from(objective_link, work_item, on_item)
            .join(objective, objective.c.id == objective_link.c.objective_id)
            .where(objective_link.c.counts)
        )
        with service.engine.connect() as connection:
            tied = {row[0]: tuple(row[1:]) for row in connection.execute(rows)}
        assert tied == it.expected
        vain = {(one.how, one.number) for one in night.result.judgement.dangling}
        assert vain == {("custom field", 3)}, "X9 in two fields, x in a field of labels, and no group"
