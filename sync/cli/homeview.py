"""Look at what a night needs on this machine: the store as it is, and room on the disks it writes to."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from sync.cli.session import Session
from sync.cli.siteview import Finding
from sync.errors import ConfigurationError
from sync.store.database import first_line, newest_revision, revision_of, revisions, shown

FREE_BYTES = 200_000_000


def look_at_store(engine: Engine) -> str:
    """Say which store there is, of which schema, and what the next run will do to it."""
    if engine.dialect.name == "sqlite" and not engine.url.query:
        path = Path(engine.url.database or "")
        if not path.is_file():
            return place_for(path)
    try:
        with engine.connect() as connection:
            current = revision_of(connection)
            version = ".".join(map(str, connection.dialect.server_version_info or ()))
    except DBAPIError as error:
        raise ConfigurationError(
            f"TIELINE_DATABASE_URL: cannot open {shown(str(engine.url))}: {first_line(error.orig)}. Check "
            "that the server runs and the account may log in."
        ) from None
    return f"{engine.dialect.name} {version}, {told_schema(current)}"


def place_for(path: Path) -> str:
    """Say that the first run makes the store, if it can."""
    folder = path.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigurationError(
            f"TIELINE_DATABASE_URL: {folder} is not there or cannot be written, so no run can make "
            f"{path.name}. Make the folder, and give it to the account that runs Tieline."
        )
    return f"none at {path} yet; the first run makes it"


def told_schema(current: str | None) -> str:
    """Say of a schema whether it is that of this version."""
    if current is None:
        return "empty; the first run makes the tables"
    if current not in revisions():
        raise ConfigurationError(
            f"TIELINE_DATABASE_URL: the store has schema {current}, which this version of Tieline does not "
            "know: a newer version wrote it. Upgrade Tieline, or restore the backup made before the upgrade."
        )
    newest = newest_revision()
    return f"schema {current}" + ("" if current == newest else f"; the next run upgrades it to {newest}")


def look_at_disks(session: Session) -> list[Finding]:
    """Look for room wherever a night writes, each disk once."""
    places = [Path.cwd(), session.settings.report_dir]
    if session.engine.dialect.name == "sqlite" and not session.engine.url.query:
        places.append(Path(session.engine.url.database or "").parent)
    disks = {folder.stat().st_dev: folder for folder in map(nearest_folder, places)}
    return [room_on(folder) for folder in disks.values()]


def nearest_folder(path: Path) -> Path:
    """Give a folder that is there: a report's own may not be yet."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir())


def room_on(folder: Path) -> Finding:
    """Say how much room a disk has."""
    free = shutil.disk_usage(folder).free
    remedy = f"Make room on the disk of {folder}; `tieline purge --dry-run` says what could go."
    return Finding("free disk space", free > FREE_BYTES, f"{free // 1_000_000} MB at {folder}", remedy=remedy)
