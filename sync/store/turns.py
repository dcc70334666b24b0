"""Give out turns for requests to every process that works on one store: a row of PostgreSQL for each line.

A turn is booked by one statement in a transaction of its own: whoever asks gets the next free moment of a
line, by the clock of the database, and nobody else gets it. A booking is never given back; one that comes
too late to be used, or whose line was closed meanwhile, is lost, and another is booked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Select,
    and_,
    bindparam,
    cast,
    delete,
    event,
    extract,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from connectors.turns import PUNCTUAL, Line, Pace, Turn
from sync.errors import ConfigurationError
from sync.store import tables
from sync.store.database import connect
from sync.store.schema import table_of

line = table_of(tables.RequestLine)
whole = line.alias("whole")
KEY = (line.c.site, line.c.method, line.c.endpoint)

SECOND = 1_000_000
# Longer than any run: stands for "without end".
AGES = 10**9
# A turn used later than this bunches with the ones after it, so it is lost. A budget uses 92 % of a limit and
# 4 % more at once: were every turn late by 4 % of a second, a second would still hold less than the limit.
LATEST = 0.04
# Fewer than threads: a statement takes less than a millisecond.
CONNECTIONS = 2

Number = ColumnElement[int]


def number(name: str) -> Number:
    """Make a parameter."""
    return bindparam(name, type_=BigInteger)


def latest(*moments: Number) -> Number:
    """Give the latest of several moments; one that is NULL does not count."""
    return func.greatest(*moments, type_=BigInteger)


def store_clock() -> Number:
    """Give the microseconds of the database's clock, at the moment at which they are asked for."""
    return cast(extract("epoch", func.clock_timestamp()) * SECOND, BigInteger)


class SharedTurns:
    """Turns for all processes. `moment` is what the database takes for now.

    The engine's connections commit each statement at once. Nobody else uses them: no page waits for a turn,
    nor a turn for a page.
    """

    def __init__(self, engine: Engine, moment: Number | None = None) -> None:
        self._engine = engine
        moment = store_clock() if moment is None else moment
        self._book = booking(moment)
        self._look = looking(moment)
        self._closed = closed(moment)
        self._close = closing(moment)

    def wait_for(self, turn: Turn, clock: Callable[[], float]) -> float:
        """Book the turn and say when it is; asked again then, say whether it still stands."""
        if turn.booked_at is not None:
            late = clock() - turn.booked_at
            if late < -PUNCTUAL:
                return -late
            if late <= LATEST and not self._any_closed(turn) and clock() - turn.booked_at <= LATEST:
                return 0.0
        wait = max(self._booked(pace, turn) for pace in turn.paces)
        turn.booked_at = clock() + wait if wait <= turn.longest else None
        return wait

    def _booked(self, pace: Pace, turn: Turn) -> float:
        """Book a turn in one line; give the seconds until it comes, or would have come."""
        asked = {
            **key_of(pace.line),
            "lead": micros(pace.lead),
            "step": math.ceil(turn.cost * SECOND / pace.rate),
            "full_in": micros(pace.full_in),
            "longest": micros(turn.longest),
        }
        with self._engine.connect() as connection:
            wait: int | None = connection.scalar(self._book, asked)
            if wait is None:
                wait = connection.scalar(self._look, asked)
        return max(0, wait or 0) / SECOND

    def _any_closed(self, turn: Turn) -> bool:
        """Say whether a line was closed since the turn was booked."""
        with self._engine.connect() as connection:
            return any(connection.scalar(self._closed, key_of(pace.line)) for pace in turn.paces)

    def close(self, line: Line, until: float, clock: Callable[[], float]) -> None:
        """Close a line to everybody."""
        with self._engine.connect() as connection:
            connection.execute(self._close, {**key_of(line), "seconds": micros(until - clock())})

    def dispose(self) -> None:
        """Leave the database."""
        self._engine.dispose()


def open_turns(url: str) -> SharedTurns:
    """Give the turns of a store; raises `ConfigurationError` where it is not one that several may share."""
    engine = connect(url, pool_size=CONNECTIONS, max_overflow=0)
    if engine.dialect.name != "postgresql":
        raise ConfigurationError(
            "TIELINE_DATABASE_URL: processes that share one budget of requests need PostgreSQL. "
            "Use postgresql://USER@HOST/DATABASE."
        )
    event.listen(engine, "connect", commit_without_waiting)
    return SharedTurns(engine.execution_options(isolation_level="AUTOCOMMIT"))


