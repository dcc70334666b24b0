"""Turn figures into charts: SVG text that stands in the page itself and asks the network for nothing.

Loading it takes as long as a tenth of all else: it is imported where something is drawn, not before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
from markupsafe import Markup, escape

from sync.figures.coverage import Split, TrendPoint, percent
from sync.report.bars import COLOURS, WORDS, Bar
from sync.report.renderer import RENDERER
from sync.report.wording import day, shortened, visible

INK, MUTED, GRID = "#1c2733", "#54616f", "#dfe4ea"

WIDTH = 560
NAME_LENGTH = 44
# Room for the widest font a reader may have: the renderer measures in its own.
LETTER = 7
TREND_HEIGHT = 180
# d3 writes giga where people who read money say billion.
SHORT_NUMBER = "replace(format(datum.value, '~s'), 'G', 'B')"


def coverage_chart(bars: Sequence[Bar], unit: str, summary: str) -> Markup:
    """Draw one bar for each project, cut by standing, in the order given."""
    if not bars:
        return Markup()
    names = unique_names(bars)
    room = LETTER * max(len(name) for name in names)
    axis = alt.Axis(labelLimit=LETTER * NAME_LENGTH, minExtent=room, ticks=False, labelPadding=6)
    rows = alt.Y("name:N", sort=names, title=None, axis=axis)
    shares = [
        {"name": name, "end": reach(bar.split), "share": bar.share}
        for name, bar in zip(names, bars, strict=True)
    ]
    labels = (
        alt.Chart(alt.InlineData(values=shares))
        .mark_text(align="left", dx=5, color=MUTED)
        .encode(y=rows, x="end:Q", text="share:N")
    )
    chart = alt.layer(cut_bars(names, bars, rows, unit), labels)
    return draw(chart.properties(width=WIDTH, height={"step": 23}), summary)


def cut_bars(names: Sequence[str], bars: Sequence[Bar], rows: alt.Y, unit: str) -> alt.Chart:
    """Draw the bars themselves, with a legend of the standings that occur."""
    values = [
        {"name": name, "standing": word, "order": place, "amount": getattr(bar.split, state)}
        for name, bar in zip(names, bars, strict=True)
        for place, (state, word) in enumerate(WORDS.items())
        if getattr(bar.split, state)
    ]
    used = {value["standing"] for value in values}
    domain = {word: COLOURS[state] for state, word in WORDS.items() if word in used}
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=values))
        .mark_bar()
        .encode(
            y=rows,
            x=alt.X("amount:Q", title=unit, axis=alt.Axis(labelExpr=SHORT_NUMBER, tickCount=6)),
            order=alt.Order("order:Q"),
            color=alt.Color(
                "standing:N",
                scale=alt.Scale(domain=[*domain], range=[*domain.values()]),
                legend=alt.Legend(title=None, orient="top", symbolType="square"),
            ),
        )
    )
    return chart


def unique_names(bars: Sequence[Bar]) -> list[str]:
    """Cut the names to what fits beside a bar, telling apart those that are the same then."""
    names = [shortened(visible(bar.name), NAME_LENGTH) for bar in bars]
    count = Counter(names)
    return [f"{name} ({place})" if count[name] > 1 else name for place, name in enumerate(names, start=1)]


def reach(split: Split) -> int:
    """Give where the bar ends on the right: negative parts go the other way."""
    return sum(max(part, 0) for part in (split.aligned, split.unaligned, split.waived, split.unknown))


def trend_chart(points: Sequence[TrendPoint], zone: ZoneInfo, summary: str) -> Markup:
    """Draw the aligned share run by run; one run is no trend."""
    if len(points) < 2:
        return Markup()
    values = [
        {"run": name, "share": point.money.share, "text": percent(point.money.share)}
        for name, point in zip(run_names(points, zone), points, strict=True)
    ]
    base = alt.Chart(alt.InlineData(values=values)).encode(
        x=alt.X(
            "run:O",
            sort=None,
            title=None,
            axis=alt.Axis(
                labelAngle=0, labelOverlap="parity", labelSeparation=12, ticks=False, labelPadding=6
            ),
        ),
        y=alt.Y(
            "share:Q",
            title=None,
            scale=alt.Scale(domain=[0, 1000]),
            axis=alt.Axis(labelExpr="datum.value / 10 + ' %'", tickCount=5, grid=True, ticks=False),
        ),
    )
    line = base.mark_line(color=COLOURS["aligned"], strokeWidth=2.5)
    dots = base.mark_circle(color=COLOURS["aligned"], size=55, opacity=1)
    last = (
        alt.Chart(alt.InlineData(values=values[-1:]))
        .mark_text(dy=-14, align="right", dx=8, fontWeight="bold", color=INK)
        .encode(x=alt.X("run:O", sort=None), y="share:Q", text="text:N")
    )
    chart = alt.layer(line, dots, last).properties(width=WIDTH + 220, height=TREND_HEIGHT)
    return draw(chart, summary)


def run_names(points: Sequence[TrendPoint], zone: ZoneInfo) -> list[str]:
    """Name each run by its date, and by its number too where a date has several."""
    days = [day(point.started_at, zone) for point in points]
    count = Counter(days)
    return [
        f"{name} run {point.run_id}" if count[name] > 1 else name
        for name, point in zip(days, points, strict=True)
    ]


def draw(chart: alt.LayerChart | alt.FacetChart, summary: str) -> Markup:
    """Render a chart and give it its text alternative."""
    axis = {
        "labelColor": MUTED,
        "titleColor": MUTED,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "gridColor": GRID,
        "domainColor": GRID,
        "tickColor": GRID,
    }
    styled: dict[str, Any] = chart.to_dict()
    styled["config"] = {
        "background": None,
        "padding": {"left": 5, "top": 5, "bottom": 5, "right": 20},
        "view": {"stroke": None},
        "axis": axis,
        "axisY": {"grid": False, "domain": False, "labelColor": INK},
        "legend": {"labelColor": INK, "labelFontSize": 12},
        "text": {"fontSize": 12},
    }
    svg = RENDERER.draw(styled)
    label = escape(visible(summary))
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))  # noqa: S704 - vega escapes text
