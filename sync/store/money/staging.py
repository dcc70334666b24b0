"""Hold the budget lines of one read beside the store, in tables of one connection, until they are proved.

They are temporary: a process that dies leaves nothing of them, and nobody else sees them. Filling them takes
no lock on a SQLite store, however long the reading takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import repeat

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, Table, Text, text

from connectors.records import BudgetLine, LineColumns
from sync.store.bulk import copy_tuples
from sync.store.rows import LONGEST_KEY, match_key, short, storable, storable_all

_NUMBERS = {"fiscal_year": Integer, "amount_minor": BigInteger, "line": Integer, "artifact_id": BigInteger}
NAMES = (
    "source_id", "key_folded", "version", "fiscal_year", "period", "currency", "amount_minor", "project",
    "project_folded", "cost_centre", "cost_centre_folded", "account", "account_folded", "description", "line",
    "artifact_id", "issues_folded", "parents_folded",
)  # fmt: skip

_temporary = MetaData()
stage = Table(
    "stage_budget_line",
    _temporary,
    *(Column(name, _NUMBERS.get(name, Text)) for name in NAMES),
    prefixes=["TEMPORARY"],
)
# The rows of the store that a promotion touches, and whether each is restated, back or gone.
touched = Table(
    "stage_touched",
    _temporary,
    Column("line_id", BigInteger, primary_key=True, autoincrement=False),
    Column("fate", Text),
    prefixes=["TEMPORARY"],
)


@contextmanager
def staging(connection: Connection) -> Iterator[None]:
    """Have empty staging tables on this connection for as long as the context lasts."""
    with connection.begin():
        empty_stage(connection)
    try:
        yield
    finally:
        connection.rollback()
        with connection.begin():
            _temporary.drop_all(connection)


def empty_stage(connection: Connection) -> None:
    """Make the staging tables anew."""
    _temporary.drop_all(connection)
    _temporary.create_all(connection)


def stage_lines(connection: Connection, lines: Sequence[BudgetLine], artifact_id: int | None) -> None:
    """Add budget lines to the stage."""
    add_rows(connection, [stage_row(line, artifact_id) for line in lines])


def stage_columns(connection: Connection, lines: LineColumns, artifact_id: int | None) -> None:
    """Add budget lines that come by the column."""
    keys = storable_all(lines.id)
    if max(map(len, keys)) > LONGEST_KEY:
        keys = list(map(short, keys))
    codes = [
        column
        for column_of in (lines.project, lines.cost_centre, lines.account)
        for column in zip(*map(code, column_of), strict=True)
    ]
    columns = (
        keys,
        [key.lower() if key.isascii() else match_key(key) for key in keys],
        lines.version,
        lines.fiscal_year,
        lines.period,
        lines.currency,
        lines.amount_minor,
        *codes,
        storable_all(lines.description),
        lines.line,
    )
    add_rows(connection, list(zip(*columns, repeat(artifact_id), repeat(None), repeat(None))))


def add_rows(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Add rows whose values stand in the order of the stage."""
    if connection.dialect.name == "postgresql":
        copy_tuples(connection, stage.name, NAMES, rows)
    elif rows:
        marks = ",".join("?" * len(NAMES))
        connection.exec_driver_sql(f"INSERT INTO {stage.name} VALUES ({marks})", rows)


def stage_row(line: BudgetLine, artifact_id: int | None) -> tuple[object, ...]:
    """Give the columns of a budget line in the order of the stage."""
    key = short(storable(line.id))
    return (
        key,
        key.lower() if key.isascii() else match_key(key),
        line.version.value,
        line.fiscal_year,
        line.period,
        line.currency,
        line.amount_minor,
        *code(line.project),
        *code(line.cost_centre),
        *code(line.account),
        None if line.description is None else storable(line.description),
        line.line,
        artifact_id,
        " ".join(map(match_key, line.issues)) if line.issues else None,
        "\n".join(map(match_key, line.parents)) if line.parents else None,
    )


@lru_cache(maxsize=1 << 13)
def code(text: str | None) -> tuple[str | None, str | None]:
    """Give a code as it is stored and as it is compared; a file repeats the same few in all its rows."""
    return (None, None) if text is None else (storable(text), match_key(text))


def index_stage(connection: Connection) -> None:
    """Make the stage quick to look into, once it is full."""
    connection.execute(text(f"CREATE INDEX ix_{stage.name} ON {stage.name} (source_id)"))
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {stage.name}"))
