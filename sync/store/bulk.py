"""Write many rows the way each database does it fast, and keep its planner informed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Select, Table, insert, literal_column, select, text
from sqlalchemy.dialects import postgresql, sqlite

Rows = Sequence[dict[str, Any]]


def insert_rows(connection: Connection, table: Table, rows: Rows) -> None:
    """Insert rows that all have the same columns."""
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        copy_rows(connection, table.name, rows)
    else:
        connection.execute(insert(table), list(rows))


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
    connection.execute(statement, None if connection.dialect.name == "postgresql" else list(rows))


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
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def analyze(connection: Connection, *tables: Table) -> None:
    """Tell PostgreSQL how large these tables have become.

    Its statistics know nothing of the rows this transaction wrote, so it would plan for an empty table.
    SQLite plans by indexes alone and needs no telling.
    """
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.execute(text(f"ANALYZE {table.name}"))
