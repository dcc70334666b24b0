"""The commands for people who edit rules: what they print, and the codes they exit with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sync.cli.app import main

RULE = """\
version: 1
rules:
  - id: late
    when: due < -7d
    tests:
      - flag: {due: -8d}
      - pass: {due: -1d}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in: no settings, no rules."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(["rules", *arguments])
    return code, capsys.readouterr().out


def _document(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code, out = _run(capsys, *arguments, "--json")
    return code, json.loads(out)


def test_untested_conditions_are_counted_and_fail_only_when_strict(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "late.yaml").write_text(RULE)
    assert _run(capsys, "test", "late.yaml") == (
        0,
        "2 passed, 0 failed, 2 untested: see them with --strict\n",
    )
    code, out = _run(capsys, "test", "late.yaml", "--strict")
    assert code == 1
    assert out.splitlines()[0] == "late.yaml:3  late  no test tells `due < -7d` from `due <= -7d`"
    assert out.splitlines()[-1] == "2 passed, 0 failed, 2 untested"
    code, document = _document(capsys, "test", "late.yaml")
    assert (code, document["passed"], len(document["untested"])) == (0, 2, 2)


def test_a_rule_that_is_pinned_down_passes_strictly(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "late.yaml").write_text(RULE.replace("-1d", "-7d"))
    assert _run(capsys, "test", "late.yaml", "--strict") == (0, "2 passed, 0 failed\n")


def test_the_shipped_pack_passes_strictly(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = _run(capsys, "test", "--strict")
    assert (code, "untested" in out) == (0, False), out


def test_a_failed_test_comes_before_what_is_untested(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "late.yaml").write_text(RULE.replace("-8d", "-6d"))
    code, out = _run(capsys, "test", "late.yaml", "--strict")
    assert code == 1
    assert "should flag this item, but did not flag it" in out
    assert out.endswith("1 passed, 1 failed\n")


def test_a_new_rule_can_be_written_checked_and_tested(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "new", "late-goal", "--each", "objective", "--out", "late.yaml") == (0, "")
    assert _run(capsys, "check", "late.yaml") == (0, "1 rule, no mistakes.\n")
    assert _run(capsys, "test", "late.yaml", "--strict") == (0, "4 passed, 0 failed\n")
    assert _run(capsys, "fmt", "--check", "late.yaml") == (0, "0 files to format.\n")
    code, out = _run(capsys, "new", "late-goal", "--each", "objective")
    assert (code, out) == (0, (folder / "late.yaml").read_text())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["Late!"], '"Late!" cannot be the id of a rule. Use small letters, digits and single dashes.'),
        (["late", "--each", "objektive"], 'There is no entity "objektive". Did you mean objective?'),
        (["late", "--out", "there.yaml"], "there.yaml is there already. Name a new file."),
        (["late", "--out", "no/folder.yaml"], "no/folder.yaml cannot be written: No such file or directory."),
    ],
)
def test_a_new_rule_that_cannot_be_written_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    (folder / "there.yaml").write_text("mine")
    assert main(["rules", "new", *arguments]) == 2
    assert capsys.readouterr() == ("", f"{message}\n")
    assert (folder / "there.yaml").read_text() == "mine"


def test_files_are_formatted_in_place_and_only_checked_with_check(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "late.yaml").write_text(RULE)
    assert _run(capsys, "fmt", "--check", ".") == (
        1,
        "late.yaml: not in the house form\n1 file to format.\n",
    )
    assert (folder / "late.yaml").read_text() == RULE
    assert _run(capsys, "fmt", "late.yaml") == (0, "late.yaml: formatted\n1 file formatted.\n")
    assert "    when: |\n      due < -7d\n" in (folder / "late.yaml").read_text()
    assert _document(capsys, "fmt", "late.yaml") == (0, {"problems": [], "changed": []})


def test_a_file_that_is_not_yaml_is_shown_and_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a.yaml").write_text("version: 1\nrules: [\n")
    (folder / "b.yaml").write_text(RULE)
    code, out = _run(capsys, "fmt", "a.yaml", "b.yaml", "c.yaml")
    assert code == 2
    assert out.startswith("a.yaml:3:1\n")
    assert "c.yaml\n    The file cannot be read: No such file or directory." in out
    assert out.endswith("b.yaml: formatted\n1 file formatted.\n")
    assert (folder / "a.yaml").read_text() == "version: 1\nrules: [\n"


def test_the_schema_is_printed_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = _run(capsys, "schema")
    assert code == 0
    assert json.loads(out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


BROKEN = """\
version: 1
rules:
  - id: late
    when: |
      dua < -7d
    labl: x
    tests: [{flag: {due: -8d}}, {pass: {}}]
"""


def test_mistakes_are_told_as_text_with_a_caret(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "late.yaml").write_text(BROKEN)
    code, out = _run(capsys, "check", "late.yaml")
    assert code == 2
    assert out.splitlines()[:3] == [
        "late.yaml:5:7  late",
        "    dua < -7d",
        '    ^^^ workItem has no field "dua". Did you mean due?',
    ]


def test_mistakes_are_told_as_json_with_place_and_suggestion(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "late.yaml").write_text(BROKEN)
    for arguments in (["--format", "json"], ["--json"]):
        code, out = _run(capsys, "check", "late.yaml", *arguments)
        assert code == 2
        assert json.loads(out)["problems"][1] == {
            "path": "late.yaml",
            "line": 6,
            "column": 5,
            "width": 4,
            "message": 'A rule has no key "labl".',
            "suggestion": "Did you mean label?",
            "rule": "late",
        }


def test_mistakes_are_told_as_annotations_of_a_pull_request(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "late,1.yaml").write_text(BROKEN)
    (folder / "none.yaml").write_text("")
    code, out = _run(capsys, "check", "late,1.yaml", "none.yaml", "--format", "github")
    assert code == 2
    assert out.splitlines() == [
        (
            '::error file=late%2C1.yaml,line=5,col=7,endColumn=9,title=late::workItem has no field "dua". '
            "Did you mean due?"
        ),
        (
            '::error file=late%2C1.yaml,line=6,col=5,endColumn=8,title=late::A rule has no key "labl". '
            "Did you mean label?"
        ),
        "::error file=none.yaml::The file is empty. Begin with version: 1 and rules:.",
    ]


def test_a_mistake_cannot_speak_to_the_workflow(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = '"a\\n::set-env name=x::100%"'
    (folder / "late.yaml").write_text(BROKEN.replace("labl", key))
    _, out = _run(capsys, "check", "late.yaml", "--format", "github")
    assert 'A rule has no key "a%0A::set-env name=x::100%25".' in out
    assert all(line.startswith("::error file=late.yaml,") for line in out.splitlines())


def test_a_form_that_does_not_exist_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check", "--format", "xml"]) == 2
    assert "'xml' is not one of 'text', 'json', 'github'" in capsys.readouterr().err
