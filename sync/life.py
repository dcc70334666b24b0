"""Say what one night makes of a finding: pending → open → clearing → closed; the store does it set-wise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

CLOSED = "closed"
# In these states a finding puts its label on the ticket, unless it is waived.
LABELLED = ("open", "clearing")


@dataclass(frozen=True, slots=True)
class Life:
    """Where a finding stands, and since when it stood in each state."""

    state: str
    since: datetime
    opened_at: datetime | None = None
    clearing_since: datetime | None = None
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a rule must hold before its finding opens (`for`), and be gone before it closes."""

    hold: timedelta = timedelta()
    clear_after: timedelta = timedelta()


def next_life(life: Life | None, terms: Terms, now: datetime, *, hit: bool) -> Life | None:
    """Give the finding after a night in which its rule was judged; None where there still is none.

    Waiving is no part of this: a waived finding lives on beneath its waiver, and is what it would have been
    when the waiver ends.
    """
    if hit:
        return after_hit(life, terms, now)
    if life is None or life.state == CLOSED:
        return life
    if life.state == "open" and terms.clear_after:
        return replace(life, state="clearing", clearing_since=now)
    if life.state == "clearing" and now < (life.clearing_since or now) + terms.clear_after:
        return life
    return replace(life, state=CLOSED, closed_at=now)


def after_hit(life: Life | None, terms: Terms, now: datetime) -> Life:
    """Give the finding after a night in which the rule was true."""
    if life is None or life.state == CLOSED:
        return Life("pending", now) if terms.hold else Life("open", now, opened_at=now)
    if life.state == "clearing":
        return replace(life, state="open", clearing_since=None)
    if life.state == "pending" and now >= life.since + terms.hold:
        return replace(life, state="open", opened_at=now)
    return life
