"""The page about one work item: where it stands, why it is flagged, what clears it, what became of it."""

from __future__ import annotations

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from sync.explain.work import Explainer, Explanation
from sync.store import ties
from sync.store.catalogue import bind_catalogue
from sync.store.database import read_only
from sync.store.findings import WORK_ITEM
from sync.store.schema import AnyRow
from sync.web.findings import item_path
from sync.web.office import Office
from sync.web.rendering import show

LONGEST = 255


def item(request: Request) -> Response:
    """Explain the work item with an immutable id; a key leads to it too."""
    office: Office = request.app.state.office
    site, name = request.path_params["site"], request.path_params["issue"]
    with read_only(office.engine) as connection:
        row = None if unusable(name) else ties.find_work_item(connection, name, site)
        if row is None:
            raise HTTPException(404, f"The site {site!r} has no work item {name!r} in the store.")
        if row.source_id != name:
            return RedirectResponse(item_path(site, row.source_id), 303)
        explanation = explain(office, connection, row)
        lives = sorted(
            ties.findings_on(connection, WORK_ITEM, row.id).values(), key=lambda it: it.since, reverse=True
        )
        writes = ties.writes_on(connection, row.id)
    return show(request, "item", it=explanation, row=row, lives=lives, writes=writes, jira=row.url)


def find_item(request: Request) -> Response:
    """Lead from a key to its page."""
    office: Office = request.app.state.office
    key = request.query_params.get("key", "").strip()
    with read_only(office.engine) as connection:
        row = None if unusable(key) else ties.find_work_item(connection, key)
    if row is None:
        raise HTTPException(404, f"There is no work item {key!r} in the store.")
    return RedirectResponse(item_path(row.source, row.source_id), 303)


def explain(office: Office, connection: Connection, row: AnyRow) -> Explanation:
    """Explain an item by the rules as they stand now."""
    frame = office.frame()
    rules, catalogue = office.rules_now(), bind_catalogue(frame)
    explainer = Explainer(connection, rules, catalogue, frame, office.ways)
    return explainer.explain(row.source_id, site=row.source)


def unusable(name: str) -> bool:
    """Say whether a name cannot be one of a work item; PostgreSQL takes no NUL in a text."""
    return not name or len(name) > LONGEST or "\0" in name
