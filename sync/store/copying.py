"""Send rows to PostgreSQL by COPY, its text made of whole columns instead of value by value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

# Characters that are sent at once: of more, the driver moves what does not fit yet to and fro, which costs
# ten times as much.
PIECE = 1 << 15
NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# Texts or whole numbers, and None for NULL.
Column = Sequence[Any]


@contextmanager
def copy_into(connection: Connection, table: str, names: Sequence[str]) -> Iterator[Any]:
    """Have the driver's COPY into these columns of a table; its errors are SQLAlchemy's, as everywhere."""
    statement = f"COPY {table} ({', '.join(names)}) FROM STDIN"
    driver: Any = connection.connection.driver_connection
    errors = connection.dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            yield copy
    except errors as error:
        raise DBAPIError.instance(statement, None, error, errors, dialect=connection.dialect) from error


@contextmanager
def copying(connection: Connection, table: str, names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Have a COPY into these columns of a table, and a function that sends what `copy_text` makes.

    Leaving it by an error takes back what was sent. It begins no transaction in SQLAlchemy's eyes: what is
    sent belongs to the one that begins next, and is gone if the connection is closed without.
    """
    with copy_into(connection, table, names) as copy:

        def send(text: str) -> None:
            for start in range(0, len(text), PIECE):
                copy.write(text[start : start + PIECE])

        yield send


def copy_text(columns: Sequence[Column], before: Sequence[object] = (), after: Sequence[object] = ()) -> str:
    """Give the rows of these columns, each of them between the values `before` and `after`."""
    head = "".join(f"{_written(value)}\t" for value in before)
    tail = "".join(f"\t{_written(value)}" for value in after) + "\n"
    rows = map("\t".join, zip(*map(_texts, columns), strict=True))
    body = (tail + head).join(rows)
    return f"{head}{body}{tail}" if body else ""


def _texts(column: Column) -> Sequence[str]:
    """The values of a column as COPY wants them."""
    try:
        joined = "".join(column)  # no quicker way to know that there are texts and nothing else
    except TypeError:
        return list(map(_written, column)) if None in column else list(map(str, column))
    if "\\" in joined or "\t" in joined or "\n" in joined or "\r" in joined:
        return list(map(_written, column))
    return column


def _written(value: object) -> str:
    return NULL if value is None else str(value).translate(_ESCAPES)
