"""Turn the places that settings come from into a list: each setting, its value and who set it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from dotenv.parser import Original, parse_stream
from pydantic import SecretStr

from sync.settings import KEYS, SECRETS, load_settings
from sync.store.database import shown

DEFAULT = "default"
ENVIRONMENT = "environment"
MASK = "********"
URL = "TIELINE_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it counts: `value` with secrets masked, None where it has none.

    `origin` is `default`, `environment`, or file and line of a `.env`; of a secret kept in a file, that file
    and who named it.
    """

    key: str
    value: str | None
    origin: str


def settings_with_origin(environ: Mapping[str, str], dotenv: Path | None) -> tuple[Setting, ...]:
    """List every setting in the order of config.example.env; mistakes are those of `load_settings`."""
    settings = load_settings(environ, dotenv)
    lines = lines_of(dotenv)
    return tuple(
        Setting(key, told(key, getattr(settings, name)), origin_of(key, environ, lines))
        for key, name in KEYS.items()
    )


def lines_of(dotenv: Path | None) -> dict[str, tuple[str, str]]:
    """Give the value and the place of each key of a `.env` file; of a key that stands twice, the last."""
    if dotenv is None or not dotenv.is_file():
        return {}
    with dotenv.open(encoding="utf-8-sig") as stream:
        return {
            binding.key: (binding.value or "", f"{dotenv}:{line_of(binding.original)}")
            for binding in parse_stream(stream)
            if binding.key
        }


def line_of(original: Original) -> int:
    """Give the line on which a key stands: the parser counts the empty lines before it to the key."""
    before = original.string[: len(original.string) - len(original.string.lstrip())]
    return original.line + before.count("\n")


def origin_of(key: str, environ: Mapping[str, str], lines: Mapping[str, tuple[str, str]]) -> str:
    """Say who set a setting, in the order in which `load_settings` lets one win over the other."""
    names = (f"{key}_FILE", key) if key in SECRETS else (key,)
    for name in names:
        if environ.get(name):
            return through(name, key, environ[name], ENVIRONMENT)
    for name in names:
        value, place = lines.get(name, ("", ""))
        if value:
            return through(name, key, value, place)
    return DEFAULT


def through(name: str, key: str, value: str, place: str) -> str:
    """Add the file that holds a secret to the place that names it."""
    return place if name == key else f"{value}, named by {name} in {place}"


def told(key: str, value: Any) -> str | None:
    """Write a value as a `.env` file would; of the store's address only the password is a secret."""
    if value is None:
        return None
    if isinstance(value, SecretStr):
        return shown(value.get_secret_value()) if key == URL else MASK
    return str(value.value) if isinstance(value, Enum) else str(value)
