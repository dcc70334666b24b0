"""The examples of docs/jira.md are entries that load, and its table of permissions is what doctor says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from connectors.jira import FEATURES, JiraSiteConfig
from connectors.objectives import LinksConfig

PAGE = (Path(__file__).parents[3] / "docs" / "jira.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
SITE = {"url": "https://jira.example.com", "jql": "issuetype = Epic", "pat": "a token"}
LOGINS = re.findall(r"^\| (?:Cloud|Data Center), [^|]+ \| ([^|]+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_loads(example: str) -> None:
    found = YAML(typ="safe", pure=True).load(example)
    entry = found[0] if isinstance(found, list) else found
    if "columns" in entry:
        LinksConfig.model_validate(entry)
    else:
        JiraSiteConfig.model_validate(entry if "url" in entry else SITE | entry)


@pytest.mark.parametrize("login", LOGINS)
def test_every_way_to_log_in_is_one(login: str) -> None:
    settings: dict[str, object] = dict.fromkeys(re.findall(r"`(\w+)`", login), "https://x")
    settings |= {"gateway": True} if "gateway: true" in login else {}
    bare = {name: value for name, value in SITE.items() if name != "pat"}
    JiraSiteConfig.model_validate(bare | settings)


def test_the_page_holds_examples_and_ways_to_log_in() -> None:
    assert len(EXAMPLES) >= 7
    assert len(LOGINS) >= 6


def test_each_permission_is_on_the_page() -> None:
    rows = re.findall(r"^\| ([A-Z][a-z ]+)(?: \(Cloud\))? \| (?:reading|writing|nothing)", PAGE, re.MULTILINE)
    named = {row.removeprefix("Make ").upper().replace(" ", "_").rstrip("S") for row in rows}
    assert named == {name.rstrip("S") for name in FEATURES}
