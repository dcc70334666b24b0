"""The first page: the number, its trend, what the last run came to, and where to go on."""

from __future__ import annotations

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from sync.figures.coverage import TrendPoint
from sync.report.page import trend_line
from sync.store import history
from sync.store.database import read_only
from sync.store.figures import choose, read_past, trend_of
from sync.store.money import quarantine
from sync.store.tickets import rule_counts
from sync.web.office import Office
from sync.web.rendering import show
from sync.web.runs import asked


def overview(request: Request) -> Response:
    """Show where things stand."""
    office: Office = request.app.state.office
    frame = office.frame()
    with read_only(office.engine) as connection:
        newest = history.newest_runs(connection, 1)
        judged = history.newest_judged(connection)
        past = [] if judged is None else read_past(connection, judged)
        shown = {
            "run": newest[0] if newest else None,
            "sources": history.newest_reads(connection),
            "rules": [] if judged is None else rule_counts(connection, judged),
            "refused": quarantine.count_refused(connection),
        }
    headline = choose(past[-1].portfolio.slices, frame.currency, frame.fiscal_year) if past else None
    trend = trend_of(past, headline.series) if headline else ()
    return show(
        request,
        "overview",
        judged=judged,
        headline=headline,
        work=past[-1].portfolio.work if past else None,
        chart_svg=chart(request, judged, trend),
        points=trend,
        asked=asked,
        **shown,
    )


def chart(request: Request, judged: int | None, trend: tuple[TrendPoint, ...]) -> Markup:
    """Draw the trend; drawing takes longer than the page, so the newest drawing is kept."""
    press = request.app.state.press
    drawn: dict[int, Markup] = press.charts
    if judged is not None and judged not in drawn:
        from sync.report.charts import trend_chart  # noqa: PLC0415  slow to load

        press.charts = {judged: trend_chart(trend, press.zone, trend_line(trend, press.zone))}
    return Markup() if judged is None else press.charts[judged]
