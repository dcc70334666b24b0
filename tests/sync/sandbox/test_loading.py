"""Raw Jira issues from files: everything kept, in the deployment's words; bad lines refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import BadInput
from sync.sandbox import Deployment, Sandbox, Site
from sync.sandbox.loading import _to_issue
from tests.sync.sandbox.clients import ARROW, TIDEV, Client

NOW = datetime(2026, 3, 10, tzinfo=UTC)
real_files = pytest.mark.skipif(not TIDEV.exists(), reason="needs the real issues in ../shared/data/jira")


def new_site(deployment: Deployment = Deployment.CLOUD) -> Site:
    return Site(deployment, lambda: NOW)


def write(path: Path, *lines: Any) -> Path:
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n")
    return path


def read(path: Path) -> list[Any]:
    with gzip.open(path) as file:
        return [json.loads(line) for line in file]


def issue(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {"id": str(number), "key": f"OLD-{number}", "fields": fields}


BAD_LINES = [
    ("{", "not JSON"),
    ("[]", "not a JSON object"),
    ({"key": "OLD-1", "fields": {}}, "no numeric `id`"),
    ({"id": "1", "key": "old-1", "fields": {}}, "`key` is 'old-1'"),
    ({"id": "1", "key": "OLD-1"}, "no `fields` object"),
    (issue(1, labels="a"), "`fields.labels` is 'a'"),
    (issue(1, status="Open"), "`fields.status` is 'Open'"),
]


@pytest.mark.parametrize(("line", "reason"), BAD_LINES)
def test_a_bad_line_is_refused_with_its_place_and_nothing_is_loaded(
    tmp_path: Path, line: Any, reason: str
) -> None:
    site = new_site()
    path = write(tmp_path / "issues.jsonl", issue(7), line)
    with pytest.raises(BadInput) as refused:
        site.load([path])
    assert str(refused.value).startswith(f"{path}:2: ")
    assert reason in str(refused.value)
    assert site.issues == {}


def test_every_bad_line_is_named_up_to_twenty(tmp_path: Path) -> None:
    path = write(tmp_path / "issues.jsonl", *["{"] * 30)
    with pytest.raises(BadInput) as refused:
        new_site().load([path])
    assert len(refused.value.problems) == 21
    assert refused.value.problems[-1] == "… and 10 more bad lines"


def test_an_issue_told_twice_is_refused_naming_both_places(tmp_path: Path) -> None:
    path = write(tmp_path / "issues.jsonl", issue(), issue())
    with pytest.raises(BadInput, match=rf"{path}:2: issue 1 already stands at {path}:1"):
        new_site().load([path])


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b"{}")[:-9]], ids=["no gzip", "cut off"])
def test_a_broken_archive_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "issues.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"issues\.jsonl\.gz: cannot be read"):
        new_site().load([path])


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nowhere\.jsonl: cannot be read \(No such file or directory\)"):
        new_site().load([tmp_path / "nowhere.jsonl"])


def test_an_epic_outside_the_file_becomes_the_parent_or_the_epic_link(tmp_path: Path) -> None:
    epic = {"id": 77, "key": "OLD-77", "name": "Big", "summary": "Big thing", "done": False}
    path = write(tmp_path / "issues.jsonl", issue(1, epic=epic))
    cloud, server = new_site(Deployment.CLOUD), new_site(Deployment.DATA_CENTER)
    cloud.load([path])
    server.load([path])
    parent = cloud.get("OLD-1").fields["parent"]
    assert (parent["id"], parent["key"], parent["fields"]["summary"]) == ("77", "OLD-77", "Big thing")
    link = server.registry.special_field("com.pyxis.greenhopper.jira:gh-epic-link")
    assert link is not None
    assert server.get("OLD-1").fields[link] == "OLD-77"
    assert cloud.get("OLD-1").fields["epic"] == server.get("OLD-1").fields["epic"] == epic


def test_users_are_told_in_the_words_of_the_deployment(tmp_path: Path) -> None:
    person = {"name": "jo", "key": "JIRAUSER1", "displayName": "Jo"}
    path = write(tmp_path / "issues.jsonl", issue(1, reporter=person, assignee=None))
    cloud, server = new_site(Deployment.CLOUD), new_site(Deployment.DATA_CENTER)
    cloud.load([path])
    server.load([path])
    assert "name" not in cloud.get("OLD-1").fields["reporter"]
    assert cloud.get("OLD-1").fields["reporter"]["accountId"]
    assert server.get("OLD-1").fields["reporter"]["key"] == "JIRAUSER1"
    assert cloud.get("OLD-1").fields["assignee"] is None


def test_described_fields_take_their_names_and_replace_our_epic_link(tmp_path: Path) -> None:
    schema = {"type": "any", "custom": "com.pyxis.greenhopper.jira:gh-epic-link", "customId": 5}
    described = {"id": "customfield_5", "name": "Epos", "custom": True, "schema": schema}
    path = write(tmp_path / "issues.jsonl", issue(1, customfield_5="OLD-9", customfield_6=None))
    server = new_site(Deployment.DATA_CENTER)
    server.load([path], [described])
    names = {field["id"]: field["name"] for field in server.registry.custom_fields()}
    assert (names["customfield_5"], names["customfield_6"]) == ("Epos", "customfield_6")
    assert "Epic Link" not in names.values()
    cloud = new_site(Deployment.CLOUD)
    cloud.load([path], [described])
    assert cloud.get("OLD-1").fields["parent"] == {"key": "OLD-9"}


def test_a_status_without_category_is_served_as_uncategorised(tmp_path: Path) -> None:
    site = new_site()
    site.load([write(tmp_path / "issues.jsonl", issue(1, status={"id": "5", "name": "Odd"}))])
    assert site.get("OLD-1").fields["status"]["statusCategory"]["key"] == "undefined"


@given(st.dictionaries(st.text(min_size=1).map(lambda t: "x" + t), st.text() | st.none() | st.integers()))
def test_fields_nobody_knows_are_kept_as_they_are(fields: dict[str, Any]) -> None:
    site = new_site()
    site.add_project("OLD", "Old")
    kept = _to_issue(site, issue(1, **fields)).fields
    assert {name: kept[name] for name in fields} == fields


@pytest.fixture(params=list(Deployment))
def loaded(request: pytest.FixtureRequest) -> Iterator[Client]:
    with Sandbox(request.param) as jira:
        assert jira.site.load([TIDEV, ARROW]) == 2183 + 1994
        client = Client(jira)
        yield client
        client.close()


@real_files
def test_every_real_issue_is_paged_with_its_labels_and_text(loaded: Client) -> None:
    lines = read(TIDEV) + read(ARROW)
    expected = {raw["id"]: raw["fields"] for raw in lines}
    fields = ["labels", "summary", "reporter", "description"]
    loaded.version = "2"
    if loaded.jira.deployment is Deployment.CLOUD:
        found = loaded.by_token("project in (ALOY, MOD, DAEMON, ARROW) ORDER BY key", fields, 100)
    else:
        found = loaded.by_offset("ORDER BY key", fields, 500)
    assert len(found) == len(expected)
    for one in found:
        raw, shown = expected[one["id"]], one["fields"]
        assert shown["labels"] == raw["labels"]
        assert shown["summary"] == raw["summary"]
        assert (shown["reporter"] is None) is (raw["reporter"] is None)
        assert shown.get("description") == raw.get("description")
    assert max(len(one["fields"].get("description") or "") for one in found) > 159_000


@real_files
def test_real_epics_have_their_real_children(loaded: Client) -> None:
    name = "parent" if loaded.jira.deployment is Deployment.CLOUD else '"Epic Link"'
    lines = read(TIDEV)
    epics = [raw["fields"]["epic"]["key"] for raw in lines if raw["fields"].get("epic")]
    epic = next(key for key in epics if loaded.jira.site.find(key))
    assert len(loaded.keys(f"{name} = {epic}")) == epics.count(epic)
    assert len(loaded.keys("issuetype = Epic AND project in (ALOY, MOD, DAEMON)")) == 20


@real_files
def test_a_real_issue_is_served_whole(loaded: Client) -> None:
    raw = read(ARROW)[0]
    served = loaded.get(f"issue/{raw['key']}")
    assert raw["fields"].keys() <= served["fields"].keys()
    assert served["self"].startswith(loaded.jira.url)
    assert served["fields"]["created"] == raw["fields"]["created"]
