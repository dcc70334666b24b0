"""Say in few words where many rows of files stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple


class Place(NamedTuple):
    """A line of a file, or of a sheet of a workbook."""

    file: str
    sheet: str | None
    line: int


def places_text(places: Iterable[Place]) -> str:
    """Name each file and sheet once with its lines, those that follow each other as a range."""
    lines: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for place in places:
        lines[place.file, place.sheet or ""].add(place.line)
    return "; ".join(
        f"{file}{f', sheet {sheet}' if sheet else ''}, {lines_text(sorted(found))}"
        for (file, sheet), found in sorted(lines.items())
    )


def lines_text(numbers: list[int]) -> str:
    """Name lines that are given in their order."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and ranges[-1][-1] == number - 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    word = "line" if len(numbers) == 1 else "lines"
    return f"{word} {', '.join('-'.join(map(str, it)) for it in ranges)}"
