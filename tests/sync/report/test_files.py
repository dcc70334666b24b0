"""The files of a report, written from a real store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.errors import ConfigurationError
from sync.report import write_report
from sync.store.database import open_store
from tests.sync.report.stage import COMPANY, ZONE, Stage

FILES = [
    *("converted.csv", "coverage.csv", "findings.csv", "index.html", "objectives.csv", "report.json"),
    *("unaligned.csv", "unfunded-work.csv", "unmatched-money.csv"),
]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    engine = open_store(f"sqlite:///{tmp_path / 'tieline.db'}")
    yield Stage(engine)
    engine.dispose()


def report(stage: Stage, run_id: int, folder: Path) -> Path:
    return write_report(stage.engine, run_id, folder, zone=ZONE, currency="USD", fiscal_year=2026)


def test_the_same_number_stands_in_every_file(stage: Stage, tmp_path: Path) -> None:
    page = report(stage, stage.night(COMPANY), tmp_path / "out" / "report")
    assert page == tmp_path / "out" / "report" / "index.html"
    assert sorted(path.name for path in page.parent.iterdir()) == FILES
    headline = json.loads((page.parent / "report.json").read_text(encoding="utf-8"))["headline"]
    assert headline["text"]["aligned"] == "170,000.01 USD"
    assert "<b>170,000.01 USD</b> of <b>215,001.00 USD</b>" in page.read_text(encoding="utf-8")
    coverage = (page.parent / "coverage.csv").read_text(encoding="utf-8-sig")
    assert "portfolio,,,USD,2026,budget,170000.01,40000.99,0.00,5000.00,215001.00" in coverage
    unaligned = (page.parent / "unaligned.csv").read_text(encoding="utf-8-sig")
    assert "PAY-3,Summary of PAY-3,PAY,Pay,In Progress,30000.00,USD,2026,budget" in unaligned


def test_a_report_written_again_is_the_same_byte_for_byte(stage: Stage, tmp_path: Path) -> None:
    stage.night(COMPANY)
    run_id = stage.night()
    folder = report(stage, run_id, tmp_path / "report").parent
    first = {path.name: path.read_bytes() for path in folder.iterdir()}
    report(stage, run_id, folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == first


def test_a_spreadsheet_is_told_that_a_file_is_utf_8(stage: Stage, tmp_path: Path) -> None:
    folder = report(stage, stage.night(COMPANY), tmp_path / "report").parent
    assert (folder / "coverage.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert not (folder / "report.json").read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(stage: Stage, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file", encoding="utf-8")
    run_id = stage.night(COMPANY)
    with pytest.raises(ConfigurationError) as refused:
        report(stage, run_id, taken)
    assert str(refused.value) == (
        f"The report cannot be written to {taken}: File exists. "
        "Name a folder that can be written in TIELINE_REPORT_DIR or with --out."
    )


def test_a_report_that_cannot_be_replaced_leaves_nothing_half_written(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    (folder / "report.json").mkdir(parents=True)
    run_id = stage.night(COMPANY)
    with pytest.raises(ConfigurationError, match="Is a directory"):
        report(stage, run_id, folder)
    assert [path.name for path in folder.iterdir()] == ["report.json"]
