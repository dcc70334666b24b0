"""The page of waivers: what somebody has accepted, until when, and what is to be done about it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sync.store.database import read_only
from sync.store.waivers import granted_waivers
from sync.waivers.remarks import remarks
from sync.web.office import Office
from sync.web.rendering import show


def waivers(request: Request) -> Response:
    """Show the waivers that count at present."""
    office: Office = request.app.state.office
    today = office.frame().today
    with read_only(office.engine) as connection:
        granted = granted_waivers(connection)
    return show(request, "waivers", waivers=granted, remarks=remarks(granted, today), today=today)
