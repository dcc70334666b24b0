"""deploy/Containerfile built and run with podman as its head says, on a Debian as its base image."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sync.sandbox import Sandbox
from sync.sandbox.portfolio import SAMPLE, UII, Portfolio
from tests.guide import ROOT
from tests.system import machine, trespass
from tests.system.looking import (
    FIELD,
    STATE,
    STOP_SECONDS,
    Findings,
    answer,
    labelled,
    lay_objectives,
    refused,
    sample_jira,
    without_objective,
)
from tests.system.machine import Done

PROGRAMS = {"podman": "podman", "runc": "runc"}
TEXT = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
ACCOUNT = 10001
# Where podman keeps its things, and that it needs neither systemd nor rights to raise limits nor a network.
SETTINGS = """\
[containers]
default_ulimits = []
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""


@dataclass(frozen=True)
class Podman:
    """Podman with a storage of its own."""

    folder: Path
    checkout: Path

    def run(self, line: str, typed: str = "") -> Done:
        """Type a line at a shell in the checkout."""
        ours = {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
        }
        began = time.monotonic()
        done = subprocess.run(
            line,
            shell=True,
            cwd=self.checkout,
            env={**os.environ, **ours},
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        return Done(done.returncode, done.stdout, time.monotonic() - began)

    def says(self, line: str) -> str:
        return self.run(line).text.strip()


@contextmanager
def podman(folder: Path) -> Iterator[Podman]:
    """Podman with a storage in this folder; no container is left when the context ends."""
    folder.mkdir()
    (folder / "containers.conf").write_text(SETTINGS)
    (folder / "storage.conf").write_text(STORAGE.format(folder=folder))
    one = Podman(folder, machine.checkout(folder / "checkout"))
    try:
        yield one
    finally:
        one.run("podman rm --all --force --time 0")
        one.run(f"umount {folder}/images/overlay")


def make_base(debian: Path, one: Podman) -> None:
    """Make the image that the Containerfile begins with, of a bare Debian and its Python."""
    install = "apt-get update && apt-get install --yes --no-install-recommends python3-venv"
    installed = subprocess.run(
        [*machine.NSPAWN, "--directory", debian, "/bin/sh", "-c", install],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if installed.returncode:
        sys.exit(f"Python could not be installed in the base image:\n{installed.stdout[-2000:]}")
    (name,) = set(re.findall(r"^FROM (\S+)", TEXT, re.MULTILINE))
    made = one.run(f"tar --create --directory {debian} . | podman import - {name}")
    if made.code:
        sys.exit(f"podman could not make an image:\n{made.text[-2000:]}")
    shutil.rmtree(debian)


def lay_files(folder: Path, jira: Sandbox) -> None:
    """Write objectives, budgets and settings where the head of the Containerfile has them."""
    lay_objectives(folder)
    with (SAMPLE / "investments.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [(row[UII], Decimal(row["Funding BY ($ M)"] or 0) * 1_000_000) for row in csv.DictReader(file)]
    lines = "".join(f"{code},2017,USD,{amount:.2f}\n" for code, amount in rows)
    (folder / "budgets.csv").write_text(f"project,fiscal_year,currency,amount\n{lines}")
    known = jira.credentials
    settings = {
        "JIRA_URL": jira.url,
        "JIRA_EMAIL": known.email,
        "JIRA_API_TOKEN": known.token,
        "JIRA_OBJECTIVE_FIELD": FIELD,
        "JIRA_COST_CODE_FIELD": "UII",
        "OBJECTIVES_PATH": "objectives.csv",
        "FINANCE_PATH": "budgets.csv",
        "TIELINE_FISCAL_YEAR": "2017",
    }
    (folder / "tieline.env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))


@dataclass
class Try:
    """One image that was built as the Containerfile says, and what is looked at."""

    podman: Podman
    jira: Sandbox
    portfolio: Portfolio
    found: Findings

    @property
    def run(self) -> str:
        """The shown command that runs a night, but for the word that says so."""
        return next(line for line in shown() if line.endswith(" run")).removesuffix(" run")

    @property
    def volume(self) -> Path:
        return Path(self.podman.says("podman volume inspect --format '{{.Mountpoint}}' tieline"))

    def follow_the_head(self) -> None:
        """The commands at the head of the Containerfile, from nothing to a night."""
        lay_files(self.podman.checkout, self.jira)
        for line in shown():
            done = self.podman.run(line)
            self.found.look(f"{done.seconds:6.1f} s  {line}", done.text[-2000:], holds=done.code == 0)
        want = without_objective(self.jira, self.portfolio)
        self.found.same(
            f"{len(want)} epics without objective are labelled, and no other", labelled(self.jira), want
        )

    def what_is_written(self) -> None:
        """Nothing but the volume is written, by an account without rights."""
        there = {path.name: path.stat() for path in self.volume.iterdir()}
        copied = {"objectives.csv", "budgets.csv"}
        self.found.same(
            "the volume holds what was copied, the store and the report, and no more",
            set(there),
            {*copied, "tieline.db", "tieline-report"},
        )
        owners = {(held.st_uid, held.st_gid) for name, held in there.items() if name not in copied}
        self.found.same("what a night wrote is the account's", owners, {(ACCOUNT, ACCOUNT)})
        bare = self.run.replace("--read-only", "--rm --read-only --read-only-tmpfs=false")
        again = self.podman.run(f"{bare} run")
        self.found.look(
            "a night needs no other place, not even /tmp",
            again.text[-2000:],
            holds=again.code == 0 and "Labels written: 0 added, 0 removed." in again.text,
        )
        python = bare.replace("--rm", "--rm --interactive --user 0 --entrypoint python")
        told = self.podman.run(f"{python} -", Path(trespass.__file__).read_text())
        tried = json.loads(next(line for line in told.text.splitlines() if line.startswith("{")))
        kept = [f"write {folder}" for folder in (*trespass.FOLDERS, "/tmp")]
        self.found.same("even root could write nowhere else", refused(tried, kept), kept)
        self.found.same("but in the volume", tried[f"write {STATE}"], "done")

    def serving(self) -> None:
        """The image without a command serves, and stops when it is told to."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        run = self.run.replace("--read-only", f"--detach --read-only --env TIELINE_LISTEN=127.0.0.1:{port}")
        name = self.podman.says(run)
        self.found.same("serve answers /livez", answer(f"http://127.0.0.1:{port}/livez"), "ok\n")
        process = self.podman.says(f"podman inspect --format '{{{{.State.Pid}}}}' {name}")
        status = Path(f"/proc/{process}/status").read_text()
        self.found.look(
            "as an account without rights",
            status,
            holds=f"Uid:\t{ACCOUNT}\t{ACCOUNT}" in status and f"CapEff:\t{'0' * 16}" in status,
        )
        stopped = self.podman.run(f"podman stop --time 60 {name}")
        self.found.look(
            f"it stops in {stopped.seconds:.1f} s", stopped.text, holds=stopped.seconds < STOP_SECONDS
        )
        code = self.podman.says(f"podman inspect --format '{{{{.State.ExitCode}}}}' {name}")
        self.found.same("and well", code, "0")


def shown() -> list[str]:
    """The commands at the head of the Containerfile."""
    return re.findall(r"^# ((?:podman|cp) .*)$", TEXT.partition("\nFROM")[0], re.MULTILINE)


def in_a_container(debian: Path, found: Findings) -> None:
    """Build and run as the Containerfile says, and look at what came of it."""
    with sample_jira() as (jira, portfolio), podman(debian.with_name("podman")) as one:
        make_base(debian, one)
        made = Try(one, jira, portfolio, found)
        for part in (made.follow_the_head, made.what_is_written, made.serving):
            found.begin(part)
            part()
