"""Write the report of a run: a page for people, and the same numbers as JSON and CSV."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from sync.errors import ConfigurationError
from sync.figures.run import Figures
from sync.frame.milestones import Milestone, reach
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
# Seconds after which nobody is still writing a file.
ABANDONED = 3600.0


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
    put_in_place(folder, {**dict(zip(FILES, beside, strict=True)), PAGE: page(figures, zone, version())})
    return folder / PAGE


def put_in_place(folder: Path, contents: Mapping[str, str]) -> None:
    """Write files into a folder, each of them whole, and clear away what a killed run left half written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(".*.part"):
            if part.stat().st_mtime < time.time() - ABANDONED:
                part.unlink(missing_ok=True)
        for name, text in contents.items():
            replace_file(folder / name, text)
    except OSError as error:
        raise ConfigurationError(
            f"The report cannot be written to {folder}: {error.strerror}. "
            "Name a folder that can be written in TIELINE_REPORT_DIR or with --out."
        ) from None


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
        reach(Milestone.REPORT_FILE_WRITTEN)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def version() -> str:
    """Give the version that is installed, if this code was installed at all."""
    try:
        return installed_version("tieline")
    except PackageNotFoundError:
        return "from a source tree"
