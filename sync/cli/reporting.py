"""The command that writes the report of a run: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import open_engine, read_settings, write_run_report
from sync.errors import ConfigurationError, Exit
from sync.store import history
from sync.upkeep.clearing import forgotten


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FOLDER", help="The folder to write to.")
    ] = None,
    run: Annotated[
        int | None, typer.Option("--run", metavar="N", help="The run to report on; the newest by default.")
    ] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Write the report of a run, as HTML, JSON and CSV."""
    output = Output(as_json=json)
    settings = read_settings(env_file)
    with open_engine(settings) as engine:
        with engine.connect() as connection:
            run_id = history.newest_judged(connection) if run is None else run
            if run_id is None:
                raise ConfigurationError(
                    "There is no run to report on yet. Make one with `tieline run --dry-run`."
                )
            if not history.coverage_of(connection, run_id):
                raise ConfigurationError(
                    f"--run {run_id}: there is no such run with figures. `tieline runs` lists the runs."
                )
            gone = forgotten(connection, run_id)
            if gone:
                raise ConfigurationError(f"--run {run_id}: {gone}")
        path = write_run_report(settings, engine, run_id, out)
    output.line(f"Report of run {run_id}: {path}")
    if json:
        typer.echo((path.parent / "report.json").read_text(encoding="utf-8"))
    return Exit.OK
