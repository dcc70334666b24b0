"""Say what a chart shows: its rows, and a word and a colour for each standing."""

from __future__ import annotations

from dataclasses import dataclass

from sync.figures.coverage import Split

# The page's style sheet gives these colours their dark counterparts, by value.
COLOURS = {"aligned": "#1a7564", "unaligned": "#c4541a", "waived": "#7c6bb0", "unknown": "#8793a1"}
WORDS = {"aligned": "Aligned", "unaligned": "Not aligned", "waived": "Waived", "unknown": "Unknown"}


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the coverage chart, in whole units; `share` is the text at its end."""

    name: str
    split: Split
    share: str
