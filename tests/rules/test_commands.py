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
