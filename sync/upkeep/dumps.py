"""Have PostgreSQL's own programs write and read dumps; what they complain of becomes one sentence."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import URL
from sqlalchemy.engine import make_url

from sync.errors import UserError
from sync.store.database import PASSWORDS

MAGIC = b"PGDMP"
# Somebody who reads the tables at the moment is waited for this long, then the restore gives up.
PATIENCE = "SET lock_timeout = '10s'"


def write_dump(url: str, target: Path) -> None:
    """Dump the database of a store, of one moment, into a file."""
    run(url, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}", address(url))


def load_dump(url: str, source: Path, before: Sequence[str]) -> None:
    """Load a dump in one transaction, after these statements: all of it, or nothing is changed."""
    first = [f"--command={statement}" for statement in (PATIENCE, *before)]
    with stream("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(source)) as sql:
        run(
            url,
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            *first,
            "--file=-",
            address(url),
            feed=sql,
        )


@contextmanager
def data_of(dump: Path) -> Iterator[IO[bytes]]:
    """Read the rows of a dump as COPY statements; a dump that is damaged is told when its end is reached."""
    with stream("pg_restore", "--data-only", "--file=-", str(dump)) as sql:
        yield sql


@contextmanager
def stream(*command: str) -> Iterator[IO[bytes]]:
    """Start a program and give what it writes; raise `UserError` if it ends badly."""
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None  # noqa: S101 - a pipe was asked for
    assert process.stderr is not None  # noqa: S101
    try:
        yield process.stdout
        process.stdout.read()
        complain(command[0], process.wait(), process.stderr.read())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()


def run(url: str, *command: str, feed: IO[bytes] | None = None) -> None:
    """Run a program against the database; its password goes by the environment, where no `ps` shows it."""
    process = start(
        command,
        stdin=feed if feed is not None else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | password(make_url(url)),
    )
    _, said = process.communicate()
    complain(command[0], process.returncode, said)


def start(command: Sequence[str], **options: object) -> subprocess.Popen[bytes]:
    """Start a program, or say which package has it."""
    try:
        return subprocess.Popen(command, **options)  # type: ignore[call-overload, no-any-return]  # noqa: S603
    except FileNotFoundError:
        raise UserError(
            f"{command[0]} is not on the PATH. It comes with PostgreSQL's client programs, of the server's "
            "version or a newer one (Debian and Ubuntu: apt install postgresql-client)."
        ) from None


def complain(program: str, code: int, said: bytes) -> None:
    """Raise what a program said last, if it ended badly."""
    if code != 0:
        lines = said.decode(errors="replace").strip().splitlines() or [f"ended with exit code {code}"]
        raise UserError(f"{program}: {lines[0].removeprefix(f'{program}: ').removeprefix('error: ')}")


def address(url: str) -> str:
    """Give the address as libpq takes it, without passwords."""
    plain = (
        make_url(url).set(drivername="postgresql")._replace(password=None).difference_update_query(PASSWORDS)
    )
    return f"--dbname={plain.render_as_string(hide_password=False)}"


def password(url: URL) -> dict[str, str]:
    """Give the password of an address as libpq's variable."""
    given = url.password or url.query.get("password")
    return {"PGPASSWORD": str(given)} if given else {}
