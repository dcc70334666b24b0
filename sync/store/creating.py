"""Make a new store at once, as its tables are now; one that was there already is led there step by step."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, inspect, text

from sync.store import tables

# All that budget lines say and ever said.
BUDGET_LINE_VERSION = """
CREATE VIEW budget_line_version AS
SELECT line.source, line.source_id, line.version, line.fiscal_year, line.period, line.currency,
       line.amount_minor, line.project, line.cost_centre, line.account, line.description,
       artifact.name AS file, line.line, began.started_at AS valid_from, NULL AS valid_to,
       line.sheet
FROM budget_line AS line
JOIN run AS began ON began.id = line.valid_from_run
LEFT JOIN artifact ON artifact.id = line.artifact_id
WHERE line.deleted_at IS NULL
UNION ALL
SELECT line.source, line.source_id, past.version, past.fiscal_year, past.period, past.currency,
       past.amount_minor, past.project, past.cost_centre, past.account, past.description,
       artifact.name AS file, past.line, began.started_at AS valid_from, ended.started_at AS valid_to,
       past.sheet
FROM budget_line_past AS past
JOIN budget_line AS line ON line.id = past.budget_line_id
JOIN run AS began ON began.id = past.valid_from_run
JOIN run AS ended ON ended.id = past.valid_to_run
LEFT JOIN artifact ON artifact.id = past.artifact_id
"""
# As Alembic makes it, which leads the store on from here.
REVISION = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""
LOCKS = {
    "sqlite": "PRAGMA user_version = 0",  # the least there is to write
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext('tieline'))",
}


def create(engine: Engine, revision: str) -> None:
    """Make a store of this schema; of several processes that come at once one does it."""
    with engine.begin() as connection:
        lock_schema(connection)
        if not inspect(connection).has_table("alembic_version"):
            make_tables(connection, revision)


def make_tables(connection: Connection, revision: str) -> None:
    """Make every table and view, and say which schema they are."""
    tables.Run.metadata.create_all(connection, checkfirst=False)
    connection.execute(text(BUDGET_LINE_VERSION))
    connection.execute(text(REVISION))
    connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def lock_schema(connection: Connection) -> None:
    """Let nobody else make or change tables until this transaction ends; who comes later waits here."""
    connection.exec_driver_sql(LOCKS[connection.dialect.name])
