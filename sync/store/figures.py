"""Read the figures of a run: a few set-wise statements over coverage, findings, ledger and sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, or_, select

from connectors.records import BudgetVersion
from sync.errors import ConfigurationError
from sync.figures.coverage import Headline, Project, Series, Slice, Split, TrendPoint, add_up
from sync.figures.findings import Change, Moved
from sync.figures.intake import Exchange
from sync.figures.run import Detail, Figures, RunFacts
from sync.store import intake, requests, tickets
from sync.store.coverage import WHOLE, coverage
from sync.store.dangling import count_dangling
from sync.store.money import conversions
from sync.store.money.leftovers import read_leftovers
from sync.store.money.objective_figures import read_purposes
from sync.store.rulebook import new_rules
from sync.store.runs import run
from sync.store.schema import AnyRow
from sync.store.waivers import granted_waivers
from sync.waivers.remarks import remarks

TREND_RUNS = 60
# So long a rule counts as new.
NEW = timedelta(days=7)

# Which money a report is about where the budget that was asked for is not there.
PREFERENCE = [version.value for version in BudgetVersion]

OLDER = "This is not the newest run. Findings and unaligned tickets are kept for the newest run only."
UNCERTAIN = "No work is called unaligned, because a source was not read whole: see Sources."
CHANGED = "The store was read anew after this run had judged it, so this list may differ from the sums."

# By site and key: two sites may use one key.
Projects = dict[tuple[str, str], Project]


@dataclass(frozen=True, slots=True)
class Past:
    """The whole portfolio as one run saw it."""

    run_id: int
    started_at: datetime
    portfolio: Project


def read_figures(
    connection: Connection, run_id: int, *, zone: ZoneInfo, currency: str, fiscal_year: int | None
) -> Figures:
    """Read everything a report says about a run that judged.

    The headline is the budget of `fiscal_year` in `currency`, or the newest there is where the store has no
    such money. Raises `ConfigurationError` for a run that is unknown or judged nothing.
    """
    this = find_run(connection, run_id)
    past = read_past(connection, run_id)
    if not past or past[-1].run_id != run_id:
        raise ConfigurationError(
            f"Run {run_id} judged nothing, so there are no figures to report. `tieline runs` lists the runs; "
            "`tieline run --dry-run` makes one with figures."
        )
    headline = choose(past[-1].portfolio.slices, currency, fiscal_year)
    series = headline.series
    projects = read_projects(connection, run_id)
    newest = connection.scalar(select(func.max(coverage.c.run_id))) == run_id
    today = intake.judged_at(connection, run_id, this.started_at).astimezone(zone).date() if newest else None
    return Figures(
        run=this,
        headline=headline,
        work=past[-1].portfolio.work,
        slices=past[-1].portfolio.slices,
        projects=tuple(
            sorted(projects.values(), key=lambda it: (-it.money(series).total, -it.work.total, it.key))
        ),
        purposes=read_purposes(connection, run_id, series),
        detail=read_detail(connection, past[-1], series, today),
        change=read_change(connection, past, projects, series, today),
        labels=tickets.label_facts(connection, run_id),
        trend=trend_of(past, series),
        intake=intake.read_intake(connection, run_id),
        exchange=Exchange(
            conversions.read_converted(connection, run_id), conversions.read_missing(connection, run_id)
        ),
    )


def find_run(connection: Connection, run_id: int) -> RunFacts:
    """Read the run itself."""
    row = connection.execute(select(run).where(run.c.id == run_id)).one_or_none()
    if row is None:
        raise ConfigurationError(f"There is no run {run_id}. `tieline runs` lists the runs.")
    return RunFacts(
        row.id,
        row.trigger,
        row.dry_run,
        row.status,
        row.started_at,
        row.finished_at,
        row.rules_hash,
        row.message,
    )


def read_past(connection: Connection, run_id: int) -> list[Past]:
    """Read the whole portfolio as this run and the finished ones before it saw it, the oldest first."""
    eligible = (
        select(coverage.c.run_id)
        .join(run, run.c.id == coverage.c.run_id)
        .where(coverage.c.run_id <= run_id, or_(run.c.finished_at.is_not(None), coverage.c.run_id == run_id))
        .distinct()
        .order_by(coverage.c.run_id.desc())
        .limit(TREND_RUNS)
    ).subquery()
    rows = connection.execute(
        select(coverage, run.c.started_at)
        .join(run, run.c.id == coverage.c.run_id)
        .where(coverage.c.project_key == WHOLE, coverage.c.run_id.in_(select(eligible.c.run_id)))
        .order_by(coverage.c.run_id)
    ).all()
    started = {row.run_id: row.started_at for row in rows}
    return [
        Past(number, at, to_project(WHOLE, [row for row in rows if row.run_id == number]))
        for number, at in started.items()
    ]


def read_projects(connection: Connection, run_id: int) -> Projects:
    """Read the figures of each project in one run; where two sites share a key, it is shown with the site."""
    rows = connection.execute(
        select(coverage)
        .where(coverage.c.run_id == run_id, coverage.c.project_key != WHOLE)
        .order_by(coverage.c.project_key, coverage.c.site)
    ).all()
    grouped: dict[tuple[str, str], list[AnyRow]] = {}
    for row in rows:
        grouped.setdefault((row.site, row.project_key), []).append(row)
    uses = Counter(key for _, key in grouped)
    return {
        (site, key): to_project(f"{key} ({site})" if uses[key] > 1 else key, group)
        for (site, key), group in grouped.items()
    }


def to_project(key: str, rows: Sequence[AnyRow]) -> Project:
    """Put the rows of one project together: its work, and its money series by series, the newest first."""
    grouped: dict[Series, list[AnyRow]] = {}
    for row in rows:
        grouped.setdefault(Series(row.currency, row.fiscal_year, row.version), []).append(row)
    work = to_split(grouped.pop(Series("", 0, ""), []), "items")
    slices = [
        Slice(series, to_split(group, "amount_minor"), to_split(group, "items"))
        for series, group in grouped.items()
    ]
    slices.sort(key=lambda part: (part.series.currency, -part.series.fiscal_year, rank(part.series)))
    name = max((row.project_name for row in rows), default="")
    return Project(key, name, work, tuple(slices))


def to_split(rows: Iterable[AnyRow], column: str) -> Split:
    """Give the rows' standing in one column."""
    return add_up(Split(**{row.state: int(getattr(row, column))}) for row in rows)


