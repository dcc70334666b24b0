"""Turn a block mapping of a YAML file into pieces of its text: a key, its lines and the comments above it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate

from rules.document import Document, Entry, Mapping, Node, Sequence


class Unusual(ValueError):
    """The mapping is not written one key to a line."""


@dataclass(slots=True)
class Piece:
    """A key with its value: `lines` begin with the key at `column`, on line `first` of the file."""

    entry: Entry
    comments: list[str]
    lines: list[str]
    column: int
    first: int


@dataclass(slots=True)
class Cut:
    """A mapping cut into pieces, and the lines after the last of them that do not belong to it."""

    pieces: list[Piece] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Lines:
    """The lines of a document, and where its nodes stand in them."""

    document: Document
    lines: list[str]
    starts: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.starts = [0, *accumulate(len(line) + 1 for line in self.lines)]

    def number(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def column(self, offset: int) -> int:
        return offset - self.starts[self.number(offset)]

    def last(self, node: Node) -> int:
        """Number the last line on which something of a node stands; closing brackets may come after it."""
        if isinstance(node, Mapping):
            inner = [part for entry in node.entries for part in (entry.key, entry.value)]
        elif isinstance(node, Sequence):
            inner = list(node.items)
        else:
            written = self.document.text[node.start : node.end].rstrip()
            return self.number(node.start + max(len(written) - 1, 0))
        return max([self.number(node.start), *(self.last(part) for part in inner)])

    def cut(self, mapping: Mapping, end: int) -> Cut:
        """Cut a block mapping into pieces; `end` is the line after all that may belong to it."""
        cut = Cut()
        starts = [self.number(entry.key.start) for entry in mapping.entries]
        if len(set(starts)) < len(starts):
            raise Unusual
        comments: list[str] = []
        for entry, first, after in zip(mapping.entries, starts, [*starts[1:], end], strict=True):
            column = self.column(entry.key.start)
            before = self.lines[first][:column]
            if before.strip() not in ({"", "-"} if not cut.pieces else {""}):
                raise Unusual
            stop = self._end_of_value(entry, after, column)
            lines = [" " * column + self.lines[first][column:], *self.lines[first + 1 : stop]]
            cut.pieces.append(Piece(entry, comments, lines, column, first))
            comments = self.lines[stop:after]
        cut.rest = comments
        return cut

    def _end_of_value(self, entry: Entry, end: int, column: int) -> int:
        """Find the line after a value: comments below it that stand further in than the key are its own."""
        least = max(self.number(entry.key.start), self.last(entry.value)) + 1
        stop = end
        while stop > least and _is_remark(self.lines[stop - 1]):
            stop -= 1
        own = [at for at in range(stop, end) if _is_deeper(self.lines[at], column)]
        while own and any(not _is_deeper(line, column) for line in _written(self.lines[stop : own[-1]])):
            own.pop()
        return own[-1] + 1 if own else stop


def _is_remark(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _is_deeper(line: str, column: int) -> bool:
    return bool(line.strip()) and indentation(line) > column


def _written(lines: list[str]) -> list[str]:
    return [line for line in lines if line.strip()]


def indentation(line: str) -> int:
    """Count the spaces a line begins with."""
    return len(line) - len(line.lstrip(" "))


def shift(lines: list[str], by: int) -> list[str]:
    """Move lines to the right, or to the left as far as their spaces go."""
    if by >= 0:
        return [" " * by + line if line.strip() else "" for line in lines]
    return [line[min(-by, indentation(line)) :] if line.strip() else "" for line in lines]
