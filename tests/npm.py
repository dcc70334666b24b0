"""Packages of npm that tests look into: fetched once where there is a registry, and never committed."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[1] / ".cache"


@dataclass(frozen=True)
class Package:
    """One version of a package, and the hash of its archive; `folder` is where it is kept."""

    name: str
    version: str
    sha512: str
    folder: str

    @property
    def archive(self) -> Path:
        stem = self.name.strip("@").replace("/", "-")
        return CACHE / self.folder / f"{stem}-{self.version}.tgz"

    def fetch(self) -> str | None:
        """Put the package into the cache; the answer is why it cannot be."""
        if self.archive.exists():
            return None
        npm = shutil.which("npm")
        if npm is None:
            return f"no npm on the PATH to fetch {self.name} with"
        self.archive.parent.mkdir(parents=True, exist_ok=True)
        # Two workers may come here at once: each fetches into a folder of its own, and the last one wins.
        with tempfile.TemporaryDirectory(dir=self.archive.parent) as folder:
            asked = f"{self.name}@{self.version}"
            command = [npm, "pack", asked, "--fetch-retries=0", "--fetch-timeout=10000"]
            try:
                subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True)
            except subprocess.TimeoutExpired:
                return f"npm could not fetch {self.name} within a minute"
            except subprocess.CalledProcessError:
                return f"npm cannot reach a registry that has {asked}"
            (Path(folder) / self.archive.name).replace(self.archive)
        return None

    def files(self, beginning: str, ending: str) -> list[bytes]:
        """The files of the package by both ends of their names; a test is skipped where it cannot be had."""
        reason = self.fetch()
        if reason is not None:
            pytest.skip(reason)
        digest = base64.b64encode(hashlib.sha512(self.archive.read_bytes()).digest()).decode()
        assert digest == self.sha512, f"{self.archive} is not the one expected"
        found = []
        with tarfile.open(self.archive) as archive:
            for member in archive.getmembers():
                if member.name.startswith(f"package/{beginning}") and member.name.endswith(ending):
                    file = archive.extractfile(member)
                    assert file is not None
                    found.append(file.read())
        return found
