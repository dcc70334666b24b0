"""The command that tells people what changed: digest."""

from __future__ import annotations

from typing import Annotated

import typer

from connectors import notices
from sync.cli.letters import audiences, digest_document, digest_lines, letter_document
from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import open_session, utc_now
from sync.digests.audiences import SETTING, unknown_names
from sync.digests.delivering import Letter, PostOffice
from sync.errors import ConfigurationError, Exit
from sync.store.digests import State
from sync.store.news import newest_night

NOBODY = (
    f"Nobody is to be told: {SETTING} is not set and sources.yaml has no `digests:`. Put an address of "
    "Apprise such as mailto://… there (docs/digests.md)."
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(digest)


def digest(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the messages and send none.")] = False,
    test: Annotated[
        str | None,
        typer.Option("--test", metavar="NAME", help="Send this audience a message to see it come."),
    ] = None,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Tell each audience what changed since it was last told.

    Each night does this by itself. By hand it sends what is due and was not sent, also what failed before,
    and ends with 3 where a message was not taken.
    """
    output = Output(as_json=json)
    with open_session(env_file) as session:
        post = session.service.post
        if post is None or not post.audiences:
            raise ConfigurationError(NOBODY)
        if test is not None:
            return send_test(output, post, test)
        rules = session.service.rules(utc_now())
        problems = unknown_names(post.audiences, rules)
        if problems:
            raise ConfigurationError(*problems)
        if dry_run:
            with session.engine.connect() as connection:
                night = newest_night(connection)
            show_letters(output, [] if night is None else post.letters(rules, night, all_days=True))
            return Exit.OK
        delivered = post.now_due(rules)
    for line in digest_lines(delivered) or ["Nothing to tell: nothing has changed since everybody was told."]:
        output.line(line)
    output.document(digest_document(delivered))
    return Exit.PARTLY if any(it.state is State.FAILED for it in delivered) else Exit.OK


def show_letters(output: Output, letters: list[Letter]) -> None:
    """Show letters as they would be sent."""
    for letter in letters:
        waits = f", held now ({letter.waits})" if letter.waits else ""
        output.line(f"To {audiences(letter)}{waits}", style="bold")
        output.line(letter.message.title)
        output.line()
        output.line(letter.message.body)
    if not letters:
        output.line("Nothing to tell: nothing has changed since everybody was told.")
    output.document([letter_document(letter) for letter in letters])


def send_test(output: Output, post: PostOffice, name: str) -> int:
    """Send a message to every address of an audience, and say of each what became of it."""
    found = next((it for it in post.audiences if it.name == name), None)
    if found is None:
        raise ConfigurationError(
            f"--test {name}: no such digest; there are {', '.join(it.name for it in post.audiences)}"
        )
    body = f"This is a test. Messages of the digest {name} arrive here."
    sent = [(notices.kind_of(it), post.send(it, "Tieline: a test", body)) for it in found.addresses]
    for kind, problem in sent:
        output.line(f"Test for {name} ({kind}): {'failed: ' + problem if problem else 'sent'}")
    output.document([{"audience": name, "kind": kind, "problem": problem} for kind, problem in sent])
    return Exit.PARTLY if any(problem for _, problem in sent) else Exit.OK
