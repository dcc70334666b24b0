"""The page of the quarantine: rows that were refused, where they stood, and why."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from sync.store.database import read_only
from sync.store.money import quarantine as store
from sync.web.office import Office
from sync.web.pages import SIZE, pages_of
from sync.web.rendering import show


def quarantine(request: Request) -> Response:
    """Show the refused rows of one state, of one source or of all."""
    office: Office = request.app.state.office
    status = request.query_params.get("status", "")
    if status not in store.STATES:
        status = store.OPEN
    with read_only(office.engine) as connection:
        sources = store.sources_refused(connection)
        source = request.query_params.get("source", "")
        chosen = (source,) if source in sources else ()
        total = store.count_refused(connection, chosen, (status,))
        query = {"source": source if chosen else "", "status": "" if status == store.OPEN else status}
        pages = pages_of("/quarantine", query, total, request.query_params.get("page", ""))
        rows = store.refused_rows(connection, chosen, (status,), first=pages.first_line, most=SIZE)
    return show(
        request,
        "quarantine",
        rows=rows,
        pages=pages,
        status=status,
        source=source if chosen else "",
        sources=sources,
        states=store.STATES,
    )
