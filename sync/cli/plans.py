"""Say what a run would write, what it wrote, and what it left as it is and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync.cli.markdown import text as md
from sync.cli.marks import show_marked, show_marker_plan, summary
from sync.cli.output import FEW, Output, counted, few
from sync.frame.result import RunResult
from sync.labels.plan import Change, LabelOn, Plan
from sync.labels.undo import Undoing

MARK = {"add": "+", "remove": "-"}


def show_changes(output: Output, title: str, plan: Plan) -> None:
    """Show the changes of a plan."""
    if not plan:
        output.line("Nothing to change.")
        return
    output.table(
        title,
        ["", "ticket", "label", "because of"],
        [(MARK[c.operation], c.ticket.issue_key, c.label, c.rule) for c in plan.changes],
    )
    output.line(f"{plan.count('add')} to add, {plan.count('remove')} to remove.")


def show_left_out(output: Output, plan: Plan) -> None:
    """Say what is not written though a rule wants it: what people object to, and what Jira refused before."""
    if plan.disputed:
        output.line(
            f"Not put on again, because people took it off twice: {named(plan.disputed)}. Ask them why, and "
            "waive the finding or mend the rule.",
            style="yellow",
        )
    if plan.postponed:
        output.line(
            f"Refused by Jira on earlier nights, and tried again on a later one (now: --retry): "
            f"{named(plan.postponed)}.",
            style="yellow",
        )


def stranger_lines(strangers: Sequence[LabelOn]) -> list[str]:
    """Say which labels of our prefix are not in our ledger, and what to do if we put them there after all."""
    forged = [on for on in strangers if not on.rule]
    wanted = len(strangers) - len(forged)
    lines = []
    if forged:
        names = few([f"{on.label} on {on.ticket.issue_key}" for on in forged])
        lines.append(
            f"With our prefix, and put on by people, so left alone: {names}. `tieline drift` lists them."
        )
    if wanted:
        lines.append(
            f"{counted(wanted, 'label')} of ours by name stand where a rule wants just that, and are not in "
            "the ledger: people put them there, or the ledger was lost. If it was, `tieline adopt` takes "
            "them over; until then they stay, also when the cause is gone."
        )
    return lines


def show_waits(output: Output, result: RunResult) -> None:
    """Say what waits for a later night or hour."""
    for sentence in result.waits:
        output.line(sentence, style="yellow")


def named(changes: Sequence[Change]) -> str:
    """Name the labels and tickets of some changes."""
    return few([f"{change.label} on {change.ticket.issue_key}" for change in changes])


def plan_markdown(plan: Plan) -> str:
    """Give a plan as Markdown."""
    head = f"**{counted(plan.count('add'), 'label')} to add, {plan.count('remove')} to remove**"
    if not plan:
        return head
    rows = [
        f"| {c.operation} | {md(c.ticket.issue_key)} | {md(c.label)} | {md(c.rule)} |" for c in plan.changes
    ]
    return "\n".join([head, "", "| | ticket | label | because of |", "|---|---|---|---|", *rows])


def show_undo(output: Output, undoing: Undoing, result: RunResult) -> None:
    """Show what is taken back, what is not, and what was written."""
    show_changes(output, "To take back", undoing.plan)
    output.table(
        "Left as it is",
        ["ticket", "label", "why"],
        [(kept.change.ticket.issue_key, kept.change.label, kept.why) for kept in undoing.kept],
    )
    show_marker_plan(output, result.markers)
    for problem in result.stopped:
        output.line(problem, style="red")
    show_writes(output, result)
    output.line("The next run judges anew: mend the rule, or set it to observe, before it does.")


def show_writes(output: Output, result: RunResult) -> None:
    """Say what was written to Jira."""
    written = result.written
    show_left_out(output, result.plan)
    show_waits(output, result)
    for line in stranger_lines(result.plan.strangers):
        output.line(line, style="yellow")
    if written is None:
        planned = counted(len(result.plan.changes), "label change")
        output.line(f"{planned} planned, none written.")
        if result.markers.changes:
            output.line(f"{summary(result.markers)}; none written.")
        return
    output.line(f"Labels written: {written.added} added, {written.removed} removed.")
    if written.notified:
        output.line(
            f"Jira may have mailed the watchers of {counted(written.notified, 'ticket')}: give the account "
            "the permission “Administer projects” to let it write quietly."
        )
    for parked in written.parked[:FEW]:
        output.line(f"{parked.ticket.issue_key}: refused by Jira: {parked.reason}", style="yellow")
    if len(written.parked) > FEW:
        output.line(f"… and {len(written.parked) - FEW} more refused; `run --json` lists all.")
    for site, problem in written.broken_sites.items():
        output.line(
            f"{site}: {problem} {counted(written.dropped, 'label change')} not sent, {written.open} sent and "
            "not answered; the next run settles them.",
            style="red",
        )
    show_marked(output, result)


def written_document(result: RunResult) -> dict[str, Any] | None:
    """Give what was written as plain values."""
    if result.written is None:
        return None
    return {
        "added": result.written.added,
        "removed": result.written.removed,
        "open": result.written.open,
        "dropped": result.written.dropped,
        "read_back": result.written.read_back,
        "notified": result.written.notified,
        "broken_sites": dict(result.written.broken_sites),
        "parked": [{"key": p.ticket.issue_key, "reason": p.reason} for p in result.written.parked],
    }


def change_document(change: Change) -> dict[str, str]:
    """Give one change as plain values."""
    return {
        "key": change.ticket.issue_key,
        "operation": change.operation,
        "label": change.label,
        "rule": change.rule,
    }


def plan_document(plan: Plan) -> dict[str, Any]:
    """Give the size of a plan, and what it leaves out, as plain values."""
    return {
        "add": plan.count("add"),
        "remove": plan.count("remove"),
        "held": [change_document(c) for c in plan.held],
        "waiting": [change_document(c) for c in plan.waiting],
        "disputed": [{"key": c.ticket.issue_key, "label": c.label, "rule": c.rule} for c in plan.disputed],
        "postponed": [
            {"key": c.ticket.issue_key, "label": c.label, "operation": c.operation} for c in plan.postponed
        ],
    }
