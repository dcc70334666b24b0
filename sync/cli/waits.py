"""Show in which lines the requests of several processes wait for their turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sync.cli.output import Output


def show_waits(output: Output, waits: Sequence[Mapping[str, Any]]) -> None:
    """Show them; nothing where nobody waits."""
    output.table(
        "Requests that wait their turn",
        ["site", "method", "endpoint", "booked ahead s>", "closed for s>"],
        [
            (
                one["site"],
                one["method"] or "all",
                one["endpoint"] or "all",
                f"{one['booked_seconds']:.1f}",
                f"{one['closed_seconds']:.0f}",
            )
            for one in waits
        ],
    )
