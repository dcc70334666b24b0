"""Answers that finance systems really gave, or document, read through the profile of their system."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from connectors.finance import RestFinanceConfig, RestFinanceSource
from connectors.http import RetryPolicy
from connectors.records import BudgetLine
from tests.connectors.finance.api_server import Asked, Reply, serve
from tests.connectors.finance.api_systems import BusinessCentral, QuickBooks, System, Xero
from tests.connectors.finance.shared_data import DATA, needs_data
from tests.connectors.finance.test_profiles import Kept

pytestmark = needs_data


def read(system: System, documents: dict[str, Any], **changes: Any) -> list[BudgetLine]:
    """What the profile makes of a system that gives one document for each path."""

    def answer(asked: Asked) -> Reply:
        return system.login(asked) or Reply(documents[asked.path])

    with serve(answer) as api:
        system.url = api.url
        declared = {"name": "erp", "profile": system.name, "base_url": api.url, "allow_private": True}
        config = RestFinanceConfig.model_validate(declared | system.source() | changes)
        pages = list(RestFinanceSource(config, RetryPolicy(sleep=lambda _: None), Kept()).pages())
    assert [row for page in pages for row in page.quarantined] == []
    lines = [record for page in pages for record in page.records if isinstance(record, BudgetLine)]
    assert sum(total.amount_minor for total in pages[-1].totals) == sum(line.amount_minor for line in lines)
    return lines


def test_the_budget_that_xero_documents_is_read_with_its_months() -> None:
    examples = json.loads((DATA / "finance/api_xero/xero_accounting_examples.json").read_text())
    (one,) = [entry["example"] for entry in examples if entry["path"] == "/Budgets/{BudgetID}"]
    (listed,) = [entry["example"] for entry in examples if entry["path"] == "/Budgets"]
    budget = one["Budgets"]
    listed["Budgets"] = [{**listed["Budgets"][0], "BudgetID": budget["BudgetID"]}]
    lines = read(Xero(), {"/Budgets": listed, f"/Budgets/{budget['BudgetID']}": one})
    amounts = [
        Decimal(balance["Amount"]) for line in budget["BudgetLines"] for balance in line["BudgetBalances"]
    ]
    assert len(lines) == len(amounts) == 6
    assert sum(line.amount_minor for line in lines) == sum(amounts) * 100 == 466_700
    assert {(line.account, line.period) for line in lines} == {
        (account, f"FY2019-{month:02}") for account in ("200", "420") for month in (8, 9, 10)
    }


def tag(node: ET.Element) -> str:
    return node.tag.rpartition("}")[2]


def told(node: ET.Element) -> Any:
    """An element as QuickBooks writes it in JSON: repeated children are lists, references have a value."""
    if tag(node).endswith("Ref"):
        return {"value": node.text, **node.attrib}
    if not len(node):
        return node.text
    found: dict[str, Any] = {}
    for child in node:
        if tag(child) == "BudgetDetail":
            found.setdefault("BudgetDetail", []).append(told(child))
        else:
            found[tag(child)] = told(child)
    return found


@pytest.mark.parametrize("name", ["budget", "budgets", "fetch_budget_by_id"])
def test_budgets_of_quickbooks_are_read_month_by_month(name: str) -> None:
    root = ET.parse(DATA / f"finance/api_quickbooks_xml/{name}.xml").getroot()
    budgets = [told(node) for node in root.iter() if tag(node) == "Budget"]
    pages = iter([{"QueryResponse": {"Budget": budgets}}, {"QueryResponse": {}}])

    class Documents(dict[str, Any]):
        def __missing__(self, path: str) -> Any:
            return next(pages)

    lines = read(QuickBooks(), Documents())
    amounts = [Decimal(node.text or "") for node in root.iter() if tag(node) == "Amount"]
    assert len(lines) == len(amounts) >= 192
    assert sum(line.amount_minor for line in lines) == sum(amounts) * 100


def test_ledger_entries_of_business_central_are_debit_less_credit() -> None:
    path = Path(DATA / "finance/api_business_central/gl_entries.json")
    answers = json.loads(path.read_text(), parse_float=Decimal)
    for plain, answer in zip(json.loads(path.read_text()), answers, strict=True):
        lines = read(
            BusinessCentral(),
            {"/api/v2.0/companies(0a1b)/generalLedgerEntries": plain},
            request={"path": "api/v2.0/companies(0a1b)/generalLedgerEntries"},
            columns={
                "id": "entryNumber",
                "account": "accountNumber",
                "cost_centre": None,
                "description": "description",
            },
            amounts=[
                {
                    "debit": "debitAmount",
                    "credit": "creditAmount",
                    "dated": {"column": "postingDate"},
                    "version": "actual",
                }
            ],
        )
        exact = [entry["debitAmount"] - entry["creditAmount"] for entry in answer["value"]]
        assert [line.amount_minor for line in lines] == [amount * 100 for amount in exact]
