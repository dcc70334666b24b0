"""Say in the first run after a restore how many labels the ledger that came back may not know."""

from __future__ import annotations

from sqlalchemy import Connection, exists, func, select

from sync.settings import Settings
from sync.store.drift import PUT_ON, drifts
from sync.store.history import coverage
from sync.store.runs import run

RESTORE = "restore"


def unknown_since_restore(connection: Connection, settings: Settings, run_id: int) -> list[str]:
    """Count the labels with our prefix that stand on tickets and not in the ledger, after a restore.

    Runs that the backup did not know may have written them, or people did: nobody can tell, so they stay.
    """
    restored = connection.scalar(select(func.max(run.c.id)).where(run.c.trigger == RESTORE))
    if restored is None or judged_between(connection, restored, run_id):
        return []
    found = drifts(connection, settings.label_prefix, settings.asking.values())
    unknown = sum(drift.what == PUT_ON for drift in found)
    if not unknown:
        return []
    stand = "1 label stands" if unknown == 1 else f"{unknown} labels stand"
    said = (
        f"The store was restored from a backup (run {restored}). {stand} on tickets with our prefix and not "
        "in its ledger: runs after that backup may have written them, or people. They are left alone; "
        "`tieline drift` lists them, and `tieline adopt` takes over those that a rule puts."
    )
    return [said]


def judged_between(connection: Connection, after: int, before: int) -> bool:
    """Say whether a run other than a dry one has judged in between."""
    figures = exists().where(coverage.c.run_id == run.c.id)
    judged = select(run.c.id).where(run.c.id > after, run.c.id < before, ~run.c.dry_run, figures)
    return connection.scalar(judged.limit(1)) is not None
