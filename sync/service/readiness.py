"""Look whether the service could run a night now: the store answers, schema and lease are there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from sync.frame.faults import fault
from sync.store import health
from sync.store.database import newest_revision

GOOD = "ok"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each check came to: `ok`, or what is wrong."""

    checks: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Say whether nothing is wrong."""
        return all(said == GOOD for said in self.checks.values())


def look(engine: Engine, now: datetime) -> Readiness:
    """Check the store, its schema and the lease. No Jira is asked: its outage is no reason to restart us."""
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
            return Readiness({"store": GOOD, **attempt(connection, now)})
    except SQLAlchemyError as error:
        return Readiness({"store": fault(error)})


def attempt(connection: Connection, now: datetime) -> dict[str, str]:
    """Check what is in the store."""
    checks: dict[str, Callable[[], str]] = {
        "schema": lambda: check_schema(connection),
        "lease": lambda: GOOD if health.is_at_work(connection, now) in {True, False} else "",
    }
    return {name: check() for name, check in checks.items()}


def check_schema(connection: Connection) -> str:
    """Compare the schema of the store with the one this version knows."""
    found, known = connection.scalar(text("SELECT version_num FROM alembic_version")), newest_revision()
    return GOOD if found == known else f"the store has schema {found}, this version of Tieline knows {known}"
