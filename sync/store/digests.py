"""The ledger of digests: what was to be told to whom about which night, and how that was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, update

from sync.store import tables
from sync.store.schema import AnyRow, table_of

delivery = table_of(tables.DigestDelivery)


class State(StrEnum):
    """What became of a message."""

    HELD = "held"
    INTENDED = "intended"
    SENT = "sent"
    FAILED = "failed"


# Who is told on one weekday only has had a turn within so many days.
RECENT = timedelta(days=8)
# What counts as told: a message whose answer is not known may have come, and is not sent twice.
TOLD = (State.INTENDED.value, State.SENT.value)


@dataclass(frozen=True, slots=True)
class Envelope:
    """Whom a message is for, about which night: some audiences at one address, known by its hash and kind.

    `since` gives the run that the news of each audience is compared with, 0 where there is none.
    """

    since: Mapping[str, int]
    address: str
    kind: str
    night: date

    @property
    def audiences(self) -> tuple[str, ...]:
        """Name the audiences."""
        return tuple(self.since)


def told_up_to(connection: Connection, audience: str, address: str) -> int | None:
    """Give the run that an audience at an address was last told of; None where nothing was ever for it.

    Where what was for it never came, it is the run before that.
    """
    own = and_(delivery.c.audience == audience, delivery.c.address == address)
    newest: int | None = connection.scalar(
        select(func.max(delivery.c.run_id)).where(own, delivery.c.state.in_(TOLD))
    )
    if newest is not None:
        return newest
    earliest: int | None = connection.scalar(select(func.min(delivery.c.since_run)).where(own))
    return earliest


def is_over(connection: Connection, address: str, night: date, *, again: bool) -> bool:
    """Say whether an address has had its message about a night; one that failed may be sent `again`."""
    over = TOLD if again else (*TOLD, State.FAILED.value)
    chosen = select(func.count()).select_from(delivery)
    chosen = chosen.where(delivery.c.address == address, delivery.c.night == night)
    return connection.scalar(chosen.where(delivery.c.state.in_(over))) != 0


def held_nights(connection: Connection) -> dict[tuple[str, str], date]:
    """Give what waits for the end of quiet hours: by audience and address the newest night."""
    rows = connection.execute(
        select(delivery.c.audience, delivery.c.address, func.max(delivery.c.night).label("night"))
        .where(delivery.c.state == State.HELD.value)
        .group_by(delivery.c.audience, delivery.c.address)
    )
    return {(row.audience, row.address): row.night for row in rows}


def hold(connection: Connection, to: Envelope, run_id: int, now: datetime) -> None:
    """Note that a message waits for the end of quiet hours."""
    put_down(connection, to, run_id, State.HELD, now)


def claim(connection: Connection, to: Envelope, run_id: int, now: datetime, *, again: bool) -> bool:
    """Note that a message is about to be sent; False where somebody has sent it about this night.

    What was held for these audiences goes with it. The caller commits before it sends.
    """
    if is_over(connection, to.address, to.night, again=again):
        return False
    put_down(connection, to, run_id, State.INTENDED, now)
    return True


def put_down(connection: Connection, to: Envelope, run_id: int, state: State, now: datetime) -> None:
    """Put the rows of a message in the place of those that held it back, or that failed about this night."""
    waiting = delivery.c.state == State.HELD.value
    failed = and_(delivery.c.state == State.FAILED.value, delivery.c.night == to.night)
    connection.execute(
        delete(delivery).where(
            delivery.c.address == to.address, delivery.c.audience.in_(to.audiences), waiting | failed
        )
    )
    connection.execute(
        insert(delivery),
        [
            {
                "audience": audience,
                "address": to.address,
                "night": to.night,
                "run_id": run_id,
                "since_run": since,
                "kind": to.kind,
                "state": state.value,
                "at": now,
            }
            for audience, since in to.since.items()
        ],
    )


def answer(connection: Connection, to: Envelope, problem: str, now: datetime) -> None:
    """Note how a message was answered."""
    state = State.FAILED if problem else State.SENT
    connection.execute(
        update(delivery)
        .where(of(to), delivery.c.state == State.INTENDED.value)
        .values(state=state.value, reason=problem or None, answered_at=now)
    )


def of(to: Envelope) -> ColumnElement[bool]:
    """Select the rows of a message."""
    return and_(
        delivery.c.address == to.address,
        delivery.c.night == to.night,
        delivery.c.audience.in_(to.audiences),
    )


def release(connection: Connection, audience: str, address: str) -> None:
    """Let go of what was held and is no news any more, or for somebody who is not told any more."""
    connection.execute(
        delete(delivery).where(
            delivery.c.audience == audience,
            delivery.c.address == address,
            delivery.c.state == State.HELD.value,
        )
    )


def newest_deliveries(connection: Connection, since: date) -> Sequence[AnyRow]:
    """Read what became of the newest message to each audience and address, from a night on."""
    later = delivery.alias("later")
    followed = (
        select(later.c.night)
        .where(
            later.c.audience == delivery.c.audience,
            later.c.address == delivery.c.address,
            later.c.night > delivery.c.night,
        )
        .exists()
    )
    return connection.execute(
        select(delivery)
        .where(~followed, delivery.c.night >= since)
        .order_by(delivery.c.audience, delivery.c.kind, delivery.c.address)
    ).all()


def failing(connection: Connection, since: date) -> int:
    """Count the addresses at which the newest message of an audience was not taken, or nobody knows."""
    rows = newest_deliveries(connection, since)
    return len({row.address for row in rows if row.state in {State.FAILED.value, State.INTENDED.value}})
