"""The commands about waivers: who accepted which findings until when, and the requests made on tickets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from rules.ruleset import Waiver
from rules.waiver_reader import LONGEST
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output, counted, shortened
from sync.cli.session import open_engine, open_session, read_settings, utc_now
from sync.errors import ConfigurationError, Exit
from sync.rulebook import load_rules
from sync.store import requests
from sync.store.waivers import granted_waivers
from sync.waivers.answering import Decision, decide
from sync.waivers.asking import RequestFacts, Standing, answer
from sync.waivers.remarks import WaiverFacts, remarks

HELP = "List waivers, and answer what is asked for on tickets."

app = typer.Typer(help=HELP)
Tickets = Annotated[list[str], typer.Argument(metavar="KEY...", help="The tickets, by their keys.")]
OfRule = Annotated[
    str | None,
    typer.Option("--rule", metavar="RULE", help="Only what is asked of this rule; all by default."),
]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; people read it on the ticket.")]


@app.callback(invoke_without_command=True)
def waivers(context: typer.Context, env_file: EnvFile = None, json: Json = False) -> int:
    """List waivers, and answer what is asked for on tickets.

    The findings are those of the last run; a waiver that came since has none yet.
    """
    return Exit.OK if context.invoked_subcommand is not None else list_waivers(env_file, as_json=json)


def list_waivers(env_file: Path | None, *, as_json: bool) -> int:
    """List the waivers, and what is to be done about them."""
    output = Output(as_json=as_json)
    settings, now = read_settings(env_file), utc_now()
    today = now.astimezone(settings.zone).date()
    rules = load_rules(settings, now)
    with open_engine(settings) as engine, engine.connect() as connection:
        facts = facts_of(rules.waivers, granted_waivers(connection))
        waiting = waiting_for_answer(connection)
    said = remarks(facts, today)
    show_waivers(output, facts, today)
    for remark in said:
        output.line(remark, style="yellow")
    if waiting:
        output.line(f"{counted(waiting, 'request')} on tickets to answer: `tieline waivers requests`.")
    if not facts:
        output.line("No waivers. TIELINE_WAIVERS names the file or the folder that holds them.")
    output.document(
        {"waivers": [described(it, today) for it in facts], "remarks": said, "requests_waiting": waiting}
    )
    return Exit.OK


@app.command("requests")
def list_requests(env_file: EnvFile = None, json: Json = False) -> int:
    """List what people ask for with labels on tickets, and how it stands."""
    output, now = Output(as_json=json), utc_now()
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        found = [requests.facts_of(row) for row in requests.requests(connection)]
    show_requests(output, found, now)
    if not found:
        output.line("Nobody asks for anything.")
    output.document({"requests": [described_request(it, now) for it in found]})
    return Exit.OK


@app.command()
def approve(
    keys: Tickets,
    *,
    until: Annotated[str, typer.Option("--until", metavar="DAY", help="The last day it counts: 2026-09-30.")],
    reason: Reason,
    by: By,
    rule: OfRule = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Accept what is asked for on tickets, until a day: their findings are waived."""
    output = Output(as_json=json)
    with open_session(env_file) as session:
        day = day_of(until, utc_now().astimezone(session.settings.zone).date())
        decision = Decision(Standing.APPROVED, named(by, "--by"), named(reason, "--reason"), day)
        return tell(output, decide(session.service, keys, rule, decision))


@app.command()
def reject(
    keys: Tickets,
    *,
    reason: Reason,
    by: By,
    rule: OfRule = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Refuse what is asked for on tickets, or take back what was granted."""
    output = Output(as_json=json)
    with open_session(env_file) as session:
        decision = Decision(Standing.REJECTED, named(by, "--by"), named(reason, "--reason"))
        return tell(output, decide(session.service, keys, rule, decision))


def named(text: str, option: str) -> str:
    """Refuse an answer that says nothing."""
    if not text.strip():
        raise ConfigurationError(
            f"{option}: it is empty. People read it on the ticket: say it in a few words."
        )
    return text.strip()


def day_of(text: str, today: date) -> date:
    """Read the last day of a waiver, by the same terms as in a file."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"--until {text}: not a day. Write it as 2026-09-30.") from None
    if day < today:
        raise ConfigurationError(f"--until {text}: that day is over. Name {today} or a later one.")
    if day > today + LONGEST:
        raise ConfigurationError(f"--until {text}: a waiver lasts {LONGEST.days} days at most.")
    return day


def tell(output: Output, decided: Sequence[RequestFacts]) -> int:
    """Say what was answered."""
    for it in decided:
        output.line(f"{it.key}: {answer(it)}")
    output.line("The next run changes the labels.")
    output.document({"decided": [asdict(it) for it in decided]})
    return Exit.OK


def show_requests(output: Output, found: Sequence[RequestFacts], now: datetime) -> None:
    """Show requests as a table."""
    output.table(
        "Asked for on tickets",
        ["ticket", "rule", "asks", "state", "days>", "for", "reason"],
        [
            (
                it.key,
                it.rule,
                it.kind.value,
                it.standing.value if it.until is None else f"approved until {it.until}",
                it.age(now),
                it.approver or "-",
                shortened(it.reason or ""),
            )
            for it in found
        ],
    )


def described_request(it: RequestFacts, now: datetime) -> dict[str, object]:
    """Give a request as a document does."""
    return {**asdict(it), "days": it.age(now), "answer": answer(it)}


def waiting_for_answer(connection: Connection) -> int:
    """Count the requests that nobody has answered."""
    return sum(row.state == Standing.REQUESTED for row in requests.requests(connection))


def facts_of(granted: Iterable[Waiver], judged: Sequence[WaiverFacts]) -> list[WaiverFacts]:
    """Give the waivers of files, with the findings the last run put under them, and those on tickets."""
    counted_ones = {(it.rule, it.condition): it.findings for it in judged}
    filed = [
        replace(facts, findings=counted_ones.get((facts.rule, facts.condition)))
        for facts in map(plain, granted)
    ]
    return filed + [it for it in judged if it.on_ticket]


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
