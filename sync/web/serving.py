"""Serve the pages for as long as the service runs, if the settings say where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from starlette.routing import BaseRoute

from sync.web.application import build
from sync.web.office import Office
from sync.web.server import PageServer


@contextmanager
def pages_served(office: Office, more: Sequence[BaseRoute] = ()) -> Iterator[str]:
    """Serve the pages, and `more` behind the same gate, while the context lasts, and give their address.

    None where TIELINE_LISTEN is empty.
    """
    if office.settings.listen is None:
        yield ""
        return
    with PageServer(build(office, more), office.settings.listen) as server:
        yield server.url
