"""Turn the full US IT Dashboard export into the sample portfolio that ships: same form, fewer columns.

Run `python -m tests.connectors.finance.sample_projection BUSINESSCASES.csv OBJECTIVES.csv TARGET_FOLDER`.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

INVESTMENT_COLUMNS = (
    "Unique Investment Identifier",
    "Agency Code",
    "Agency Name",
    "Investment Title (IT Portfolio)",
    "Agency Strategic Objectives / Agency Priority Goals",
    "Funding PY ($ M)",
    "Funding CY ($ M)",
    "Funding BY ($ M)",
    "Investment Start Year",
    "Investment End Year",
    "Budget Year",
    "Date Investment First Submitted",
    "Date of Last Investment Detail Update",
)
OBJECTIVE_COLUMNS = ("agency_code", "agency_name", "objective_id", "objective_title")


def project_investments(source: Path) -> bytes:
    """Quoted as the export quotes, wherever a cell holds a space; and with its byte order mark."""
    return b"\xef\xbb\xbf" + _project(source, INVESTMENT_COLUMNS, quoted=' \t\r\n",')


def project_objectives(source: Path) -> bytes:
    return _project(source, OBJECTIVE_COLUMNS, quoted='\r\n",')


def _project(source: Path, columns: tuple[str, ...], quoted: str) -> bytes:
    with source.open(encoding="utf-8-sig", newline="") as stream:
        rows = [columns, *(tuple(row[column] for column in columns) for row in csv.DictReader(stream))]
    return "".join(",".join(_cell(text, quoted) for text in row) + "\n" for row in rows).encode()


def _cell(text: str, quoted: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in quoted) else text


def main(investments: str, objectives: str, target: str) -> None:
    folder = Path(target)
    (folder / "investments.csv").write_bytes(project_investments(Path(investments)))
    (folder / "objectives.csv").write_bytes(project_objectives(Path(objectives)))


if __name__ == "__main__":
    main(*sys.argv[1:])
