"""Say what a run found and did, as tables and as a JSON document."""

from __future__ import annotations

from typing import Any

from connectors.finance.money import format_minor
from sync.cli.output import Output
from sync.cli.session import Session
from sync.night import RunResult
from sync.store import history
from sync.store.runs import sources_of
from sync.store.schema import AnyRow

FEW = 20
MARK = {"add": "+", "remove": "-"}


def show_run(output: Output, session: Session, result: RunResult) -> None:
    """Show sources, findings, money and writes of a run."""
    if output.as_json:
        return
    with session.engine.connect() as connection:
        show_sources(output, sources_of(connection, result.run_id))
        show_totals(output, history.totals_of(connection, result.run_id))
        show_rules(output, history.findings_by_rule(connection, result.run_id), result)
        show_coverage(output, history.coverage_of(connection, result.run_id))
    show_problems(output, result)
    show_writes(output, result)
    if result.report is not None:
        output.line(f"Report: {result.report}")
    output.line(f"Run {result.run_id}: {result.status}")


def show_sources(output: Output, rows: Any) -> None:
    """Show how each source was read."""
    if rows:
        output.table(
            "Sources",
            ["source", "holds", "records>", "changed>", "quarantined>", "state"],
            [(r.source, r.kind, r.records, r.changed, r.quarantined, r.status) for r in rows],
        )


def show_totals(output: Output, rows: Any) -> None:
    """Show the control totals."""
    if rows:
        output.table(
            "Control totals",
            ["source", "year>", "version", "the file's own sum>", "accepted>", "refused>", "difference>"],
            [
                (
                    row.source,
                    row.fiscal_year,
                    row.version,
                    money(row.stated_minor, row.currency),
                    money(row.accepted_minor, row.currency),
                    money(row.refused_minor, row.currency),
                    money(row.stated_minor - row.accepted_minor - row.refused_minor, row.currency),
                )
                for row in rows
            ],
        )


def show_rules(output: Output, rows: Any, result: RunResult) -> None:
    """Show the findings of each rule."""
    if rows:
        output.table(
            "Findings",
            ["rule", "open>", "pending>", "clearing>", "new>", "closed>", ""],
            [
                (r.rule, r.open, r.pending, r.clearing, r.opened, r.closed, frozen(r.rule, result))
                for r in rows
            ],
        )


def frozen(rule: str, result: RunResult) -> str:
    """Say why a rule was frozen, if it was."""
    reason = result.judgement.frozen.get(rule)
    return f"frozen: {reason}" if reason else ""


def show_coverage(output: Output, rows: Any) -> None:
    """Show money and work by state."""
    if not rows:
        return
    groups: dict[tuple[str, int, str], dict[str, AnyRow]] = {}
    for row in rows:
        groups.setdefault((row.currency, row.fiscal_year, row.version), {})[row.state] = row
    work = groups.pop(("", 0, ""), {})
    states = ("aligned", "unaligned", "waived", "unknown")
    output.table(
        "Coverage",
        ["", *(f"{state}>" for state in states), "total>", "aligned share>"],
        [
            ("work items", *figures(work, "items", None), ""),
            *(
                (f"{version} {year}", *figures(group, "amount_minor", currency), share(group))
                for (currency, year, version), group in groups.items()
            ),
        ],
    )


def figures(group: dict[str, AnyRow], column: str, currency: str | None) -> list[str]:
    """Give the figure of each state, and their sum."""
    values = [
        int(getattr(group[state], column)) if state in group else 0
        for state in ("aligned", "unaligned", "waived", "unknown")
    ]
    values.append(sum(values))
    return [str(value) if currency is None else money(value, currency) for value in values]


def share(group: dict[str, AnyRow]) -> str:
    """Give the aligned share in tenths of a percent, rounded down: never better than it is."""
    total = sum(int(row.amount_minor) for row in group.values())
    aligned = int(group["aligned"].amount_minor) if "aligned" in group else 0
    if total <= 0:
        return "-"
    tenths = aligned * 1000 // total
    return f"{tenths // 10}.{tenths % 10} %"


def money(minor: int, currency: str) -> str:
    """Show an amount."""
    return f"{format_minor(minor, currency)} {currency}"


