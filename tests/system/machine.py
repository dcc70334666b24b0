"""A bare Debian in a folder, and that folder booted as a machine with systemd as its first process.

It shares the network of this machine, and gets pip's and apt's ways to their packages from it: mirrors,
proxies, certificates. Nothing else of this machine is in it.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.guide import ROOT

RELEASE = "bookworm"
PROGRAMS = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container", "nsenter": "util-linux"}
NSPAWN = ["systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--resolv-conf=copy-host"]
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# What of pip's settings leads to packages; the rest is this machine's own affair.
PIP = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert", "timeout", "default-timeout")
APT = ("Acquire::http::", "Acquire::https::", "Acquire::Check-", "Acquire::Retries")
CERTIFICATES = Path("etc/pip-certificates.pem")
BOOT_SECONDS = 60


def lacking(programs: dict[str, str]) -> list[str]:
    """Say what this machine lacks to run another one, given the package of each program."""
    found = [
        f"{program} (Debian: apt-get install {package})"
        for program, package in programs.items()
        if not shutil.which(program)
    ]
    return found if os.getuid() == 0 else ["root", *found]


def environ() -> dict[str, str]:
    """The variables of a fresh login of root, with the proxies of this machine."""
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8"} | proxies


def make_debian(root: Path) -> None:
    """Make a bare Debian; of packages it knows as little as an image that was delivered."""
    sites = output("apt-get", "indextargets", "--format", "$(CODENAME) $(REPO_URI)", "Created-By: Packages")
    mirrors = [line.split()[1] for line in sites.splitlines() if line.split()[0] == RELEASE]
    made = subprocess.run(
        ["debootstrap", RELEASE, root, *mirrors[:1]],
        env=environ() | {"DEBIAN_FRONTEND": "noninteractive"},
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        sys.exit(f"debootstrap could not make a bare Debian:\n{made.stdout[-2000:]}{made.stderr[-2000:]}")
    shutil.rmtree(root / "var/lib/apt/lists")
    show_the_way(root)


def show_the_way(root: Path) -> None:
    """Hand on how pip and apt get at their packages here."""
    lines = [line for line in output("apt-config", "dump").splitlines() if line.startswith(APT)]
    (root / "etc/apt/apt.conf.d/90way").write_text("".join(f"{line}\n" for line in lines))
    settings = {}
    for line in output(sys.executable, "-m", "pip", "config", "list").splitlines():
        key, _, value = line.partition("=")
        words = [word for word in str(ast.literal_eval(value)).split() if not word.startswith("file:")]
        if (name := key.rpartition(".")[2]) in PIP and words:
            settings[name] = " ".join(words)
    if "cert" in settings:
        shutil.copy(settings["cert"], root / CERTIFICATES)
        settings["cert"] = f"/{CERTIFICATES}"
    said = "".join(f"{name} = {value}\n" for name, value in settings.items())
    (root / "etc/pip.conf").write_text(f"[global]\n{said}")


def output(*command: str) -> str:
    """What a command of this machine says, or nothing where there is no such command."""
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def checkout(folder: Path) -> Path:
    """Lay the newest commit of this checkout into a folder, as a clone would."""
    folder.mkdir(parents=True)
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", "--directory", folder], input=packed, check=True)
    return folder


@dataclass(frozen=True)
class Done:
    """What a command ended with, said, and took."""

    code: int
    text: str
    seconds: float


@dataclass(frozen=True)
class Machine:
    """A booted folder. `leader` is the process here that is its first one."""

    root: Path
    leader: int

    def run(self, line: str, folder: str | Path = "/root", typed: str = "", limit: float = 600) -> Done:
        """Type a line at a shell of root's."""
        inside = f"cd {folder} && {line}"
        began = time.monotonic()
        done = subprocess.run(
            ["nsenter", "--target", str(self.leader), "--all", "/bin/bash", "-c", inside],
            input=typed,
            env=environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=limit,
            check=False,
        )
        return Done(done.returncode, done.stdout, time.monotonic() - began)

    def says(self, line: str) -> str:
        return self.run(line).text.strip()

    def unit(self, name: str, what: str) -> str:
        """Give a property of a unit."""
        return self.says(f"systemctl show --property {what} --value '{name}'")

    def journal(self, *options: str) -> str:
        return self.says(f"journalctl --sync; journalctl --quiet --output cat {' '.join(options)}")

    def inside(self, path: str) -> Path:
        """Where a file of the machine is from here."""
        return self.root / path.lstrip("/")


@contextmanager
def booted(root: Path) -> Iterator[Machine]:
    """Boot a folder; it is off again when the context ends."""
    log = root.with_name(f"{root.name}.log")
    with log.open("wb") as said:
        # In a session of its own: Ctrl-C ends this program, which then shuts the machine down.
        process = subprocess.Popen(
            [*NSPAWN, "--boot", "--directory", root],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield wait_for(root, process, log)
    finally:
        process.terminate()
        try:
            process.wait(BOOT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(root: Path, process: subprocess.Popen[bytes], log: Path) -> Machine:
    """Wait until systemd says that all is started."""
    state, end = "", time.monotonic() + BOOT_SECONDS
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while process.poll() is None and time.monotonic() < end:
        if leaders := children.read_text().split():
            machine = Machine(root, int(leaders[0]))
            state = machine.says("systemctl is-system-running")
            if state == "running":
                return machine
        time.sleep(0.5)
    told = log.read_text(errors="replace")[-2000:]
    sys.exit(
        f"The machine did not start ({state or 'no answer'}). systemd-nspawn needs the rights of a whole "
        f"machine: mounts, namespaces and cgroups. It said:\n{told}"
    )
