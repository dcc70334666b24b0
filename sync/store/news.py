"""Read what changed between two runs: what opened and closed, how the figures moved, what was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Select, and_, exists, func, select

from rules.ruleset import Mode
from sync.digests.news import News, Standing, Turned, WaiverRemark, project_of
from sync.figures.coverage import Project, Series, Split
from sync.figures.intake import SourceRead
from sync.life import CLOSED, LABELLED
from sync.store import intake, requests
from sync.store.coverage import WHOLE, coverage
from sync.store.figures import choose, find_run, read_projects, to_project
from sync.store.findings import finding
from sync.store.runs import run
from sync.store.tickets import findings_with_subjects
from sync.store.waivers import granted_waivers
from sync.waivers.asking import RequestFacts
from sync.waivers.remarks import WARN_DAYS, WaiverFacts, remark_on

COMPLETE = "complete"


def newest_night(connection: Connection) -> int | None:
    """Give the newest run that judged and might have written."""
    night: int | None = connection.scalar(nights())
    return night


def last_night_until(connection: Connection, moment: datetime) -> int | None:
    """Give the newest run that judged and might have written, of those that began before a moment."""
    night: int | None = connection.scalar(nights().where(run.c.started_at < moment))
    return night


def nights() -> Select[Any]:
    """Select the newest run that judged and might have written."""
    judged = exists().where(coverage.c.run_id == run.c.id, coverage.c.project_key == WHOLE)
    return select(func.max(run.c.id)).where(run.c.dry_run.is_(False), judged)


def read_news(
    connection: Connection,
    base: int | None,
    run_id: int,
    *,
    zone: ZoneInfo,
    currency: str,
    fiscal_year: int | None,
) -> News:
    """Read what is different in a run from an earlier one, or all there is where there was none.

    The figures are those of the report of the run: the same money, chosen in the same way.
    """
    this = find_run(connection, run_id)
    before = None if base is None else find_run(connection, base)
    whole = portfolio_of(connection, run_id)
    earlier = None if base is None else portfolio_of(connection, base)
    series = choose(whole.slices, currency, fiscal_year).series
    today = intake.judged_at(connection, run_id, this.started_at).astimezone(zone).date()
    told = None if before is None else before.started_at.astimezone(zone).date()
    reads = intake.source_reads(connection, run_id)
    were = () if base is None else intake.source_reads(connection, base)
    return News(
        run_id=run_id,
        at=this.started_at,
        since=base,
        since_at=None if before is None else before.started_at,
        whole=standing(whole, earlier, series),
        series=series,
        projects=projects_between(connection, base, run_id, series),
        opened=turned(connection, opened_between(base or 0, run_id)),
        closed=turned(connection, closed_between(base or 0, run_id)),
        requests=asked_between(connection, base or 0, run_id),
        waivers=ending(granted_waivers(connection), told, today),
        incomplete=tuple(it for it in reads if it.status != COMPLETE),
        failing=tuple(sorted(incomplete(reads) - incomplete(were))),
        whole_again=tuple(sorted(incomplete(were) & {it.source for it in reads} - incomplete(reads))),
        said=tuple((this.message or "").splitlines()),
    )


def portfolio_of(connection: Connection, run_id: int) -> Project:
    """Read the whole portfolio as a run saw it."""
    rows = connection.execute(
        select(coverage).where(coverage.c.run_id == run_id, coverage.c.project_key == WHOLE)
    ).all()
    return to_project(WHOLE, rows)


def projects_between(
    connection: Connection, base: int | None, run_id: int, series: Series | None
) -> dict[tuple[str, str], Standing]:
    """Read how each project stands, and stood."""
    earlier = {} if base is None else read_projects(connection, base)
    empty = Project("", "", Split(), ())
    return {
        place: standing(project, None if base is None else earlier.get(place, empty), series)
        for place, project in read_projects(connection, run_id).items()
    }


def standing(now: Project, before: Project | None, series: Series | None) -> Standing:
    """Put together how a project, or the whole, stands and stood."""
    knew_money = before is not None and any(part.series == series for part in before.slices)
    return Standing(
        money=None if series is None else now.money(series),
        money_before=before.money(series) if before is not None and knew_money else None,
        work=now.work,
        work_before=None if before is None else before.work,
        name=now.name or now.key,
    )


def opened_between(after: int, until: int) -> ColumnElement[bool]:
    """Say that a finding opened in these runs and stands, accepted by nobody."""
    opened = finding.c.opened_run
    return and_(finding.c.state.in_(LABELLED), finding.c.waiver_id.is_(None), opened > after, opened <= until)


def closed_between(after: int, until: int) -> ColumnElement[bool]:
    """Say that a finding which stood before these runs closed in one of them: what came and went is none."""
    closed = finding.c.closed_run
    return and_(
        finding.c.state == CLOSED,
        finding.c.waiver_id.is_(None),
        finding.c.opened_run <= after,
        closed > after,
        closed <= until,
    )


def turned(connection: Connection, which: ColumnElement[bool]) -> tuple[Turned, ...]:
    """Read findings with what they are about; rules that are only observed are not told of."""
    rows = connection.execute(findings_with_subjects().where(which, finding.c.mode != Mode.OBSERVE.value))
    return tuple(
        Turned(
            subject=row.subject or "",
            title=row.title,
            url=row.url,
            project=row.of_project or "",
            rule=row.rule,
            severity=row.severity,
            owner=row.owner or "",
            labels=row.mode == Mode.LABEL.value,
        )
        for row in rows
    )


def asked_between(connection: Connection, after: int, until: int) -> tuple[RequestFacts, ...]:
    """Read the requests that these runs heard and that are not over."""
    rows = requests.requests(connection)
    return tuple(requests.facts_of(row) for row in rows if after < row.asked_run <= until)


def ending(waivers: Sequence[WaiverFacts], told: date | None, today: date) -> tuple[WaiverRemark, ...]:
    """Say of each waiver once that it ends soon, and once that it has ended; `told` is the day last told."""
    found = []
    for waiver in waivers:
        before = WARN_DAYS + 1 if told is None else waiver.days_left(told)
        now = waiver.days_left(today)
        soon = now <= WARN_DAYS < before and waiver.findings
        if soon or now < 0 <= before:
            text = remark_on(waiver, today)
            project = project_of(waiver.condition.rpartition(" ")[2].strip('"')) if waiver.on_ticket else ""
            found += [WaiverRemark(waiver.rule, text, project)] if text else []
    return tuple(found)


def incomplete(reads: Sequence[SourceRead]) -> set[str]:
    """Name the sources that were not read whole."""
    return {it.source for it in reads if it.status != COMPLETE}
