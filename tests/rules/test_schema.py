"""The JSON Schema of rule files: it takes what the reader takes, and refuses broken forms."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from ruamel.yaml import YAML

from rules.keys import RULE_KEYS
from rules.pack import shipped
from rules.schema import schema
from rules.vocabulary import VOCABULARY
from tests.rules.test_pack import BROKEN, TESTS, WHOLE

SCHEMA = schema(VOCABULARY)
VALIDATOR = Draft202012Validator(SCHEMA)

# What only the reader can tell: YAML itself, the names in conditions, messages and tests, one id twice.
READER_ONLY = {
    "no pass test",
    "no flag test",
    "an unknown field in a test",
    "a wrong value in a test",
    "an unknown state in a test",
    "an unknown field in the message",
    "a stray brace",
    "a tag",
    "an anchor",
    "a key twice",
    "a second document",
    "broken YAML",
    "colons in plain text",
    "a roll-up over no relation",
    "a sum of words",
    "a roll-up named like a field",
    "a wrong condition in a roll-up",
}


def _content(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def test_the_schema_is_one_and_survives_json() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("path", shipped(), ids=lambda path: path.name)
def test_the_shipped_files_are_valid(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(_content(path.read_text("utf-8")))] == []


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "version: '1'\nrules: []\n",
        f"version: 1\nrules:\n  - id: 2026\n    each: WORKITEM\n    title: 7\n    when: status = x\n{TESTS}",
        f"version: 1\nrules:\n  - id: r\n    label: 2026\n    limit: {{new: '5'}}\n    when: x = 1\n{TESTS}",
        f"version: 1\nrules:\n  - id: r\n    label:\n    for:\n    severity:\n    when: x = 1\n{TESTS}",
    ],
)
def test_what_the_reader_takes_is_valid(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(_content(text))] == []


@pytest.mark.parametrize("name", sorted(set(BROKEN) - READER_ONLY))
def test_files_broken_in_form_are_refused(name: str) -> None:
    assert not VALIDATOR.is_valid(_content(BROKEN[name][0])), name


def test_every_key_and_field_has_its_hover_text() -> None:
    rule = SCHEMA["$defs"]["rule"]["properties"]
    assert list(rule) == list(RULE_KEYS)
    assert all(text["description"] for text in rule.values())
    item = SCHEMA["$defs"]["item.workItem"]["properties"]
    assert {"type", "statusCategory", "objective", "objective.ends", "budget.amount"} <= set(item)
    assert all(text["description"] for text in item.values())
    assert item["statusCategory"]["examples"][:3] == ["To Do", "In Progress", "Done"]


def test_the_hover_text_of_a_condition_names_the_fields_of_its_entity() -> None:
    hovers = [
        branch["then"]["properties"]["when"]["description"] for branch in SCHEMA["$defs"]["rule"]["allOf"]
    ]
    assert ["parent.status" in hover for hover in hovers] == [True, *[False] * 5]


@pytest.mark.parametrize(("key", "wrong"), [("for", "3 days"), ("severity", "Warning"), ("label", "a b")])
def test_the_forms_of_values_are_those_of_the_reader(key: str, wrong: str) -> None:
    text = f"version: 1\nrules:\n  - id: r\n    {key}: {wrong}\n    when: status = x\n{TESTS}"
    (error,) = VALIDATOR.iter_errors(_content(text))
    assert list(error.path) == ["rules", 0, key]
