"""Keep the refresh tokens that logins replace, one small file each, readable by this account alone.

A token that a login replaced is worthless, and the one that replaced it exists nowhere else: so it is written
through to the disk before it is used, and before a token is asked for it is made sure that it can be.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from connectors.errors import BadInput

PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class FileTokens:
    """A folder of tokens, one file for each source.

    Each holds the token and a hash of the one it all began with: when a person declares another, what was
    kept is about a consent that no longer counts.
    """

    folder: Path

    def read(self, source: str, first: str) -> str:
        """Give the latest token, having made sure that the next one can be kept."""
        path = self._path(source)
        kept = self._kept(path)
        beside = path.with_suffix(".new")
        self._write(beside, kept)
        beside.unlink()
        return str(kept["token"]) if kept.get("began") == _mark(first) else first

    def keep(self, source: str, first: str, token: str) -> None:
        """Put the token in place of the one before: whole or not at all."""
        path = self._path(source)
        beside = path.with_suffix(".new")
        self._write(beside, {"began": _mark(first), "token": token})
        try:
            beside.replace(path)
        except OSError as error:
            raise BadInput(_unkept(path, error)) from None

    def _path(self, source: str) -> Path:
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", source)[:60]
        return self.folder / f"{name}-{_mark(source)[:8]}.json"

    def _kept(self, path: Path) -> dict[str, str]:
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise BadInput(
                    f"{path}: others than this account may read it, and it holds a token. "
                    f"Forbid it (chmod 600 {path}), and have a person consent again if somebody has."
                )
            found = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except (OSError, ValueError):
            raise BadInput(
                f"{path}: the token kept there cannot be read. Remove the file, "
                "and have a person consent again."
            ) from None
        return found if isinstance(found, dict) and {"began", "token"} <= set(found) else {}

    def _write(self, path: Path, document: dict[str, str]) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise BadInput(_unkept(path, error)) from None


def _mark(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unkept(path: Path, error: OSError) -> str:
    return (
        f"{path.parent}: the token of a login cannot be kept there: {error.strerror}. "
        "Name a folder that can be written to in TIELINE_TOKENS."
    )
