"""Turn the text of a CSV file into records that know their physical line and their raw text."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from connectors.errors import BadInput


class Record(NamedTuple):
    """One record of a table, blank ones included; `fault` says why it cannot be split into cells."""

    line: int
    cells: list[str]
    raw: str
    fault: str | None = None

    @property
    def blank(self) -> bool:
        return self.fault is None and not any(map(str.strip, self.cells))


class _Lines:
    """The lines of a text, remembering those handed out since `start`; `before` have been read already."""

    def __init__(self, stream: Iterable[str], before: int) -> None:
        self._stream = iter(stream)
        self._taken: list[str] = []
        self.count = before

    def start(self) -> None:
        self._taken = []

    @property
    def first(self) -> int:
        return self.count - len(self._taken) + 1

    @property
    def raw(self) -> str:
        return "".join(self._taken).rstrip("\r\n")

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._stream)
        self.count += 1
        self._taken.append(line)
        return line


def read_records(
    path: Path, stream: Iterable[str], delimiter: str, quote: str = '"', escape: str = "", *, before: int = 0
) -> Iterator[Record]:
    """Every record in order; `BadInput` where a quote that is never closed may have swallowed rows.

    With an empty `quote` quotes are letters like others; `escape` takes their meaning from marks behind it.
    `before` is how many lines of the file stand above those of the stream.
    """
    lines = _Lines(stream, before)
    reader = split(lines, delimiter, quote, escape)
    while True:
        lines.start()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _broken(path, lines, str(error))
            continue
        yield Record(lines.first, cells, lines.raw)


def split(lines: Iterable[str], delimiter: str, quote: str, escape: str) -> Iterator[list[str]]:
    """The cells of each record, by a grammar that is strict about quotes."""
    return csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        escapechar=escape or None,
        strict=True,
    )


def _broken(path: Path, lines: _Lines, error: str) -> Record:
    """A record the grammar refuses. One that ran over several lines may have swallowed rows: that ends it."""
    if "expected after" in error and lines.first == lines.count:
        return Record(lines.first, [], lines.raw, "a quote inside a quoted cell is not doubled")
    raise BadInput(
        f"{path}: line {lines.first}: a quote opened in the record that starts here is not closed properly "
        f"(noticed on line {lines.count}: {error}). Mend the quotes; a quote inside a quoted cell is doubled."
    )
