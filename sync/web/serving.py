"""Serve the pages for as long as the service runs, if the settings say where."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sync.web.application import build
from sync.web.office import Office
from sync.web.server import PageServer


@contextmanager
def pages_served(office: Office) -> Iterator[str]:
    """Serve the pages while the context lasts, and give their address; none where TIELINE_LISTEN is empty."""
    if office.settings.listen is None:
        yield ""
        return
    with PageServer(build(office), office.settings.listen) as server:
        yield server.url
