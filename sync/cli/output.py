"""Show results: tables, colour and bars on a terminal, plain lines in a pipe, one document as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from sync.progress import Progress, Quiet, Step


# A pipe has no width of its own; tables must not be cut to fit one.
PIPE_WIDTH = 200


class Output:
    """Where a command says what it found: to people on stdout, or as one JSON document."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
        if not self.console.is_terminal:
            self.console.width = PIPE_WIDTH

    def progress(self) -> Progress:
        """Give the progress that fits: bars, plain lines, or nothing beside JSON."""
        if self.as_json:
            return Quiet()
        return BarProgress(self.console) if self.console.is_terminal else LineProgress(self)

    def line(self, text: str = "", style: str | None = None) -> None:
        """Say one line; text from outside is shown as it is, with control characters made visible."""
        if not self.as_json:
            self.console.print(Text(printable(text), style=style or ""))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Show a table; columns whose heading ends with `>` are aligned to the right."""
        if self.as_json:
            return
        table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
        for column in columns:
            table.add_column(column.rstrip(">"), justify="right" if column.endswith(">") else "left")
        for row in rows:
            table.add_row(*(Text(printable("" if cell is None else str(cell))) for cell in row))
        self.console.print(table)
        self.console.print()

    def document(self, content: object) -> None:
        """Print the JSON document, if JSON was asked for."""
        if self.as_json:
            sys.stdout.write(json.dumps(content, default=plain, indent=2, ensure_ascii=False) + "\n")


def plain(value: object) -> object:
    """Give a value in a form that JSON knows; money stays an integer, decimals stay text."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Path | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def printable(text: str) -> str:
    """Make control characters visible, so that a ticket cannot speak to the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


class LineProgress:
    """Says each step in a line when it ends."""

    def __init__(self, output: Output) -> None:
        self.output = output

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Time a step and say what went through."""
        counter, began = Counter(), time.monotonic()
        yield counter
        seen = f" {counter.done} records" if counter.done else ""
        self.output.line(f"{title}:{seen} in {time.monotonic() - began:.1f} s")


class Counter:
    """Counts what went through a step."""

    def __init__(self) -> None:
        self.done = 0

    def advance(self, done: int, total: int | None = None) -> None:  # noqa: ARG002
        """Add to the count."""
        self.done += done


class BarProgress:
    """Shows each step as a bar."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, title: str) -> AbstractContextManager[Step]:
        """Show a bar until the step ends."""
        return bar(self.console, title)


@contextmanager
def bar(console: Console, title: str) -> Iterator[Step]:
    """Show one bar."""
    with Bars(
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    ) as bars:
        task = bars.add_task(title, total=None)
        step = BarStep(bars, task)
        yield step
        bars.update(task, total=max(step.done, 1), completed=max(step.done, 1))


class BarStep:
    """One bar under way."""

    def __init__(self, bars: Bars, task: TaskID) -> None:
        self.bars, self.task, self.done = bars, task, 0

    def advance(self, done: int, total: int | None = None) -> None:
        """Move the bar."""
        self.done += done
        self.bars.update(self.task, completed=self.done, total=total)
