"""What README and docs show is what the program says."""

from __future__ import annotations

import contextlib
import io
import json
import re
from pathlib import Path

import pytest

from rules.catalogue import Entity, Relation
from rules.vocabulary import VOCABULARY
from sync.cli import main
from sync.cli.app import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
RULES_PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")

# What differs from one run to the next: durations and ports.
PASSING = re.compile(r"\d+\.\d s|127\.0\.0\.1:\d+|\d{4}-\d\d-\d\d( \d\d:\d\d)?")


def blocks(text: str, kind: str = "") -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def lasting(text: str) -> list[str]:
    """Give the words of a text, without what differs between runs and without its line breaks."""
    return PASSING.sub("…", text).split()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("demo") / "it"
    with contextlib.redirect_stdout(io.StringIO()) as said:
        assert main(["demo", "--folder", str(folder)]) == 0
    return said.getvalue(), folder


def test_the_readme_shows_what_the_demo_prints(demo: tuple[str, Path]) -> None:
    shown = next(block for block in blocks(README) if block.startswith("First night"))
    printed = [tuple(lasting(line)) for line in demo[0].splitlines()]
    missing = [line for line in shown.splitlines() if tuple(lasting(line)) not in printed]
    assert missing == []


def test_the_readme_shows_what_explain_prints(
    demo: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = next(block for block in blocks(README) if block.startswith("$ .venv/bin/tieline explain"))
    command, _, told = shown.partition("\n")
    key = command.split()[3]
    assert main(["explain", key, "--env-file", str(demo[1] / ".env")]) == 0
    assert " ".join(lasting(told)) in " ".join(lasting(capsys.readouterr().out))


def test_a_row_of_the_sample_is_explained_as_three_budget_lines_to_the_cent(
    demo: tuple[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["explain", "--budget", "investments.csv:2", "--env-file", str(demo[1] / ".env"), "--json"]
    assert main(line) == 0
    explained = json.loads(capsys.readouterr().out)
    assert sorted((it["version"], it["period"]) for it in explained) == [
        ("actual", "FY2015"),
        ("budget", "FY2017"),
        ("forecast", "FY2016"),
    ]
    for it in explained:
        assert it["place"] == "investments.csv, line 2"
        assert it["mapping"][0] == "project from column 'Unique Investment Identifier'"
        assert [len(level["found"]) for level in it["levels"]] == [0, 0, 1]
        assert sum(share["amount_minor"] for share in it["shares"]) == it["amount_minor"]
        assert it["shares"][0]["why"].startswith("by cost code: UII (customfield_")


def test_the_rule_in_the_readme_is_one_that_passes_its_own_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = next(block for block in blocks(README, "yaml") if "epic-without-objective" in block)
    file = tmp_path / "rule.yaml"
    file.write_text("version: 1\nrules:\n" + rule, encoding="utf-8")
    assert main(["rules", "test", str(file)]) == 0
    assert "2 passed, 0 failed" in capsys.readouterr().out


def test_the_readme_shows_what_a_misspelt_field_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = next(block for block in blocks(README) if "objectiv IS EMPTY" in block)
    file = tmp_path / "epics.yaml"
    file.write_text(
        "version: 1\nrules:\n  - id: epic-without-goal\n    when: issuetype = Epic AND objectiv IS EMPTY\n"
        "    tests:\n      - flag: {issuetype: Epic}\n      - pass: {issuetype: Story}\n",
        encoding="utf-8",
    )
    assert main(["rules", "check", str(file)]) == 2
    said = capsys.readouterr()
    assert shown.replace("my-rules/epics.yaml", str(file)) in said.out + said.err


def test_the_commands_in_the_readme_are_those_there_are() -> None:
    table = README.partition("## Commands")[2].partition("## Rules")[0]
    named = set(
        re.findall(r"`([a-z]+)", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    )
    there = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    groups = {group.name for group in app.registered_groups}
    assert there | groups <= named | {"command"}


@pytest.mark.parametrize("entity", VOCABULARY.entities, ids=lambda entity: entity.name)
def test_the_page_on_rules_names_every_field(entity: Entity) -> None:
    row = next(line for line in RULES_PAGE.splitlines() if line.startswith(f"| `{entity.name}` |"))
    named = set(re.findall(r"`([A-Za-z.]+)`", row))
    assert {field.name for field in entity.fields if not field.absent} <= named
    assert {relation.name for relation in entity.relations} <= named
    for relation in entity.relations:
        if (entity.name, relation.name) == ("workItem", "objective"):
            assert fields_of(relation) <= named


def fields_of(relation: Relation) -> set[str]:
    return {f"{relation.name}.{field.name}" for field in relation.fields}
