"""The commands for people who say which money is for which work: match list, propose, confirm, reject."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync.cli.match_terms import (
    money_text,
    read_money,
    read_percent,
    read_target,
    said,
)
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output, counted
from sync.cli.session import open_engine, read_settings
from sync.cli.summary import mapped
from sync.cli.unmatched import show_idle_rules, show_money, show_work
from sync.errors import ConfigurationError, Exit
from sync.money.proposals import Proposal, propose
from sync.store.money import decisions, proposing
from sync.store.money.decisions import Money
from sync.store.money.leftovers import read_leftovers
from sync.store.money.levels import CONFIRMED, REJECTED
from sync.store.money.shares import WHOLE, percent_text

MoneyArgument = Annotated[
    str,
    typer.Argument(
        metavar="MONEY",
        help="Which money: a project code, or project=CODE, cost_centre=CODE, account=CODE, line=ID.",
    ),
]
TargetArgument = Annotated[
    str, typer.Argument(metavar="TARGET", help="The issue's key, or the objective's id.")
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept with the decision.")]
By = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Who says so; the account's name by default.")
]
OfSource = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="Only the money of this finance source.")
]

app = typer.Typer(help="Say which money is for which work, and see what found none.", no_args_is_help=True)


@app.callback()
def match() -> None:
    """Say which money is for which work, and see what found none."""


@app.command("list")
def list_decisions(
    every: Annotated[bool, typer.Option("--all", help="Also those that were withdrawn.")] = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """List what people confirmed and rejected: who, when and why."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        rows = decisions.read_decisions(connection, withdrawn=every)
    output.table(
        "Decisions",
        ["number>", "verdict", "money", "for", "percent>", "by", "on", "why"],
        [
            (
                row.id,
                row.verdict
                if row.withdrawn_at is None
                else f"{row.verdict}, withdrawn by {row.withdrawn_by}",
                money_text(Money(row.field, row.code, row.of_source)),
                row.called,
                row.millionths and percent_text(row.millionths),
                row.decided_by,
                f"{row.decided_at:%Y-%m-%d}",
                row.reason,
            )
            for row in rows
        ],
    )
    if not rows:
        output.line("Nobody has confirmed or rejected a match. `tieline match propose` suggests some.")
    output.document([mapped(row) for row in rows])
    return Exit.OK


@app.command("propose")
def propose_matches(
    number: Annotated[
        int, typer.Option("--number", "-n", min=1, metavar="N", help="For how many codes.")
    ] = 20,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Suggest work for money that found none; change nothing.

    By names and codes that are alike.
    """
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        codes = proposing.loose_codes(connection, number)
        rejected = proposing.rejected_pairs(connection)
        found = list(propose(codes, proposing.item_names(connection), rejected))
    show_proposals(output, found)
    if not codes:
        output.line("All money with a code has found its work.")
    elif not found:
        output.line(f"No work is called like any of the {counted(len(codes), 'code')} without work.")
    output.document(found)
    return Exit.OK


def show_proposals(output: Output, found: list[Proposal]) -> None:
    """Show the proposals, and how to accept or refuse the first."""
    output.table(
        "Proposals",
        ["money", "named", "amounts", "work", "summary", "alike %>", "because"],
        [
            (
                money_text(Money(it.field, it.code)),
                it.name,
                "; ".join(it.amounts),
                it.key,
                it.summary,
                it.likeness,
                it.evidence,
            )
            for it in found
        ],
    )
    if found:
        first = f"{found[0].field}={found[0].code}"
        output.line(f"Accept one with `tieline match confirm '{first}' {found[0].key} --reason TEXT`,")
        output.line("or say that it is wrong with `tieline match reject` and the same words.")


@app.command("confirm")
def confirm_match(
    money: MoneyArgument,
    target: TargetArgument,
    *,
    reason: Reason,
    percent: Annotated[
        str | None, typer.Option("--percent", metavar="P", help="The share; an equal one by default.")
    ] = None,
    source: OfSource = None,
    by: By = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Say that this money is for this work or objective.

    It counts before everything else.
    """
    return decide(CONFIRMED, (money, source, target, percent), (by, reason), env_file, Output(as_json=json))


@app.command("reject")
def reject_match(
    money: MoneyArgument,
    target: TargetArgument,
    *,
    reason: Reason,
    source: OfSource = None,
    by: By = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Say that this money is not for this work or objective.

    Whatever codes and tables say.
    """
    return decide(REJECTED, (money, source, target, None), (by, reason), env_file, Output(as_json=json))


@app.command("withdraw")
def withdraw_decision(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The decision, as `match list` counts.")],
    reason: Reason,
    by: By = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Take a decision back; it stays in the list of all."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.begin() as connection:
        if not decisions.withdraw(connection, number, said(by, reason)):
            raise ConfigurationError(
                f"There is no decision {number} that stands. `tieline match list` shows those that do."
            )
    output.line(f"Decision {number} is withdrawn. The next run no longer follows it.")
    output.document({"withdrawn": number})
    return Exit.OK


def decide(
    verdict: str,
    words_given: tuple[str, str | None, str, str | None],
    who_and_why: tuple[str | None, str],
    env_file: Path | None,
    output: Output,
) -> int:
    """Check both ends and record the decision."""
    about, source, name, percent = words_given
    share = read_percent(percent)
    with open_engine(read_settings(env_file)) as engine, engine.begin() as connection:
        money = read_money(connection, about, source)
        target = read_target(connection, name)
        number = decisions.decide(connection, verdict, (money, target), said(*who_and_why), share)
        total = decisions.over_confirmed(connection, money)
        lines = decisions.count_lines(connection, money)
    verb = "is for" if verdict == CONFIRMED else "is not for"
    output.line(f"Decision {number}: {money_text(money)} ({counted(lines, 'line')}) {verb} {target.name}.")
    if total > WHOLE:
        output.line(
            f"The percents confirmed for it add up to {percent_text(total)} %: "
            "its lines stay unallocated until they are 100 or less.",
            style="yellow",
        )
    output.line("It counts from the next run on: `tieline run`.")
    output.document(
        {"decision": number, "verdict": verdict, "money": money, "target": target, "lines": lines}
    )
    return Exit.OK


@app.command("unmatched")
def show_unmatched(env_file: EnvFile = None, json: Json = False) -> int:
    """Show what found nothing, on both sides.

    Money without work, work without money, allocation rules that lead nowhere.
    """
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        left = read_leftovers(connection)
    show_money(output, left.money)
    show_work(output, left.work)
    show_idle_rules(output, left.rules)
    output.document(left)
    return Exit.OK
