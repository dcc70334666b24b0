"""Show one run of the past in full: how it ended, what it read and asked, how long it took, what it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from sync.cli.accounts import show_movements, show_totals
from sync.cli.output import Output, shortened
from sync.cli.summary import mapped, show_coverage, show_sources, source_document
from sync.config.durations import spoken
from sync.store import history, traces
from sync.store.runs import sources_of
from sync.store.schema import AnyRow
from sync.upkeep.clearing import forgotten


def show_past_run(output: Output, connection: Connection, row: AnyRow, name: str) -> None:
    """Show a run that was asked for by the command of this name."""
    sources, gone = sources_of(connection, row.id), forgotten(connection, row.id)
    totals, moved = history.totals_of(connection, row.id), history.movements_of(connection, row.id)
    coverage, writes = history.coverage_of(connection, row.id), history.write_counts(connection, row.id)
    steps, asked = traces.steps_of(connection, row.id), traces.requests_of(connection, row.id)
    output.line(
        f"Run {row.id} ({name}) at {row.started_at:%Y-%m-%d %H:%M} UTC: {row.status}{lasted(row)}",
        style="bold",
    )
    if row.message:
        output.line(row.message)
    if gone:
        output.line(f"Of this run, {gone}", style="yellow")
    show_sources(output, sources)
    show_why_incomplete(output, sources)
    show_steps(output, steps)
    show_requests(output, asked)
    show_totals(output, totals)
    show_movements(output, moved)
    show_coverage(output, coverage)
    output.table("Label writes", ["", "state", "number>"], [(*k, v) for k, v in sorted(writes.items())])
    figures = {
        "steps": steps,
        "requests": asked,
        "control_totals": totals,
        "reconciliation": moved,
        "balance": history.balance_of(connection, row.id),
        "coverage": coverage,
    }
    output.document(
        mapped(row)
        | {name: [mapped(r) for r in found] for name, found in figures.items()}
        | {
            "sources": [source_document(r) for r in sources],
            "writes": [{"operation": k[0], "state": k[1], "number": v} for k, v in sorted(writes.items())],
        }
    )


def lasted(row: AnyRow) -> str:
    """Say how long a run took, where it came to an end."""
    ended: datetime | None = row.finished_at
    return "" if ended is None else f" after {spoken(ended - row.started_at)}"


def show_why_incomplete(output: Output, sources: Sequence[AnyRow]) -> None:
    """Say of each source that was not read whole why."""
    output.table(
        "Not read whole",
        ["source", "state", "why"],
        [(r.source, r.status, shortened(r.message, 300)) for r in sources if r.status != "complete"],
    )


def show_steps(output: Output, steps: Sequence[AnyRow]) -> None:
    """Show how long each step took."""
    output.table(
        "Steps",
        ["step", "records>", "seconds>"],
        [(r.step, r.records or "", f"{r.milliseconds / 1000:.1f}") for r in steps],
    )


def show_requests(output: Output, asked: Sequence[AnyRow]) -> None:
    """Show what was asked of each site, and what it answered."""
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in asked:
        counts = rows.setdefault((row.site, row.method, row.endpoint), {"number": 0, "answers": []})
        counts["number"] += row.number
        counts["answers"].append(f"{row.status or 'no answer'}: {row.number}")
    output.table(
        "Requests",
        ["site", "method", "endpoint", "number>", "answers"],
        [(*what, counts["number"], ", ".join(counts["answers"])) for what, counts in rows.items()],
    )
