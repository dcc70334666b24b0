"""The command that removes what is older than the settings keep, as each night does: purge."""

from __future__ import annotations

from typing import Annotated

import typer

from sync.cli.options import EnvFile, Json
from sync.cli.output import Output
from sync.cli.session import Session, open_session, utc_now
from sync.errors import Exit
from sync.frame.opening import open_run
from sync.frame.progress import Quiet
from sync.frame.service import Options
from sync.upkeep.clearing import clear_out, count_too_old, shrink

NAMES = {
    "artifact": "bytes of finance files",
    "budget_line_past": "what budget lines said before",
    "converted_money": "converted figures",
    "coverage": "figures by project",
    "digest_delivery": "what was sent as digests",
    "missing_rate": "missing rates",
    "money_balance": "balances of money",
    "objective_coverage": "figures by objective",
    "plan_change": "planned changes",
    "quarantine": "refused rows that were mended or waived",
    "reconciliation": "movements of sums",
    "run_request": "requests of single runs",
    "run_step": "steps of single runs",
    "request_line": "budgets of requests to sites that nobody asks any more",
}


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(purge)


def purge(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Then make the file of a SQLite store as small as it can be.")
    ] = False,
    env_file: EnvFile = None,
    json: Json = False,
) -> int:
    """Remove what is older than the settings keep.

    TIELINE_KEEP_FILES_DAYS and TIELINE_KEEP_HISTORY_DAYS say how old that is. Runs and their totals, the
    ledger of labels, findings, decisions and the audit record stay for ever.
    """
    output = Output(as_json=json)
    with open_session(env_file) as session:
        gone = count_gone(session, dry_run=dry_run)
        sizes = shrink(session.engine) if vacuum and not dry_run else None
    verb = "Would go" if dry_run else "Removed"
    output.table(verb, ["what", "rows>"], [(NAMES[table], number) for table, number in sorted(gone.items())])
    if not gone:
        output.line("Nothing is older than the settings keep.")
    if sizes is not None:
        output.line(f"The store had {sizes[0]:,} bytes and has {sizes[1]:,}.")
    output.document({"removed": dict(gone), "dry_run": dry_run, "sizes": sizes})
    return Exit.OK


def count_gone(session: Session, *, dry_run: bool) -> dict[str, int]:
    """Remove, as a run of its own, or only count."""
    if dry_run:
        with session.engine.connect() as connection:
            return dict(count_too_old(connection, session.settings, utc_now()))
    with (
        open_run(session.service, Options("purge"), Quiet()) as (result, *_),
        session.engine.begin() as connection,
    ):
        return dict(clear_out(connection, session.settings, result.run_id, utc_now()))
