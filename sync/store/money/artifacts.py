"""Keep the files that budget lines were read from, by their hash, compressed, in the store itself.

In the store, because there they are saved, backed up and moved together with what was made of them, on
PostgreSQL as well; there is no second place that could be lost or get out of step.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Select, delete, exists, func, insert, select, update

from connectors.textfiles import File, refuse_other_content
from sync.store import tables
from sync.store.money.quarantine import OPEN, quarantine
from sync.store.presence import live
from sync.store.runs import run
from sync.store.save import Origin
from sync.store.schema import table_of

artifact = table_of(tables.Artifact)
part = table_of(tables.ArtifactPart)
budget_line = table_of(tables.BudgetLine)

PART = 1 << 20
FAST = 1
AT_ONCE = 500


def keep_files(connection: Connection, origin: Origin, files: Sequence[File]) -> dict[str, int]:
    """Keep the files that are not kept yet, and give the id of each by its hash."""
    see_files(connection, origin, files)
    kept = known_files(connection, origin.source, files)
    for file in sorted(files, key=lambda file: (file.stamp[1], file.path.name)):
        if file.sha256 not in kept:
            kept[file.sha256] = keep_file(connection, origin, file)
    return kept


def see_files(connection: Connection, origin: Origin, files: Sequence[File]) -> None:
    """Note that these files were there again."""
    connection.execute(
        update(artifact)
        .where(artifact.c.source == origin.source, artifact.c.sha256.in_([file.sha256 for file in files]))
        .values(last_run=origin.run_id)
    )


def known_files(connection: Connection, source: str, files: Sequence[File]) -> dict[str, int]:
    """Give the ids of those of the files that are kept already, by hash."""
    hashes = [file.sha256 for file in files]
    rows = connection.execute(
        select(artifact.c.sha256, artifact.c.id).where(
            artifact.c.source == source, artifact.c.sha256.in_(hashes)
        )
    )
    return {row.sha256: row.id for row in rows}


def keep_file(connection: Connection, origin: Origin, file: File) -> int:
    """Keep one file; `IncompleteRead` where it is no longer what it was when it was fingerprinted."""
    said = {"source": origin.source, "sha256": file.sha256, "name": file.path.name, "size": file.stamp[0]}
    number = connection.execute(
        insert(artifact)
        .values(said | {"first_run": origin.run_id, "last_run": origin.run_id})
        .returning(artifact.c.id)
    ).scalar_one()
    digest = hashlib.sha256()
    for place, data in enumerate(pieces(file.path)):
        digest.update(data)
        connection.execute(
            insert(part).values(artifact_id=number, number=place, data=zlib.compress(data, FAST))
        )
    refuse_other_content(file, digest.hexdigest())
    return int(number)


def pieces(path: Path) -> Iterator[bytes]:
    """Read a file piece by piece."""
    with path.open("rb") as stream:
        while data := stream.read(PART):
            yield data


def write_last(connection: Connection, source: str, folder: Path) -> list[Path]:
    """Write the files of a source's last reading into a folder, under the names they had the first time."""
    last = select(func.max(artifact.c.last_run)).where(artifact.c.source == source).scalar_subquery()
    rows = connection.execute(
        select(artifact.c.id, artifact.c.name)
        .where(artifact.c.source == source, artifact.c.last_run == last)
        .order_by(artifact.c.id)
    ).all()
    paths = []
    for row in rows:
        path = folder / row.name
        if path.exists():
            path = folder / f"{path.stem}-{row.id}{path.suffix}"
        parts = select(part.c.data).where(part.c.artifact_id == row.id).order_by(part.c.number)
        with path.open("wb") as stream:
            for data in connection.scalars(parts):
                stream.write(zlib.decompress(data))
        paths.append(path)
    return paths


def purge(connection: Connection, before: datetime) -> int:
    """Forget the bytes of files that were last there before a moment, and on which nothing stands."""
    old = connection.scalars(unneeded(before)).all()
    for start in range(0, len(old), AT_ONCE):
        connection.execute(delete(part).where(part.c.artifact_id.in_(old[start : start + AT_ONCE])))
    return len(old)


def unneeded(before: datetime) -> Select[tuple[int]]:
    """Find the files that were last there before a moment, and on which nothing stands."""
    return (
        select(artifact.c.id)
        .join(run, run.c.id == artifact.c.last_run)
        .where(run.c.started_at < before)
        .where(exists().where(part.c.artifact_id == artifact.c.id))
        .where(~exists().where(budget_line.c.artifact_id == artifact.c.id, live(budget_line)))
        .where(~exists().where(quarantine.c.source == artifact.c.source, quarantine.c.status == OPEN))
    )
