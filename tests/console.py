"""Follow a page word by word: write its files, make its edits, run its commands and compare what they say."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLOCK = re.compile(r"<!-- clock: (\d{4}-\d\d-\d\d \d\d:\d\d) -->")
NAME = re.compile(r"`([\w./-]+\.ya?ml)`")
STEP = re.compile(rf"{CLOCK.pattern}|{BLOCK.pattern}", re.MULTILINE | re.DOTALL)
# What differs from one run to the next.
PASSING = re.compile(r" *\d+\.\d s$|127\.0\.0\.1:\d+")
ANYTHING = "…"


@dataclass(frozen=True)
class Mismatch:
    """A command whose answer is not what the page shows."""

    command: str
    shown: str
    said: str

    def __str__(self) -> str:
        return f"$ {self.command}\n--- the page shows\n{self.shown}--- the command says\n{self.said}"


def follow(
    page: str, folder: Path, run: Callable[[list[str]], str], set_clock: Callable[[datetime], None]
) -> Iterator[Mismatch]:
    """Do all that a page says, in order, and yield what came out otherwise.

    A `yaml` block is a file, a `diff` block an edit of one; both are named in backticks just above. A
    `console` block holds commands after `$ `, each followed by its answer, in which a line of `…` stands for
    any lines.
    """
    for step in STEP.finditer(page):
        if step[1]:
            set_clock(datetime.fromisoformat(step[1]).replace(tzinfo=UTC))
        elif step[2] == "console":
            yield from try_out(step[3], run)
        else:
            path = folder / NAME.findall(page[: step.start()])[-1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(step[3] if step[2] == "yaml" else edited(path, step[3]), encoding="utf-8")


def try_out(block: str, run: Callable[[list[str]], str]) -> Iterator[Mismatch]:
    """Run the commands of a block."""
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        said = run(shlex.split(command)[1:])
        if not fits(shown, said):
            yield Mismatch(command, shown, said)


def edited(path: Path, diff: str) -> str:
    """Put the lines after `+` in the place of those after `-`."""
    old, new = (
        "".join(f"{line[1:]}\n" for line in diff.splitlines() if line[:1] in {sign, " "}) for sign in "-+"
    )
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path.name} does not hold this once:\n{old}"
    return text.replace(old, new)


def fits(shown: str, said: str) -> bool:
    """Compare line by line, empty lines and what differs between runs apart."""
    parts = [lasting(part) for part in re.split(rf"^ *{ANYTHING}$", shown, flags=re.MULTILINE)]
    pattern = r"(?:.*\n)*".join(re.escape("".join(f"{line}\n" for line in part)) for part in parts)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lasting(said))) is not None


def lasting(text: str) -> list[str]:
    """Give the lines that are not empty, without what differs between runs."""
    lines = (PASSING.sub("", line).rstrip() for line in text.splitlines())
    return [line for line in lines if line]
