"""Write the first `.env`: values quoted so that they are read back as they are, for this account only."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from sync.errors import ConfigurationError
from sync.store.snapshot import PRIVATE

PLAIN = re.compile(r"[\w./:@%+,=~{}$-][\w ./:@%+,=~{}$-]*(?<! )", re.ASCII)
HEADING = "# Written by `tieline init`. config.example.env explains these settings and names all others.\n"


def env_text(values: Mapping[str, str]) -> str:
    """Give the text of a `.env` file."""
    return HEADING + "".join(f"{key}={quoted(value)}\n" for key, value in values.items())


def quoted(value: str) -> str:
    """Write a value as python-dotenv reads it back."""
    if PLAIN.fullmatch(value):
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def write_private(path: Path, text: str) -> None:
    """Write a file that only this account may read, from its first byte on, whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE), "w") as stream:
            stream.write(text)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}.") from None
