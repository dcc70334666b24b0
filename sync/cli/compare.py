"""The commands that hold two things against each other: diff (two runs), drift (ledger and tickets)."""

from __future__ import annotations

from typing import Annotated

import typer

from connectors.finance.money import format_minor
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import open_engine, read_settings
from sync.errors import ConfigurationError, Exit
from sync.store import history
from sync.store.comparison import Moved, compare
from sync.store.drift import drifts


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (diff, drift):
        app.command()(command)


def diff(
    before: Annotated[int, typer.Argument(metavar="RUN", help="The earlier run.")],
    after: Annotated[int, typer.Argument(metavar="RUN", help="The later run.")],
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Say what changed between two runs."""
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        problems = [
            f"Run {run} has no figures to compare. `tieline runs` lists the runs."
            for run in (before, after)
            if not history.coverage_of(connection, run)
        ]
        if before >= after:
            problems.append(f"{before} and {after}: name the earlier run first.")
        if problems:
            raise ConfigurationError(*problems)
        found = compare(connection, before, after)
    output.table(
        "Figures",
        ["", "state", f"run {before}>", f"run {after}>", "change>"],
        [
            (name_of(it), it.state, *(amount(it, n) for n in (it.before, it.after, it.after - it.before)))
            for it in found.figures
        ],
    )
    output.table(
        "Findings",
        ["rule", "opened>", "closed>"],
        [(row["rule"], row["opened"], row["closed"]) for row in found.findings],
    )
    output.table(
        "Labels",
        ["label", "", "answer", "number>"],
        [(row["label"], row["operation"], row["state"], row["number"]) for row in found.writes],
    )
    if not (found.figures or found.findings or found.writes):
        output.line("Nothing changed.")
    output.document(found)
    return Exit.OK


def name_of(it: Moved) -> str:
    """Name a figure."""
    return f"{it.version} {it.fiscal_year}, {it.currency}" if it.currency else "work items"


def amount(it: Moved, number: int) -> str:
    """Write a figure: money in units of its currency."""
    return format_minor(number, it.currency) if it.currency else str(number)


def drift(env_file: EnvFile = None, json: Json = False) -> int:
    """List labels of ours that people took off or put on.

    As the tickets were when they were last read. What is taken off comes back once while its rule holds;
    what people put on with our prefix is theirs, and stays.
    """
    output = Output(as_json=json)
    settings = read_settings(env_file)
    with open_engine(settings) as engine, engine.connect() as connection:
        found = drifts(connection, settings.label_prefix, settings.asking.values())
    output.table("Drift", ["ticket", "label", ""], [(it.key, it.label, it.what) for it in found])
    if not found:
        output.line("Tickets and ledger agree.")
    output.document(found)
    return Exit.OK
