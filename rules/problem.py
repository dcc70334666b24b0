"""One mistake in a rule file, shown with its line, a caret and the likely fix."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Problem:
    """Where (line and column count from 1; line 0: the file as a whole), what, and what to do."""

    path: Path
    line: int
    column: int
    message: str
    suggestion: str | None = None
    rule: str | None = None
    source: str = ""
    width: int = 1

    @property
    def text(self) -> str:
        return self.message if self.suggestion is None else f"{self.message} {self.suggestion}"

    def render(self) -> str:
        """Show the problem as `file:line:column  rule`, the source line, a caret and the text."""
        if self.line == 0:
            return f"{self.path}\n    {self.text}"
        place = f"{self.path}:{self.line}:{self.column}" + (f"  {self.rule}" if self.rule else "")
        shown = self.source.lstrip()
        indent = self.column - 1 - (len(self.source) - len(shown))
        caret = "^" * max(1, min(self.width, len(shown) - indent))
        return f"{place}\n    {shown.rstrip()}\n    {' ' * max(indent, 0)}{caret} {self.text}"

    def annotate(self, level: str = "error") -> str:
        """Write the problem as a workflow command: GitHub shows it beside the line in a pull request."""
        places = {"file": str(self.path)}
        if self.line:
            end = self.column + self.width - 1
            places |= {"line": str(self.line), "col": str(self.column), "endColumn": str(end)}
        if self.rule:
            places["title"] = self.rule
        named = ",".join(f"{name}={_escaped(text, ':,')}" for name, text in places.items())
        return f"::{level} {named}::{_escaped(self.text)}"


def _escaped(text: str, also: str = "") -> str:
    """Escape what would end a workflow command, or a property of it."""
    return "".join(f"%{ord(letter):02X}" if letter in f"%\r\n{also}" else letter for letter in text)


class RuleErrors(ValueError):
    """Every mistake of every rule file, in the order of files and lines. No rule of the set can be used."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(problem.render() for problem in problems))
        self.problems = problems
