"""The commands that save the store and bring it back: backup, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import read_settings, utc_now
from sync.errors import Exit, UserError
from sync.upkeep.backup import make_backup
from sync.upkeep.inspection import Inspection, look_into
from sync.upkeep.restore import Restored
from sync.upkeep.restore import restore as put_back


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (backup, restore):
        app.command()(command)


def backup(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Where to, a new file or a folder; the current one by default."),
    ] = Path(),
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Copy the store into one file, also while a night goes on.

    The file is read back before it counts. It holds the store alone: keep .env, sources.yaml, rules, waivers
    and the folder of TIELINE_TOKENS as well.
    """
    output = Output(as_json=json)
    path, seen = make_backup(read_settings(env_file).database_url.get_secret_value(), file, utc_now())
    show_contents(output, path, seen)
    output.line(f"Backup: {path}")
    output.document(described(path, seen))
    return Exit.PARTLY if seen.chain.broken else Exit.OK


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.")],
    *,
    verify: Annotated[
        bool, typer.Option("--verify", help="Only look whether the backup is whole, and restore nothing.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put it in the place of a store; that one is kept beside it.")
    ] = False,
    allow_broken_chain: Annotated[
        bool, typer.Option("--allow-broken-chain", help="Also restore where the audit record was edited.")
    ] = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Put a backup in the place of the store, if it is whole.

    The next run reads Jira and goes on from there. Labels that were written after the backup stand on
    tickets and not in its ledger: they are left alone and named.
    """
    output = Output(as_json=json)
    settings = read_settings(env_file)
    seen = look_into(file)
    show_contents(output, file, seen)
    if verify:
        for problem in seen.problems:
            output.line(problem, style="red")
        output.line("The backup is whole." if not seen.problems else "It cannot be restored as it is.")
        output.document(described(file, seen))
        return Exit.FAILED if seen.problems else Exit.OK
    refuse_unfit(file, seen, allow_broken_chain=allow_broken_chain)
    url = settings.database_url.get_secret_value()
    done = put_back(url, file, seen, utc_now(), replace=replace)
    show_restored(output, file, done)
    output.document(described(file, seen) | {"run_id": done.run_id, "kept": done.kept})
    return Exit.OK


def refuse_unfit(file: Path, seen: Inspection, *, allow_broken_chain: bool) -> None:
    """Refuse a backup from the future, and one whose record was edited unless that is asked for."""
    if seen.is_newer or (seen.chain.broken and not allow_broken_chain):
        flag = "" if seen.is_newer else " If you restore it knowingly, add --allow-broken-chain."
        raise UserError(f"{file}: {seen.problems[0]}{flag}")


def show_contents(output: Output, file: Path, seen: Inspection) -> None:
    """Show what a backup holds."""
    size = file.stat().st_size
    output.table(
        f"{file.name}: {seen.backend}, schema {seen.schema}, {size:,} bytes",
        ["table", "rows>"],
        list(seen.counts.items()),
    )
    if seen.chain.entries and not seen.chain.broken:
        output.line(f"Audit: {seen.chain.entries} entries, unbroken. The last hash is {seen.chain.head}")
    elif seen.chain.broken:
        output.line(f"Audit: the chain is broken: {seen.chain.broken}.", style="red")


def show_restored(output: Output, file: Path, done: Restored) -> None:
    """Say what was done and what comes next."""
    output.line(f"Restored from {file}, recorded as run {done.run_id}.")
    if done.kept is not None:
        output.line(f"What stood there before: {done.kept}")
    output.line(
        "Next: `tieline run --dry-run` reads Jira and shows what would be written; `tieline drift` then "
        "lists the labels that stand on tickets and not in the ledger."
    )


def described(file: Path, seen: Inspection) -> dict[str, Any]:
    """Give a backup as one document."""
    return {
        "file": file,
        "bytes": file.stat().st_size,
        "backend": seen.backend,
        "schema": seen.schema,
        "newer": seen.is_newer,
        "counts": dict(seen.counts),
        "audit": seen.chain,
    }
