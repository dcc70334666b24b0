"""The pages about runs: their list, and one run with its sources, its sums, its labels and how to undo it."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from sync.figures.coverage import add_up
from sync.store import audit, history
from sync.store.database import read_only
from sync.store.figures import read_past
from sync.store.runs import sources_of
from sync.store.schema import AnyRow
from sync.store.tickets import label_facts
from sync.web.office import Office
from sync.web.pages import SIZE, pages_of
from sync.web.rendering import show

LABELS_SHOWN = 200
ENTRIES_SHOWN = 50


def runs(request: Request) -> Response:
    """Show the runs, the newest first."""
    office: Office = request.app.state.office
    with read_only(office.engine) as connection:
        total = history.count_runs(connection)
        pages = pages_of("/runs", {}, total, request.query_params.get("page", ""))
        rows = history.newest_runs(connection, SIZE, pages.first_line)
    return show(request, "runs", pages=pages, rows=rows, asked=asked)


def run(request: Request) -> Response:
    """Show one run in full."""
    office: Office = request.app.state.office
    number = request.path_params["number"]
    with read_only(office.engine) as connection:
        row = history.run_with(connection, number) if number < 2**31 else None
        if row is None:
            raise HTTPException(404, f"There is no run {number}.")
        past = read_past(connection, number)
        shown = {
            "sources": sources_of(connection, number),
            "totals": history.totals_of(connection, number),
            "movements": history.movements_of(connection, number),
            "labels": label_facts(connection, number, LABELS_SHOWN),
            "writes": history.write_counts(connection, number),
            "entries": audit.newest_of(connection, number, ENTRIES_SHOWN),
            "portfolio": past[-1].portfolio if past and past[-1].run_id == number else None,
        }
    return show(request, "run", row=row, asked=asked(row), most=LABELS_SHOWN, add_up=add_up, **shown)


def asked(row: AnyRow) -> str:
    """Name what asked for a run."""
    if row.trigger == "cli":
        return "run --dry-run" if row.dry_run else "run"
    return str(row.trigger)
