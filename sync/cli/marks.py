"""Say what tickets are told beside their labels: planned, written, and left out with the reason."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any

from sync.cli.markdown import text as md
from sync.cli.output import FEW, Output, counted
from sync.frame.result import RunResult
from sync.labels.markers import PUT, MarkerChange, MarkerPlan
from sync.labels.marking import MarkersWritten


def rows_of(changes: Iterable[MarkerChange]) -> list[tuple[str, str, str]]:
    """Give one row for each ticket: its key, what is put and removed, and what it is told."""
    rows = []
    for ticket, group in groupby(changes, key=attrgetter("ticket")):
        grouped = list(group)
        signs = " ".join(f"{'+' if one.operation == PUT else '-'}{one.marker}" for one in grouped)
        rows.append((ticket.issue_key, signs, next((one.says for one in grouped if one.says), "")))
    return rows


def summary(plan: MarkerPlan) -> str:
    """Give the size of a plan in a sentence."""
    put = counted(plan.count(PUT), "marker")
    return f"{put} to write beside the labels, {plan.count('remove')} to remove"


def show_marker_plan(output: Output, plan: MarkerPlan) -> None:
    """Show what tickets are to be told, and what waits for a later night."""
    output.table("Beside the labels", ["ticket", "markers", "says"], rows_of(plan.changes))
    if plan.changes:
        output.line(f"{summary(plan)}.")
    show_left(output, plan)


def show_left(output: Output, plan: MarkerPlan) -> None:
    """Say which markers are not written tonight."""
    if plan.left:
        output.line(f"{counted(plan.left, 'marker')} left to the next nights (TIELINE_MAX_MARKERS).")
    if plan.postponed:
        output.line(
            f"{counted(plan.postponed, 'marker')} refused by Jira on earlier nights, and tried again on a "
            "later one (now: --retry)."
        )


def markers_markdown(plan: MarkerPlan) -> str:
    """Give what tickets are to be told as Markdown; nothing where that is nothing."""
    if not plan.changes:
        return ""
    rows = [f"| {md(key)} | {md(signs)} | {md(says)} |" for key, signs, says in rows_of(plan.changes)]
    head = ["", "", f"**{summary(plan)}**", "", "| ticket | markers | says |", "|---|---|---|"]
    return "\n".join([*head, *rows])


def show_marked(output: Output, result: RunResult) -> None:
    """Say what became of the markers."""
    marked = result.marked
    if marked is None:
        return
    output.line(f"Beside the labels: {counted(marked.put, 'marker')} written, {marked.removed} removed.")
    for change, reason in marked.parked[:FEW]:
        output.line(f"{change.ticket.issue_key}: {change.marker} refused by Jira: {reason}", style="yellow")
    if len(marked.parked) > FEW:
        output.line(f"… and {len(marked.parked) - FEW} more refused; `run --json` lists all.")
    if marked.dropped or marked.open:
        output.line(f"{marked.dropped} not sent and {marked.open} not answered; the next run settles them.")
    for site, problem in marked.broken_sites.items():
        output.line(f"{site}: no more markers were written: {problem}", style="yellow")
    show_left(output, result.markers)


def marker_document(plan: MarkerPlan) -> dict[str, Any]:
    """Give the size of a plan as plain values."""
    return {
        "put": plan.count(PUT),
        "remove": plan.count("remove"),
        "left": plan.left,
        "postponed": plan.postponed,
    }


def marked_document(marked: MarkersWritten | None) -> dict[str, Any] | None:
    """Give what was written as plain values."""
    if marked is None:
        return None
    return {
        "put": marked.put,
        "removed": marked.removed,
        "left": marked.left,
        "open": marked.open,
        "dropped": marked.dropped,
        "broken_sites": dict(marked.broken_sites),
        "parked": [
            {"key": change.ticket.issue_key, "marker": change.marker.value, "reason": reason}
            for change, reason in marked.parked
        ],
    }
