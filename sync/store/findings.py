"""Merge tonight's hits into the findings: pending → open → clearing → closed, set-wise and rule by rule.

A hit goes straight into its finding, so that what a rule is true for tonight is what bears tonight's run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from sync.life import CLOSED, Life, Terms
from sync.store import tables
from sync.store.presence import missing
from sync.store.schema import table_of

finding = table_of(tables.Finding)
SUBJECTS = {
    "workItem": table_of(tables.WorkItem),
    "objective": table_of(tables.Objective),
    "budgetLine": table_of(tables.BudgetLine),
}

WORK_ITEM = "workItem"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the state step needs to know of one rule; on the sites in `dark` it has not been judged.

    Where only some rows were judged, `only` are their ids: nothing is said of the findings on others.
    """

    rule: str
    entity: str
    rule_hash: str
    label: str | None
    hold: timedelta
    clear_after: timedelta
    mode: str = "label"
    owner: str | None = None
    alignment: bool = False
    dark: tuple[str, ...] = ()
    only: tuple[int, ...] | None = None

    @property
    def terms(self) -> Terms:
        """How long the rule must hold, and be gone."""
        return Terms(self.hold, self.clear_after)

    @property
    def words(self) -> dict[str, Any]:
        """What the rule says of each of its findings, whether it is hit tonight or not."""
        label = self.label if self.mode == "label" else None
        return {"mode": self.mode, "label": label, "owner": self.owner, "alignment": self.alignment}


def raise_findings(
    connection: Connection, verdict: Verdict, hits: Select[Any], run_id: int, now: datetime
) -> None:
    """Make findings of new hits, and open, reopen or keep pending the others, as `sync.life` says.

    `hits` selects the id of a row, the evidence and the severity.
    """
    first = "pending" if verdict.hold else "open"
    opened = None if verdict.hold else now
    opened_run = None if verdict.hold else run_id
    fresh: dict[str, Any] = {"state": first, "since": now, "opened_at": opened, "opened_run": opened_run}
    take_over(connection, verdict, hits, run_id, fresh)
    reset = {"clearing_since": None, "closed_at": None, "closed_why": None, "closed_run": None}
    hit = and_(of_rule(verdict), finding.c.last_run == run_id)
    connection.execute(update(finding).where(hit, finding.c.state == CLOSED).values(**fresh, **reset))
    connection.execute(
        update(finding).where(hit, finding.c.state == "clearing").values(state="open", clearing_since=None)
    )
    connection.execute(
        update(finding)
        .where(hit, finding.c.state == "pending", finding.c.since <= now - verdict.hold)
        .values(state="open", opened_at=now, opened_run=run_id)
    )


def take_over(
    connection: Connection, verdict: Verdict, hits: Select[Any], run_id: int, fresh: dict[str, Any]
) -> None:
    """Write each hit into its finding, in one statement; only a new one takes what is said of fresh ones."""
    said = {"rule_hash": verdict.rule_hash, "last_run": run_id, **verdict.words}
    values = {"rule": verdict.rule, "entity": verdict.entity, **said, **fresh}
    constants: list[ColumnElement[Any]] = [
        null() if value is None else literal(value, finding.c[name].type) for name, value in values.items()
    ]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(finding).from_select(
        ["subject_id", "evidence", "severity", *values], hits.add_columns(*constants)
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["rule", "entity", "subject_id"],
            set_={name: statement.excluded[name] for name in ("evidence", "severity", *said)},
        )
    )


def clear_findings(connection: Connection, verdict: Verdict, run_id: int, now: datetime) -> None:
    """Close what is no longer hit, at once or after `clear_after`; a pending finding simply ends."""
    gone = and_(of_rule(verdict), finding.c.last_run < run_id, ~out_of_sight(verdict))
    closed = closing(run_id, now, "no longer true")
    connection.execute(update(finding).where(gone, finding.c.state == "pending").values(**closed))
    if verdict.clear_after:
        connection.execute(
            update(finding)
            .where(gone, finding.c.state == "open")
            .values(state="clearing", clearing_since=now)
        )
    due = or_(
        finding.c.state == "open",
        and_(finding.c.state == "clearing", finding.c.clearing_since <= now - verdict.clear_after),
    )
    connection.execute(update(finding).where(gone, due).values(**closed))
    connection.execute(
        update(finding)
        .where(of_rule(verdict), finding.c.state != CLOSED, finding.c.last_run < run_id)
        .values(**verdict.words)
    )


