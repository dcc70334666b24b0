"""The commands for people who declare sources: sources inspect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.finance.inspect import propose
from sync.cli.options import Json
from sync.cli.output import Output
from sync.cli.session import utc_now
from sync.errors import Exit

app = typer.Typer(help="Look at files before they are declared as sources.", no_args_is_help=True)


@app.callback()
def sources() -> None:
    """Look at files before they are declared as sources."""


@app.command("inspect")
def inspect_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A budget file: CSV or a workbook.")],
    sheet: Annotated[
        str | None,
        typer.Option("--sheet", metavar="NAME", help="The sheet of a workbook; the first by default."),
    ] = None,
    json: Json = False,
) -> int:
    """Propose how to read a budget file, as YAML with evidence and doubts; change nothing."""
    output = Output(as_json=json)
    proposal = propose(file, utc_now().year, sheet)
    for line in proposal.yaml().splitlines():
        output.line(line)
    output.document({"mapping": proposal.mapping, "notes": proposal.notes})
    return Exit.OK
