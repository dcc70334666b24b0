"""The commands that look and change nothing outside: explain, runs, status, dangling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from sync.cli.letters import delivery_document, recent_deliveries, show_deliveries, show_webhooks
from sync.cli.lines import show_lines
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output, shortened
from sync.cli.past_run import show_past_run
from sync.cli.session import open_engine, open_session, read_settings, utc_now
from sync.cli.shards import shards_document, show_shards
from sync.cli.summary import mapped, show_sources, source_document
from sync.cli.waits import show_waits
from sync.errors import ConfigurationError, Exit
from sync.explain.money import LineExplainer
from sync.explain.whynot import ways_of
from sync.explain.work import Explainer, Explanation, RuleView, label_note
from sync.rulebook import frame_of
from sync.service.schedules import Schedule
from sync.service.timetable import load_schedules
from sync.store import history, turns, webhooks
from sync.store.catalogue import bind_catalogue
from sync.store.dangling import list_dangling
from sync.store.money.lines import lines_named
from sync.store.schedules import newest_slots
from sync.store.schema import AnyRow
from sync.store.ties import find_work_item
from sync.tally import conversion_of
from sync.work.postgresql import standings_of

MARKS = {True: "✓", False: "✗", None: "?"}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (explain, runs, status, dangling):
        app.command()(command)


def explain(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="The key of a ticket, such as PAY-12; with --budget a line.")
    ],
    rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="Only this rule.")] = None,
    budget: Annotated[
        bool, typer.Option("--budget", help="Explain budget lines: by id, FILE:LINE or project=CODE.")
    ] = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Say why a ticket is flagged, or why it is not.

    With every value found, where it comes from, the chain to the objective and what would clear the label.
    With --budget, which work a budget line is for.
    """
    output = Output(as_json=json)
    with open_session(env_file) as session, session.engine.connect() as connection:
        now = utc_now()
        frame = frame_of(session.settings, now)
        if budget or is_line(connection, key):
            mappings = {config.name: config for config in session.sources.finance}
            lines = LineExplainer(connection, mappings, frame.today, conversion_of(session.settings)).explain(
                key
            )
            show_lines(output, lines)
            output.document(lines)
            return Exit.OK
        rules, ways = session.service.rules(now), ways_of(session.sources)
        explainer = Explainer(connection, rules, bind_catalogue(frame), frame, ways)
        explanation = explainer.explain(key, rule)
    show_explanation(output, explanation)
    output.document(explanation)
    return Exit.OK


def is_line(connection: Connection, name: str) -> bool:
    """Say whether a budget line is called so, and no ticket."""
    return find_work_item(connection, name) is None and bool(lines_named(connection, name))


def show_explanation(output: Output, it: Explanation) -> None:
    """Show an explanation: where the ticket stands, its chain to objectives, its money, then rule by rule."""
    output.line(f"{it.key}  {it.summary}", style="bold")
    output.line(f"{it.status} · {it.url}")
    output.line(it.standing[:1].upper() + it.standing[1:] + ".")
    show_list(output, "Under", it.parents)
    if it.ties or (it.loose and not it.tried):
        output.line("\nObjectives", style="bold")
    for tie in it.ties:
        output.line(f"  {MARKS[tie.live]} {tie.objective}  {tie.title} ({tie.standing})")
        strength = f", {tie.strength} it" if tie.strength else ""
        output.line(f"      by {tie.how}: {tie.evidence}{strength}")
    for text in () if it.tried else it.loose:
        output.line(f"  ✗ {text}")
    if it.tried:
        output.line("\nWhy it serves no live objective", style="bold")
    for one in it.tried:
        output.line(f"  {'✗' if one.near else '·'} {one.how}: {one.found}")
    show_list(output, "Money", it.money)
    for view in it.rules:
        show_rule(output, view)
    show_list(output, "Asked for on the ticket", it.requests)
    show_list(output, "Labels written", it.writes)
    show_list(output, "Told beside the labels", it.markers)


def show_list(output: Output, title: str, texts: Sequence[str]) -> None:
    """Show lines under a title, if there are any."""
    if texts:
        output.line(f"\n{title}", style="bold")
    for text in texts:
        output.line(f"  {text}")


def show_rule(output: Output, view: RuleView) -> None:
    """Show one rule on a ticket."""
    output.line()
    verdict = "flagged" if view.flagged else "not flagged"
    state = "waived" if view.waived else view.state
    since = f", {state} since {view.since:%Y-%m-%d}" if view.since else ""
    output.line(f"{view.rule}: {verdict}{since}", style="bold")
    if view.flagged:
        output.line(f"  {view.message}")
    if view.then:
        output.line(f"  {view.then}")
    for part in view.parts:
        found = ", ".join(part.found) or "nothing"
        against = "" if part.against is None else f", against {', '.join(part.against) or 'nothing'}"
        output.line(f"  {MARKS[part.holds]} {part.text}")
        output.line(f"      found: {found}{against} ({part.origin})")
    if view.flagged:
        if view.label:
            output.line(f"  label: {view.label}{label_note(view)}")
        if view.why:
            output.line(f"  why it matters: {view.why}")
        if view.fix:
            output.line(f"  to clear it: {view.fix}")
        if view.owner:
            output.line(f"  owner of the rule: {view.owner}")


