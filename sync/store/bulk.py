"""Write many rows the way each database does it fast, and keep its planner informed."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    Table,
    any_,
    cast,
    func,
    insert,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from sync.store.copying import copy_into

Rows = Sequence[dict[str, Any]]

# Every SQLite in use takes as many in one statement; of more, none is faster.
PARAMETERS = 999


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that all have the same columns."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        copy_rows(connection, table.name, rows)
    else:
        write_rows(connection, table, insert(table), rows)


def upsert_rows(connection: Connection, table: Table, rows: Rows, kept: Collection[str]) -> None:
    """Insert rows, or bring those with the same (source, source_id) up to date but for the columns kept."""
    if not rows:
        return
    names = list(rows[0])
    key = ["source", "source_id"]
    statement: Any
    if connection.dialect.name == "postgresql":
        staged = stage_rows(connection, table, rows)
        statement = postgresql.insert(table).from_select(names, staged)
    else:
        statement = sqlite.insert(table)
    updated = {name: statement.excluded[name] for name in names if name not in kept and name not in key}
    statement = statement.on_conflict_do_update(index_elements=key, set_=updated)
    if connection.dialect.name == "postgresql":
        connection.execute(statement)
    else:
        write_rows(connection, table, statement, rows)


def write_rows(connection: Connection, table: Table, statement: Any, rows: Rows) -> None:
    """Have SQLite write many rows by each statement, past SQLAlchemy's work for each single value.

    The driver lets other threads run while a statement does: one for each row would stop and wait as often.
    """
    dialect = connection.dialect
    compiled = statement.inline().compile(dialect=dialect, column_keys=list(rows[0]))
    names = compiled.positiontup
    values = list(chain.from_iterable(map(itemgetter(*names), rows)))
    for place, name in enumerate(names):
        convert = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
        if convert is not None:
            # Many rows have the same few: the moment they were seen, yes and no, nothing.
            given = values[place :: len(names)]
            converted = {value: convert(value) for value in set(given)}
            values[place :: len(names)] = [converted[value] for value in given]
    for count, part in parts(values, len(names)):
        connection.exec_driver_sql(of_rows(str(compiled), len(names), count), part)


@lru_cache(maxsize=64)
def of_rows(statement: str, width: int, count: int) -> str:
    """Make of a statement that inserts one row of that width one that inserts several."""
    one = f"({', '.join('?' * width)})"
    return statement.replace(one, ", ".join([one] * count), 1)


def parts(values: list[Any], width: int) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Cut values into parts of as many rows as go into one statement, and what is left row by row."""
    most = max(1, PARAMETERS // width)
    rows = len(values) // width
    whole = rows - rows % most
    for count, starts in ((most, range(0, whole, most)), (1, range(whole, rows))):
        for start in starts:
            yield count, tuple(values[start * width : (start + count) * width])


def among(connection: Connection, column: ColumnElement[Any], values: Collection[Any]) -> ColumnElement[bool]:
    """Give the condition that a column has one of many values: one parameter, however many they are."""
    if connection.dialect.name == "postgresql":
        return column == any_(cast(list(values), ARRAY(column.type)))
    listed = func.json_each(json.dumps(list(values))).table_valued("value")
    return column.in_(select(listed.c.value))


def stage_rows(connection: Connection, table: Table, rows: Rows) -> Select[*tuple[Any, ...]]:
    """Copy rows into a temporary table that ends with the transaction, and select them from it."""
    names = list(rows[0])
    stage = f"stage_{table.name}"
    connection.execute(text(f"DROP TABLE IF EXISTS pg_temp.{stage}"))
    connection.execute(
        text(
            f"CREATE TEMPORARY TABLE {stage} ON COMMIT DROP AS "
            f"SELECT {', '.join(names)} FROM {table.name} WITH NO DATA"
        )
    )
    copy_rows(connection, stage, rows)
    return select(*(literal_column(name) for name in names)).select_from(text(stage))


def copy_rows(connection: Connection, table: str, rows: Rows) -> None:
    """Send rows to PostgreSQL by COPY: an INSERT of a thousand rows spends its time parsing parameters."""
    columns = list(rows[0])
    copy_tuples(connection, table, columns, ([row[name] for name in columns] for row in rows))


def copy_tuples(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Send rows whose values stand in the order of the columns."""
    with copy_into(connection, table, columns) as copy:
        for row in rows:
            copy.write_row(row)


def analyze(connection: Connection, *tables: Table, columns: Sequence[str] = ()) -> None:
    """Tell PostgreSQL how large these tables have become, and what is in their columns or in some of them.

    Its statistics know nothing of the rows this transaction wrote, so it would plan for an empty table.
    SQLite plans by indexes alone and needs no telling.
    """
    if connection.dialect.name == "postgresql":
        some = f" ({', '.join(columns)})" if columns else ""
        for table in tables:
            connection.execute(text(f"ANALYZE {table.name}{some}"))
