"""Show results: tables, colour and bars on a terminal, plain lines in a pipe, one document as JSON."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from sync.frame.progress import Progress, Quiet, Step

# A pipe has no width of its own; tables must not be cut to fit one.
PIPE_WIDTH = 10_000
GAP = 2
# As many names as a person reads; --json has them all.
FEW = 20
# A column of words may be wrapped down to this; a figure is never cut.
WORD = 12


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
        """Say one line; text from outside is shown as it is, with control characters made visible.

        On a terminal what is too long goes on below, as far in as it began.
        """
        if self.as_json:
            return
        shown = printable(text)
        if self.console.is_terminal:
            shown = "\n".join(wrapped(line, self.console.width) for line in shown.split("\n"))
        self.console.print(Text(shown, style=style or ""))

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Show a table, if it has rows; columns whose heading ends with `>` hold figures: never cut.

        On a terminal too narrow for the figures, each row becomes a block of lines.
        """
        texts = [tuple(printable("" if cell is None else str(cell)) for cell in row) for row in rows]
        if self.as_json or not texts:
            return
        self.console.print(Text(title, style="bold"))
        if least_width(columns, texts) > self.console.width:
            self._blocks(columns, texts)
        elif self.console.is_terminal:
            self.console.print(grid(columns, texts), soft_wrap=False)
        else:
            with self.console.capture() as drawn:
                self.console.print(grid(columns, texts))
            sys.stdout.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))
        self.console.print()

    def _blocks(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Show each row as its first cell and, below it, one line for each other one that is not empty."""
        for first, *others in rows:
            self.console.print(Text(first))
            for column, cell in zip(columns[1:], others, strict=True):
                if cell:
                    self.console.print(Text(f"  {column.rstrip('>')}: {cell}"))

    def document(self, content: object, *, lines: bool = True) -> None:
        """Print the JSON document, if JSON was asked for; without `lines` it takes one line."""
        if self.as_json:
            indent = 2 if lines else None
            sys.stdout.write(json.dumps(content, default=plain, indent=indent, ensure_ascii=False) + "\n")
            sys.stdout.flush()


def wrapped(line: str, width: int) -> str:
    """Break a line between words, going on as far in as it began; a word that is too long stays whole."""
    inside = " " * (len(line) - len(line.lstrip(" ")))
    parts = textwrap.wrap(
        line, width, subsequent_indent=inside, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(parts)


def least_width(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Give the width below which a table would have to cut a figure."""
    widths = []
    for column, *cells in zip(columns, *rows, strict=True):
        widest = max(cell_len(cell) for cell in (column.rstrip(">"), *cells))
        widths.append(widest if column.endswith(">") else min(widest, WORD))
    return sum(widths) + GAP * (len(widths) - 1)


def grid(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Lay a table out; where it is too wide, columns of words are wrapped."""
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim")
    for column in columns:
        figures = column.endswith(">")
        table.add_column(column.rstrip(">"), justify="right" if figures else "left", no_wrap=figures)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def counted(number: int, noun: str) -> str:
    """Give `1 rule`, `2 rules`, `1 ticket`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def few(names: Sequence[str]) -> str:
    """Name the first of many."""
    rest = f" and {len(names) - FEW} more" if len(names) > FEW else ""
    return ", ".join(names[:FEW]) + rest


def shortened(text: str | None, most: int = 60) -> str:
    """Cut a long text."""
    text = text or ""
    return text if len(text) <= most else text[: most - 1] + "…"


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
        seen = str(counter.done) if counter.done else ""
        self.output.line(f"{title:<32}{seen:>8}{time.monotonic() - began:>8.1f} s")


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
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[seen]:>13}"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=console) as bars:
        step = BarStep(bars, bars.add_task(title, total=None, seen=""))
        yield step
        step.end()


class BarStep:
    """One bar under way."""

    def __init__(self, bars: Bars, task: TaskID) -> None:
        self.bars, self.task, self.done = bars, task, 0

    def advance(self, done: int, total: int | None = None) -> None:
        """Move the bar."""
        self.done += done
        seen = f"{self.done}/{total}" if total else str(self.done)
        self.bars.update(self.task, completed=self.done, total=total, seen=seen)

    def end(self) -> None:
        """Fill the bar."""
        whole = max(self.done, 1)
        self.bars.update(self.task, total=whole, completed=whole, seen=str(self.done or ""))