def close_departed(connection: Connection, verdict: Verdict, run_id: int, now: datetime) -> None:
    """Close what is about an issue known to have left the scope, without any delay: nobody judges it now."""
    if verdict.entity != WORK_ITEM:
        return
    subject = SUBJECTS[WORK_ITEM]
    departed = (
        exists()
        .where(subject.c.id == finding.c.subject_id, subject.c.deleted_at.is_(None), ~subject.c.in_scope)
        .correlate(finding)
    )
    connection.execute(
        update(finding)
        .where(of_rule(verdict), finding.c.state != CLOSED, departed)
        .values(**closing(run_id, now, "left the scope"))
    )


def closing(run_id: int, now: datetime, why: str) -> dict[str, Any]:
    """Give what a finding says once it is closed; what has ended needs no waiver."""
    return {
        "state": CLOSED,
        "closed_at": now,
        "closed_run": run_id,
        "closed_why": why,
        "waiver_id": None,
    }


def carry_over(connection: Connection, old: str, new: str) -> None:
    """Give the findings of a rule to the one it is called now, with their states and dates.

    Where the new one has found the same row already, its own finding stays and the old one ends.
    """
    taken = finding.alias("taken")
    there = exists().where(
        taken.c.rule == new,
        taken.c.entity == finding.c.entity,
        taken.c.subject_id == finding.c.subject_id,
    )
    connection.execute(update(finding).where(finding.c.rule == old, ~there).values(rule=new))


def lives_of(connection: Connection, rules: Iterable[str], entity: str) -> dict[int, tuple[Life, int | None]]:
    """Read where the findings of a rule stand, by the row each is about, and which waiver they are under."""
    rows = connection.execute(
        select(
            finding.c.subject_id,
            finding.c.state,
            finding.c.since,
            finding.c.opened_at,
            finding.c.clearing_since,
            finding.c.closed_at,
            finding.c.waiver_id,
        ).where(finding.c.rule.in_(list(rules)), finding.c.entity == entity)
    )
    return {row[0]: (Life(*row[1:6]), row.waiver_id) for row in rows}


def pending_by_rule(connection: Connection) -> dict[str, int]:
    """Count the findings of each rule that wait for their grace period to end."""
    rows = connection.execute(
        select(finding.c.rule, func.count()).where(finding.c.state == "pending").group_by(finding.c.rule)
    )
    return {row[0]: row[1] for row in rows}


def waive(connection: Connection, verdict: Verdict, granted: Iterable[tuple[int, Select[Any]]]) -> None:
    """Put the findings of a rule under the waivers granted to it, and no others.

    Each waiver is its id and a selection of the rows it is for; where two cover a row, the first one counts.
    A row that is missing, but not known to be deleted, keeps its waiver as it keeps its state.
    """
    own = and_(of_rule(verdict), finding.c.state != CLOSED)
    connection.execute(
        update(finding)
        .where(own, finding.c.waiver_id.is_not(None), ~out_of_sight(verdict))
        .values(waiver_id=None)
    )
    for waiver_id, rows in granted:
        connection.execute(
            update(finding)
            .where(own, finding.c.waiver_id.is_(None), finding.c.subject_id.in_(rows))
            .values(waiver_id=waiver_id)
        )


def close_orphans(
    connection: Connection, rules: Iterable[tuple[str, str]], run_id: int, now: datetime
) -> None:
    """Close the findings of rules that no longer exist, or that are about another entity now."""
    theirs = [and_(finding.c.rule == rule, finding.c.entity == entity) for rule, entity in rules]
    connection.execute(
        update(finding)
        .where(~or_(false(), *theirs), finding.c.state != CLOSED)
        .values(**closing(run_id, now, "rule gone"))
    )


def of_rule(verdict: Verdict) -> ColumnElement[bool]:
    """Give the condition that a finding belongs to this rule, and is about a row that was judged."""
    judged = true() if verdict.only is None else finding.c.subject_id.in_(verdict.only)
    return and_(finding.c.rule == verdict.rule, finding.c.entity == verdict.entity, judged)


def out_of_sight(verdict: Verdict) -> ColumnElement[bool]:
    """Give the condition that a subject is missing, but not known to be deleted, or on a dark site."""
    subject = SUBJECTS.get(verdict.entity)
    if subject is None:  # projects and cost centres are never read, and so never missing
        return false()
    return (
        exists()
        .where(
            subject.c.id == finding.c.subject_id,
            or_(missing(subject), subject.c.source.in_(verdict.dark)),
            subject.c.deleted_at.is_(None),
        )
        .correlate(finding)
    )
