"""The examples of docs/finance.md are mappings that load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from connectors.finance import FinanceSourceConfig, FxSourceConfig, RestFinanceConfig

PAGE = (Path(__file__).parents[3] / "docs" / "finance.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
FORMS = re.findall(r"^\| [^|]+ \| `((?:amount|amounts|periods): .*)` ?.*\|$", PAGE, re.MULTILINE)
REST = {"name": "x", "path": "x.csv", "currency": "EUR"}
MONEY = {"amount": {"column": "Betrag", "fiscal_year": 2026}}


@pytest.mark.parametrize("example", [*EXAMPLES, *FORMS])
def test_every_example_loads(example: str) -> None:
    found = YAML(typ="safe", pure=True).load(example)
    if "fx" in found:
        for rates in found["fx"]:
            FxSourceConfig.model_validate(rates)
        return
    entry = found[0] if isinstance(found, list) else found
    if entry.get("kind") == "rest":
        RestFinanceConfig.model_validate(entry)
        return
    money = {} if {"amount", "amounts", "periods"} & set(entry) else MONEY
    optional = {"columns": {"description": "Comment"}} if "optional" in entry else {}
    FinanceSourceConfig.model_validate(REST | money | optional | entry)


def test_the_page_holds_examples() -> None:
    assert len(EXAMPLES) >= 6
    assert len(FORMS) >= 6
