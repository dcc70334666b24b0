"""Turn the XML of a worksheet into the cells whose value is an error or was never computed.

A reader of workbooks gives both as blank, and a blank amount is no amount: money would vanish in silence. A
search for the few byte patterns is fast; only a sheet with such cells is parsed to say where they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from xml.parsers import expat
from zipfile import ZipFile

from connectors.errors import BadInput

MAX_CELLS = 20_000_000
_CHUNK = 1 << 20
_OVERLAP = 4096
_SUSPECT = re.compile(
    rb"""\bt\s*=\s*["']e["']|</(?:\w+:)?f>\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</"""
    rb"""|<(?:\w+:)?f\b[^>]*/>\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</"""
)
_REFERENCE = re.compile(rb"""<(?:\w+:)?c\b[^>]{0,80}?\br\s*=\s*["']([A-Z]{1,3})([0-9]{1,7})["']""")
_UNCOMPUTED = "a formula whose result is not stored"


def find_faults(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    """By row and column (both from 1), what is wrong with the cells of this sheet of an xlsx file."""
    with ZipFile(path) as archive:
        part = _part_of(archive, sheet)
        if part is None:
            return {}
        with archive.open(part) as stream:
            suspect = _is_suspect(stream, path, sheet)
        if not suspect:
            return {}
        with archive.open(part) as stream:
            return _Cells().read(stream)


def column_number(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number


def _is_suspect(stream: IO[bytes], path: Path, sheet: str) -> bool:
    """Whether the bytes hold such a cell; `BadInput` where the sheet is too large for memory."""
    suspect, rest, last_row, last_column = False, b"", 0, 0
    widths: set[bytes] = set()
    while chunk := stream.read(_CHUNK):
        text = rest + chunk
        suspect = suspect or _SUSPECT.search(text) is not None
        for letters, digits in _REFERENCE.findall(text):
            if letters not in widths:
                widths.add(letters)
                last_column = max(last_column, column_number(letters.decode()))
            last_row = max(last_row, int(digits))
        rest = text[-_OVERLAP:]
    if last_row * last_column > MAX_CELLS:
        raise BadInput(
            f"{path}: sheet {sheet!r} spans {last_row:,} rows by {last_column:,} columns, more than "
            f"{MAX_CELLS:,} cells. Delete the empty rows and columns below and beside the table."
        )
    return suspect


def _part_of(archive: ZipFile, sheet: str) -> str | None:
    """The member that holds a sheet, by way of the workbook's relationships."""
    names = set(archive.namelist())
    if "xl/workbook.xml" not in names or "xl/_rels/workbook.xml.rels" not in names:
        return None
    own = {
        attributes.get("name"): next(
            (value for key, value in attributes.items() if key.endswith("id") and key != "sheetId"), None
        )
        for tag, attributes in _elements(archive, "xl/workbook.xml")
        if tag == "sheet"
    }
    targets = {
        attributes.get("Id"): attributes.get("Target", "")
        for tag, attributes in _elements(archive, "xl/_rels/workbook.xml.rels")
        if tag == "Relationship"
    }
    target = targets.get(own.get(sheet)) or ""
    part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return part if part in names else None


def _elements(archive: ZipFile, part: str) -> Iterator[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: found.append((_local(tag), attributes))
    parser.Parse(archive.read(part), True)
    return iter(found)


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


@dataclass(slots=True)
class _Cells:
    """The cell being parsed, and the faults found so far."""

    faults: dict[tuple[int, int], str] = field(default_factory=dict)
    row: int = 0
    column: int = 0
    kind: str = ""
    formula: bool = False
    value: str = ""
    inside: str = ""

    def read(self, stream: IO[bytes]) -> dict[tuple[int, int], str]:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.ParseFile(stream)
        return self.faults

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self.inside = _local(tag)
        if self.inside == "row":
            self.row = int(attributes.get("r", self.row + 1))
            self.column = 0
        elif self.inside == "c":
            letters = attributes.get("r", "").rstrip("0123456789")
            self.column = column_number(letters) if letters else self.column + 1
            self.kind, self.formula, self.value = attributes.get("t", "n"), False, ""
        elif self.inside == "f":
            self.formula = True

    def _text(self, text: str) -> None:
        if self.inside == "v":
            self.value += text

    def _end(self, tag: str) -> None:
        self.inside = ""
        if _local(tag) != "c":
            return
        if self.kind == "e":
            self.faults[self.row, self.column] = f"the error {self.value or '#ERROR'}"
        elif self.formula and not self.value.strip() and self.kind != "str":
            self.faults[self.row, self.column] = _UNCOMPUTED
