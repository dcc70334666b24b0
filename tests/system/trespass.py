"""What a service should not be able to do to its machine, tried: prints how each attempt ended, as JSON.

It needs Python alone, and runs where it is put.
"""

import ctypes
import errno
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

# Those that are kept from it, and the two that are its own.
FOLDERS = ("/etc", "/opt/tieline", "/usr/bin", "/root", "/var/log", "/var/lib")
OWN = ("/var/lib/tieline", "/tmp")
PROGRAM = "/usr/bin/true"


def write(folder: str) -> None:
    file = Path(folder) / f"trespass-{os.getpid()}"
    file.write_text("here")
    file.unlink()


def listen_to_the_kernel() -> None:
    socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close()


def make_namespace() -> None:
    subprocess.run(["/usr/bin/unshare", "--mount", PROGRAM], check=True, capture_output=True)


def mount() -> None:
    subprocess.run(["/usr/bin/mount", "-t", "tmpfs", "none", "/mnt"], check=True, capture_output=True)


def rename_the_machine() -> None:
    name = socket.gethostname().encode()
    if ctypes.CDLL(None, use_errno=True).sethostname(name, len(name)):
        raise OSError(ctypes.get_errno(), "sethostname")


def hand_out_rights() -> None:
    """Make a program that runs with its owner's rights."""
    file = Path("/tmp") / f"trespass-{os.getpid()}"
    file.touch()
    try:
        file.chmod(file.stat().st_mode | stat.S_ISUID)
    finally:
        file.unlink()


def look_at_others() -> None:
    """Look at a process of somebody else: the machine's first one."""
    Path("/proc/1/cmdline").read_bytes()


ACTS: dict[str, Callable[[], None]] = {
    act.__name__: act
    for act in (
        listen_to_the_kernel, make_namespace, mount, rename_the_machine, hand_out_rights, look_at_others,
    )
}  # fmt: skip


def ended(act: Callable[[], None]) -> str:
    """Say "done", or why not."""
    try:
        act()
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, "failed")
    except subprocess.CalledProcessError:
        return "failed"
    return "done"


def main() -> None:
    tried = {f"write {folder}": ended(lambda folder=folder: write(folder)) for folder in (*FOLDERS, *OWN)}  # type: ignore[misc]
    tried |= {name: ended(act) for name, act in ACTS.items()}
    status = Path("/proc/self/status").read_text().splitlines()
    tried |= {
        key: value.strip()
        for key, _, value in (line.partition(":") for line in status)
        if key in {"CapBnd", "NoNewPrivs", "Seccomp"}
    }
    sys.stdout.write(json.dumps(tried) + "\n")


if __name__ == "__main__":
    main()
