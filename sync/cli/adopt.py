"""The command that takes labels into the ledger which an earlier store put on tickets: adopt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from sync.cli.options import EnvFile, Json
from sync.cli.output import Output, counted, few
from sync.cli.session import open_session
from sync.errors import ConfigurationError, Exit
from sync.labels.adoption import adopt as take_over
from sync.labels.plan import LabelOn


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(adopt)


def adopt(
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="NAME", help="Also this label, though no rule of today puts it."),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be taken over.")] = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Take over labels that an earlier store put on tickets.

    For a ledger that was lost, or restored from a backup: labels of our prefix that a rule puts and the
    ledger does not know are ours from then on, and go when their rule no longer holds. No ticket is changed.
    """
    output = Output(as_json=json)
    with open_session(env_file) as session:
        prefix = session.settings.label_prefix
        odd = [name for name in label or () if not name.startswith(prefix)]
        if odd:
            raise ConfigurationError(
                *(
                    f"--label {name}: it does not begin with {prefix}, so it is not ours to take."
                    for name in odd
                )
            )
        service = session.service
        found = take_over(service, service.rules(service.clock()), label or (), dry_run=dry_run)
    verb = "would be taken" if dry_run else "taken"
    output.table(
        "Labels", ["ticket", "label", "a rule wants it"], [(*row(on), on.rule or "-") for on in found.taken]
    )
    output.line(f"{counted(len(found.taken), 'label')} {verb} into the ledger.")
    if found.left:
        output.line(
            f"Left to the people who put them there: {named(found.left)}. If one is ours all the same, name "
            "it with --label."
        )
    output.document(
        {"run": found.run_id, "taken": list(map(row, found.taken)), "left": list(map(row, found.left))}
    )
    return Exit.OK


def row(on: LabelOn) -> tuple[str, str]:
    """Give the ticket and the label."""
    return on.ticket.issue_key, on.label


def named(found: Sequence[LabelOn]) -> str:
    """Name labels and their tickets."""
    return few([f"{on.label} on {on.ticket.issue_key}" for on in found])