def rank(series: Series) -> int:
    """Order the versions: budget, forecast, actual."""
    return PREFERENCE.index(series.version)


def choose(slices: Sequence[Slice], currency: str, fiscal_year: int | None) -> Headline:
    """Choose the money that the report is about, and say so where it is not the money asked for."""
    budget = PREFERENCE[0]
    for part in slices:
        if part.series == Series(currency, fiscal_year or 0, budget):
            return Headline(part)
    if not slices:
        return Headline(None, "The store holds no money, so only work is counted.")
    found = min(slices, key=lambda part: (part.series.currency != currency, rank(part.series)))
    if fiscal_year is None and (found.series.currency, found.series.version) == (currency, budget):
        return Headline(found)
    wanted = f"budget in {currency}" + (f" for fiscal year {fiscal_year}" if fiscal_year else "")
    shown = f"{found.series.version} of fiscal year {found.series.fiscal_year} in {found.series.currency}"
    return Headline(found, f"The store holds no {wanted}; the figures below are the {shown}.")


def trend_of(past: Sequence[Past], series: Series | None) -> tuple[TrendPoint, ...]:
    """Give the headline money of each run that knew how it stood."""
    points = (TrendPoint(it.run_id, it.started_at, it.portfolio.money(series)) for it in past)
    return tuple(point for point in points if point.money.share is not None)


def read_detail(connection: Connection, this: Past, series: Series | None, today: date | None) -> Detail:
    """Read the tickets behind the sums of the newest run; `today` is empty for an older one."""
    if today is None:
        return Detail(OLDER)
    work, money = this.portfolio.work, this.portfolio.money(series)
    findings = tickets.open_findings(connection)
    waivers = granted_waivers(connection)
    kept = Detail(
        findings=findings,
        rules=tickets.rule_counts(connection, this.run_id),
        waivers=waivers,
        waiver_remarks=tuple(remarks(waivers, today)),
        new_rules=new_rules(connection, this.run_id, this.started_at - NEW),
        requests=tuple(map(requests.facts_of, requests.requests(connection))),
        leftovers=read_leftovers(connection),
        dangling=count_dangling(connection),
    )
    if not (work.known or money.known):
        return replace(kept, note=UNCERTAIN)
    items = tickets.unaligned_items(connection, today, series, findings)
    fits = (len(items), sum(item.amount_minor for item in items)) == (work.unaligned, money.unaligned)
    return replace(kept, note="" if fits else CHANGED, unaligned=items)


def read_change(
    connection: Connection,
    past: Sequence[Past],
    projects: Projects,
    series: Series | None,
    today: date | None,
) -> Change | None:
    """Compare the newest of `past` with the run before it; without `today` nothing is said about tickets."""
    if len(past) < 2:
        return None
    before, this = past[-2:]
    earlier = read_projects(connection, before.run_id)
    aligned, flagged = (
        ((), ())
        if today is None
        else tickets.turned(connection, after=before.run_id, until=this.run_id, today=today)
    )
    had_money = any(part.series == series for part in before.portfolio.slices)
    return Change(
        run_id=before.run_id,
        started_at=before.started_at,
        money_before=before.portfolio.money(series) if had_money else None,
        work_before=before.portfolio.work,
        moved=moved(earlier, projects, series),
        now_aligned=aligned,
        now_flagged=flagged,
    )


def moved(earlier: Projects, later: Projects, series: Series | None) -> tuple[Moved, ...]:
    """Give the projects whose work or money of one series stands differently, the largest move first."""
    empty = Project("", "", Split(), ())
    found = []
    for project in sorted(earlier.keys() | later.keys()):
        old, new = earlier.get(project, empty), later.get(project, empty)
        it = Moved(
            new.key or old.key, new.name or old.name, old.money(series), new.money(series), old.work, new.work
        )
        if (it.money_before, it.work_before) != (it.money, it.work):
            found.append(it)
    found.sort(key=lambda it: (-abs(it.money.aligned - it.money_before.aligned), it.key))
    return tuple(found)
