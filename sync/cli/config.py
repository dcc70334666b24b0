"""The command for whoever wonders which settings count: config show."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import dotenv_of
from sync.errors import Exit
from sync.upkeep.origins import settings_with_origin

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@app.callback()
def config() -> None:
    """Look at the settings."""


@app.command()
def show(
    origin: Annotated[bool, typer.Option("--origin", help="Also say where each value comes from.")] = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Show every setting as it counts, secrets masked.

    The environment wins over the .env file, which wins over the defaults.
    """
    output = Output(as_json=json)
    settings = settings_with_origin(os.environ, dotenv_of(env_file))
    output.table(
        "Settings",
        ["setting", "value", *(["from"] if origin else [])],
        [(it.key, it.value, *([it.origin] if origin else [])) for it in settings],
    )
    output.document(settings)
    return Exit.OK
