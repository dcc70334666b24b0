"""The commands that run a night or a part of it: run, pull, check, plan, apply."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync.cli import planfile
from sync.cli.options import AllowChanges, AllowRejects, AllowRestatement, AllowShrink, EnvFile, Full, Json
from sync.cli.output import Output
from sync.cli.session import open_session
from sync.cli.summary import run_document, show_findings, show_plan, show_pull, show_run
from sync.errors import ConfigurationError, Exit
from sync.night import Options, run_judge, run_night, run_pull


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (run, pull, check, plan, apply):
        app.command()(command)


def run(
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read and judge, but write nothing to Jira.")
    ] = False,
    allow_changes: AllowChanges = 0,
    allow_shrink: AllowShrink = False,
    allow_rejects: AllowRejects = False,
    allow_restatement: AllowRestatement = False,
    full: Full = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Run one night: read, judge, write labels, report.

    In order: pull every source, link work to objectives and money to work, judge by the rules, plan the label
    changes, check the plan's size, write the labels, write the report.
    """
    output = Output(as_json=json)
    options = Options(
        dry_run=dry_run,
        allow_changes=allow_changes,
        allow_shrink=allow_shrink,
        allow_rejects=allow_rejects,
        allow_restatement=allow_restatement,
        whole=full,
    )
    with open_session(env_file) as session:
        result = run_night(session.service, options, output.progress())
        show_run(output, session, result)
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
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the plan to this file.")
    ] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 10 when changes are pending.")
    ] = False,
    allow_changes: AllowChanges = 0,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Show the label changes that `apply` would make."""
    output = Output(as_json=json)
    with open_session(env_file) as session:
        options = Options("plan", dry_run=True, allow_changes=allow_changes)
        result = run_judge(session.service, options, output.progress())
        show_plan(output, result)
        if out is not None:
            planfile.write(out, result.plan)
            output.line(f"Plan written to {out}. Carry it out with: tieline apply {out}")
        output.document(planfile.to_document(result.plan))
    if result.exit_code is not Exit.OK:
        return result.exit_code
    return Exit.CHANGES if detailed_exitcode and result.plan else Exit.OK


def apply(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A plan made by `tieline plan --out FILE`.")
    ] = None,
    allow_changes: AllowChanges = 0,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Write the labels of the plan.

    Of the plan as it is now; or of the one in FILE, if it is still the same.
    """
    output = Output(as_json=json)
    expected = None if file is None else planfile.read(file)
    with open_session(env_file) as session:
        options = Options("apply", allow_changes=allow_changes, expected=expected)
        result = run_judge(session.service, options, output.progress())
        show_run(output, session, result)
        output.document(run_document(session, result))
    return result.exit_code
