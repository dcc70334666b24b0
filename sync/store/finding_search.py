"""Search the findings: what somebody chose becomes one statement, and one more counts the matches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    and_,
    case,
    func,
    or_,
    select,
)

from rules.catalogue import fold
from rules.ruleset import Mode
from sync.life import CLOSED
from sync.store.findings import WORK_ITEM, finding
from sync.store.groups import cost_centre, project
from sync.store.links import budget_line, objective, work_item
from sync.store.schema import AnyRow
from sync.store.waivers import waiver

OBSERVED, WAIVED = "observed", "waived"
STATES = ("open", "pending", "clearing", WAIVED, CLOSED, OBSERVED)
ORDERS = ("newest", "oldest", "severity", "subject", "rule")
# More words than this say no more, and each is a scan.
MOST_WORDS = 6

# What is searched in for a word, by what a finding is about.
TEXTS: dict[str, tuple[Table, tuple[ColumnElement[Any], ...]]] = {
    WORK_ITEM: (work_item, (work_item.c.key_folded, work_item.c.summary_folded)),
    "objective": (objective, (objective.c.key_folded, objective.c.title_folded)),
    "budgetLine": (
        budget_line,
        (budget_line.c.key_folded, budget_line.c.project_folded, func.lower(budget_line.c.description)),
    ),
    "project": (project, (project.c.key_folded, project.c.name_folded)),
    "costCentre": (cost_centre, (cost_centre.c.name_folded,)),
    "waiver": (waiver, (func.lower(waiver.c.condition), func.lower(waiver.c.reason))),
}


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody looks for; empty means any, but closed and observed findings must be asked for."""

    text: str = ""
    rule: str = ""
    severity: str = ""
    state: str = ""
    site: str = ""
    project: str = ""
    order: str = ORDERS[0]


def count(connection: Connection, search: Search) -> int:
    """Count the findings that match."""
    statement = select(func.count()).select_from(finding).where(*conditions(search))
    return connection.scalar(statement) or 0


def read(connection: Connection, search: Search, first: int, most: int) -> Sequence[AnyRow]:
    """Read at most so many of the findings that match, from the place `first` on, counted from 0."""
    source, order = ordered(search.order)
    columns = (finding, waiver.c.until.label("waived_until"))
    statement: Select[Any] = (
        select(*columns).select_from(source).outerjoin(waiver, waiver.c.id == finding.c.waiver_id)
    )
    return connection.execute(
        statement.where(*conditions(search)).order_by(*order).limit(most).offset(first)
    ).all()


def rules_found(connection: Connection) -> list[str]:
    """Give the rules that ever found anything."""
    return list(connection.scalars(select(finding.c.rule).distinct().order_by(finding.c.rule)))


def projects_known(connection: Connection, most: int) -> list[tuple[str, str]]:
    """Give the keys and names of projects, as many as anybody would look through."""
    rows = connection.execute(
        select(project.c.key, func.min(project.c.name))
        .group_by(project.c.key)
        .order_by(project.c.key)
        .limit(most)
    )
    return [(row[0], row[1]) for row in rows]


def conditions(search: Search) -> Iterator[ColumnElement[bool]]:
    """Give what a finding must meet."""
    yield of_state(search.state)
    if search.rule:
        yield finding.c.rule == search.rule
    if search.severity:
        yield finding.c.severity == search.severity
    if search.site or search.project:
        yield in_project(search.site, fold(search.project))
    for word in fold(search.text).split()[:MOST_WORDS]:
        yield names_word(word)


def of_state(state: str) -> ColumnElement[bool]:
    """Give the condition on state, waiver and mode that a word stands for."""
    observed = finding.c.mode == Mode.OBSERVE.value
    if state == OBSERVED:
        return and_(observed, finding.c.state != CLOSED)
    if state == WAIVED:
        return and_(~observed, finding.c.state != CLOSED, finding.c.waiver_id.is_not(None))
    if state == CLOSED:
        return and_(finding.c.state == CLOSED)
    if state:
        return and_(~observed, finding.c.state == state, finding.c.waiver_id.is_(None))
    return and_(~observed, finding.c.state != CLOSED)


def in_project(site: str, key: str) -> ColumnElement[bool]:
    """Give the condition that a finding is about work of a site or a project, or about that project."""
    work = [work_item.c.source == site] if site else []
    own = [project.c.source == site] if site else []
    if key:
        work.append(work_item.c.project_folded == key)
        own.append(project.c.key_folded == key)
    return or_(about(WORK_ITEM, work_item, and_(*work)), about("project", project, and_(*own)))


def names_word(word: str) -> ColumnElement[bool]:
    """Give the condition that a word stands in the rule's id or in what the finding is about."""
    places = [
        about(entity, table, or_(*(column.contains(word, autoescape=True) for column in columns)))
        for entity, (table, columns) in TEXTS.items()
    ]
    return or_(finding.c.rule.contains(word, autoescape=True), *places)


def about(entity: str, table: Table, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Give the condition that a finding is about a row of a table that meets a condition."""
    return and_(finding.c.entity == entity, finding.c.subject_id.in_(select(table.c.id).where(condition)))


def ordered(order: str) -> tuple[FromClause, tuple[ColumnElement[Any], ...]]:
    """Give what is read in which order; the id comes last, so that no finding is on two pages."""
    since, last = finding.c.since, finding.c.id
    if order == "oldest":
        return finding, (since, last)
    if order == "severity":
        return finding, (case({"error": 0, "warning": 1}, value=finding.c.severity, else_=2), since, last)
    if order == "rule":
        return finding, (finding.c.rule, since, last)
    if order == "subject":
        mine = and_(finding.c.entity == WORK_ITEM, work_item.c.id == finding.c.subject_id)
        keys = (work_item.c.project_folded, func.length(work_item.c.key_folded), work_item.c.key_folded)
        return finding.outerjoin(work_item, mine), (finding.c.entity.desc(), *keys, last)
    return finding, (since.desc(), last.desc())
