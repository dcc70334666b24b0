"""Show what matching left over: money without work, work without money, rules that lead nowhere."""

from __future__ import annotations

from connectors.finance.money import format_minor
from sync.cli.output import Output, counted
from sync.figures.intake import IdleRule, IdleWork, LooseMoney

SHOWN = 20


def show_money(output: Output, money: tuple[LooseMoney, ...]) -> None:
    """Show the largest amounts that found no work."""
    output.table(
        "Money without work",
        ["money", "project", "cost centre", "account", "lines>", "amount>", "why"],
        [
            (
                f"{it.series.version} {it.series.fiscal_year}",
                it.project,
                it.cost_centre,
                it.account,
                it.lines,
                f"{format_minor(it.amount_minor, it.series.currency)} {it.series.currency}",
                it.reason + (f" ({it.objective})" if it.objective else ""),
            )
            for it in money[:SHOWN]
        ],
    )
    more(output, len(money), "group")
    if not money:
        output.line("All money has found its work.")


def show_work(output: Output, work: tuple[IdleWork, ...]) -> None:
    """Show the first work items that no money falls to."""
    output.table(
        "Work without money",
        ["key", "summary", "status", "money above it"],
        [(it.key, it.summary, it.status, it.funded_above) for it in work[:SHOWN]],
    )
    more(output, len(work), "work item")
    if not work:
        output.line("All work has money.")


def show_idle_rules(output: Output, rules: tuple[IdleRule, ...]) -> None:
    """Show the rows of allocation tables that lead nowhere."""
    output.table(
        "Allocation rules that lead nowhere",
        ["rule", "for", "why"],
        [(it.evidence, it.target, it.why) for it in rules[:SHOWN]],
    )
    more(output, len(rules), "rule")


def more(output: Output, number: int, noun: str) -> None:
    """Say how many are not shown."""
    if number > SHOWN:
        output.line(f"… and {counted(number - SHOWN, f'more {noun}')}; --json lists them all.")
