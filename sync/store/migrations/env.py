"""Run the migrations on the engine that `sync.store.migrating` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from sync.store import tables
from sync.store.creating import lock_schema

engine = context.config.attributes["engine"]
sqlite = engine.dialect.name == "sqlite"
with engine.connect() as connection:
    driver = connection.connection.dbapi_connection
    if sqlite:
        # Some changes make a table anew, under rows that refer to it: it is gone for a moment.
        driver.execute("PRAGMA foreign_keys = OFF")
        # Whoever finds another process at it waits until that is through, and not as for a mere write.
        (patience,) = driver.execute("PRAGMA busy_timeout").fetchone()
        driver.execute("PRAGMA busy_timeout = 600000")
    try:
        # Of two processes that upgrade at once, the later waits here and then finds nothing to do.
        lock_schema(connection)
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            render_as_batch=sqlite,
            user_module_prefix=f"{tables.__name__.rsplit('.', maxsplit=1)[-1]}.",
        )
        there, before = context.get_context().get_current_revision(), context.config.attributes.get("before")
        if before is not None and there not in {None, context.get_head_revision()}:
            before(engine, there)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        connection.rollback()
        if sqlite:
            driver.execute("PRAGMA foreign_keys = ON")
            driver.execute(f"PRAGMA busy_timeout = {patience}")