def show_problems(output: Output, result: RunResult) -> None:
    """Say what kept a source from being read whole, and what stopped the plan."""
    for pulled in result.pulled:
        if not pulled.complete:
            output.line(f"{pulled.feed.name}: {pulled.status}: {pulled.message}", style="red")
    for key in result.judgement.cycles[:FEW]:
        output.line(f"{key}: its parents run in a circle", style="yellow")
    for problem in result.stopped:
        output.line(f"Stopped before the first write: {problem}", style="red")


def show_writes(output: Output, result: RunResult) -> None:
    """Say what was written to Jira."""
    written = result.written
    if written is None:
        pending = len(result.plan.changes)
        output.line(f"Label changes planned: {pending}; none was written.")
        return
    output.line(f"Labels written: {written.added} added, {written.removed} removed.")
    if written.notified:
        output.line(f"On {written.notified} tickets Jira may have mailed the watchers: see `tieline doctor`.")
    for site, reason in written.broken_sites.items():
        output.line(f"{site}: writing stopped: {reason}", style="red")
    for parked in written.parked[:FEW]:
        output.line(f"{parked.ticket.issue_key}: refused by Jira: {parked.reason}", style="yellow")
    if len(written.parked) > FEW:
        output.line(f"… and {len(written.parked) - FEW} more refused; `tieline runs show` lists all.")


def show_plan(output: Output, result: RunResult) -> None:
    """Show the plan."""
    if not result.plan:
        output.line("Nothing to change.")
    else:
        output.table(
            "Plan",
            ["", "ticket", "label", "because of"],
            [(MARK[c.operation], c.ticket.issue_key, c.label, c.rule) for c in result.plan.changes],
        )
        output.line(f"{result.plan.count('add')} to add, {result.plan.count('remove')} to remove.")
    for problem in result.stopped:
        output.line(f"The guard would stop this: {problem}", style="red")


def show_findings(output: Output, session: Session, result: RunResult) -> None:
    """Show every finding that is not closed."""
    with session.engine.connect() as connection:
        rows = history.open_findings(connection)
        counts = history.findings_by_rule(connection, result.run_id)
    output.table(
        "Open findings",
        ["rule", "on", "title", "state", "since"],
        [(r.rule, r.subject, shortened(r.title), r.state, f"{r.since:%Y-%m-%d}") for r in rows],
    )
    show_rules(output, counts, result)


def shortened(text: str | None, most: int = 60) -> str:
    """Cut a long text."""
    text = text or ""
    return text if len(text) <= most else text[: most - 1] + "…"


def run_document(session: Session, result: RunResult, *, findings: bool = False) -> dict[str, Any]:
    """Give everything about a run as plain values; money in integer minor units."""
    with session.engine.connect() as connection:
        document: dict[str, Any] = {
            "run": result.run_id,
            "status": result.status,
            "exit_code": int(result.exit_code),
            "dry_run": result.dry_run,
            "sources": [mapped(row) for row in sources_of(connection, result.run_id)],
            "control_totals": [mapped(row) for row in history.totals_of(connection, result.run_id)],
            "rules": [mapped(row) for row in history.findings_by_rule(connection, result.run_id)],
            "frozen": dict(result.judgement.frozen),
            "cycles": list(result.judgement.cycles),
            "coverage": [mapped(row) for row in history.coverage_of(connection, result.run_id)],
            "plan": {"add": result.plan.count("add"), "remove": result.plan.count("remove")},
            "stopped": result.stopped,
            "written": written_document(result),
            "report": result.report,
        }
        if findings:
            document["findings"] = [mapped(row) for row in history.open_findings(connection)]
    return document


def mapped(row: AnyRow) -> dict[str, Any]:
    """Give a row as a mapping."""
    return dict(row._mapping)  # noqa: SLF001 - the public way to name a row's columns in SQLAlchemy


def written_document(result: RunResult) -> dict[str, Any] | None:
    """Give what was written as plain values."""
    if result.written is None:
        return None
    return {
        "added": result.written.added,
        "removed": result.written.removed,
        "dropped": result.written.dropped,
        "notified": result.written.notified,
        "parked": [{"key": p.ticket.issue_key, "reason": p.reason} for p in result.written.parked],
    }
