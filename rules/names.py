"""Turn a misspelt name into a guess at the one that was meant."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process


def nearest(wrong: str, known: Iterable[str], cutoff: int = 60) -> str | None:
    """Return the known name most like the wrong one, letter case aside, if any is near."""
    folded = {name.casefold(): name for name in known}
    best = process.extractOne(wrong.casefold(), list(folded), scorer=fuzz.ratio, score_cutoff=cutoff)
    return folded[best[0]] if best else None


def suggest(wrong: str, known: Iterable[str]) -> str | None:
    """Return `Did you mean …?`, or None."""
    name = nearest(wrong, known)
    return f"Did you mean {name}?" if name else None
