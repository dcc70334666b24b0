"""Turn one sheet of an Excel or OpenDocument workbook into records like those of a CSV file.

Numbers become `Figure`s: whole ones without a decimal point, so that a code stored as 1000.0 is 1000. Dates
become ISO 8601. A cell with an error, a formula whose result is not stored, or a whole number too long to be
held exactly becomes a `FaultyCell`: whoever wants it refuses its row. In the old xls format errors cannot be
told from blank cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING
from xml.parsers.expat import ExpatError
from zipfile import BadZipFile, ZipFile

from rapidfuzz import process

from connectors.archives import check_archive
from connectors.delimited import Record
from connectors.errors import BadInput
from connectors.figures import FloatFigure, plain
from connectors.sheetfaults import find_faults

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

OLE = b"\xd0\xcf\x11\xe0"
ZIP = b"PK\x03\x04"
SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
MIDNIGHT = time()
_MAX_BYTES = 256 << 20
_HELD_EXACTLY = 10**15
_ODS_ERROR = b'calcext:value-type="error"'

Value = str | bool | int | float | date | datetime | object


class FaultyCell(str):
    """A cell without a usable value; the text says why, after `the cell holds`."""

    __slots__ = ()


def is_workbook(path: Path, head: bytes) -> bool:
    """Whether the file is a workbook, by its content: names lie."""
    if head.startswith(OLE):
        return True
    if not head.startswith(ZIP):
        return False
    names = check_archive(path)
    return "[Content_Types].xml" in names or "mimetype" in names


def sheet_names(path: Path) -> list[str]:
    return list(_open(path).sheet_names)


def read_sheet(path: Path, sheet: str | None) -> Iterator[Record]:
    """The rows of the sheet, blank ones included; `BadInput` where there is no such sheet or file."""
    if path.stat().st_size > _MAX_BYTES:
        raise BadInput(f"{path}: a workbook of more than {_MAX_BYTES:,} bytes is not read. Export it as CSV.")
    book = _open(path)
    name = _chosen(path, book.sheet_names, sheet)
    faults = _faults(path, name)
    for number, values in enumerate(book.get_sheet_by_name(name).iter_rows(), 1):
        cells = [
            FaultyCell(faults[number, place]) if (number, place) in faults else _text(value)
            for place, value in enumerate(values, 1)
        ]
        yield Record(number, cells, "\t".join(cells).rstrip("\t"))


def _open(path: Path) -> CalamineWorkbook:
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415  an extra
    except ImportError:
        raise BadInput(
            f"{path}: reading workbooks needs python-calamine. Install Tieline with its extra `xlsx`, "
            "or export the sheet as CSV."
        ) from None
    try:
        return CalamineWorkbook.from_filelike(BytesIO(path.read_bytes()))  # by content: names lie
    except CalamineError as error:
        raise BadInput(
            f"{path}: it looks like a workbook (xlsx, or an old Excel workbook (xls)) and cannot be opened: "
            f"{error}. Remove its password if it has one, or export the sheet as CSV."
        ) from None


def _chosen(path: Path, names: list[str], sheet: str | None) -> str:
    listed = ", ".join(map(repr, names))
    if sheet is None:
        raise BadInput(
            f"{path}: this is a workbook; declare the `sheet` to be read, or export the sheet as CSV. "
            f"Its sheets are {listed}."
        )
    if sheet not in names:
        near = process.extractOne(sheet, names, score_cutoff=60)
        hint = f"the nearest is {near[0]!r}" if near else f"its sheets are {listed}"
        raise BadInput(f"{path}: the workbook has no sheet {sheet!r}; {hint}. Correct `sheet`.")
    return sheet


def _faults(path: Path, sheet: str) -> dict[tuple[int, int], str]:
    with path.open("rb") as stream:
        if stream.read(4) != ZIP:
            return {}
    try:
        with ZipFile(path) as archive:
            if "content.xml" in archive.namelist() and _ODS_ERROR in archive.read("content.xml"):
                raise BadInput(
                    f"{path}: it holds cells with errors (such as #REF!). Mend them and save it anew."
                )
        return find_faults(path, sheet)
    except (BadZipFile, ExpatError) as error:
        raise BadInput(f"{path}: the workbook is damaged: {error}. Save it anew.") from None


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == MIDNIGHT else value.isoformat(" ")
    return value.isoformat() if isinstance(value, date) else str(value)


def _number(value: float) -> str:
    if isfinite(value) and value == int(value) and abs(value) >= _HELD_EXACTLY:
        return FaultyCell("a number of more than 15 digits, which a workbook does not hold exactly")
    return FloatFigure(plain(value)) if isfinite(value) else FaultyCell("no number")
