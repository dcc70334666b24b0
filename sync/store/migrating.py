"""Run the migrations by Alembic; there is no alembic.ini."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine


def migrate(engine: Engine, revision: str = "head") -> None:
    """Bring the schema of a store to the newest version, or to the one given."""
    command.upgrade(migrations(engine), revision)


def migrations(engine: Engine) -> Config:
    """Make the Alembic configuration for this engine."""
    config = Config()
    config.set_main_option("script_location", str(files("sync.store") / "migrations"))
    config.attributes["engine"] = engine
    return config
