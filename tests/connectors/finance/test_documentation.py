"""The examples of the pages on finance are mappings that load, and they name what the profiles ask for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from connectors.finance import (
    AllocationsConfig,
    AllocationsSource,
    FinanceSourceConfig,
    FxSourceConfig,
    RestFinanceConfig,
)
from connectors.finance.profiles import profile_names, read_profile

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "finance.md").read_text(encoding="utf-8")
APIS = (DOCS / "finance-apis.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
FORMS = re.findall(r"^\| [^|]+ \| `((?:amount|amounts|periods): .*)` ?.*\|$", PAGE, re.MULTILINE)
ADDED = re.findall(r"\n## ([^\n]*)\n(?:(?!\n## ).)*?```yaml\n(    .*?)```", APIS, re.DOTALL)
REST = {"name": "x", "path": "x.csv", "currency": "EUR"}
MONEY = {"amount": {"column": "Betrag", "fiscal_year": 2026}}


@pytest.mark.parametrize("example", [*EXAMPLES, *FORMS])
def test_every_example_loads(example: str) -> None:
    found = YAML(typ="safe", pure=True).load(example)
    for section, config in (("fx", FxSourceConfig), ("allocations", AllocationsConfig)):
        if section in found:
            for declared in found[section]:
                config.model_validate(declared)
            return
    entry = found[0] if isinstance(found, list) else found
    if entry.get("kind") == "rest":
        RestFinanceConfig.model_validate(entry)
        return
    money = {} if {"amount", "amounts", "periods"} & set(entry) else MONEY
    optional = {"columns": {"description": "Comment"}} if "optional" in entry else {}
    FinanceSourceConfig.model_validate(REST | money | optional | entry)


def test_the_allocation_table_of_the_page_is_read_without_a_refused_row(tmp_path: Path) -> None:
    (example,) = [text for text in EXAMPLES if text.startswith("allocations:")]
    (declared,) = YAML(typ="safe", pure=True).load(example)["allocations"]
    (table,) = [text for text in re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL) if "Share" in text]
    (tmp_path / "mapping.csv").write_text(table, encoding="utf-8")
    config = AllocationsConfig.model_validate(declared | {"path": tmp_path / "mapping.csv"})
    (page,) = AllocationsSource(config).pages()
    assert (len(page.records), page.quarantined) == (4, ())


def test_the_page_holds_examples() -> None:
    assert len(EXAMPLES) >= 6
    assert len(FORMS) >= 6


@pytest.mark.parametrize("name", profile_names())
def test_the_page_names_what_each_profile_asks_for(name: str) -> None:
    (row,) = re.findall(rf"^\| `{name}` \| [^|]* \| (.*) \|$", APIS, re.MULTILINE)
    assert re.findall(r"`([a-z_]+)`", row) == list(read_profile(name)["asks"])


def profile_of(heading: str) -> str:
    short = heading.lower().replace("/", "")
    return next(name for name in profile_names() if set(name.split("-")) <= set(short.split()))


@pytest.mark.parametrize(("heading", "added"), ADDED)
def test_what_is_declared_beside_a_profile_loads_with_it(heading: str, added: str) -> None:
    name = profile_of(heading)
    asked: dict[str, Any] = {
        "name": "x",
        "profile": name,
        "with": dict.fromkeys(read_profile(name)["asks"], "x"),
    }
    money = {} if "amount" in added else {"amount": {"column": "A", "fiscal_year": 2026}}
    rest: dict[str, Any] = YAML(typ="safe", pure=True).load(added)
    currency = {} if "currency" in rest or name != "workday" else {"currency": "EUR"}
    RestFinanceConfig.model_validate(asked | currency | money | rest)


def test_the_example_of_a_whole_entry_loads() -> None:
    ((entry,),) = [YAML(typ="safe", pure=True).load(APIS.split("```yaml\n")[1].split("```")[0])["finance"]]
    assert RestFinanceConfig.model_validate(entry).calendar.starts == 4
    assert len(ADDED) >= 4
