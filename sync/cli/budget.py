"""The command that shows the budget, as it is or as it was known on a date: budget."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated

import typer

from connectors.finance.money import format_minor
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import open_engine, read_settings, utc_now
from sync.cli.summary import mapped
from sync.errors import ConfigurationError, Exit
from sync.store.money.as_known import as_known
from sync.store.retention import known_since


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(budget)


def budget(
    as_of: Annotated[
        datetime | None,
        typer.Option(
            "--as-of",
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"],
            metavar="DATE",
            help="As it was known at the end of this day, or at this time (2026-03-31T12:00).",
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", metavar="SOURCE", help="Only the lines of this source.")
    ] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Show the budget by period, as it is or once was known."""
    output = Output(as_json=json)
    settings = read_settings(env_file)
    moment = utc_now() if as_of is None else end_of(as_of).replace(tzinfo=settings.zone)
    with open_engine(settings) as engine, engine.connect() as connection:
        since = known_since(connection)
        if since is not None and moment < since:
            raise ConfigurationError(
                f"--as-of: what budget lines said before {since:%Y-%m-%d %H:%M} UTC was removed for its age "
                "(TIELINE_KEEP_HISTORY_DAYS). Restore a backup from before that elsewhere and ask there."
            )
        rows = as_known(connection, moment, source)
    for currency in dict.fromkeys(row.currency for row in rows):
        output.table(
            f"Budget in {currency}, as known {moment:%Y-%m-%d %H:%M %Z}",
            ["source", "version", "period", "lines>", "amount>"],
            [
                (r.source, r.version, r.period, r.lines, format_minor(int(r.amount_minor), currency))
                for r in rows
                if r.currency == currency
            ],
        )
    if not rows:
        output.line("No budget line was known then.")
    output.document([mapped(row) | {"amount_minor": int(row.amount_minor)} for row in rows])
    return Exit.OK


def end_of(given: datetime) -> datetime:
    """Give the last moment of a day that was named without a time."""
    return given if given.time() != time() else given.replace(hour=23, minute=59, second=59)
