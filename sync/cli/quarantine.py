"""The commands for rows that were refused: quarantine list, export, waive, retry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync.cli.options import AllowRejects, AllowRestatement, AllowShrink, EnvFile, Json
from sync.cli.output import Output, counted, shortened
from sync.cli.session import open_engine, open_session, read_settings
from sync.cli.summary import mapped, run_document, show_pull
from sync.errors import ConfigurationError, Exit
from sync.frame.service import Options
from sync.money.retry import from_kept_files
from sync.night import run_pull
from sync.report.spreadsheets import neutral, to_csv
from sync.store.money import quarantine as store
from sync.store.schema import AnyRow

HELP = "List the rows that were refused, and read them again."
COLUMNS = ("id", "source", "file", "sheet", "line", "record", "column_name", "code", "reason", "raw")

app = typer.Typer(help=HELP)
Sources = Annotated[
    list[str] | None, typer.Argument(metavar="SOURCE", help="Only those of these sources; all by default.")
]
State = Annotated[
    str, typer.Option("--status", metavar="STATUS", help="open, fixed, waived or all; open by default.")
]


@app.callback(invoke_without_command=True)
def refused(context: typer.Context, env_file: EnvFile = None, json: Json = False) -> int:
    """List the rows that were refused, and read them again."""
    if context.invoked_subcommand is None:
        return list_rows(env_file=env_file, json=json)
    return Exit.OK


@app.command("list")
def list_rows(
    sources: Sources = None, status: State = store.OPEN, env_file: EnvFile = None, json: Json = False
) -> int:
    """List the rows that were refused, and why."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        rows = store.refused_rows(connection, sources or (), states(status))
    output.table(
        "Quarantine",
        ["id>", "source", "file", "line>", "column", "reason", "row"],
        [(r.id, r.source, place(r), r.line, r.column_name, r.reason, shortened(r.raw)) for r in rows],
    )
    if not rows:
        output.line("No row was refused." if status == store.OPEN else f"No refused row is {status}.")
    output.document([mapped(row) for row in rows])
    return Exit.OK


def place(row: AnyRow) -> str:
    """Name the file of a refused row, and its sheet if it has one."""
    name = Path(row.file).name
    return name if row.sheet is None else f"{name} ({row.sheet})"


def states(status: str) -> tuple[str, ...]:
    """Give the states that a word on the command line stands for."""
    if status != "all" and status not in store.STATES:
        raise ConfigurationError(f"--status {status}: there are {', '.join(store.STATES)} and all.")
    return store.STATES if status == "all" else (status,)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV file to write.")],
    sources: Annotated[
        list[str] | None, typer.Option("--source", metavar="SOURCE", help="Only those of this source.")
    ] = None,
    status: State = store.OPEN,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Write the refused rows as CSV, for whoever can mend them."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        rows = store.refused_rows(connection, sources or (), states(status))
    table = to_csv(COLUMNS, ([cell(getattr(row, name)) for name in COLUMNS] for row in rows))
    try:
        file.write_text(table, encoding="utf-8-sig", newline="")
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}. Name another file.") from None
    output.line(f"{counted(len(rows), 'refused row')} written to {file}.")
    output.document({"file": file, "rows": len(rows)})
    return Exit.OK


def cell(value: str | int | None) -> str | int | None:
    """Give a value as a cell that no spreadsheet runs."""
    return neutral(value) if isinstance(value, str) else value


@app.command()
def waive(
    ids: Annotated[list[int], typer.Argument(metavar="ID", help="Numbers of open rows, as listed.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why they may stay refused.")],
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Let refused rows be, with a reason: they are no longer listed as open."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.begin() as connection:
        number = store.waive(connection, ids, reason)
    output.line(f"{counted(number, 'row')} waived.")
    output.document({"waived": number})
    return Exit.OK


@app.command()
def retry(
    sources: Sources = None,
    *,
    allow_shrink: AllowShrink = False,
    allow_rejects: AllowRejects = False,
    allow_restatement: AllowRestatement = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Read the kept files of finance sources again by the mapping as it is now; what now passes counts."""
    output = Output(as_json=json)
    options = Options(
        "quarantine retry",
        dry_run=True,
        allow_shrink=allow_shrink,
        allow_rejects=allow_rejects,
        allow_restatement=allow_restatement,
    )
    with open_session(env_file) as session:
        with from_kept_files(session.service, session.sources, sources or ()) as service:
            result = run_pull(service, options, output.progress())
        show_pull(output, session, result)
        output.document(run_document(session, result))
    return result.exit_code
