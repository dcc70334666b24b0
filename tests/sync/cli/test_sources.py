"""`tieline sources inspect`: a proposal that can be put into sources.yaml as it is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connectors.finance import FinanceSourceConfig
from sync.cli.app import main
from sync.errors import Exit
from sync.sources import read_sources

SAMPLE = Path(__file__).parents[3] / "sync" / "sandbox" / "sample" / "investments.csv"


def test_the_proposal_is_a_sources_file_that_loads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sources", "inspect", str(SAMPLE)]) == Exit.OK
    printed = capsys.readouterr().out
    assert "# tried: 2241 budget lines, 0 rows refused" in printed
    (tmp_path / "sources.yaml").write_text(printed)
    (config,) = read_sources(tmp_path / "sources.yaml", {}).finance
    assert isinstance(config, FinanceSourceConfig)
    assert (config.name, config.path, config.scale) == ("investments", SAMPLE, 1_000_000)


def test_the_proposal_as_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "inspect", str(SAMPLE), "--json"]) == Exit.OK
    document = json.loads(capsys.readouterr().out)
    assert document["mapping"]["currency"] == "USD"
    assert document["notes"]["currency"] == ["doubt: $ is also the sign of other currencies"]


def test_a_file_that_holds_no_budget_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "people.csv").write_text("Name,Room\nA,B\n")
    assert main(["sources", "inspect", str(tmp_path / "people.csv")]) == Exit.USAGE
    assert capsys.readouterr().err == (
        f"{tmp_path / 'people.csv'}: no column looks like amounts of money: "
        "none has both numbers and a name such as Amount.\n"
    )
