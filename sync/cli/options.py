"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", help="Read settings from this file instead of .env.", show_default=False),
]
AllowChanges = Annotated[
    int, typer.Option("--allow-changes", min=0, help="Let this run make up to so many label changes.")
]
AllowShrink = Annotated[
    bool, typer.Option("--allow-shrink", help="Let sources lose any share of their rows in this run.")
]
