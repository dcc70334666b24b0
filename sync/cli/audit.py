"""The command that shows what was done, and whether anybody has edited the record of it: audit."""

from __future__ import annotations

from typing import Annotated

import typer

from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import open_engine, read_settings
from sync.errors import Exit
from sync.store import audit as chain


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(audit)


def audit(
    run: Annotated[int | None, typer.Option("--run", metavar="N", help="Only what this run did.")] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Follow the chain of hashes and say whether it is whole.")
    ] = False,
    head: Annotated[
        str | None,
        typer.Option("--head", metavar="HASH", help="With --verify: a hash kept elsewhere must be in it."),
    ] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Show what was done, or verify that nobody edited it.

    Each entry's hash covers the entry before it. Keep the last one elsewhere now and then: with it, a tail
    that was cut off is noticed even if the runs were edited, too.
    """
    output = Output(as_json=json)
    with open_engine(read_settings(env_file)) as engine, engine.connect() as connection:
        if verify or head is not None:
            verdict = chain.verify(chain.entries_of(connection), chain.heads(connection), head)
            output.document(verdict)
            if verdict.broken is not None:
                output.line(f"The chain is broken: {verdict.broken}.", style="red")
                return Exit.FAILED
            output.line(f"{verdict.entries} entries, unbroken. The last hash is {verdict.head or 'none yet'}")
            return Exit.OK
        entries = list(chain.entries_of(connection, run))
    output.table(
        "Audit",
        ["entry>", "time (UTC)", "run>", "event", "what"],
        [(e.id, f"{e.at:%Y-%m-%d %H:%M:%S}", e.run_id, e.event, e.detail) for e in entries],
    )
    if not entries:
        output.line("Nothing was done yet.")
    output.document(entries)
    return Exit.OK
