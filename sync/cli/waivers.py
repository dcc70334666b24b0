"""The command that lists who has accepted which findings, until when, and what to do about it: waivers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import date

import typer

from rules.ruleset import Waiver
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output, shortened
from sync.cli.session import open_engine, read_settings, utc_now
from sync.errors import Exit
from sync.store.waivers import granted_waivers
from sync.waivers import WaiverFacts, remarks
from sync.wiring import load_rules


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(waivers)


def waivers(env_file: EnvFile = None, json: Json = False) -> int:
    """List the waivers, and what is to be done about them.

    The findings are those of the last run; a waiver that came since has none yet.
    """
    output = Output(as_json=json)
    settings, now = read_settings(env_file), utc_now()
    today = now.astimezone(settings.zone).date()
    rules = load_rules(settings, now)
    with open_engine(settings) as engine, engine.connect() as connection:
        facts = facts_of(rules.waivers, granted_waivers(connection))
    said = remarks(facts, today)
    show_waivers(output, facts, today)
    for remark in said:
        output.line(remark, style="yellow")
    if not facts:
        output.line("No waivers. TIELINE_WAIVERS names the file or the folder that holds them.")
    output.document({"waivers": [described(it, today) for it in facts], "remarks": said})
    return Exit.OK


def facts_of(granted: Iterable[Waiver], judged: Iterable[WaiverFacts]) -> list[WaiverFacts]:
    """Give the waivers of the files, with the findings that the last run put under them."""
    counted = {(it.rule, it.condition): it.findings for it in judged}
    return [
        replace(facts, findings=counted.get((facts.rule, facts.condition))) for facts in map(plain, granted)
    ]


def plain(waiver: Waiver) -> WaiverFacts:
    """Give a waiver as plain values."""
    rule, condition = waiver.key
    return WaiverFacts(
        rule=rule,
        condition=condition,
        reason=waiver.reason,
        owner=waiver.owner,
        approver=waiver.approver,
        until=waiver.until,
        place=f"{waiver.path}:{waiver.line}",
        findings=None,
    )


def show_waivers(output: Output, facts: Sequence[WaiverFacts], today: date) -> None:
    """Show the waivers as a table."""
    output.table(
        "Waivers",
        ["rule", "on", "findings>", "until", "state", "owner", "reason"],
        [
            (
                it.rule,
                shortened(it.condition, 40),
                "-" if it.findings is None else it.findings,
                it.until,
                it.standing(today),
                it.owner,
                shortened(it.reason),
            )
            for it in facts
        ],
    )


def described(it: WaiverFacts, today: date) -> dict[str, object]:
    """Give a waiver as a document does."""
    return {**asdict(it), "days_left": it.days_left(today), "state": it.standing(today)}
