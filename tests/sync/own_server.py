"""A PostgreSQL server of one's own, which may be stopped and started while others use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

# Debian and Ubuntu keep the server programs off the PATH, one folder for each major version.
PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")
SETTINGS = "listen_addresses = ''\nfsync = off\nunix_socket_directories = '{folder}'\n"


@dataclass(frozen=True)
class OwnServer:
    """A server that listens on a socket in its folder."""

    programs: Path
    folder: Path

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://tieline@/postgres?host={self.folder}"

    def start(self) -> None:
        self._do("pg_ctl", "--pgdata", "data", "--wait", "--silent", "--log", "log", "start")

    def stop(self) -> None:
        """Stop without a farewell to whoever is connected: the next start recovers as after a crash."""
        self._do("pg_ctl", "--pgdata", "data", "--mode", "immediate", "--silent", "stop")

    def _do(self, program: str, *words: str) -> None:
        # PostgreSQL refuses to run as root.
        account: Any = {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}
        run = partial(subprocess.run, cwd=self.folder, check=True, stdout=subprocess.DEVNULL)
        run([self.programs / program, *words], **account)

    def create(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._do(
            "initdb", "--pgdata", "data", "--username", "tieline", "--auth", "trust", "--no-instructions"
        )
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(SETTINGS.format(folder=self.folder))
        self.start()


@contextmanager
def own_server() -> Iterator[OwnServer]:
    """A server that is there as long as the context lasts."""
    found = [folder for place in PLACES for folder in sorted(Path("/").glob(place[1:]))]
    if not found:
        sys.exit(
            "PostgreSQL's server programs are not installed (Debian and Ubuntu: apt-get install postgresql)"
        )
    with tempfile.TemporaryDirectory(prefix="tieline-pg", dir="/tmp") as name:
        server = OwnServer(found[-1], Path(name))
        server.create()
        try:
            yield server
        finally:
            server.stop()
