"""Put the commands together, and turn every error a person can mend into plain lines and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from signal import SIGTERM

import typer
from sqlalchemy.exc import OperationalError

from connectors.errors import BadInput, ConnectorError
from sync.cli import (
    adopt,
    audit,
    backup,
    budget,
    compare,
    config,
    demo,
    digest,
    doctor,
    init,
    look,
    match,
    nightly,
    purge,
    quarantine,
    reporting,
    rulefiles,
    sandbox,
    serve,
    sources,
    waivers,
    worker,
)
from sync.cli.crash import Crash
from sync.errors import Exit, UserError
from sync.frame.stopping import STOPPED, Stopped, stop_on
from sync.pull import meaning
from sync.store.database import first_line

# What Typer makes of Ctrl-C: it never lets the KeyboardInterrupt itself through.
INTERRUPTED = 130

app = typer.Typer(
    name="tieline",
    help="Ties IT work to the business objective it serves, and every budget line to that work.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for commands in (
    demo,
    init,
    doctor,
    nightly,
    look,
    reporting,
    digest,
    budget,
    serve,
    worker,
    sandbox,
    compare,
    audit,
    backup,
    purge,
    adopt,
):
    commands.add_to(app)
app.add_typer(rulefiles.app, name="rules")
app.add_typer(sources.app, name="sources")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(match.app, name="match")
app.add_typer(waivers.app, name="waivers")
app.add_typer(config.app, name="config")


def main(arguments: Sequence[str] | None = None) -> int:  # noqa: PLR0911
    """Run a command and give its exit code; the console script exits with it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    try:
        with stop_on(SIGTERM):
            result = app(args=given, prog_name="tieline", standalone_mode=False)
    except (UserError, Stopped) as error:
        return tell(error.problems, error.exit_code, as_json=as_json)
    except ConnectorError as error:
        problems = error.problems if isinstance(error, BadInput) else (str(error),)
        return tell(problems, meaning(error), as_json=as_json)
    except OperationalError as error:
        return tell([store_failed(error)], Exit.FAILED, as_json=as_json)
    except Crash as crash:
        sys.stderr.write(str(crash))
        return tell([f"Unexpected: {crash.line}"], Exit.FAILED, as_json=as_json)
    except typer.TyperException as error:
        return tell([usage(error)], Exit.USAGE, as_json=as_json)
    if result == INTERRUPTED:
        return tell([STOPPED], Exit.FAILED, as_json=as_json)
    return int(result) if isinstance(result, int) else Exit.OK


def store_failed(error: OperationalError) -> str:
    """Say that the store gave up in the middle: a full or broken disk, a server that is gone, a lock."""
    return (
        f"The store could not go on: {first_line(error.orig)}. What was committed stays, and the next run "
        "goes on from there. See that its disk has room and is sound, and that its server runs."
    )


def usage(error: typer.TyperException) -> str:
    """Say what is wrong with the command line, and where help is; bare `tieline` is shown the help itself."""
    message = error.format_message()
    context = getattr(error, "ctx", None)
    if context is None or message.startswith("Usage:"):
        return message
    return f"{message.replace('Value error, ', '').rstrip('.')}. See `{context.command_path} --help`."


def tell(problems: Sequence[str], code: Exit, *, as_json: bool = False) -> int:
    """Print every problem on stderr, and as a document on stdout where JSON was asked for."""
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if as_json:
        document = {"problems": list(problems), "exit_code": int(code)}
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return int(code)