def runs(
    number: Annotated[int, typer.Option("--number", "-n", min=1, metavar="N", help="How many.")] = 20,
    show: Annotated[int | None, typer.Option("--show", metavar="N", help="Show this run in full.")] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """List the runs, or show one."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        if show is None:
            rows = history.newest_runs(connection, number)
            show_runs(output, rows)
            output.document([mapped(row) for row in rows])
            return Exit.OK
        row = history.run_with(connection, show)
        if row is None:
            raise ConfigurationError(f"There is no run {show}. `tieline runs` lists them.")
        show_past_run(output, connection, row, asked(row))
    return Exit.OK


def show_runs(output: Output, rows: Sequence[AnyRow]) -> None:
    """Show a list of runs."""
    output.table(
        "Runs",
        ["run>", "command", "started (UTC)>", "exit>", "how it ended"],
        [(r.id, asked(r), f"{r.started_at:%Y-%m-%d %H:%M}", r.exit_code, ": ".join(said(r))) for r in rows],
    )
    if not rows:
        output.line("No run yet.")


def said(row: AnyRow) -> list[str]:
    """Give the status of a run and, where there is one, its message."""
    return [row.status, row.message] if row.message else [row.status]


def asked(row: AnyRow) -> str:
    """Name the command that asked for a run."""
    if row.trigger == "cli":
        return "run --dry-run" if row.dry_run else "run"
    return str(row.trigger)


def status(env_file: EnvFile = None, json: Json = False) -> int:
    """Say how the last run went, and when the next is due.

    With how each source was last read, whether its issues add up, what machines share of a run, and what
    became of digests and webhooks.
    """
    output = Output(as_json=json)
    settings = read_settings(env_file)
    with open_engine(settings) as engine, engine.connect() as connection:
        newest = history.newest_runs(connection, 1)
        last = newest_slots(connection)
        reads = history.newest_reads(connection)
        waits = turns.standing(connection)
        hooks = webhooks.counts(connection)
        told = recent_deliveries(connection, utc_now().astimezone(settings.zone).date())
        shards, patience = standings_of(connection), settings.worker_timeout.total_seconds()
    run = newest[0] if newest else None
    if run is None:
        output.line("Last run: none yet")
    else:
        started = f"{run.started_at:%Y-%m-%d %H:%M} UTC"
        output.line(f"Last run: {run.id} ({asked(run)}) at {started}: {': '.join(said(run))}")
    show_sources(output, reads)
    show_shards(output, shards, patience)
    schedules = [scheduled(schedule, last.get(schedule.name)) for schedule in load_schedules(settings)]
    output.table(
        "Schedules",
        ["name", "cron", "zone", "last", "how it ended", "next (while `tieline serve` runs)"],
        [
            tuple(one[name] for name in ("name", "cron", "zone", "last", "status", "next"))
            for one in schedules
        ],
    )
    show_waits(output, waits)
    show_deliveries(output, told)
    show_webhooks(output, hooks)
    output.document(
        {
            "last_run": None if run is None else mapped(run),
            "sources": [source_document(row) for row in reads],
            "shards": shards_document(shards, patience),
            "schedules": schedules,
            "requests_waiting": waits,
            "digests": [delivery_document(row) for row in told],
            "webhooks": [mapped(row) for row in hooks],
        }
    )
    return Exit.OK


def scheduled(schedule: Schedule, last: AnyRow | None) -> dict[str, Any]:
    """Say when a schedule was last run, how that ended, and when it is due next."""
    due = schedule.times.next_after(utc_now())
    return {
        "name": schedule.name,
        "cron": schedule.times.cron,
        "zone": str(schedule.times.zone),
        "last": None if last is None else last.slot,
        "run": None if last is None else last.run_id,
        "status": None if last is None else last.status,
        "next": due.at.isoformat(timespec="minutes"),
    }


def dangling(
    source: Annotated[
        str | None, typer.Argument(metavar="SOURCE", help="Only those of this source; all by default.")
    ] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """List the references that lead nowhere."""
    output = Output(as_json=json)
    with open_session(env_file) as session, session.engine.connect() as connection:
        known = [feed.name for feed in session.service.feeds]
        if source is not None and source not in known:
            raise ConfigurationError(f"{source}: no such source; there are {', '.join(known)}")
        rows = list_dangling(connection, source)
    output.table(
        "References that lead nowhere",
        ["source", "on", "kind", "names", "what is amiss", "where"],
        [
            (r.source, r.subject, r.how, shortened(r.target), amiss(r.fault, r.reason), shortened(r.evidence))
            for r in rows
        ],
    )
    if not rows:
        output.line("Every reference leads somewhere.")
    output.document([mapped(row) for row in rows])
    return Exit.OK


def amiss(fault: str, reason: str | None) -> str:
    """Say what is the matter with a reference, with what is known of its end."""
    return fault if reason is None else f"{fault}: {shortened(reason)}"
