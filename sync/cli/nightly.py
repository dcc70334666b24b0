"""The commands that run a night or a part of it, or take one back: run, pull, check, plan, apply, undo."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.marks import markers_markdown
from sync.cli.options import (
    AllowChanges,
    AllowQuietHours,
    AllowRejects,
    AllowRestatement,
    AllowShrink,
    EnvFile,
    Form,
    Full,
    Json,
    Out,
    Retry,
)
from sync.cli.output import Output
from sync.cli.plans import plan_markdown, show_undo
from sync.cli.session import open_session, utc_now
from sync.cli.summary import run_document, show_findings, show_plan, show_pull, show_run
from sync.errors import ConfigurationError, Exit
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.labels import savedplan
from sync.labels.undo import run_undo
from sync.night import run_judge, run_night, run_pull
from sync.service.running import find_asked, run_slot
from sync.service.schedules import What
from sync.service.timetable import schedule_named


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (run, pull, check, plan, apply, undo):
        app.command()(command)


def run(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and judge, but write nothing to Jira.")
    ] = False,
    allow_changes: AllowChanges = 0,
    allow_quiet_hours: AllowQuietHours = False,
    allow_shrink: AllowShrink = False,
    allow_rejects: AllowRejects = False,
    allow_restatement: AllowRestatement = False,
    full: Full = False,
    retry: Retry = False,
    schedule: Annotated[
        str | None,
        typer.Option("--schedule", metavar="NAME", help="Run this schedule, if it is due and not yet done."),
    ] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Run one night: read, judge, write labels, report.

    In order: pull every source, link work to objectives and money to work, judge by the rules, plan the label
    changes, check the plan's size, write the labels, write the report.

    With --schedule, cron or a timer may call as often as it likes: each local date is run once, by whoever
    comes first. A night that was killed or interrupted is run again.
    """
    output = Output(as_json=json)
    if schedule is not None:
        return run_scheduled(output, schedule, env_file)
    options = Options(
        dry_run=dry_run,
        allow_changes=allow_changes,
        allow_quiet_hours=allow_quiet_hours,
        allow_shrink=allow_shrink,
        allow_rejects=allow_rejects,
        allow_restatement=allow_restatement,
        whole=full,
        retry=retry,
    )
    with open_session(env_file) as session:
        result = run_night(session.service, options, output.progress())
        show_run(output, session, result)
        output.document(run_document(session, result))
    return result.exit_code


def run_scheduled(output: Output, name: str, env_file: Path | None) -> int:
    """Run what a schedule asks for, if its newest slot is not done."""
    with open_session(env_file) as session:
        schedule = schedule_named(session.settings, name)
        slot = find_asked(session.engine, schedule, utc_now())
        if slot is None:
            due = schedule.times.next_after(utc_now()).at
            output.line(f"{name}: nothing to do. Next: {due:%Y-%m-%d %H:%M %Z}.")
            output.document({"run": None, "schedule": name, "exit_code": int(Exit.OK)})
            return Exit.OK
        result = run_slot(session.service, schedule, slot, output.progress())
        show = show_pull if schedule.what is What.PULL else show_run
        show(output, session, result)
        output.document(run_document(session, result))
    return result.exit_code


