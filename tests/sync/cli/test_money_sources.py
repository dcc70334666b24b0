"""Allocation tables, exchange rates and declared columns, from `sources.yaml` to the report of a night."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest

from tests.sync.cli.desk import Desk

PLAN = """\
WBS,Part of,Ticket,Year,Currency,Amount
1200.1,,see PAY-1.,2026,USD,10.00
1200.2,,,2026,USD,100.00
X.1.2,,,2026,EUR,200.00
sub,X,,2026,EUR,7.00
other,,,2026,GBP,5.00
"""
MAPPING = """\
code,issue,objective,percent
12*,PAY-1,,33.3333
12*,PAY-2,,33.3333
X,,GROW,
nobody,PAY-1,,
other,PAY-99,,
"""
RATES = "Month,From,To,Rate\n2026,EUR,USD,1.1\n"


@pytest.fixture
def declared(desk: Desk) -> dict[str, str]:
    """The variables of a desk whose money comes from a plan, an allocation table and rates."""
    desk.write("plan.csv", PLAN)
    desk.write("mapping.csv", MAPPING)
    desk.write("rates.csv", RATES)
    sources = desk.write(
        "sources.yaml",
        f"""\
jira:
  - url: ${{JIRA_URL}}
    jql: issuetype = Epic
    objective_field: Objective ids
    {desk.entry_lines()}
objectives:
  - {{name: objectives, path: objectives.csv, columns: {{id: id, title: title}}}}
allocations:
  - {{name: mapping, path: mapping.csv}}
fx:
  - name: group
    path: rates.csv
    type: average
    base: {{column: From}}
    quote: {{column: To}}
    rate: Rate
    dated: {{column: Month, label: "{{fyyyy}}"}}
finance:
  - name: plan
    path: plan.csv
    currency: {{column: Currency}}
    columns: {{project: WBS, parent: Part of, issue: Ticket}}
    project_separator: "."
    amount: {{column: Amount, fiscal_year: {{column: Year}}}}
""",
    )
    return {"TIELINE_SOURCES": str(sources), "TIELINE_FX_RATES": "group"}


def document(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((desk.folder / "tieline-report/report.json").read_text("utf-8"))
    return found


def rows(desk: Desk, name: str) -> list[dict[str, str]]:
    with (desk.folder / "tieline-report" / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_declared_columns_tables_and_rates_meet_in_the_report(desk: Desk, declared: dict[str, str]) -> None:
    assert desk.say("run", "--dry-run", **declared).code == 0
    money = {it["currency"]: it for it in document(desk)["money"]}
    assert (money["USD"]["aligned_minor"], money["USD"]["unaligned_minor"]) == (10_00 + 33_33, 33_33)
    assert money["USD"]["unknown_minor"] == 33_34
    left = rows(desk, "unmatched-money.csv")
    assert [(it["project"], it["reason"], it["amount"], it["objective"]) for it in left] == [
        ("X.1.2", "objective only", "200.00", "GROW"),
        ("1200.2", "percents leave it over", "33.34", ""),
        ("sub", "objective only", "7.00", "GROW"),
        ("other", "no match", "5.00", ""),
    ]  # fmt: skip
    assert [it["key"] for it in rows(desk, "unfunded-work.csv")] == ["PAY-3"]
    assert [it["why"] for it in document(desk)["matching"]["rules_that_lead_nowhere"]] == [
        "no budget line has such a code",
        "nothing in the store is called so",
    ]


def test_money_of_other_currencies_is_shown_derived_and_what_has_no_rate_is_named(
    desk: Desk, declared: dict[str, str]
) -> None:
    said = desk.say("run", "--dry-run", **declared).out
    assert "In USD, derived by the average rates of group" in said
    assert "budget 2026 207.00 EUR 227.70 USD 227.70 USD" in " ".join(said.split())
    assert "budget 2026 FY2026 5.00 GBP" in " ".join(said.split())
    (euros,) = document(desk)["converted"]["money"]
    assert (euros["currency"], euros["target"], euros["rate_set"]) == ("EUR", "USD", "group")
    assert (euros["source_minor"], euros["aligned_minor"], euros["total_minor"]) == (207_00, 227_70, 227_70)
    (gap,) = document(desk)["converted"]["missing_rates"]
    assert (gap["currency"], gap["period"], gap["source_minor"]) == ("GBP", "FY2026", 500)
    columns = ("original", "total", "note", "rates_from")
    assert [tuple(it[name] for name in columns) for it in rows(desk, "converted.csv")] == [
        ("207.00", "227.70", "", "rates.csv, line 2"),
        ("5.00", "", "no rate", ""),
    ]
    assert euros["rates_from"] == "rates.csv, line 2"
    page = (desk.folder / "tieline-report/index.html").read_text("utf-8")
    assert "by the average rates of <bdi>group</bdi>, rounded half to even" in page
    assert "Rates of EUR 2026 budget: <bdi>rates.csv, line 2</bdi>" in page
    assert "No rate was found for these amounts" in page


def test_a_line_of_another_currency_says_what_it_is_worth_and_where_the_rate_stands(
    desk: Desk, declared: dict[str, str]
) -> None:
    desk.say("run", "--dry-run", **declared)
    said = " ".join(desk.say("explain", "--budget", "project=X.1.2", **declared).out.split())
    assert (
        "Worth 220.00 USD, at 1.1 USD for one EUR by the average rates of group: rates.csv, line 2." in said
    )
    without = " ".join(desk.say("explain", "--budget", "project=other", **declared).out.split())
    assert "Worth unknown: the average rates of group have none from GBP to USD for FY2026." in without
    assert "Worth" not in desk.say("explain", "--budget", "project=1200.2", **declared).out


def test_a_set_of_rates_that_nobody_declared_is_refused_with_the_nearest(
    desk: Desk, declared: dict[str, str]
) -> None:
    said = desk.say("run", **declared | {"TIELINE_FX_RATES": "grup"})
    assert said.code == 2
    assert "TIELINE_FX_RATES: 'grup' is no source of exchange rates; did you mean 'group'?" in said.err
    assert "declare one under `fx:` in sources.yaml." in desk.say("run", TIELINE_FX_RATES="x").err


def test_a_table_that_cannot_be_read_stops_its_source_and_keeps_what_was_known(
    desk: Desk, declared: dict[str, str]
) -> None:
    desk.say("run", "--dry-run", **declared)
    desk.write("mapping.csv", "codes,issue\n12*,PAY-1\n")
    said = desk.say("run", "--dry-run", **declared)
    assert said.code != 0
    assert "the header has no column 'code'; the nearest is 'codes'" in said.out + said.err
    explained = desk.say("explain", "project=1200.2", "--budget", **declared).out
    assert "33.33 USD  PAY-1" in explained
