"""Show what machines share of a run: what waits, what is read by whom, what is done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync.cli.output import Output
from sync.work.queue import Standing, State


def show_shards(output: Output, standings: Sequence[Standing], patience: float) -> None:
    """Show the shards of the newest run that shared any out."""
    output.table(
        "Shared reading",
        ["source", "state", "worker", "time>", "last sign of life>"],
        [
            (
                one.source,
                state_of(one, patience),
                one.worker,
                one.attempts or None,
                f"{one.silent:.0f} s ago" if one.state is State.RUNNING else None,
            )
            for one in standings
        ],
    )


def state_of(one: Standing, patience: float) -> str:
    """Say how a shard stands; one whose reader says nothing any more waits for somebody to take it over."""
    if one.state is State.RUNNING and one.silent > patience:
        return "silent"
    return one.state.value if one.outcome is None else f"{one.state.value}: {one.outcome.status}"


def shards_document(standings: Sequence[Standing], patience: float) -> list[dict[str, Any]]:
    """Give the shards as a document."""
    return [
        {
            "source": one.source,
            "state": one.state.value,
            "silent": one.state is State.RUNNING and one.silent > patience,
            "worker": one.worker,
            "attempts": one.attempts,
            "seconds_since_sign_of_life": round(one.silent, 1) if one.state is State.RUNNING else None,
            "outcome": None if one.outcome is None else one.outcome.status,
        }
        for one in standings
    ]