def pull(
    sources: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Names of sources; all by default.")
    ] = None,
    *,
    allow_shrink: AllowShrink = False,
    allow_rejects: AllowRejects = False,
    allow_restatement: AllowRestatement = False,
    full: Full = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Read the sources into the store, and do no more."""
    output = Output(as_json=json)
    with open_session(env_file) as session:
        known = [feed.name for feed in session.service.feeds]
        unknown = [name for name in sources or [] if name not in known]
        if unknown:
            raise ConfigurationError(
                *(f"{name}: no such source; there are {', '.join(known)}" for name in unknown)
            )
        options = Options(
            "pull",
            dry_run=True,
            allow_shrink=allow_shrink,
            allow_rejects=allow_rejects,
            allow_restatement=allow_restatement,
            whole=full,
            sources=tuple(sources or ()),
        )
        result = run_pull(session.service, options, output.progress())
        show_pull(output, session, result)
        output.document(run_document(session, result))
    return result.exit_code


def check(env_file: EnvFile = None, json: Json = False) -> int:
    """Judge what the store holds, and show the findings.

    Exits with 5 where the last read of a source was not complete: the findings are then not tonight's.
    """
    output = Output(as_json=json)
    with open_session(env_file) as session:
        result = run_judge(session.service, Options("check", dry_run=True), output.progress())
        show_findings(output, session, result)
        output.document(run_document(session, result, findings=True))
    return Exit.INCOMPLETE if result.judgement.frozen or result.incomplete else Exit.OK


def plan(
    *,
    out: Out = None,
    form: Annotated[
        Form, typer.Option("--format", help="Text, one JSON document, or Markdown for a pull request.")
    ] = Form.TEXT,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 10 when changes are pending.")
    ] = False,
    allow_changes: AllowChanges = 0,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Show the label changes that `apply` would make."""
    output = Output(as_json=json or form is Form.JSON)
    with open_session(env_file) as session:
        options = Options("plan", dry_run=True, allow_changes=allow_changes)
        result = run_judge(session.service, options, output.progress())
        if form is Form.MARKDOWN:
            output.line(plan_markdown(result.plan) + markers_markdown(result.markers))
        else:
            show_plan(output, result)
        keep_plan(output, out, result)
        output.document(savedplan.to_document(result.saved))
    if result.exit_code is not Exit.OK:
        return result.exit_code
    return Exit.CHANGES if detailed_exitcode and result.plan else Exit.OK


def keep_plan(output: Output, out: Path | None, result: RunResult) -> None:
    """Write the plan to a file, if one was named."""
    if out is not None:
        savedplan.write(out, result.saved)
        output.line(f"Plan written to {out}. Carry it out with: tieline apply {out}")


def apply(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A plan made by `tieline plan --out FILE` or `undo --out`."),
    ] = None,
    *,
    allow_changes: AllowChanges = 0,
    allow_quiet_hours: AllowQuietHours = False,
    retry: Retry = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Write the labels of the plan.

    Of the plan as it is now; or of the one in FILE, if the rules, the store and the tickets are still those
    it was made for.
    """
    output = Output(as_json=json)
    expected = None if file is None else savedplan.read(file)
    options = Options(
        "apply",
        allow_changes=allow_changes,
        allow_quiet_hours=allow_quiet_hours,
        expected=expected,
        retry=retry,
    )
    with open_session(env_file) as session:
        if expected is not None and expected.undoes is not None:
            result, undoing = run_undo(session.service, expected.undoes, options, output.progress())
            show_undo(output, undoing, result)
        else:
            result = run_judge(session.service, options, output.progress())
            show_run(output, session, result)
        output.document(run_document(session, result))
    return result.exit_code


def undo(
    run: Annotated[int, typer.Argument(metavar="RUN", help="The run, as `tieline runs` numbers it.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be taken back.")] = False,
    out: Out = None,
    allow_changes: AllowChanges = 0,
    allow_quiet_hours: AllowQuietHours = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Take back the labels that a run wrote.

    Only what still is as that run left it: what people or later runs have changed since stays. The next run
    judges anew, so mend the rule first or set it to observe.
    """
    output = Output(as_json=json)
    options = Options(
        dry_run=dry_run or out is not None,
        allow_changes=allow_changes,
        allow_quiet_hours=allow_quiet_hours,
    )
    with open_session(env_file) as session:
        result, undoing = run_undo(session.service, run, options, output.progress())
        show_undo(output, undoing, result)
        keep_plan(output, out, result)
        output.document(
            run_document(session, result)
            | {"plan": savedplan.to_document(result.saved), "kept": [asdict(kept) for kept in undoing.kept]}
        )
    return result.exit_code
