"""Run the migrations by Alembic; there is no alembic.ini."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def migrate(engine: Engine, *, before: Callable[[Engine, str], None] | None = None) -> None:
    """Bring the schema of a store to the newest version.

    Of several processes that come at once one does it; that one calls `before` with the schema there is.
    """
    config = migrations(engine)
    config.attributes["before"] = before
    command.upgrade(config, "head")


def migrations(engine: Engine) -> Config:
    """Make the Alembic configuration for this engine."""
    config = Config()
    config.set_main_option("script_location", str(files("sync.store") / "migrations"))
    config.attributes["engine"] = engine
    return config
