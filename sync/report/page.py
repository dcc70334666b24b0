"""Turn figures into the page: one HTML file that holds all it needs and runs no script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, FunctionLoader, StrictUndefined

from connectors.finance.currencies import EXPONENTS
from sync.figures.coverage import Project, Purpose, Series, Slice, Split, TrendPoint, add_up, percent
from sync.figures.findings import age
from sync.figures.run import Figures
from sync.money.conversion import ROUNDING
from sync.report import wording
from sync.report.bars import COLOURS, WORDS, Bar
from sync.report.document import ITEMS_SHOWN
from sync.waivers.asking import answer

PROJECTS_SHOWN = 25
LINES_SHOWN = 50


@dataclass(frozen=True, slots=True)
class PurposeRow:
    """A line of the table of objectives; `share` is of all objectives' money, in tenths of a percent."""

    id: str
    title: str
    money: Split
    share: int | None
    target: str


def page(figures: Figures, zone: ZoneInfo, version: str) -> str:
    """Render the page; every text from outside is escaped, and made visible where it would act."""
    from sync.report.charts import coverage_chart, trend_chart  # noqa: PLC0415  slow to load

    series = figures.headline.series
    rows = with_rest(figures.projects)
    purposes = purpose_rows(figures.purposes, series)
    return (
        environment(zone)
        .get_template("page.html.jinja")
        .render(
            figures=figures,
            money=figures.headline.money,
            rows=[(project, project.money(series)) for project in rows],
            purposes=purposes,
            purpose_standings=standings(row.money for row in purposes),
            standings=standings(project.money(series) for project in rows),
            converted_standings=standings(part.money for part in figures.exchange.converted),
            rounding=ROUNDING,
            all_standings=standings(part.money for part in figures.slices),
            coverage=coverage_chart(bars(rows, series), unit(series), coverage_summary(figures)),
            trend=trend_chart(figures.trend, zone, trend_line(figures.trend, zone)),
            colours=COLOURS,
            words=WORDS,
            items_shown=ITEMS_SHOWN,
            lines_shown=LINES_SHOWN,
            version=version,
        )
    )


def environment(zone: ZoneInfo, *more: Traversable) -> Environment:
    """Make the template environment: autoescape on, and an unknown name is an error.

    Templates are looked for in the folders named, then beside this module.
    """
    folders = (*more, files("sync.report"))
    made = Environment(
        loader=ChoiceLoader([FunctionLoader(partial(template, folder)) for folder in folders]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "visible": wording.visible,
        "amount": wording.amount,
        "money": wording.money,
        "signed": wording.change_of,
        "percent": percent,
        "age": age,
        "answer": answer,
        "count": "{:,}".format,
        "moved": lambda number: f"{number:+,}" if number else "0",
        "web": wording.web_address,
        "moment": lambda at: wording.moment(at, zone),
        "day": lambda at: wording.day(at, zone),
    }
    made.globals["points"] = wording.points
    return made


def template(folder: Traversable, name: str) -> str | None:
    """Read a template out of a folder, if it is there."""
    file = folder / name
    return file.read_text(encoding="utf-8") if file.is_file() else None


def with_rest(projects: Sequence[Project]) -> list[Project]:
    """Give the largest projects as they are, and all others as one."""
    if len(projects) <= PROJECTS_SHOWN + 1:
        return list(projects)
    rest = projects[PROJECTS_SHOWN:]
    every = sorted({part.series for project in rest for part in project.slices})
    slices = (Slice(series, add_up(project.money(series) for project in rest), Split()) for series in every)
    work = add_up(project.work for project in rest)
    return [*projects[:PROJECTS_SHOWN], Project("", f"{len(rest)} other projects", work, tuple(slices))]


def purpose_rows(purposes: Sequence[Purpose], series: Series | None) -> list[PurposeRow]:
    """Give the objectives with the most money of a series, all others as one, then what serves none."""
    paid = [it for it in purposes if it.money(series) != Split()]
    named, none = [it for it in paid if it.id], [it for it in paid if not it.id]
    served = sum(it.money(series).total for it in named)
    rest = named[PROJECTS_SHOWN:] if len(named) > PROJECTS_SHOWN + 1 else []
    rows = [purpose_row(it, series, served) for it in named[: len(named) - len(rest)]]
    if rest:
        whole = add_up(it.money(series) for it in rest)
        rows.append(PurposeRow("", f"{len(rest)} other objectives", whole, share_of(whole.total, served), ""))
    return rows + [PurposeRow("", "No objective", it.money(series), None, "") for it in none]


def purpose_row(it: Purpose, series: Series | None, served: int) -> PurposeRow:
    """Make the line of one objective."""
    money = it.money(series)
    target = "" if it.target_share is None else f"{it.target_share / 100:g} %"
    return PurposeRow(it.id, it.title, money, share_of(money.total, served), target)


def share_of(part: int, whole: int) -> int | None:
    """Give a part in tenths of a percent, rounded down; none where parts are negative or nothing is whole."""
    return part * 1000 // whole if 0 <= part <= whole and whole else None


def standings(splits: Iterable[Split]) -> list[str]:
    """Give the standings a table needs columns for: aligned and unaligned, the others where they occur."""
    parts = list(splits)
    always = ("aligned", "unaligned")
    return [state for state in WORDS if state in always or any(getattr(part, state) for part in parts)]


def unit(series: Series | None) -> str:
    """Name what the bars of the coverage chart measure."""
    return "Work items" if series is None else f"{series.currency}, {series.version} {series.fiscal_year}"


def bars(projects: Iterable[Project], series: Series | None) -> list[Bar]:
    """Give the projects that have any money, or any work where there is no money, as bars."""
    found = []
    for project in projects:
        whole = project.work if series is None else project.money(series)
        units = in_units(whole, series)
        if units != Split():
            found.append(Bar(project.name or project.key, units, percent(whole.share)))
    return found


def in_units(whole: Split, series: Series | None) -> Split:
    """Give minor units as whole ones: a pixel is worth more than a cent."""
    scale = 1 if series is None else 10 ** EXPONENTS[series.currency]
    return Split(*(part // scale for part in astuple(whole)))


def coverage_summary(figures: Figures) -> str:
    """Say in a sentence what the coverage chart shows."""
    part = figures.headline.money
    whole = figures.work if part is None else part.money
    what = "work items" if part is None else "money"
    return (
        f"Bar chart of {what} by project and standing, largest first. "
        f"Aligned over all projects: {percent(whole.share)}. The table below holds the figures."
    )


def trend_line(trend: Sequence[TrendPoint], zone: ZoneInfo) -> str:
    """Say in a sentence what the trend chart shows."""
    if len(trend) < 2:
        return ""
    first, last = trend[0], trend[-1]
    return (
        f"Line chart of the aligned share of money over {len(trend)} runs: "
        f"{percent(first.money.share)} on {wording.day(first.started_at, zone)}, "
        f"{percent(last.money.share)} on {wording.day(last.started_at, zone)}."
    )
