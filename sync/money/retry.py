"""Read finance files once more, from what was kept of them, by the mapping as it is now."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine

from connectors.declared import DeclaredArrival
from connectors.finance import FinanceSource, FinanceSourceConfig
from sync.errors import ConfigurationError
from sync.feeds import Feed, Kind
from sync.frame.service import Service
from sync.sources import SourcesConfig
from sync.store.money import artifacts


@contextmanager
def from_kept_files(service: Service, sources: SourcesConfig, names: Sequence[str]) -> Iterator[Service]:
    """Give the service with kept files in place of finance sources: of those named, or of all that have any.

    Raises `ConfigurationError` for a name that is no finance source of which files are kept.
    """
    known = {config.name: config for config in sources.finance if isinstance(config, FinanceSourceConfig)}
    problems = [
        f"{name}: no files are kept of this source. `tieline pull {name}` reads it anew."
        for name in names
        if name not in known
    ]
    if problems:
        raise ConfigurationError(*problems)
    with TemporaryDirectory(prefix="tieline-") as folder:
        feeds = []
        for number, name in enumerate(names or known):
            path = restore(service.engine, known[name], Path(folder) / str(number))
            if path is None and names:
                raise ConfigurationError(f"{name}: it was not read yet. `tieline pull {name}` reads it.")
            if path is not None:
                config = known[name].model_copy(update={"path": path, "arrival": DeclaredArrival()})
                feeds.append(Feed(name, Kind.FINANCE, partial(FinanceSource, config)))
        yield replace(service, feeds=tuple(feeds))


def restore(engine: Engine, config: FinanceSourceConfig, folder: Path) -> Path | None:
    """Write the files of the last reading into a folder; give the folder, or the file if there is but one."""
    folder.mkdir()
    with engine.connect() as connection:
        files = artifacts.write_last(connection, config.name, folder)
    if not files:
        return None
    return files[0] if len(files) == 1 else folder
