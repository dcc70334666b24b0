"""The commands that look and change nothing outside: explain, report, runs, status, quarantine."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import open_engine, open_session, read_settings, utc_now, write_run_report
from sync.cli.summary import mapped, show_coverage, show_sources, show_totals
from sync.errors import ConfigurationError, Exit
from sync.explain import Explainer, Explanation, RuleView
from sync.schedule import next_due
from sync.store import history
from sync.store.catalogue import bind_catalogue
from sync.store.runs import last_night, sources_of
from sync.wiring import frame_of

MARKS = {True: "✓", False: "✗", None: "?"}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (explain, report, runs, status, quarantine):
        app.command()(command)


def clock(moment: datetime) -> str:
    """Show a moment to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}"


def explain(
    key: Annotated[str, typer.Argument(help="The key of a ticket, such as PAY-12.")],
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule.")] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Say why a ticket is flagged or not, with every value found, and what would clear it."""
    output = Output(as_json=json)
    with open_session(env_file) as session, session.engine.connect() as connection:
        now = utc_now()
        frame = frame_of(session.settings, now)
        explainer = Explainer(connection, session.service.rules(now), bind_catalogue(frame), frame)
        explanation = explainer.explain(key, rule)
    show_explanation(output, explanation)
    output.document(explanation)
    return Exit.OK


def show_explanation(output: Output, it: Explanation) -> None:
    """Show an explanation."""
    output.line(f"{it.key}  {it.summary}", style="bold")
    output.line(f"{it.status} · {it.url}")
    output.line(it.standing)
    for parent in it.parents:
        output.line(f"  under {parent}")
    for tie in it.ties:
        place = f" via {tie.via}" if tie.via else ""
        output.line(f"  {MARKS[tie.live]} {tie.objective} {tie.title} ({tie.standing})")
        output.line(f"      {tie.how}{place}: {tie.evidence}")
    for text in (*it.loose, *it.money):
        output.line(f"  {text}")
    for view in it.rules:
        show_rule(output, view)
    for text in it.writes:
        output.line(f"  {text}")


def show_rule(output: Output, view: RuleView) -> None:
    """Show one rule on a ticket."""
    output.line()
    verdict = "flagged" if view.flagged else "not flagged"
    since = f", {view.state} since {view.since:%Y-%m-%d}" if view.flagged and view.since else ""
    output.line(f"{view.rule}: {verdict}{since}", style="bold")
    for part in view.parts:
        found = ", ".join(part.found) or "empty"
        output.line(f"  {MARKS[part.holds]} {part.text}   found: {found} ({part.origin})")
    if view.flagged:
        if view.label:
            output.line(f"  label: {view.label}")
        if view.why:
            output.line(f"  why it matters: {view.why}")
        if view.fix:
            output.line(f"  to clear it: {view.fix}")


def report(
    out: Annotated[Path | None, typer.Option("--out", help="The folder to write to.")] = None,
    run: Annotated[
        int | None, typer.Option("--run", help="The run to report on; the newest by default.")
    ] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Write the report of a run: HTML, JSON and CSV with the same numbers."""
    output = Output(as_json=json)
    settings = read_settings(env_file)
    with open_engine(settings) as engine:
        with engine.connect() as connection:
            run_id = history.newest_judged(connection) if run is None else run
            if run_id is None or history.run_with(connection, run_id) is None:
                raise ConfigurationError(
                    "There is no such run to report on. Make one with `tieline run --dry-run`."
                )
        path = write_run_report(settings, engine, run_id, out)
    output.line(f"Report of run {run_id}: {path}")
    if json:
        typer.echo((path.parent / "report.json").read_text(encoding="utf-8"))
    return Exit.OK


def runs(
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many.")] = 20,
    show: Annotated[int | None, typer.Option("--show", help="Show this run in full.")] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """List the runs, or show one."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        if show is None:
            rows = history.newest_runs(connection, number)
            output.table(
                "Runs",
                ["run>", "asked by", "started (UTC)", "status", "exit>", "message"],
                [
                    (r.id, r.trigger, f"{r.started_at:%Y-%m-%d %H:%M}", r.status, r.exit_code, r.message)
                    for r in rows
                ],
            )
            output.document([mapped(row) for row in rows])
            return Exit.OK
        row = history.run_with(connection, show)
        if row is None:
            raise ConfigurationError(f"There is no run {show}. `tieline runs` lists them.")
        sources = sources_of(connection, show)
        totals, coverage = history.totals_of(connection, show), history.coverage_of(connection, show)
        writes = history.write_counts(connection, show)
    output.line(
        f"Run {row.id} by {row.trigger}, {row.started_at:%Y-%m-%d %H:%M} UTC: {row.status}", style="bold"
    )
    if row.message:
        output.line(row.message)
    show_sources(output, sources)
    show_totals(output, totals)
    show_coverage(output, coverage)
    output.table("Label writes", ["", "state", "number>"], [(*k, v) for k, v in sorted(writes.items())])
    output.document(
        mapped(row)
        | {
            "sources": [mapped(r) for r in sources],
            "control_totals": [mapped(r) for r in totals],
            "coverage": [mapped(r) for r in coverage],
            "writes": [{"operation": k[0], "state": k[1], "number": v} for k, v in sorted(writes.items())],
        }
    )
    return Exit.OK


def status(env_file: EnvFile = None, json: Json = False) -> int:
    """Say when the last run was, how it went, and when the next is due."""
    output = Output(as_json=json)
    settings = read_settings(env_file)
    with open_engine(settings) as engine, engine.connect() as connection:
        newest = history.newest_runs(connection, 1)
        last = last_night(connection, settings.schedule)
    due = next_due(settings.schedule, settings.zone, utc_now())
    run = newest[0] if newest else None
    said = (
        "no run yet" if run is None else f"run {run.id} at {run.started_at:%Y-%m-%d %H:%M} UTC: {run.status}"
    )
    output.line(f"Last run: {said}")
    output.line(f"Last scheduled night: {last or 'none yet'}")
    output.line(f"Next night due: {due.at:%Y-%m-%d %H:%M %Z} (while `tieline serve` runs)")
    output.document(
        {"last_run": None if run is None else mapped(run), "last_night": last, "next_due": due.at.isoformat()}
    )
    return Exit.OK


def quarantine(env_file: EnvFile = None, json: Json = False) -> int:
    """List the rows refused when each source was last read."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        rows = history.quarantined(connection)
    output.table(
        "Quarantine",
        ["source", "file", "line>", "column", "reason", "row"],
        [(r.source, r.file, r.line, r.column_name, r.reason, r.raw[:80]) for r in rows],
    )
    if not rows:
        output.line("No row was refused.")
    output.document([mapped(row) for row in rows])
    return Exit.OK
