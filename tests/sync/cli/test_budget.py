"""`tieline budget` shows what is known of the money, today or on an earlier day."""

from __future__ import annotations

from tests.sync.cli.desk import Desk

HEADER = "project,fiscal_year,currency,amount\n"


def test_the_budget_is_shown_by_period_as_it_is_and_as_it_was_known(desk: Desk) -> None:
    desk.write("money.csv", HEADER + "C-1,2026,USD,5.00\nC-2,2026,USD,7.50\n")
    assert desk.say("pull", "finance").code == 0
    (row,) = desk.say("budget", "--json").document
    assert (row["source"], row["version"], row["period"], row["currency"]) == (
        "finance", "budget", "FY2026", "USD",
    )  # fmt: skip
    assert (row["lines"], row["amount_minor"]) == (2, 1250)
    assert "12.50" in desk.say("budget", "--as-of", desk.tomorrow().isoformat()).out
    assert desk.say("budget", "--as-of", "2020-01-01").out == "No budget line was known then.\n"
    assert desk.say("budget", "--source", "nowhere", "--json").document == []


def test_a_pull_shows_how_each_sum_came_to_what_it_is(desk: Desk) -> None:
    for amounts in ("5.00", "8.00"):
        desk.write("money.csv", HEADER + f"C-1,2026,USD,{amounts}\nC-2,2026,USD,7.50\n")
        said = desk.say("pull", "finance")
    assert "Budget lines in USD, before and now" in said.out
    assert [number in said.out for number in ("12.50", "3.00", "15.50")] == [True, True, True]
    (moved,) = desk.say("runs", "--show", "2", "--json").document["reconciliation"]
    assert (moved["previous_minor"], moved["changed_minor"], moved["current_minor"]) == (1250, 300, 1550)
