"""Say in lines how rules live: the first night in which one labels."""

from __future__ import annotations

from sync.cli.output import counted, few
from sync.night import RunResult


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
