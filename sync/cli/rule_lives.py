"""Say how rules live: the first night in which one labels, and the findings that stand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync.cli.output import Output, counted, few, shortened
from sync.figures.findings import age
from sync.frame.result import RunResult
from sync.store.schema import AnyRow


def first_night_lines(result: RunResult) -> list[str]:
    """Announce each rule that labels for the first time, with the tickets it is about."""
    lines = []
    for night in result.first_nights:
        tickets = few(night.tickets)
        line = f"First night of {night.rule}: {night.label} goes onto {counted(len(night.tickets), 'ticket')}"
        line += f": {tickets}." if tickets else "."
        if night.waiting:
            line += f" {counted(night.waiting, 'finding')} more wait for the end of its `for`."
        lines.append(line)
    return lines


def show_open(output: Output, rows: Sequence[AnyRow], now: datetime) -> None:
    """Show every finding that is not closed: what it is on, how long it stands and who has it."""
    output.table(
        "Open findings",
        ["rule", "on", "title", "state", "since", "days>", "owner"],
        [
            (
                row.rule,
                row.subject,
                shortened(row.title),
                state_of(row),
                f"{row.since:%Y-%m-%d}",
                age(row.since, now),
                row.owner or row.rule_owner,
            )
            for row in rows
        ],
    )


def state_of(row: AnyRow) -> str:
    """Say the state of a finding, or until when it is waived, and whether its rule is only observed."""
    state = row.state if row.waived_until is None else f"waived until {row.waived_until}"
    return f"{state} (observed)" if row.mode == "observe" else str(state)
