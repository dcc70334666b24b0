"""Have the machine fail under a night: a kill or an error at its n-th write, by strace, no hook of ours."""

from __future__ import annotations

import os
import pickle
import re
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from tests.sync.alike import picture_of
from tests.sync.killing import AFTER_A_KILL, Morning, run

ROOT = Path(__file__).parents[2]
NO_STRIKE = "pwrite64:delay_exit=1:when=65535"
LIVE = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb')).live()"


@dataclass(frozen=True)
class Struck:
    """How a process ended that was struck, and what it said."""

    code: int
    out: str
    err: str


def strike(injected: str, *command: str, environ: Mapping[str, str], folder: Path) -> Struck:
    """Run Python under strace, which fails or kills it as injected, such as `pwrite64:signal=KILL:when=7`."""
    tracing = ["strace", "-f", "-qq", "-o", str(folder / "strace"), "-e", "signal=none"]
    call = injected.partition(":")[0]
    ended = subprocess.run(
        [*tracing, "-e", f"trace={call}", "-e", f"inject={injected}", sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **environ},
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    return Struck(ended.returncode, ended.stdout, ended.stderr)


def count_writes(it: Morning) -> int:
    """How many writes a whole night makes."""
    with it.again() as url:
        struck = strike_night(it, url, NO_STRIKE)
        assert struck.code == 0, struck.err
    return len(re.findall(r"pwrite64\(", (it.folder / "strace").read_text()))


def strike_night(it: Morning, url: str, injected: str) -> Struck:
    given = it.folder / "night.pickle"
    given.write_bytes(pickle.dumps(it.night(url)))
    return strike(injected, "-c", LIVE, str(given), environ={}, folder=it.folder)


def kill_at_write(it: Morning, number: int) -> list[str]:
    """Kill a night at its n-th write, and say what is not as it should be then and after the next one."""
    with it.again() as url:
        struck = strike_night(it, url, f"pwrite64:signal=KILL:when={number}")
        wrong = [] if struck.code == -9 else [f"the process ended with {struck.code}: {struck.err}"]
        wrong += soundness(url)
        code = run(it.night(url, now=it.now + AFTER_A_KILL).live)
        wrong += [f"the next run ended with {code}"] if code else []
        wrong += it.whole.differences(picture_of(url, it.jira.site))
        return [f"killed at write {number}: {text}" for text in wrong]


def soundness(url: str) -> list[str]:
    """What SQLite finds wrong with its file."""
    connection = sqlite3.connect(str(make_url(url).database))
    try:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check")]
        broken = connection.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        connection.close()
    return [text for text in found if text != "ok"] + [
        f"a foreign key leads nowhere: {row}" for row in broken
    ]
