"""Say what became of messages: digests of a run, the newest to each audience, and webhooks that came in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from sync.cli.output import Output
from sync.digests.delivering import Delivered, Letter
from sync.hooks.tally import Outcome
from sync.store.digests import RECENT, State, newest_deliveries
from sync.store.schema import AnyRow

WORDS = {
    State.HELD.value: "held for the end of quiet hours",
    State.INTENDED.value: "no answer known: the process ended before it; not sent again",
    State.SENT.value: "sent",
    State.FAILED.value: "failed; tried again the next night",
}


def digest_lines(delivered: Sequence[Delivered]) -> list[str]:
    """Say for each letter whom it was for and what became of it."""
    return [f"Digest for {audiences(it.letter)}: {outcome(it)}" for it in delivered]


def audiences(letter: Letter) -> str:
    """Name the audiences of a letter and the kind of its address."""
    return f"{' and '.join(letter.to.audiences)} ({letter.to.kind})"


def outcome(it: Delivered) -> str:
    """Say what became of a letter."""
    if it.state is State.HELD:
        return f"held ({it.letter.waits})"
    return f"failed: {it.problem}; tried again the next night" if it.problem else "sent"


def digest_document(delivered: Iterable[Delivered]) -> list[dict[str, Any]]:
    """Give what became of letters as plain values; an address is told by its kind alone."""
    return [letter_document(it.letter) | {"state": it.state, "problem": it.problem} for it in delivered]


def letter_document(letter: Letter) -> dict[str, Any]:
    """Give a letter as plain values."""
    return {
        "audiences": list(letter.to.audiences),
        "kind": letter.to.kind,
        "night": letter.to.night,
        "title": letter.message.title,
        "body": letter.message.body,
        "waits": letter.waits,
    }


def recent_deliveries(connection: Connection, today: date) -> Sequence[AnyRow]:
    """Read what became of the newest message to each audience of late."""
    return newest_deliveries(connection, today - RECENT)


def show_deliveries(output: Output, rows: Sequence[AnyRow]) -> None:
    """Show what became of the newest digests."""
    output.table(
        "Digests",
        ["audience", "to", "night", "run>", "state"],
        [(r.audience, r.kind, r.night, r.run_id, WORDS[r.state] + why(r)) for r in rows],
    )


def show_webhooks(output: Output, rows: Sequence[AnyRow]) -> None:
    """Show how many deliveries of webhooks were ever made, by site and by what was made of them."""
    sites: dict[str, dict[str, AnyRow]] = {}
    for row in rows:
        sites.setdefault(row.site, {})[row.outcome] = row
    output.table(
        "Webhooks",
        ["site", *(f"{outcome.value}>" for outcome in Outcome), "last (UTC)>"],
        [
            (
                site,
                *(found[outcome.value].number if outcome.value in found else 0 for outcome in Outcome),
                f"{max(row.last_at for row in found.values()):%Y-%m-%d %H:%M}",
            )
            for site, found in sites.items()
        ],
    )


def why(row: AnyRow) -> str:
    """Give the reason of a failure, in brackets."""
    return f" ({row.reason})" if row.reason else ""


def delivery_document(row: AnyRow) -> dict[str, Any]:
    """Give what became of a digest as plain values."""
    names = ("audience", "kind", "night", "run_id", "state", "at", "answered_at", "reason")
    return {name: getattr(row, name) for name in names}
