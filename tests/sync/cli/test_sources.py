"""`tieline sources inspect`: a proposal that can be put into sources.yaml as it is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from connectors.finance import FinanceSourceConfig
from connectors.finance.profiles import profile_names
from sync.cli.app import main
from sync.errors import ConfigurationError, Exit
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


@pytest.mark.parametrize("name", profile_names())
def test_the_entry_shown_for_a_profile_needs_only_its_blanks_filled(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sources", "profile", name]) == Exit.OK
    printed = capsys.readouterr().out
    filled = re.sub(r"^(      [a-z_]+):$", r"\1: EUR", printed, flags=re.MULTILINE)
    filled = re.sub(r"^    currency: .*$", "    currency: EUR", filled, flags=re.MULTILINE)
    filled = re.sub(
        r"^    amount: .*$", "    amount: {column: A, fiscal_year: 2026}", filled, flags=re.MULTILINE
    )
    (tmp_path / "sources.yaml").write_text(printed)
    with pytest.raises(ConfigurationError, match=f"profile {name} needs|is not set"):
        read_sources(tmp_path / "sources.yaml", {})
    secrets = re.findall(r"\$\{([A-Z_0-9]+)\}", filled)
    (tmp_path / "sources.yaml").write_text(filled)
    (config,) = read_sources(tmp_path / "sources.yaml", dict.fromkeys(secrets, "s3cret")).finance
    assert (config.name, config.kind) == (name, "rest")
    assert secrets
    assert "s3cret" not in repr(config)


def test_the_profiles_are_listed_with_their_systems(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sources", "profile", "--json"]) == Exit.OK
    assert set(json.loads(capsys.readouterr().out)["profiles"]) == set(profile_names())
    assert main(["sources", "profile", "sapp"]) == Exit.USAGE
    assert "There is no profile 'sapp'; there are anaplan, apptio" in capsys.readouterr().err
