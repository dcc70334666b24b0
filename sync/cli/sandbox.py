"""The command that starts the stand-in Jira for trying and training: sandbox."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync.cli.options import Json
from sync.cli.output import Output
from sync.errors import ConfigurationError, Exit
from sync.sandbox import Deployment, Sandbox, SandboxError
from sync.sandbox.portfolio import SAMPLE, load_portfolio


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(sandbox)


def sandbox(
    deployment: Annotated[
        Deployment, typer.Option("--deployment", help="Which Jira to be.")
    ] = Deployment.CLOUD,
    load: Annotated[
        list[Path] | None,
        typer.Option("--load", metavar="FILE", help="Raw Jira issues, a JSON object per line, plain or .gz."),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="0 takes a free one.")
    ] = 8080,
    json: Json = False,
) -> int:
    """Start a stand-in Jira to try things on.

    It listens on this machine only and holds the sample portfolio, or issues of your own.
    """
    output = Output(as_json=json)
    jira = Sandbox(deployment, port=port)
    try:
        if load:
            jira.site.load(load)
        else:
            load_portfolio(jira.site, SAMPLE / "investments.csv", SAMPLE / "objectives.csv")
        jira.start()
    except OSError as error:
        raise ConfigurationError(
            f"--port {port}: {error.strerror}. Choose another, or 0 for a free one."
        ) from None
    except SandboxError as error:
        raise ConfigurationError(f"--load: {error}") from None
    settings = settings_for(jira)
    output.line(f"A {deployment.value} Jira with {len(jira.site.issues)} issues. In .env:")
    for key, value in settings.items():
        output.line(f"{key}={value}")
    output.line(f"To look at and edit it from outside: {jira.control_url}. Stop with Ctrl-C.")
    output.document({"settings": settings, "control_url": jira.control_url})
    jira.wait()
    return Exit.OK


def settings_for(jira: Sandbox) -> dict[str, str]:
    """Give the settings with which Tieline enters this sandbox."""
    account = jira.credentials
    entry = (
        {"JIRA_EMAIL": account.email, "JIRA_API_TOKEN": account.token}
        if jira.deployment is Deployment.CLOUD
        else {"JIRA_PAT": account.pat}
    )
    return {"JIRA_URL": jira.url} | entry
