"""Hold the budget lines of one read beside the store, in tables of one connection, until they are proved.

They are temporary: a process that dies leaves nothing of them, and nobody else sees them. Filling them takes
no lock on a SQLite store, however long the reading takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, repeat
from typing import Any

from sqlalchemy import BigInteger, Connection, Integer, MetaData, Table, Text, text
from sqlalchemy import Column as TableColumn

from connectors.pages import Page
from connectors.records import BudgetLine, LineColumns
from sync.store.copying import Column, copy_text, copying
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
    *(TableColumn(name, _NUMBERS.get(name, Text)) for name in NAMES),
    prefixes=["TEMPORARY"],
)
# The rows of the store that a promotion touches, and whether each is restated, back or gone.
touched = Table(
    "stage_touched",
    _temporary,
    TableColumn("line_id", BigInteger, primary_key=True, autoincrement=False),
    TableColumn("fate", Text),
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


def stage_page(connection: Connection, page: Page, artifact_id: int | None) -> int:
    """Add the lines of a page to the stage, and say how many there are."""
    lines = [record for record in page.records if isinstance(record, BudgetLine)]
    stage_lines(connection, lines, artifact_id)
    for columns in page.columns:
        stage_columns(connection, columns, artifact_id)
    return len(lines) + sum(map(len, page.columns))


def stage_lines(connection: Connection, lines: Sequence[BudgetLine], artifact_id: int | None) -> None:
    """Add budget lines to the stage."""
    rows = [stage_row(line, artifact_id) for line in lines]
    if connection.dialect.name == "postgresql":
        with copying(connection, stage.name, NAMES) as send:
            send(copy_text(list(zip(*rows, strict=True))))
    elif rows:
        write_rows(connection, rows)


def stage_columns(connection: Connection, lines: LineColumns, artifact_id: int | None) -> None:
    """Add budget lines that come by the column."""
    columns = line_columns(lines)
    if connection.dialect.name == "postgresql":
        with copying(connection, stage.name, NAMES) as send:
            send(copy_text(columns, after=(artifact_id, None, None)))
    else:
        write_rows(connection, list(zip(*columns, repeat(artifact_id), repeat(None), repeat(None))))


def line_columns(lines: LineColumns) -> list[Column]:
    """Give the columns of these lines as the stage has them, up to the artifact."""
    keys = storable_all(lines.id)
    if max(map(len, keys)) > LONGEST_KEY:
        keys = list(map(short, keys))
    codes = chain.from_iterable(map(folded, (lines.project, lines.cost_centre, lines.account)))
    return [
        *folded(keys),
        lines.version,
        lines.fiscal_year,
        lines.period,
        lines.currency,
        lines.amount_minor,
        *codes,
        storable_all(lines.description),
        lines.line,
    ]


def folded(texts: Sequence[Any]) -> Iterable[Sequence[str | None]]:
    """Give texts, or None, as they are stored and as they are compared; plain ones are folded all at once."""
    if None not in texts:
        joined = "\n".join(texts)
        plain = joined.isascii() and "\0" not in joined and joined.count("\n") == len(texts) - 1
        if plain and max(map(len, texts)) <= LONGEST_KEY:
            return texts, joined.lower().split("\n")
    return zip(*map(code, texts), strict=True)


def write_rows(connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Add rows whose values stand in the order of the stage, on SQLite."""
    marks = ",".join("?" * len(NAMES))
    connection.exec_driver_sql(f"INSERT INTO {stage.name} VALUES ({marks})", rows)


def stage_row(line: BudgetLine, artifact_id: int | None) -> tuple[object, ...]:
    """Give the columns of a budget line in the order of the stage."""
    key = short(storable(line.id))
    return (
        key,
        match_key(key),
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
