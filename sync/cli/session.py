"""Open what a command needs: settings, sources, store and service; and close it again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from sync.cli.crash import hidden_in_crashes
from sync.errors import ConfigurationError
from sync.frame.log import LogForm, LogLevel, logging_to, secrets_in, standard_error
from sync.frame.service import Service
from sync.report import write_report
from sync.rulebook import frame_of
from sync.settings import Queue, Settings, load_settings, variables
from sync.sites import Sites
from sync.sources import SourcesConfig, load_sources
from sync.store import history
from sync.store.database import connect, open_store
from sync.store.schema import AnyRow
from sync.store.turns import SharedTurns, open_turns
from sync.wiring import build_service

DOTENV = Path(".env")


def utc_now() -> datetime:
    """Give the time: the one clock of the service, handed to everything that needs it."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Session:
    """What a command works with."""

    settings: Settings
    sources: SourcesConfig
    engine: Engine
    service: Service
    sites: Sites


def dotenv_of(env_file: Path | None) -> Path:
    """Give the file of settings: `.env`, or the one named, which must be there."""
    if env_file is not None and not env_file.is_file():
        raise ConfigurationError(
            f"--env-file {env_file}: no such file. Copy config.example.env and fill it in."
        )
    return env_file or DOTENV


def read_settings(env_file: Path | None) -> Settings:
    """Read the settings from `.env`, or from the file named, and the environment."""
    return load_settings(os.environ, dotenv_of(env_file))


@contextmanager
def open_engine(settings: Settings) -> Iterator[Engine]:
    """Open the store."""
    engine = open_store(settings.database_url.get_secret_value())
    try:
        yield engine
    finally:
        engine.dispose()


def has_store(settings: Settings) -> bool:
    """Say whether there is a store to look into; opening a SQLite file would make one."""
    url = make_url(settings.database_url.get_secret_value())
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


def standing_findings(settings: Settings) -> dict[str, AnyRow]:
    """Count the findings of each rule in the store; none where there is no store yet, and none is made."""
    if not has_store(settings):
        return {}
    with open_engine(settings) as engine, engine.connect() as connection:
        run_id = history.newest_judged(connection) or 0
        return {row.rule: row for row in history.findings_by_rule(connection, run_id)}


@contextmanager
def open_session(env_file: Path | None, *, served: bool = False) -> Iterator[Session]:
    """Open everything. What is served logs unless told otherwise; a command speaks for itself.

    What goes wrong beside a run and changes nothing of it (a ping, a file of metrics) it logs all the same.
    """
    settings = read_settings(env_file)
    sources = load_sources(settings, variables(os.environ, env_file or DOTENV))
    spoken = settings.log is LogForm.AUTO and not served
    form, level = (LogForm.HUMAN, LogLevel.ERROR) if spoken else (settings.log, settings.log_level)
    secrets = [*secrets_in(settings), *secrets_in(sources)]
    with (
        hidden_in_crashes(secrets),
        logging_to(standard_error(), form, level, secrets),
        open_engine(settings) as engine,
        open_service(settings, sources, engine) as session,
    ):
        yield session


@contextmanager
def open_unwritten(env_file: Path | None) -> Iterator[Session]:
    """Open everything but the store, which is neither made nor upgraded."""
    settings = read_settings(env_file)
    sources = load_sources(settings, variables(os.environ, env_file or DOTENV))
    engine = connect(settings.database_url.get_secret_value())
    try:
        with (
            hidden_in_crashes([*secrets_in(settings), *secrets_in(sources)]),
            open_service(settings, sources, engine) as session,
        ):
            yield session
    finally:
        engine.dispose()


@contextmanager
def open_service(settings: Settings, sources: SourcesConfig, engine: Engine) -> Iterator[Session]:
    """Put the service together on an open store."""
    report = partial(write_run_report, settings, engine)
    with shared_turns(settings) as turns:
        service, sites = build_service(settings, sources, engine, report, utc_now, turns=turns)
        try:
            yield Session(settings, sources, engine, service, sites)
        finally:
            sites.close()


@contextmanager
def shared_turns(settings: Settings) -> Iterator[SharedTurns | None]:
    """Share the budget of requests with the other machines, where there are any."""
    if settings.queue is Queue.NONE:
        yield None
        return
    turns = open_turns(settings.database_url.get_secret_value())
    try:
        yield turns
    finally:
        turns.dispose()


def write_run_report(settings: Settings, engine: Engine, run_id: int, folder: Path | None = None) -> Path:
    """Write the report of a run into the folder the settings name, or another one."""
    return write_report(
        engine,
        run_id,
        folder or settings.report_dir,
        zone=settings.zone,
        currency=settings.currency,
        fiscal_year=frame_of(settings, utc_now()).fiscal_year,
    )
