"""Run the migrations on the engine that `sync.store.database` hands over."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from sync.store import tables

engine = context.config.attributes["engine"]
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=engine.dialect.name == "sqlite",
        user_module_prefix=f"{tables.__name__.rsplit('.', maxsplit=1)[-1]}.",
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
