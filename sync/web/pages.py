"""Cut a long list into pages: which one is asked for, and the addresses of the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sync.web.rendering import address

SIZE = 50


@dataclass(frozen=True, slots=True)
class Pages:
    """One page of a list of `total` lines, and the query that leads to it."""

    path: str
    query: Mapping[str, Any]
    total: int
    number: int

    @property
    def last(self) -> int:
        """Give the number of the last page."""
        return max(1, -(-self.total // SIZE))

    @property
    def first_line(self) -> int:
        """Give the place of the first line on this page, counted from 0."""
        return (self.number - 1) * SIZE

    @property
    def range(self) -> str:
        """Say which lines are on this page."""
        end = min(self.total, self.first_line + SIZE)
        return f"{self.first_line + 1:,} to {end:,} of {self.total:,}" if self.total else "none"

    def to(self, number: int) -> str:
        """Give the address of another page."""
        return address(self.path, {**self.query, "page": number if number > 1 else ""})


def pages_of(path: str, query: Mapping[str, Any], total: int, asked: str) -> Pages:
    """Give the page that is asked for; past the end, the last one; what is no number, the first."""
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else 1
    last = max(1, -(-total // SIZE))
    return Pages(path, query, total, min(max(number, 1), last))
