"""Write the report of a run: a page for people, and the same numbers as JSON and CSV."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from sync.errors import ConfigurationError
from sync.figures import Figures
from sync.report.document import document, to_json
from sync.report.leftovers import converted_csv, unfunded_csv, unmatched_csv
from sync.report.page import page
from sync.report.spreadsheets import coverage_csv, findings_csv, objectives_csv, unaligned_csv
from sync.store.figures import read_figures

__all__ = ["FILES", "PAGE", "Figures", "document", "figures_of", "page", "version", "write_report"]

PAGE = "index.html"
# What is written beside the page.
FILES = (
    "report.json",
    "coverage.csv",
    "objectives.csv",
    "unaligned.csv",
    "findings.csv",
    "unmatched-money.csv",
    "unfunded-work.csv",
    "converted.csv",
)


def write_report(
    engine: Engine,
    run_id: int,
    folder: Path,
    *,
    zone: ZoneInfo,
    currency: str,
    fiscal_year: int | None,
) -> Path:
    """Write the report of a run into a folder and give the path of its page.

    The report is a function of the store: written again, it is the same, byte for byte. Raises
    `ConfigurationError` for a run without figures and for a folder that cannot be written.
    """
    figures = figures_of(engine, run_id, zone=zone, currency=currency, fiscal_year=fiscal_year)
    beside = (
        to_json(figures),
        coverage_csv(figures),
        objectives_csv(figures),
        unaligned_csv(figures),
        findings_csv(figures, zone),
        unmatched_csv(figures),
        unfunded_csv(figures),
        converted_csv(figures),
    )
    contents = {**dict(zip(FILES, beside, strict=True)), PAGE: page(figures, zone, version())}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in contents.items():
            replace_file(folder / name, text)
    except OSError as error:
        raise ConfigurationError(
            f"The report cannot be written to {folder}: {error.strerror}. "
            "Name a folder that can be written in TIELINE_REPORT_DIR or with --out."
        ) from None
    return folder / PAGE


def figures_of(
    engine: Engine, run_id: int, *, zone: ZoneInfo, currency: str, fiscal_year: int | None
) -> Figures:
    """Read the figures of a run from one snapshot of the store."""
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        return read_figures(connection, run_id, zone=zone, currency=currency, fiscal_year=fiscal_year)


def replace_file(path: Path, text: str) -> None:
    """Put a file in place whole: a reader sees the old one or the new one, never a part."""
    # Spreadsheets take a file for UTF-8 only where it says so with a byte order mark.
    encoding = "utf-8-sig" if path.suffix == ".csv" else "utf-8"
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(text.encode(encoding))
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def version() -> str:
    """Give the version that is installed, if this code was installed at all."""
    try:
        return installed_version("tieline")
    except PackageNotFoundError:
        return "from a source tree"
