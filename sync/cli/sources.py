"""The commands for people who declare sources: sources inspect, sources profile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connectors.finance.inspect import propose
from connectors.finance.profiles import entry_for, profile_names, read_profile
from sync.cli.options import Json
from sync.cli.output import Output
from sync.cli.session import utc_now
from sync.errors import ConfigurationError, Exit

app = typer.Typer(
    help="Look at files and at what finance systems need.",
    no_args_is_help=True,
)


@app.callback()
def sources() -> None:
    """Look at files and at what finance systems need."""


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


@app.command("profile")
def show_profile(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A finance system; without it, all are listed.")
    ] = None,
    json: Json = False,
) -> int:
    """Show what a finance system's profile needs, as an entry for the sources file to fill in."""
    output = Output(as_json=json)
    if name is None:
        systems = {known: read_profile(known)["system"] for known in profile_names()}
        output.table("Profiles", ["profile", "system"], list(systems.items()))
        output.document({"profiles": systems})
        return Exit.OK
    if name not in profile_names():
        raise ConfigurationError(f"There is no profile {name!r}; there are {', '.join(profile_names())}.")
    for line in entry_for(name):
        output.line(line)
    output.document({"profile": name, **read_profile(name)})
    return Exit.OK
