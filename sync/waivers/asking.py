"""Say what becomes of requests that people make with a label on a ticket: an exemption, or a dispute.

All of it is pure. A request is live from the night that hears it until its label goes, its finding closes or
the time it was granted for is over; only then can the same label ask again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum


class Kind(StrEnum):
    """What is asked for."""

    EXEMPT = "exempt"
    DISPUTE = "dispute"


class Standing(StrEnum):
    """Where a request stands, or how it ended."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    SETTLED = "settled"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, order=True)
class Ask:
    """A label of a person on a ticket, and a finding on the ticket that it can be about."""

    item_id: int
    rule: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Live:
    """A request that has not ended; `until` is the last day it was granted for.

    `gone` says that its ticket counts as deleted: its label cannot be taken off any more.
    """

    id: int
    ask: Ask
    standing: Standing
    asked_at: datetime
    until: date | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """What a night makes of a live request: its new standing and why; `over` lets the label ask again."""

    request: Live
    standing: Standing
    why: str
    over: bool = True


@dataclass(frozen=True, slots=True)
class Heard:
    """What a night heard: new requests, and what became of those there were."""

    new: tuple[Ask, ...] = ()
    turns: tuple[Turn, ...] = ()


@dataclass(frozen=True, slots=True)
class Night:
    """The moment and the day of a night, and how long a request may wait for its answer."""

    now: datetime
    today: date
    patience: timedelta


def listen(
    asks: Iterable[Ask], labelled: Collection[tuple[int, Kind]], known: Iterable[Live], night: Night
) -> Heard:
    """Hold the labels that people put on tickets against the requests there are.

    `asks` are findings that stand on tickets with such a label, `labelled` all tickets with one. Requests
    that wait may be handed in only on tickets that were read or are gone: a label not seen is not gone.
    """
    wanted = set(asks)
    live = list(known)
    turns = [turn for it in live if (turn := turn_of(it, wanted, labelled, night)) is not None]
    over = {turn.request.id for turn in turns if turn.over}
    taken = {it.ask for it in live if it.id not in over}
    return Heard(tuple(sorted(wanted - taken)), tuple(turns))


def turn_of(
    it: Live, asks: Collection[Ask], labelled: Collection[tuple[int, Kind]], night: Night
) -> Turn | None:
    """Say what tonight makes of one request; nothing where it stays as it is."""
    if it.standing is Standing.APPROVED:
        ended = it.until is not None and it.until < night.today
        return Turn(it, Standing.ENDED, f"it was granted until {it.until}") if ended else None
    pending = it.standing is Standing.REQUESTED
    if it.gone:
        return Turn(it, Standing.SETTLED if pending else it.standing, "the ticket is gone")
    if (it.ask.item_id, it.ask.kind) not in labelled:
        return Turn(it, Standing.WITHDRAWN if pending else it.standing, "the label was taken off")
    if it.ask not in asks:
        return Turn(it, Standing.SETTLED if pending else it.standing, "the finding does not stand any more")
    if pending and it.asked_at + night.patience <= night.now:
        waited = f"nobody answered it within {night.patience.days} days"
        return Turn(it, Standing.EXPIRED, waited, over=False)
    return None


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A live request as people are told of it; `who` put the label on is known only where Jira says so."""

    key: str
    url: str
    rule: str
    kind: Kind
    standing: Standing
    asked_at: datetime
    approver: str
    who: str | None = None
    decided_by: str | None = None
    reason: str | None = None
    until: date | None = None

    def age(self, now: datetime) -> int:
        """Give the whole days since the night that heard it."""
        return max(0, (now - self.asked_at).days)


def answer(it: RequestFacts) -> str:
    """Say on the ticket, in one sentence, how a request stands."""
    asked = "An exemption from" if it.kind is Kind.EXEMPT else "The dispute of"
    by = f" by {it.decided_by}" if it.decided_by else ""
    because = f": {it.reason}" if it.reason else ""
    match it.standing:
        case Standing.REQUESTED:
            waits = f" and waits for {it.approver}" if it.approver else " and waits for an answer"
            heard = f"{asked} {it.rule} was heard on {it.asked_at:%Y-%m-%d}"
            return f"{heard}{waits}; until then the finding counts."
        case Standing.APPROVED:
            return f"{asked} {it.rule} was accepted{by} until {it.until}{because}"
        case Standing.REJECTED:
            return f"{asked} {it.rule} was rejected{by}{because}"
        case Standing.EXPIRED:
            return (
                f"{asked} {it.rule} got no answer in time. Take the label off for a night and put it on "
                "again to ask once more."
            )
        case _:
            return f"{asked} {it.rule} is over{because}"
