"""What a run leaves behind of how it went: its steps, and its requests to each site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, insert, select, update

from sync.store import tables
from sync.store.schema import AnyRow, table_of

run_step = table_of(tables.RunStep)
run_request = table_of(tables.RunRequest)
request_total = table_of(tables.RequestTotal)

# What a request counts under: site, method, endpoint without ids, status (None: no answer came).
Asked = tuple[str, str, str, int | None]


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One step of a run that is over."""

    step: str
    started_at: datetime
    seconds: float
    records: int = 0


def save_steps(connection: Connection, run_id: int, steps: Sequence[StepTaken]) -> None:
    """Keep the steps of a run."""
    rows = [
        {
            "run_id": run_id,
            "position": position,
            "step": step.step,
            "started_at": step.started_at,
            "milliseconds": round(step.seconds * 1000),
            "records": step.records,
        }
        for position, step in enumerate(steps, start=1)
    ]
    if rows:
        connection.execute(insert(run_step), rows)


def save_requests(connection: Connection, run_id: int, asked: Mapping[Asked, int]) -> None:
    """Keep how often a run asked what, and add it to what all have asked."""
    numbers: Counter[tuple[str, str, str, int]] = Counter()
    for (site, method, endpoint, status), number in asked.items():
        numbers[site, method, endpoint, status or 0] += number
    rows = [
        dict(zip(("site", "method", "endpoint", "status"), what, strict=True), run_id=run_id, number=number)
        for what, number in sorted(numbers.items())
        if number
    ]
    if rows:
        connection.execute(insert(run_request), rows)
    totals: Counter[tuple[str, str, int]] = Counter()
    for (site, _, endpoint, status), number in numbers.items():
        totals[site, endpoint, status] += number
    for what, number in sorted(totals.items()):
        if number:
            add_to_total(connection, what, number)


def add_to_total(connection: Connection, what: tuple[str, str, int], number: int) -> None:
    """Add to what all runs together have asked; only the holder of the lease does."""
    place = dict(zip(("site", "endpoint", "status"), what, strict=True))
    same = and_(*(request_total.c[name] == value for name, value in place.items()))
    added = connection.execute(
        update(request_total).where(same).values(number=request_total.c.number + number)
    )
    if not added.rowcount:
        connection.execute(insert(request_total).values(**place, number=number))


def steps_of(connection: Connection, run_id: int) -> Sequence[AnyRow]:
    """Read the steps of a run, in order."""
    return connection.execute(
        select(run_step).where(run_step.c.run_id == run_id).order_by(run_step.c.position)
    ).all()


def requests_of(connection: Connection, run_id: int) -> Sequence[AnyRow]:
    """Read what a run asked of each site."""
    order = ("site", "endpoint", "method", "status")
    return connection.execute(
        select(run_request)
        .where(run_request.c.run_id == run_id)
        .order_by(*(run_request.c[name] for name in order))
    ).all()
