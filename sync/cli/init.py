"""The command that makes a first set-up by asking: init."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from sync.cli.options import Json
from sync.cli.output import Output, printable
from sync.cli.session import utc_now
from sync.errors import ConfigurationError, Exit
from sync.upkeep.interview import files_of, interview, write_files
from sync.upkeep.questions import Answers

FLAGS = {
    "JIRA_URL": "--jira-url",
    "JIRA_EMAIL": "--email",
    "JIRA_API_TOKEN": "--api-token-file",
    "JIRA_PAT": "--pat-file",
}
NEXT = """\
Next:
  tieline doctor          checks all of it, and writes nothing
  tieline run --dry-run   one night but the last step: shows the labels it would write
  tieline run             writes them
  tieline serve           does so each night"""

Text = Annotated[str | None, typer.Option(metavar="TEXT")]
File = Annotated[Path | None, typer.Option(metavar="FILE")]


@dataclass(slots=True)
class Terminal:
    """A person at a terminal or behind a pipe. `given` are answers from flags, each good for one time."""

    given: dict[str, str]
    may_ask: bool

    def ask(self, key: str, prompt: str, default: str, *, secret: bool, required: bool) -> str:
        """Give the answer from a flag, or ask for it, again and again while it is needed and empty."""
        if key in self.given:
            return self.given.pop(key)
        if not self.may_ask:
            if required and not default:
                raise ConfigurationError(f"{FLAGS[key]} is needed with --no-input ({key}).")
            return default
        hint = f" [{default}]" if default else "" if required else " (empty: none)"
        while True:
            answer = read_line(f"{prompt}{hint}: ", secret=secret) or default
            if answer or not required:
                return answer

    def tell(self, text: str) -> None:
        """Say what an answer led to."""
        if text:
            say(f"  ✓ {text}")

    def refuse(self, problem: str) -> None:
        """Say what is wrong, and go on to ask again where there is somebody to ask."""
        if not self.may_ask:
            raise ConfigurationError(problem)
        for line in problem.splitlines():
            say(f"  ✗ {line}")


def read_line(prompt: str, *, secret: bool = False) -> str:
    """Read one line; a secret is not shown while it is typed."""
    try:
        if secret and sys.stdin.isatty():
            return getpass.getpass(prompt).strip()
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline()
    except EOFError:
        line = ""
    if not line:
        raise ConfigurationError("The answers ended before the questions did. Nothing was written.")
    return line.strip()


def say(text: str) -> None:
    """Speak to the person; stdout is kept for the result."""
    sys.stderr.write(f"{printable(text)}\n")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(init)


def init(
    *,
    jira_url: Text = None,
    email: Text = None,
    api_token_file: File = None,
    pat_file: File = None,
    jql: Text = None,
    objective_field: Text = None,
    objective_jql: Text = None,
    objectives: File = None,
    finance: File = None,
    currency: Text = None,
    timezone: Text = None,
    no_input: Annotated[bool, typer.Option("--no-input", help="Ask nothing: flags and defaults.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a .env that is there.")] = False,
    json: Json = False,
) -> int:
    """Ask for the first settings, try each at once, and write .env.

    Every answer is tried on the site or the file it names. Secrets are not shown; those given as files stay
    there. A budget file with columns of its own gets a sources.yaml as well.
    """
    output = Output(as_json=json)
    given = {
        "JIRA_URL": jira_url,
        "JIRA_EMAIL": email,
        "JIRA_JQL": jql,
        "JIRA_OBJECTIVE_FIELD": objective_field,
        "JIRA_OBJECTIVE_JQL": objective_jql,
        "OBJECTIVES_PATH": objectives,
        "FINANCE_PATH": finance,
        "TIELINE_CURRENCY": currency,
        "TIELINE_TIMEZONE": timezone,
    }
    files = {"JIRA_API_TOKEN": api_token_file, "JIRA_PAT": pat_file}
    secrets = {key: str(path.absolute()) for key, path in files.items() if path is not None}
    contents = {key: read_secret(FLAGS[key], Path(path)) for key, path in secrets.items()}
    terminal = Terminal({k: str(v) for k, v in given.items() if v is not None} | contents, not no_input)
    allowed = permission(terminal, replace=replace)
    if not allowed(Path(".env")):
        raise ConfigurationError(".env exists already and stays as it is. To write a new one, add --replace.")
    answers = interview(terminal, utc_now().year)
    kept = {key: path for key, path in secrets.items() if answers.values.get(key) == contents[key]}
    finish(output, answers, kept, allowed)
    return Exit.OK


def read_secret(flag: str, path: Path) -> str:
    """Read a secret from the file that a flag names."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{flag}: cannot read {path} as UTF-8 text.") from None


def permission(terminal: Terminal, *, replace: bool) -> Callable[[Path], bool]:
    """Give the question whether a file may be replaced; it is asked once for each."""
    said: dict[Path, bool] = {}

    def may_replace(path: Path) -> bool:
        if path not in said:
            asked = path.exists() and not replace
            said[path] = not asked or (terminal.may_ask and agreed(f"{path} is there already. Replace it?"))
        return said[path]

    return may_replace


def agreed(question: str) -> bool:
    """Ask for a yes."""
    return read_line(f"{question} [y/N]: ").casefold() in {"y", "yes"}


def finish(
    output: Output, answers: Answers, secrets: Mapping[str, str], allowed: Callable[[Path], bool]
) -> None:
    """Write the files, and say what comes next."""
    written = write_files(Path(), files_of(answers, secrets), allowed)
    output.line(f"Written: {', '.join(map(str, written))}")
    output.line(NEXT)
    output.document({"written": written})
