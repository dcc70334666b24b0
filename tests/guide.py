"""The install guide as commands: each line of its console blocks, where it is typed, what is typed at it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
# How the page becomes the account that runs the nights.
AS_THE_ACCOUNT = ["runuser", "-u", "tieline", "--"]


@dataclass(frozen=True)
class Step:
    """One command; `folder` is none for the folder of the checkout."""

    line: str
    folder: Path | None

    @property
    def words(self) -> list[str]:
        return shlex.split(self.line)


@dataclass(frozen=True)
class Person:
    """Who follows the page, and what is asked of them."""

    url: str
    email: str
    token: str
    field: str
    objectives: str
    money: str

    def types(self, words: list[str]) -> str:
        """What they type while a command waits: the token, the answers, or nothing."""
        if "/dev/stdin" in words:
            return f"{self.token}\n"
        if "init" in words:
            return "\n".join([self.url, self.email, "", self.field, self.objectives, self.money, "", "", ""])
        return ""


def steps() -> Iterator[Step]:
    """Every command of the page, in order. That one is to go back to the checkout, the page says in words."""
    folder = None
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for shown in block.splitlines():
            step = Step(shown.removeprefix("# "), folder)
            if step.words[0] == "cd":
                folder = Path(step.words[1])
            elif "deploy/" in step.line:
                yield Step(step.line, folder := None)
            else:
                yield step
