"""Put the commands together, and turn every error a person can mend into plain lines and an exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

import click
import typer

from connectors.errors import ConnectorError
from sync.cli import demo, doctor, look, nightly, rulefiles, sandbox, serve
from sync.errors import Exit, UserError
from sync.pull import meaning

app = typer.Typer(
    name="tieline",
    help="Ties IT work to the business objective it serves, and every budget line to that work.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for commands in (demo, doctor, nightly, look, serve, sandbox):
    commands.add_to(app)
app.add_typer(rulefiles.app, name="rules")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and give its exit code; the console script exits with it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        result = app(args=given, prog_name="tieline", standalone_mode=False)
    except UserError as error:
        return tell(error.problems, error.exit_code, as_json="--json" in given)
    except ConnectorError as error:
        return tell([str(error)], meaning(error), as_json="--json" in given)
    except click.ClickException as error:
        return tell([error.format_message()], Exit.USAGE, as_json="--json" in given)
    except (KeyboardInterrupt, click.Abort):
        return tell(["Interrupted. What was done so far is kept; the next run goes on."], Exit.FAILED)
    return int(result) if isinstance(result, int) else Exit.OK


def tell(problems: Sequence[str], code: Exit, *, as_json: bool = False) -> int:
    """Print every problem on stderr, and as a document on stdout where JSON was asked for."""
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if as_json:
        document = {"problems": list(problems), "exit_code": int(code)}
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return int(code)