def commit_without_waiting(connection: Any, record: object) -> None:  # noqa: ARG001
    """Have no booking wait for the disk: a database that crashed forgets the last second at most."""
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    connection.commit()


def booking(moment: Number) -> ReturningInsert[Any]:
    """Book the next turn of a line and give the wait for it; nothing where that is too long."""
    step = number("step")
    made = insert(line).values(
        **{column.name: bindparam(f"the_{column.name}") for column in KEY},
        full_at=latest(moment, kept_from(moment)) + step,
        closed_until=0,
    )
    return made.on_conflict_do_update(
        index_elements=KEY,
        set_={"full_at": latest(moment, full_at(moment)) + step},
        where=full_at(moment) - number("lead") - moment <= number("longest"),
    ).returning(line.c.full_at - step - number("lead") - moment)


def looking(moment: Number) -> Select[Any]:
    """Give the wait for the next turn of a line."""
    return select(full_at(moment) - number("lead") - moment).where(this_line())


def full_at(moment: Number) -> Number:
    """When the burst of a line is whole again; after a closing none of it is left."""
    return latest(line.c.full_at, line.c.closed_until + number("lead"), kept_from(moment))


def kept_from(moment: Number) -> Number:
    """Until when a closing of the site, or what its answers told, keeps the burst from being whole."""
    reopened = (
        select(whole.c.closed_until + number("lead"))
        .where(whole.c.site == bindparam("the_site"), whole.c.method == "", whole.c.endpoint == "")
        .scalar_subquery()
    )
    return latest(reopened, moment + number("full_in"))


def closed(moment: Number) -> Select[Any]:
    """Say whether a line or its whole site is closed."""
    site = and_(line.c.site == bindparam("the_site"), line.c.method == "", line.c.endpoint == "")
    return select(func.count() > 0).where(or_(this_line(), site), line.c.closed_until > moment)


def closing(moment: Number) -> Any:
    """Close a line, and never open it earlier."""
    until = moment + number("seconds")
    made = insert(line).values(
        **{column.name: bindparam(f"the_{column.name}") for column in KEY}, full_at=moment, closed_until=until
    )
    return made.on_conflict_do_update(
        index_elements=KEY, set_={"closed_until": latest(line.c.closed_until, until)}
    )


def this_line() -> ColumnElement[bool]:
    """Choose the line that is asked about."""
    return and_(*(column == bindparam(f"the_{column.name}") for column in KEY))


def key_of(one: Line) -> Mapping[str, str]:
    """Give the parameters that choose a line."""
    return {f"the_{name}": value for name, value in one._asdict().items()}


def micros(seconds: float) -> int:
    """Give whole microseconds."""
    return int(min(max(seconds, -AGES), AGES) * SECOND)


def standing(connection: Connection) -> list[dict[str, Any]]:
    """Say of each line in which somebody waits how far ahead it is booked and for how long it is closed."""
    if connection.dialect.name != "postgresql":
        return []
    now = store_clock()
    booked, shut = (func.greatest(0, until - now) for until in (line.c.full_at, line.c.closed_until))
    rows = connection.execute(
        select(*KEY, booked.label("booked"), shut.label("closed"))
        .where(or_(line.c.full_at > now, line.c.closed_until > now))
        .order_by(*KEY)
    )
    return [
        {
            "site": row.site,
            "method": row.method or None,
            "endpoint": row.endpoint or None,
            "booked_seconds": row.booked / SECOND,
            "closed_seconds": row.closed / SECOND,
        }
        for row in rows
    ]


def unused(before: datetime) -> ColumnElement[bool]:
    """Choose the lines in which nobody has stood since a moment."""
    then = int(before.timestamp() * SECOND)
    return and_(line.c.full_at < then, line.c.closed_until < then)


def count_unused(connection: Connection, before: datetime) -> int:
    """Count what `forget` would take away."""
    return connection.scalar(select(func.count()).select_from(line).where(unused(before))) or 0


def forget(connection: Connection, before: datetime) -> int:
    """Take away the lines of sites and endpoints that nobody asks any more."""
    return connection.execute(delete(line).where(unused(before))).rowcount
