"""The command that tells the whole story on a stand-in Jira and real figures: demo."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.options import Json
from sync.cli.output import Output, counted
from sync.cli.sandbox import settings_for
from sync.cli.session import Session, open_engine, open_service, utc_now
from sync.cli.summary import run_document, show_run
from sync.errors import ConfigurationError
from sync.frame.result import RunResult
from sync.frame.service import Options
from sync.labels.plan import Change
from sync.night import run_night
from sync.sandbox import Deployment, Sandbox
from sync.sandbox.portfolio import SAMPLE, Portfolio, load_portfolio
from sync.settings import load_settings
from sync.sources import load_sources

# The figures are those of the US budget year 2017; "this fiscal year" must mean that one.
FISCAL_YEAR = "2017"
FOLDER = "tieline-demo"


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", metavar="FOLDER", help="Where store and report go.")
    ] = Path(FOLDER),
    deployment: Annotated[
        Deployment, typer.Option("--deployment", help="Which Jira to be.")
    ] = Deployment.CLOUD,
    json: Json = False,
) -> int:
    """Show three nights on a stand-in Jira with real figures.

    747 major IT investments of the US government for 2017, their money and the objectives they serve. Nothing
    outside the demo's folder is touched and no Jira is needed.
    """
    output = Output(as_json=json)
    prepare(folder)
    with Sandbox(deployment) as jira:
        # An account that administers its projects can label without mailing the watchers, in one request.
        jira.site.permissions.admin = True
        output.line(f"A stand-in Jira ({deployment.value}) listens on {jira.url}.")
        portfolio = load_portfolio(jira.site, SAMPLE / "investments.csv", SAMPLE / "objectives.csv")
        output.line(
            f"It holds {len(portfolio.keys)} epics, one for each major US federal IT investment of 2017."
        )
        environ = write_env(folder, jira)
        settings = load_settings(environ)
        with (
            open_engine(settings) as engine,
            open_service(settings, load_sources(settings, environ), engine) as session,
        ):
            nights = Nights(output, session, jira)
            first = nights.run("First night: everything is new", brief=False)
            nights.run("Second night: nothing has changed, so nothing is written")
            change = give_objective(output, jira, portfolio, first)
            nights.run(f"Third night: {change.ticket.issue_key} has its objective, so its label goes")
            show_end(output, folder, change, first, nights.results[-1])
            output.document(nights.documents)
    return max(result.exit_code for result in nights.results)


def prepare(folder: Path) -> None:
    """Make the demo's folder anew; refuse one that holds something else."""
    marker = folder / ".tieline-demo"
    if folder.exists() and any(folder.iterdir()) and not marker.exists():
        raise ConfigurationError(
            f"--folder {folder}: not empty, and not made by the demo. Name another folder."
        )
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        marker.touch()
    except OSError as error:
        raise ConfigurationError(f"--folder {folder}: {error.strerror}. Name another folder.") from None


def write_env(folder: Path, jira: Sandbox) -> dict[str, str]:
    """Write the settings of the demo, so that its store can be looked at afterwards."""
    settings = settings_for(jira) | {
        "TIELINE_SOURCES": str(SAMPLE / source_file(jira.deployment)),
        "TIELINE_DATABASE_URL": f"sqlite:///{(folder / 'tieline.db').resolve()}",
        "TIELINE_REPORT_DIR": str((folder / "report").resolve()),
        "TIELINE_FISCAL_YEAR": FISCAL_YEAR,
    }
    lines = [f"{key}={value}\n" for key, value in settings.items()]
    (folder / ".env").write_text("".join(lines), encoding="utf-8")
    return settings


def source_file(deployment: Deployment) -> str:
    """Give the sample's sources file for a deployment."""
    return "sources.yaml" if deployment is Deployment.CLOUD else "sources-dc.yaml"


class Nights:
    """Runs the nights of the demo and counts what each asked of Jira."""

    def __init__(self, output: Output, session: Session, jira: Sandbox) -> None:
        self.output, self.session, self.jira = output, session, jira
        self.results: list[RunResult] = []
        self.documents: list[dict[str, object]] = []

    def run(self, title: str, *, brief: bool = True) -> RunResult:
        """Run one night and show it; `brief` leaves out what is the same each night."""
        self.output.line()
        self.output.line(title, style="bold cyan")
        self.jira.clear_requests()
        began = utc_now()
        result = run_night(self.session.service, Options("demo"), self.output.progress())
        seconds = (utc_now() - began).total_seconds()
        requests, writes = len(self.jira.requests()), self.jira.write_requests()
        show_run(self.output, self.session, result, brief=brief)
        asked = f"{counted(requests, 'request')}, {writes} of them to write"
        self.output.line(f"Asked of Jira: {asked}. The night took {seconds:.1f} s.")
        self.results.append(result)
        document = run_document(self.session, result)
        self.documents.append(document | {"requests": requests, "write_requests": writes, "seconds": seconds})
        return result


def give_objective(output: Output, jira: Sandbox, portfolio: Portfolio, night: RunResult) -> Change:
    """Do what a person would do about a flagged epic: name the objective it serves."""
    change = next(change for change in night.plan.changes if change.label.endswith("no-objective"))
    objective = neighbour_objective(jira, portfolio, change.ticket.issue_key)
    jira.site.edit(change.ticket.issue_key, {portfolio.objectives_field: objective})
    output.line()
    output.line(
        f"Now somebody opens {change.ticket.issue_key} in Jira and writes {objective} into its field "
        "“Strategic objectives”.",
        style="bold cyan",
    )
    return change


def neighbour_objective(jira: Sandbox, portfolio: Portfolio, key: str) -> str:
    """Find an objective that another epic of the same agency serves."""
    project = key.rpartition("-")[0]
    cited = (
        str(issue.fields.get(portfolio.objectives_field))
        for other in portfolio.keys.values()
        if other.rpartition("-")[0] == project
        for issue in [jira.site.get(other)]
        if issue.fields.get(portfolio.objectives_field)
    )
    return next(cited).split(",")[0]


def show_end(output: Output, folder: Path, change: Change, first: RunResult, last: RunResult) -> None:
    """Say what to look at and what to try next."""
    tieline = "tieline" if shutil.which("tieline") else ".venv/bin/tieline"
    flagged = next(c.ticket.issue_key for c in first.plan.changes if c.ticket != change.ticket)
    output.line()
    output.line(f"Open the report in a browser: {last.report}", style="bold green")
    output.line("Ask why a ticket is flagged, and why another one no longer is:")
    for key in (flagged, change.ticket.issue_key):
        output.line(f"  {tieline} explain {key} --env-file {folder}/.env")
    output.line("On your own Jira, after `cp config.example.env .env` and filling in five lines:")
    for command in ("doctor", "run --dry-run", "run"):
        output.line(f"  {tieline} {command}")
