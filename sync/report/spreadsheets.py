"""Turn figures into CSV files that a spreadsheet opens without running anything in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sync.figures.coverage import Project, Split
from sync.figures.findings import age
from sync.figures.run import Figures
from sync.report.wording import plain_amount, visible

STANDINGS = ("aligned", "unaligned", "waived", "unknown", "total")

# What a spreadsheet takes for the start of a formula, also in full width.
FORMULA_STARTS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")

Cell = str | int | None


def neutral(text: str) -> str:
    """Give a text from outside as a cell that stays text."""
    shown = visible(text)
    return f"'{shown}" if text.startswith(FORMULA_STARTS) or shown.startswith(FORMULA_STARTS) else shown


def to_csv(heading: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Write a table; texts must be neutral already, amounts are plain numbers."""
    target = io.StringIO(newline="")
    writer = csv.writer(target)
    writer.writerow(heading)
    writer.writerows(rows)
    return target.getvalue()


def coverage_csv(figures: Figures) -> str:
    """Write the figures of the whole portfolio and of each project: work first, then money by series."""
    whole = Project("", "", figures.work, figures.slices)
    rows: list[Sequence[Cell]] = []
    for level, project in (("portfolio", whole), *(("project", it) for it in figures.projects)):
        name = (level, neutral(project.key), neutral(project.name))
        rows.append((*name, "", "", "", *[""] * len(STANDINGS), *parts(project.work)))
        for part in project.slices:
            currency = part.series.currency
            amounts = (plain_amount(number, currency) for number in parts(part.money))
            series = (currency, part.series.fiscal_year, part.series.version)
            rows.append((*name, *series, *amounts, *parts(part.items)))
    heading = ["level", "project", "project_name", "currency", "fiscal_year", "version"]
    return to_csv([*heading, *STANDINGS, *(f"{standing}_items" for standing in STANDINGS)], rows)


def parts(split: Split) -> list[int]:
    """Give a split part by part, and its total."""
    return [split.aligned, split.unaligned, split.waived, split.unknown, split.total]


def objectives_csv(figures: Figures) -> str:
    """Write the money that falls to each objective, and to none; all rows add up to all money."""
    rows: Iterable[Sequence[Cell]] = (
        (
            *(neutral(text) for text in (it.id, it.title, it.owner)),
            "" if it.target_share is None else f"{it.target_share // 100}.{it.target_share % 100:02}",
            *(series.currency, series.fiscal_year, series.version),
            *(plain_amount(number, series.currency) for number in parts(whole)),
        )
        for it in figures.purposes
        for series, whole in sorted(it.amounts.items())
    )
    heading = ["objective", "title", "owner", "target_percent", "currency", "fiscal_year", "version"]
    return to_csv([*heading, *STANDINGS], rows)


def unaligned_csv(figures: Figures) -> str:
    """Write every unaligned work item, with its money of the headline series."""
    series = figures.headline.series
    money = (series.currency, series.fiscal_year, series.version) if series else ("", "", "")
    heading = ["key", "summary", "project", "project_name", "status", "amount"]
    rows = (
        (
            *(neutral(text) for text in (it.key, it.summary, it.project_key, it.project_name, it.status)),
            plain_amount(it.amount_minor, series.currency) if series else "",
            *money,
            neutral(" ".join(it.findings)),
            neutral(it.url),
        )
        for it in figures.detail.unaligned
    )
    return to_csv([*heading, "currency", "fiscal_year", "version", "findings", "url"], rows)


def findings_csv(figures: Figures, zone: ZoneInfo) -> str:
    """Write every finding that is not closed."""
    heading = ["rule", "severity", "about", "subject", "title", "state", "since", "opened", "label"]
    rows = (
        (
            *(neutral(text) for text in (it.rule, it.severity, it.entity, it.subject, it.title, it.state)),
            iso(it.since, zone),
            iso(it.opened_at, zone),
            neutral(it.label or ""),
            neutral(it.evidence),
            neutral(it.url),
            neutral(it.owner),
            neutral(it.rule_owner),
            str(age(it.since, figures.run.started_at)),
            "" if it.waived_until is None else it.waived_until.isoformat(),
            neutral(it.waiver),
        )
        for it in figures.detail.findings
    )
    more = ["evidence", "url", "owner", "rule_owner", "days", "waived_until", "waiver"]
    return to_csv([*heading, *more], rows)


def iso(at: datetime | None, zone: ZoneInfo) -> str:
    """Give a moment with its offset."""
    return "" if at is None else at.astimezone(zone).isoformat(timespec="seconds")
