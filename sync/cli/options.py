"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Form(StrEnum):
    """How something is told."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", metavar="FILE", help="Read settings from this file instead of .env."),
]
AllowChanges = Annotated[
    int,
    typer.Option(
        "--allow-changes",
        min=0,
        metavar="N",
        show_default=False,
        help="Let this run make up to N label changes, whatever the limits say.",
    ),
]
AllowQuietHours = Annotated[
    bool,
    typer.Option("--allow-quiet-hours", help="Write in this run though it is within TIELINE_QUIET_HOURS."),
]
Full = Annotated[
    bool,
    typer.Option("--full", help="Read every source from scratch, also where only changes would be read."),
]
Retry = Annotated[
    bool,
    typer.Option("--retry", help="Ask Jira again at once for changes that it refused on earlier nights."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the plan to this file.")]
AllowShrink = Annotated[
    bool, typer.Option("--allow-shrink", help="Let sources lose any share of their rows in this run.")
]
AllowRejects = Annotated[
    bool,
    typer.Option("--allow-rejects", help="Let finance sources refuse any share of their rows in this run."),
]
AllowRestatement = Annotated[
    bool,
    typer.Option(
        "--allow-restatement",
        help="Let closed periods and currencies of budget lines change in this run.",
    ),
]
