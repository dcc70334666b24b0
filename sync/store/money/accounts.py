"""Account for every row that a finance source has and for every minor unit that it states."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection, func, insert, literal, or_, select, update

from connectors.pages import ControlTotal, Page
from sync.store import tables
from sync.store.money.promotion import Sums, promotion
from sync.store.money.quarantine import FIXED, quarantine
from sync.store.runs import source_run
from sync.store.save import Origin
from sync.store.schema import table_of

control_total = table_of(tables.ControlTotal)

ROWS = ("rows_read", "rows_accepted", "rows_excluded", "rows_blank")


def save_account(connection: Connection, origin: Origin, last: Page, sums: Sums) -> str | None:
    """Keep what became of the rows and of the money of a read; `sums` are those of the lines accepted.

    Gives one sentence where something is left over: then it was lost on the way, and the source cannot count.
    """
    counts = last.counts
    connection.execute(
        update(source_run)
        .where(source_run.c.run_id == origin.run_id, source_run.c.source == origin.source)
        .values(dict(zip(ROWS, (counts.read, counts.accepted, counts.excluded, counts.blank), strict=True)))
    )
    problem = save_totals(connection, origin, last, sums)
    if counts.lost:
        return (
            f"{counts.read} rows were read; {counts.accepted} accepted, {counts.refused} refused, "
            f"{counts.excluded} excluded and {counts.blank} blank ones are not as many"
        )
    return problem


def save_totals(connection: Connection, origin: Origin, last: Page, sums: Sums) -> str | None:
    """Keep what the source sums to, beside what was accepted, refused and excluded."""
    refused, excluded = by_series(last.refused), by_series(last.excluded)
    accepted_sums = Counter[tuple[str, int, str]]()
    for (version, year, _, currency), minor in sums.items():
        accepted_sums[version, year, currency] += minor
    stated = {key: minor + excluded.get(key, 0) for key, minor in by_series(last.totals).items()}
    off = []
    for key, total in (excluded | stated).items():
        accepted, left_out, beside = accepted_sums[key], refused.get(key, 0), excluded.get(key, 0)
        version, year, currency = key
        connection.execute(
            insert(control_total).values(
                run_id=origin.run_id,
                source=origin.source,
                version=version,
                fiscal_year=year,
                currency=currency,
                stated_minor=total,
                accepted_minor=accepted,
                refused_minor=left_out,
                excluded_minor=beside,
            )
        )
        if total != accepted + left_out + beside:
            off.append(
                f"{version} {year} {currency}: in minor units, the source sums to {total - beside}, "
                f"the store to {accepted}, the refused rows to {left_out}"
            )
    return "; ".join(off) or None


def by_series(totals: Iterable[ControlTotal]) -> dict[tuple[str, int, str], int]:
    """Give the totals by what they are of."""
    return {(t.version.value, t.fiscal_year, t.currency): t.amount_minor for t in totals}


def see_again(connection: Connection, origin: Origin) -> None:
    """Say of a source whose files are those of its last complete read what was said of that read.

    A process may have died right after the promotion: then that read was complete, too.
    """
    promoted = select(func.max(promotion.c.run_id)).where(promotion.c.source == origin.source)
    complete = or_(source_run.c.status == "complete", source_run.c.run_id == promoted.scalar_subquery())
    last = connection.scalar(
        select(func.max(source_run.c.run_id)).where(source_run.c.source == origin.source, complete)
    )
    counts = [source_run.c[name] for name in ("records", "quarantined", *ROWS)]
    found = connection.execute(
        select(*counts).where(source_run.c.source == origin.source, source_run.c.run_id == last)
    ).one()
    connection.execute(
        update(source_run)
        .where(source_run.c.run_id == origin.run_id, source_run.c.source == origin.source)
        .values(found._asdict())
    )
    rest = [column for column in control_total.c if column.name != "run_id"]
    connection.execute(
        insert(control_total).from_select(
            ["run_id", *(column.name for column in rest)],
            select(literal(origin.run_id), *rest).where(
                control_total.c.source == origin.source, control_total.c.run_id == last
            ),
        )
    )
    connection.execute(
        update(quarantine)
        .where(
            quarantine.c.source == origin.source, quarantine.c.run_id == last, quarantine.c.status != FIXED
        )
        .values(run_id=origin.run_id)
    )
