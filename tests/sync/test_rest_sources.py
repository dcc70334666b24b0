"""Finance APIs in a sources file: read from it, told apart from files, and their mistakes placed."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.finance import FinanceSource, RestFinanceSource
from sync.errors import ConfigurationError
from sync.sources import read_sources
from sync.wiring import finance_source

TEXT = """finance:
  - name: files
    path: plan.csv
    currency: EUR
    amount: {column: amount, fiscal_year: 2026}
  - name: erp
    kind: rest
    base_url: https://erp.example/api
    auth: {type: bearer, token: "${ERP_TOKEN}"}
    currency: EUR
    amount: {column: amount, fiscal_year: 2026}
    records: [value]
    paging: {type: next_url, path: ["@odata.nextLink"]}
"""


def test_files_and_apis_stand_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(TEXT)
    config = read_sources(path, {"ERP_TOKEN": "s3cret"})
    files, api = map(finance_source, config.finance)
    assert isinstance(files, FinanceSource)
    assert isinstance(api, RestFinanceSource)
    assert "s3cret" not in repr(config)


@pytest.mark.parametrize(
    ("right", "wrong", "problem"),
    [
        ("base_url:", "base_ulr:", "8:5: finance.1.base_ulr: unknown key; did you mean base_url?"),
        ("next_url,", "next_ulr,", "13:5: finance.1.paging: "),
        ("    path: plan.csv", "    paht: plan.csv", "3:5: finance.0.paht: unknown key; did you mean path?"),
    ],
)
def test_a_mistake_is_told_at_its_place(tmp_path: Path, right: str, wrong: str, problem: str) -> None:
    path = tmp_path / "sources.yaml"
    path.write_text(TEXT.replace(right, wrong))
    with pytest.raises(ConfigurationError) as refused:
        read_sources(path, {"ERP_TOKEN": "s3cret"})
    assert any(told.startswith(f"{path}:{problem}") for told in refused.value.problems), (
        refused.value.problems
    )
    assert "s3cret" not in str(refused.value.problems)
