"""Say what a run found and did, as tables and as a JSON document."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from connectors.finance.money import format_minor
from sync.cli.accounts import show_movements, show_totals
from sync.cli.exchange import read_exchange, show_exchange
from sync.cli.letters import digest_document, digest_lines
from sync.cli.marks import marked_document, marker_document, show_marker_plan
from sync.cli.output import FEW, Output, shortened
from sync.cli.plans import (
    plan_document,
    show_changes,
    show_left_out,
    show_waits,
    show_writes,
    written_document,
)
from sync.cli.rule_lives import first_night_lines, show_open
from sync.cli.session import Session
from sync.figures.findings import Dangling
from sync.frame.result import RunResult
from sync.store import history, requests
from sync.store.runs import sources_of
from sync.store.schema import AnyRow
from sync.waivers.asking import Heard

STATES = ("aligned", "unaligned", "waived", "unknown")


def show_run(output: Output, session: Session, result: RunResult, *, brief: bool = False) -> None:
    """Show sources, money, findings and writes of a run; `brief` leaves out what stays the same."""
    tell_problems(output, result)
    if output.as_json:
        return
    with session.engine.connect() as connection:
        if not brief:
            show_sources(output, sources_of(connection, result.run_id))
            show_totals(output, history.totals_of(connection, result.run_id))
            show_movements(output, history.movements_of(connection, result.run_id))
        show_rules(output, history.findings_by_rule(connection, result.run_id))
        show_coverage(output, history.coverage_of(connection, result.run_id))
        show_exchange(output, read_exchange(connection, result.run_id))
    for problem in problems_of(result):
        output.line(problem, style="red")
    for key in result.judgement.cycles[:FEW]:
        output.line(f"{key}: its parents run in a circle", style="yellow")
    show_dangling(output, result.judgement.dangling)
    for line in first_night_lines(result):
        output.line(line)
    for remark in filter(None, [result.stale, *result.remarks]):
        output.line(remark, style="yellow")
    for line in heard_lines(result.heard):
        output.line(line)
    show_writes(output, result)
    if result.report is not None and not brief:
        output.line(f"Report: {result.report}")
    for line in digest_lines(result.digests):
        output.line(line)
    output.line(f"Run {result.run_id}: {result.status}", style="bold")


def heard_lines(heard: Heard) -> list[str]:
    """Say what people asked for on tickets since the last run, and what became of it."""
    numbers = heard_document(heard)
    said = ", ".join(f"{number} {word}" for word, number in numbers.items() if number)
    return [f"Asked for on tickets: {said}. `tieline waivers requests` lists what is asked."] if said else []


def heard_document(heard: Heard) -> dict[str, int]:
    """Count what was heard: new requests, and those that ended or lapsed, by how."""
    return {"new": len(heard.new), **Counter(turn.standing.value for turn in heard.turns)}


def show_dangling(output: Output, counts: Sequence[Dangling]) -> None:
    """Say how many references lead nowhere, and of which kinds."""
    output.table(
        "References that lead nowhere",
        ["source", "kind", "what is amiss", "number>", "such as"],
        [(it.source, it.how, it.fault, it.number, shortened(it.example)) for it in counts],
    )
    if counts:
        output.line("`tieline dangling` lists them.")


def show_pull(output: Output, session: Session, result: RunResult) -> None:
    """Show how the sources were read."""
    tell_problems(output, result)
    with session.engine.connect() as connection:
        show_sources(output, sources_of(connection, result.run_id))
        show_totals(output, history.totals_of(connection, result.run_id))
        show_movements(output, history.movements_of(connection, result.run_id))
    for problem in problems_of(result):
        output.line(problem, style="red")
    output.line(f"Run {result.run_id}: {result.status}", style="bold")


def problems_of(result: RunResult) -> list[str]:
    """Say what kept sources from being read, rules from being judged and labels from being written."""
    problems = [f"{p.feed.name}: {p.status}: {p.message}" for p in result.pulled if not p.complete]
    read = {pulled.feed.name for pulled in result.pulled}
    problems += [f"{name}: {why}" for name, why in result.incomplete.items() if name not in read]
    reasons: dict[str, list[str]] = {}
    for rule, reason in result.judgement.frozen.items():
        reasons.setdefault(reason, []).append(rule)
    problems += [
        f"Not judged ({reason}): {', '.join(rules)}. What was found before stays as it is."
        for reason, rules in reasons.items()
    ]
    problems += [
        f"Not judged on {site}, which was not read whole: what was found on its work stays as it is."
        for site in result.judgement.dark
    ]
    problems += [f"Stopped before the first write: {problem}" for problem in result.stopped]
    problems += [f"Held back: {problem}" for problem in result.held]
    problems += [result.halted] if result.halted else []
    if result.written is not None:
        problems += [f"{site}: writing stopped: {why}" for site, why in result.written.broken_sites.items()]
    return problems


def tell_problems(output: Output, result: RunResult) -> None:
    """Say the problems on stderr where stdout holds a document."""
    if output.as_json:
        sys.stderr.write("".join(f"{problem}\n" for problem in problems_of(result)))


def show_sources(output: Output, rows: Sequence[AnyRow]) -> None:
    """Show how each source was read, and how those that list ids add up."""
    output.table(
        "Sources",
        ["source", "holds", "records>", "changed>", "quarantined>", "state"],
        [(r.source, r.kind, r.records, r.changed, r.quarantined, r.status) for r in rows],
    )
    proven = [row for row in rows if row.unexplained is not None]
    output.table(
        "Completeness",
        ["source", "read", "listed>", "in the store>", "explained", "unexplained>"],
        [(r.source, r.reading, r.expected, r.seen, explained(r.explained), r.unexplained) for r in proven],
    )


def explained(text: str | None) -> str:
    """Say which classes explain what is not in the store or no longer listed, with their numbers."""
    return ", ".join(f"{number} {name}" for name, number in json.loads(text or "{}").items()) or "-"


def show_rules(output: Output, rows: Sequence[AnyRow]) -> None:
    """Show the findings of each rule; waived ones have a column where there are any."""
    waived = any(row.waived for row in rows)
    output.table(
        "Findings",
        ["rule", "open>", "pending>", "clearing>", *(["waived>"] if waived else []), "new>", "closed>"],
        [
            (r.rule, r.open, r.pending, r.clearing, *([r.waived] if waived else []), r.opened, r.closed)
            for r in rows
        ],
    )


def show_coverage(output: Output, rows: Sequence[AnyRow]) -> None:
    """Show work and money by state, one table for each currency; states that hold nothing are left out."""
    groups: dict[tuple[str, int, str], dict[str, AnyRow]] = {}
    for row in rows:
        groups.setdefault((row.currency, row.fiscal_year, row.version), {})[row.state] = row
    work = groups.pop(("", 0, ""), {})
    if work:
        counts = {state: int(work[state].items) if state in work else 0 for state in STATES}
        shown = shown_states([counts])
        output.table(
            "Coverage of work",
            ["", *(f"{state}>" for state in shown), "total>", "% aligned>"],
            [("work items", *(counts[state] for state in shown), sum(counts.values()), share(counts))],
        )
    for currency in dict.fromkeys(currency for currency, _, _ in groups):
        show_money(output, currency, {key[1:]: group for key, group in groups.items() if key[0] == currency})


def show_money(output: Output, currency: str, groups: Mapping[tuple[int, str], Mapping[str, AnyRow]]) -> None:
    """Show the money of one currency by state."""
    amounts = {
        f"{version} {year}": {s: int(group[s].amount_minor) if s in group else 0 for s in STATES}
        for (year, version), group in groups.items()
    }
    shown = shown_states(amounts.values())
    output.table(
        f"Coverage of money in {currency}",
        ["", *(f"{state}>" for state in shown), "total>", "% aligned>"],
        [
            (
                title,
                *(format_minor(group[state], currency) for state in shown),
                format_minor(sum(group.values()), currency),
                share(group),
            )
            for title, group in amounts.items()
        ],
    )


def shown_states(groups: Iterable[Mapping[str, int]]) -> list[str]:
    """Give the states worth a column: aligned and unaligned always, the others where they hold anything."""
    every = list(groups)
    return [s for s in STATES if s in {"aligned", "unaligned"} or any(group[s] for group in every)]


def share(amounts: Mapping[str, int]) -> str:
    """Give the aligned share in tenths of a percent, rounded down: never better than it is."""
    total = sum(amounts.values())
    if total <= 0:
        return "-"
    if amounts["unknown"] == total:
        return "unknown"
    tenths = amounts["aligned"] * 1000 // total
    return f"{tenths // 10}.{tenths % 10}"


def show_plan(output: Output, result: RunResult) -> None:
    """Show the plan."""
    tell_problems(output, result)
    show_changes(output, "Plan", result.plan)
    show_marker_plan(output, result.markers)
    show_left_out(output, result.plan)
    show_waits(output, result)
    for line in first_night_lines(result):
        output.line(line)
    for problem in problems_of(result):
        output.line(problem, style="red")


def show_findings(output: Output, session: Session, result: RunResult) -> None:
    """Show every finding that is not closed."""
    tell_problems(output, result)
    with session.engine.connect() as connection:
        rows = history.open_findings(connection)
        counts = history.findings_by_rule(connection, result.run_id)
    show_open(output, rows, result.started_at)
    show_rules(output, counts)
    if not rows:
        output.line("No findings.")
    for problem in problems_of(result):
        output.line(problem, style="red")


def run_document(session: Session, result: RunResult, *, findings: bool = False) -> dict[str, Any]:
    """Give everything about a run as plain values; money in integer minor units."""
    with session.engine.connect() as connection:
        document: dict[str, Any] = {
            "run": result.run_id,
            "status": result.status,
            "exit_code": int(result.exit_code),
            "dry_run": result.dry_run,
            "sources": [source_document(row) for row in sources_of(connection, result.run_id)],
            "control_totals": [mapped(row) for row in history.totals_of(connection, result.run_id)],
            "reconciliation": [mapped(row) for row in history.movements_of(connection, result.run_id)],
            "rules": [mapped(row) for row in history.findings_by_rule(connection, result.run_id)],
            "frozen": dict(result.judgement.frozen),
            "not_judged_sites": list(result.judgement.dark),
            "cycles": list(result.judgement.cycles),
            "dangling": [asdict(it) for it in result.judgement.dangling],
            "coverage": [mapped(row) for row in history.coverage_of(connection, result.run_id)],
            "first_nights": [asdict(night) for night in result.first_nights],
            "waiver_remarks": result.remarks,
            "heard": heard_document(result.heard),
            "requests": [asdict(requests.facts_of(row)) for row in requests.requests(connection)],
            "plan": plan_document(result.plan),
            "not_in_ledger": [
                {"key": on.ticket.issue_key, "label": on.label, "rule": on.rule}
                for on in result.plan.strangers
            ],
            "stopped": result.stopped,
            "held": result.held,
            "waits": result.waits,
            "stale_rules": result.stale,
            "problems": problems_of(result),
            "written": written_document(result),
            "markers_planned": marker_document(result.markers),
            "markers_written": marked_document(result.marked),
            "report": result.report,
            "digests": digest_document(result.digests),
        }
        if findings:
            document["findings"] = [mapped(row) for row in history.open_findings(connection)]
    return document


def mapped(row: AnyRow) -> dict[str, Any]:
    """Give a row as a mapping."""
    return dict(row._mapping)  # noqa: SLF001 - the public way to name a row's columns in SQLAlchemy


def source_document(row: AnyRow) -> dict[str, Any]:
    """Give how a source was read as plain values; its bookmark is the source's own affair."""
    said = mapped(row) | {"explained": None if row.explained is None else json.loads(row.explained)}
    said.pop("bookmark")
    return said
