"""Turn a number field of the work, such as story points or seconds of effort, into weights of shares."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, case, func, insert, literal, select

from sync.store import tables
from sync.store.bulk import analyze
from sync.store.money.candidates import driver, driver_weight
from sync.store.schema import table_of

value = table_of(tables.WorkItemValue)

# The most that the weights of one line may sum to: an amount's rest times a weight then keeps within 64 bits.
HEAVIEST = 3_000_000_000


def weigh(connection: Connection, drivers: Mapping[str, str]) -> None:
    """Give each item its weight by each field; what has no value in it, or a negative one, has none."""
    if not drivers:
        return
    connection.execute(insert(driver), [{"source": it, "field": drivers[it]} for it in sorted(drivers)])
    for field in sorted(set(drivers.values())):
        weights = select(
            literal(field), value.c.work_item_id, value.c.number // literal(unit_of(connection, field))
        )
        connection.execute(
            insert(driver_weight).from_select(
                ["field", "item", "weight"], weights.where(value.c.name == field, value.c.number >= 0)
            )
        )
    analyze(connection, driver_weight)


def unit_of(connection: Connection, field: str) -> int:
    """Give the largest power of ten, up to one whole, that all values of a field are multiples of.

    Values are kept in millionths; as weights they need no more digits than they have.
    """
    powers = [1_000_000, 100_000, 10_000, 1_000, 100, 10, 1]
    crooked = [func.sum(case((value.c.number.op("%")(power) != 0, 1), else_=0)) for power in powers]
    found = connection.execute(select(*crooked).where(value.c.name == field)).one()
    plain = [power for power, count in zip(powers, found, strict=True) if not count]
    return plain[0]
