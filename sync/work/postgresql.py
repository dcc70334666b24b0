"""The queue that machines share: rows of a PostgreSQL store, claimed with SKIP LOCKED.

Signs of life are told by the database's clock, for machines have several. Whoever reads a shard holds its row
for as long as a transaction lasts, so nobody takes it away in the middle of one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    and_,
    case,
    delete,
    exists,
    extract,
    func,
    insert,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from sync.errors import Exit
from sync.store import tables
from sync.store.runs import LEASE, lease
from sync.store.schema import AnyRow, table_of
from sync.store.traces import Asked
from sync.work.queue import (
    MOST_ATTEMPTS,
    Claim,
    ClaimLost,
    Outcome,
    Shard,
    Standing,
    State,
    given_up,
)

shard = table_of(tables.Shard)

# A machine that goes away in the middle of a transaction leaves its shard's row locked; the server then ends
# the transaction after so long. Nothing that a read computes between two statements takes a tenth of it.
IDLE_AT_MOST = "5min"
# A night that is told to stop does not wait longer for the transactions of others.
WITHDRAWN_WITHIN = "3s"
# What is asked in a transaction that is going to stream rows is not streamed itself.
AT_ONCE = {"stream_results": False, "yield_per": None}
NOW = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class PostgresQueue:
    """Shards as rows of the store; `clock` is that of the lease under which they are read."""

    engine: Engine
    clock: Callable[[], datetime]
    shared: bool = True

    def put(self, shards: Sequence[Shard]) -> None:
        """Add shards, to be claimed in this order."""
        rows = [
            {
                "run_id": one.run_id,
                "source": one.source,
                "site": one.site,
                "fence": one.fence,
                "form": one.form,
                "whole": one.whole,
                "shrink": one.shrink,
                "state": State.WAITING.value,
                "attempts": 0,
            }
            for one in shards
        ]
        if rows:
            with self.engine.begin() as connection:
                connection.execute(insert(shard), rows)

    def claim(self, worker: str, forms: Collection[tuple[str, str]]) -> Claim | None:
        """Give the first shard that waits, whose source and form are among these, and whose site is free."""
        while forms:
            try:
                with self.engine.begin() as connection:
                    row = connection.execute(self._claiming(worker, forms)).one_or_none()
            except IntegrityError:
                continue  # somebody else has just begun to read that site
            return None if row is None else claim_of(row)
        return None

    def _claiming(self, worker: str, forms: Collection[tuple[str, str]]) -> Any:
        other = shard.alias("other")
        busy = exists().where(other.c.site == shard.c.site, other.c.state == State.RUNNING.value)
        first = (
            select(shard.c.id)
            .where(
                shard.c.state == State.WAITING.value,
                tuple_(shard.c.source, shard.c.form).in_(list(forms)),
                ~busy,
                self._night_lasts(),
            )
            .order_by(shard.c.id)
            .limit(1)
            .with_for_update(skip_locked=True, of=shard)
        )
        return (
            update(shard)
            .where(shard.c.id == first.scalar_subquery())
            .values(state=State.RUNNING.value, worker=worker, attempts=shard.c.attempts + 1, seen_at=NOW)
            .returning(shard)
        )

    def keep(self, claim: Claim, connection: Connection | None = None) -> None:
        """Give a sign of life, and in a transaction keep the shard until its end."""
        if connection is None:
            with self.engine.begin() as own:
                self._keep(own, claim)
        else:
            self._keep(connection, claim)

    def _keep(self, connection: Connection, claim: Claim) -> None:
        limit = func.set_config("idle_in_transaction_session_timeout", IDLE_AT_MOST, True)
        kept = connection.execute(
            update(shard).where(held(claim), self._night_lasts()).values(seen_at=NOW).returning(limit),
            execution_options=AT_ONCE,
        )
        if kept.first() is None:
            raise lost(claim)

    def finish(self, claim: Claim, outcome: Outcome) -> None:
        """End the shard with what reading it came to."""
        with self.engine.begin() as connection:
            done = connection.execute(
                update(shard)
                .where(held(claim), self._night_lasts())
                .values(state=State.DONE.value, seen_at=NOW, **row_of(outcome))
            )
            if done.rowcount != 1:
                raise lost(claim)

    def give_back(self, claim: Claim) -> None:
        """Let somebody else have the shard."""
        with self.engine.begin() as connection:
            connection.execute(
                update(shard).where(held(claim)).values(state=State.WAITING.value, worker=None, seen_at=NOW)
            )

    def reap(self, silent: float) -> int:
        """Take back the shards of the silent; one whose row is locked is being worked on."""
        dead = (
            select(shard.c.id)
            .where(
                shard.c.state == State.RUNNING.value,
                shard.c.seen_at <= NOW - timedelta(seconds=silent),
            )
            .with_for_update(skip_locked=True)
        )
        hopeless = shard.c.attempts >= MOST_ATTEMPTS
        failed = row_of(Outcome("failed", given_up(MOST_ATTEMPTS), Exit.INCOMPLETE))
        with self.engine.begin() as connection:
            taken = connection.execute(
                update(shard)
                .where(shard.c.id.in_(dead))
                .values(
                    state=case((hopeless, State.DONE.value), else_=State.WAITING.value),
                    worker=case((hopeless, shard.c.worker)),
                    **{name: case((hopeless, value)) for name, value in failed.items() if value is not None},
                )
            )
            return taken.rowcount

    def standings(self, run_id: int) -> Sequence[Standing]:
        """Say how each shard of a run stands."""
        with self.engine.connect() as connection:
            return standings_of(connection, run_id)

    def withdraw(self, run_id: int) -> None:
        """Take away what is not done; of one that is in the middle of a transaction the lease takes care."""
        try:
            with self.engine.begin() as connection:
                connection.execute(text(f"SET LOCAL lock_timeout = '{WITHDRAWN_WITHIN}'"))
                connection.execute(
                    delete(shard).where(shard.c.run_id == run_id, shard.c.state != State.DONE.value)
                )
        except OperationalError:
            return

    def _night_lasts(self) -> ColumnElement[bool]:
        """Give the condition that the run of a shard still has its lease."""
        return exists().where(
            lease.c.name == LEASE, lease.c.fence == shard.c.fence, lease.c.expires_at > self.clock()
        )


def standings_of(connection: Connection, run_id: int | None = None) -> Sequence[Standing]:
    """Read how each shard of a run stands, or of the newest that shared any out."""
    if connection.dialect.name != "postgresql":
        return []
    silent = extract("epoch", NOW - shard.c.seen_at).label("silent")
    asked = select(shard, silent).order_by(shard.c.id)
    rows = connection.execute(asked if run_id is None else asked.where(shard.c.run_id == run_id))
    return [standing_of(row) for row in rows]


def held(claim: Claim) -> ColumnElement[bool]:
    """Give the condition that a claim still stands."""
    return and_(
        shard.c.id == claim.id, shard.c.state == State.RUNNING.value, shard.c.attempts == claim.attempt
    )


def lost(claim: Claim) -> ClaimLost:
    """Say that a claim stands no more."""
    return ClaimLost(f"{claim.shard.source} is no longer {claim.worker}'s, or its run is over")


def claim_of(row: AnyRow) -> Claim:
    """Read a claim from its row."""
    given = Shard(row.run_id, row.source, row.site, row.fence, row.form, row.whole, row.shrink)
    return Claim(row.id, given, row.worker, row.attempts)


def standing_of(row: AnyRow) -> Standing:
    """Read how a shard stands from its row."""
    state = State(row.state)
    silent = float(row.silent) if state is State.RUNNING else 0.0
    outcome = outcome_of(row) if state is State.DONE else None
    return Standing(row.source, state, row.worker, row.attempts, silent, outcome)


def row_of(outcome: Outcome) -> dict[str, Any]:
    """Give the columns of an outcome."""
    return {
        "status": outcome.status,
        "message": outcome.message,
        "exit_code": int(outcome.exit_code),
        "started_at": outcome.started_at,
        "milliseconds": round(outcome.seconds * 1000),
        "records": outcome.records,
        "asked": json.dumps([[*what, number] for what, number in outcome.asked.items()]),
    }


def outcome_of(row: AnyRow) -> Outcome:
    """Read an outcome from its columns."""
    asked: Counter[Asked] = Counter()
    for site, method, endpoint, status, number in json.loads(row.asked or "[]"):
        asked[site, method, endpoint, status] += number
    seconds = (row.milliseconds or 0) / 1000
    return Outcome(
        row.status, row.message, Exit(row.exit_code), row.started_at, seconds, row.records or 0, asked
    )
