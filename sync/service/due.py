"""Decide from the ledger whether a schedule is due: each slot ends once, whatever clocks and outages do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sync.service.cron import Slot, is_later

# A slot whose run was killed or failed is tried again: at once, then after these pauses, then given up.
PAUSES = (timedelta(0), timedelta(minutes=10), timedelta(minutes=30))


@dataclass(frozen=True, slots=True)
class Attempt:
    """What the ledger says of a slot: how often it was begun, when last, whether that run came to an end."""

    number: int
    at: datetime
    ended: bool


def is_due(slot: Slot, now: datetime, since: datetime | None, attempt: Attempt | None) -> bool:
    """Say whether the newest slot that has come should be run now: of several missed it stands for all.

    `since` is when the schedule was first heard of: what fell due before was nobody's (None: somebody asks
    outright, so it counts). `attempt` is what became of the slot so far.
    """
    if since is not None and is_later(since, slot.at):
        return False
    return attempt is None or again(attempt, now)


def again(attempt: Attempt, now: datetime) -> bool:
    """Say whether a slot that was begun is to be begun once more."""
    if attempt.ended or attempt.number > len(PAUSES):
        return False
    return now >= attempt.at + PAUSES[attempt.number - 1]
