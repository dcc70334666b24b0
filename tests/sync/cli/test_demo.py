"""`tieline demo`: three nights with the known figures, in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync.cli import main
from sync.sandbox import Deployment
from tests.sync.cli.desk import Said

FIGURES = {
    ("budget", 2017): (43_375_987_588_00, 5_088_627_000_00),
    ("forecast", 2016): (43_636_278_503_00, 4_467_033_000_00),
    ("actual", 2015): (41_951_660_465_00, 4_611_793_000_00),
}


def say(capture: pytest.CaptureFixture[str], *arguments: str) -> Said:
    code = main(["demo", *arguments])
    out, err = capture.readouterr()
    return Said(code, out, err)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def money(night: Any) -> dict[tuple[str, int], tuple[int, int]]:
    """The whole and the unaligned money of a night, by version and year."""
    sums: dict[tuple[str, int], tuple[int, int]] = {}
    for row in night["coverage"]:
        if row["currency"]:
            key = (row["version"], row["fiscal_year"])
            whole, unaligned = sums.get(key, (0, 0))
            mine = row["amount_minor"] if row["state"] == "unaligned" else 0
            sums[key] = (whole + row["amount_minor"], unaligned + mine)
    return sums


@pytest.mark.parametrize("deployment", list(Deployment), ids=["cloud", "dc"])
def test_as_json_it_gives_three_nights_with_the_known_figures(
    here: Path, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    said = say(capsys, "--json", "--deployment", deployment.value)
    assert (said.code, said.err) == (0, "")
    assert [money(night) for night in said.document[:2]] == [FIGURES, FIGURES]
    assert [(night["write_requests"], night["exit_code"]) for night in said.document] == [
        (31, 0),
        (0, 0),
        (1, 0),
    ]
    written = [(night["written"]["added"], night["written"]["removed"]) for night in said.document]
    assert written == [(31, 0), (0, 0), (0, 1)]
    assert [night["written"]["notified"] for night in said.document] == [0, 0, 0]


def test_it_prints_the_figures_and_ends_with_what_to_do_next(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = say(capsys)
    assert said.code == 0
    for words in (
        "It holds 747 epics",
        "43,375,987,588.00",
        "5,088,627,000.00",
        "43,636,278,503.00",
        "4,467,033,000.00",
        "41,951,660,465.00",
        "4,611,793,000.00",
        "Labels written: 31 added, 0 removed.",
        "0 of them to write",
        "Labels written: 0 added, 1 removed.",
        "1 of them to write",
        f"Open the report in a browser: {here}/tieline-demo/report/index.html",
    ):
        assert words in said.out
    shown = [line for line in said.out.splitlines() if line.startswith("  ") and "tieline " in line]
    commands = [line.partition("tieline ")[2] for line in shown]
    assert commands[-3:] == ["doctor", "run --dry-run", "run"]
    assert "watchers" not in said.out
    flagged, mended = (command.split() for command in commands if command.startswith("explain"))
    assert main(flagged) == 0
    assert "flagged, open since" in capsys.readouterr().out
    assert main(mended) == 0
    assert "Aligned: serves" in capsys.readouterr().out


def test_a_folder_that_holds_something_else_is_left_alone(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "mine").mkdir()
    (here / "mine/letter.txt").write_text("dear", encoding="utf-8")
    said = say(capsys, "--folder", "mine", "--json")
    assert said.code == 2
    assert "--folder mine: not empty" in said.document["problems"][0]
    assert [path.name for path in (here / "mine").iterdir()] == ["letter.txt"]


def test_a_folder_that_cannot_be_made_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "file").write_text("", encoding="utf-8")
    said = say(capsys, "--folder", "file/demo")
    assert said.code == 2
    assert "--folder file/demo: Not a directory. Name another folder." in said.err
