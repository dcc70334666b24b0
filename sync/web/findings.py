"""The page of findings: searched, filtered, sorted and cut into pages by the database."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from urllib.parse import quote

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import Response

from rules.ruleset import Severity
from sync.figures.findings import age
from sync.store import finding_search
from sync.store.database import read_only
from sync.store.finding_search import ORDERS, STATES, WAIVED, Search
from sync.store.findings import WORK_ITEM
from sync.store.subjects import Subject, names, sites
from sync.web.office import Office
from sync.web.pages import SIZE, pages_of
from sync.web.rendering import show

PROJECTS_OFFERED = 300
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Line:
    """A finding as a line of the list; `page` explains what it is about, `url` leads to its ticket."""

    subject: str
    title: str
    page: str
    url: str
    rule: str
    severity: str
    state: str
    since: datetime
    days: int
    owner: str
    waived_until: date | None


def findings(request: Request) -> Response:
    """Show the findings that somebody looks for."""
    office: Office = request.app.state.office
    search = search_of(request)
    with read_only(office.engine) as connection:
        total = finding_search.count(connection, search)
        query = {name: value for name, value in asdict(search).items() if value != getattr(Search(), name)}
        pages = pages_of("/findings", query, total, request.query_params.get("page", ""))
        shown = {
            "lines": lines_of(connection, search, pages.first_line, office.clock()),
            "rules": finding_search.rules_found(connection),
            "projects": finding_search.projects_known(connection, PROJECTS_OFFERED),
            "sites": sorted(sites(connection)),
        }
    choices = {"states": STATES, "orders": ORDERS, "severities": [it.value for it in reversed(Severity)]}
    return show(request, "findings", search=search, pages=pages, **shown, **choices)


def search_of(request: Request) -> Search:
    """Read what is looked for; a word that is none of the choices counts as not chosen."""
    given = {
        field.name: request.query_params.get(field.name, "").replace("\0", "")[:LONGEST].strip()
        for field in fields(Search)
    }
    if given["state"] not in STATES:
        given["state"] = ""
    if given["order"] not in ORDERS:
        given["order"] = ORDERS[0]
    return Search(**given)


def lines_of(connection: Connection, search: Search, first: int, now: datetime) -> list[Line]:
    """Read the lines of one page, with the names of what they are about."""
    rows = finding_search.read(connection, search, first, SIZE)
    wanted: dict[str, list[int]] = {}
    for row in rows:
        wanted.setdefault(row.entity, []).append(row.subject_id)
    called = {entity: names(connection, entity, ids, gone=True) for entity, ids in wanted.items()}
    lines = []
    for row in rows:
        subject = called[row.entity].get(row.subject_id, Subject("no longer there", "", "", row.subject_id))
        lines.append(
            Line(
                subject=subject.name,
                title=subject.title,
                page=page_about(row.entity, subject),
                url=subject.url,
                rule=row.rule,
                severity=row.severity,
                state=WAIVED if row.waived_until and row.state != "closed" else row.state,
                since=row.since,
                days=age(row.since, now),
                owner=row.owner or "",
                waived_until=row.waived_until,
            )
        )
    return lines


def page_about(entity: str, subject: Subject) -> str:
    """Give the page that explains what a finding is about, where there is one."""
    if entity == WORK_ITEM and subject.ticket is not None:
        return item_path(subject.ticket.site, subject.ticket.issue_id)
    if entity == "budgetLine":
        return f"/money?line={quote(subject.name, safe='')}"
    return ""


def item_path(site: str, issue_id: str) -> str:
    """Give the path of the page about a work item: by its immutable id, for keys change."""
    return f"/items/{quote(site, safe='')}/{quote(issue_id, safe='')}"
