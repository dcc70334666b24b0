"""Workbooks made in the test, byte by byte as far as it matters, without a library that writes them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

_NAMES = "http://schemas.openxmlformats.org"
_MAIN = f"{_NAMES}/spreadsheetml/2006/main"
_RELATIONS = f"{_NAMES}/package/2006/relationships"
_DOCUMENT = f"{_NAMES}/officeDocument/2006/relationships"
_TYPES = (
    f'<Types xmlns="{_NAMES}/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)
_ODS = "urn:oasis:names:tc:opendocument:xmlns"

# Sheet "Plan": a title, the header P Unit Sum, and the rows A 42 1234.5, B 7 0.1 + 0.2, C '0042' -3.
OLD_XLS = (
    "eNrtWE1oE1EQ/t5m82uaJjUVWiGEglVrD2ktKEIbG9GeLFERRQRNTZDSmEpID3rQag14EQRPipdCL3qoevEHFfTmQajoQRAK"
    "iR57ElQ8tFlnJrvYaA4NaNGy3/Jm582bmTf73ry3b/fNXKg0/aC9jF8wAAcqhheuZTJFxWtVgqB2w2DWunuoGDb+K3g9NJEu"
    "J542vXbzHPJ8l6Hhvv6SKPCRynGcxfB4LhNdRSQkhpTiGPqJKtwmSQBtElWL0FNC1wu9J5rPhO4WyTWh/aRbUscwFx/u2mlm"
    "8VGtQ9oCYL+PxOaDSHrQilecxRevq6quE4P50VT232yI6H7MgOZtKJPL5FPZEsI0gTP4akSBL9ZKfRG15asrVyD591q5u478"
    "hqYDkzBOSoIX4ce8g1t0JLOp3CJ2yZbKZR2QmEifzhSivbGeHZQFSbI8nBstkP6hiTMkGKSSoLKHGmKxvl4fb9ayuIM1i7tJ"
    "kt5PNI1m4UOS+kHqZ/HO57f7R5LxEyKZlJ6r2/4mjhQGLrEFGQekxSmUQ+4Si21CL4vXjcK3Cw2TJt07k60ms29KdK5Iayf1"
    "s13wLr55Gb+F+OLCgceR4qf4VuJnh8rnw7Pv49PooNdQmuz5mkK36la3bjKexK27MreIeaFtv20XHi1oPpthvtuasQSfsCGh"
    "rKHk6Wo1lGgwrdas8avWNKo5TGutjrUm1jyWzyVCtr4rsoWrbqqznaOOnUN0eLwvaFxjuwjr0Uw4pNc+c9TYg17Hgy4eXGak"
    "unhwm/508fCNXgcDWgsecpC0if6EDzZs2LBhw4YNGzbWCPggq5mHeN080vMh0W3+11miUrF/k6xZHMQ4XQX6MN2LHN3zONdQ"
    "/myAU1m+1AptrP+FjCPUex5jGJE4xhrOX/qIUsufZ8WGwT+3hBrtv9JInH+5/x+G1dam"
)


def write_old_xls(path: Path) -> Path:
    path.write_bytes(zlib.decompress(base64.b64decode("".join(OLD_XLS))))
    return path


def text(words: str) -> str:
    return f't="inlineStr"><is><t>{words}</t></is>'


def number(digits: object) -> str:
    return f"><v>{digits}</v>"


def day(serial: int) -> str:
    return f' s="1"><v>{serial}</v>'


def row(line: int, *cells: str) -> str:
    """A row of cells made by the functions above; '' is no cell at all."""
    found = "".join(f'<c r="{chr(65 + place)}{line}" {cell}</c>' for place, cell in enumerate(cells) if cell)
    return f'<row r="{line}">{found}</row>'


def write_xlsx(path: Path, rows: Sequence[str], sheets: Sequence[str] = ("Notes", "Plan")) -> Path:
    """A workbook whose last sheet holds the rows."""
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1)
    )
    targets = "".join(
        f'<Relationship Id="rId{n}" Type="{_DOCUMENT}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_RELATIONS}"><Relationship Id="rId1" Type="{_DOCUMENT}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_DOCUMENT}"><sheets>{listed}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_RELATIONS}">{targets}</Relationships>'
        )
        archive.writestr(
            "xl/styles.xml",
            f'<styleSheet xmlns="{_MAIN}"><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs>'
            "</styleSheet>",
        )
        for n in range(1, len(sheets) + 1):
            data = "".join(rows) if n == len(sheets) else ""
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f'<worksheet xmlns="{_MAIN}"><sheetData>{data}</sheetData></worksheet>',
            )
    return path


def write_ods(path: Path, cells: Sequence[Sequence[str]]) -> Path:
    """An OpenDocument sheet "Plan" of cells given as the attributes and text of a table cell."""
    rows = "".join(
        "<table:table-row>"
        + "".join(f"<table:table-cell {cell}</table:table-cell>" for cell in cells_of)
        + "</table:table-row>"
        for cells_of in cells
    )
    with ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{_ODS}:manifest:1.0"/>',
        )
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{_ODS}:office:1.0" xmlns:table="{_ODS}:table:1.0" '
            f'xmlns:text="{_ODS}:text:1.0" xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:'
            f'xmlns:calcext:1.0"><office:body><office:spreadsheet><table:table table:name="Plan">{rows}'
            "</table:table></office:spreadsheet></office:body></office:document-content>",
        )
    return path
