"""Turn the files of a folder into those that have arrived whole and have not been replaced by a later one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from connectors.errors import BadInput, IncompleteRead
from connectors.http import utc_now
from connectors.textfiles import fingerprint, told

Sign = Literal["name", "done", "sha256", "still"]


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a file shows that it is written in full.

    `name`: by being there, for writers that rename when they are done. `done`: a file of the same name with
    `.done` added. `sha256`: one with `.sha256` added that holds its hash, as sha256sum writes it. `still`: no
    change for so many `seconds`, which a writer that pauses can deceive.

    Of files whose names match `latest` with the same text in its group, only the last by name counts; numbers
    in names are compared as numbers, so that v10 comes after v9.
    """

    by: Sign = "name"
    seconds: int = 60
    latest: re.Pattern[str] | None = None
    now: Callable[[], datetime] = utc_now


BY_NAME = Arrival()


def arrived(files: Sequence[Path], arrival: Arrival) -> tuple[Path, ...]:
    """The files that count; `IncompleteRead` where one is still on its way, so that none is missed."""
    counted = files if arrival.latest is None else _latest(files, arrival.latest)
    waiting = [reason for file in counted if (reason := _unready(file, arrival))]
    if waiting:
        raise IncompleteRead(
            " ".join(f"{reason}." for reason in waiting) + " Run again when it is there in full."
        )
    return tuple(counted)


def _unready(file: Path, arrival: Arrival) -> str | None:
    match arrival.by:
        case "done":
            sign = file.with_name(f"{file.name}.done")
            return None if sign.exists() else f"{file}: there is no {sign.name} beside it yet"
        case "sha256":
            return _unlike(file)
        case "still":
            with told(file):
                quiet = arrival.now().timestamp() - file.stat().st_mtime
            changed = f"{file}: it was changed {max(0.0, quiet):.0f} s ago, less than {arrival.seconds} s"
            return None if quiet >= arrival.seconds else changed
        case _:
            return None


def _unlike(file: Path) -> str | None:
    sign = file.with_name(f"{file.name}.sha256")
    if not sign.exists():
        return f"{file}: there is no {sign.name} beside it yet"
    with told(sign):
        stated = sign.read_bytes()[:64].decode("ascii", "replace").lower()
    return None if fingerprint(file).sha256 == stated else f"{file}: its content is not what {sign.name} says"


def _latest(files: Sequence[Path], pattern: re.Pattern[str]) -> list[Path]:
    found: dict[str, Path] = {}
    strangers: list[str] = []
    for file in sorted(files, key=lambda file: _natural(file.name)):
        match = pattern.fullmatch(file.name)
        if match is None:
            strangers.append(f"{file}: its name does not match `arrival.latest`. Rename it or take it away.")
        else:
            found[match[1]] = file
    if strangers:
        raise BadInput(*strangers)
    return sorted(found.values())


def _natural(name: str) -> list[tuple[int, int, str]]:
    """For sorting: numbers by their worth, and a name before those that go on longer."""
    stem, _, suffix = name.rpartition(".")
    parts = re.findall(r"[0-9]+|[^0-9]+", stem)
    return [(1, int(part), "") if part.isdecimal() else (2, 0, part) for part in parts] + [(0, 0, suffix)]
