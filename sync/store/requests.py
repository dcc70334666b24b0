"""Keep the requests that people make with a label on a ticket, and waive what was granted to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, insert, not_, or_, select, update

from rules.catalogue import fold
from sync.life import CLOSED, LABELLED
from sync.store import tables
from sync.store.findings import WORK_ITEM, Verdict, finding, of_rule
from sync.store.labels import label_table, work_item
from sync.store.presence import kept, live
from sync.store.schema import AnyRow, table_of
from sync.store.waivers import GRANTED, WITHDRAWN, waiver
from sync.waivers.asking import Ask, Heard, Kind, Live, RequestFacts, Standing, answer

request = table_of(tables.WaiverRequest)

TICKET = "ticket"


def labelled(
    connection: Connection, names: Mapping[Kind, str], sites: Collection[str]
) -> set[tuple[int, Kind]]:
    """Read which tickets of these sites carry a label that asks for something."""
    rows = connection.execute(
        select(work_item.c.id, kind_of(names).label("kind"))
        .join_from(label_table, work_item, work_item.c.id == label_table.c.work_item_id)
        .where(
            label_table.c.label_folded.in_([fold(name) for name in names.values()]),
            work_item.c.source.in_(sites),
            live(work_item),
        )
    )
    return {(row.id, Kind(row.kind)) for row in rows}


def kind_of(names: Mapping[Kind, str]) -> ColumnElement[str]:
    """Give what the label of a row asks for."""
    return case(*((label_table.c.label_folded == fold(name), kind.value) for kind, name in names.items()))


def asks(connection: Connection, names: Mapping[Kind, str], sites: Collection[str]) -> set[Ask]:
    """Read the findings that stand, accepted by nobody, on tickets with a label that asks for something."""
    rows = connection.execute(
        select(work_item.c.id, finding.c.rule, kind_of(names).label("kind"))
        .join_from(label_table, work_item, work_item.c.id == label_table.c.work_item_id)
        .join(finding, and_(finding.c.entity == WORK_ITEM, finding.c.subject_id == work_item.c.id))
        .where(
            label_table.c.label_folded.in_([fold(name) for name in names.values()]),
            work_item.c.source.in_(sites),
            live(work_item),
            finding.c.state.in_(LABELLED),
            finding.c.mode != "observe",
            finding.c.waiver_id.is_(None),
        )
    )
    return {Ask(row.id, row.rule, Kind(row.kind)) for row in rows}


def live_requests(connection: Connection, sites: Collection[str]) -> list[Live]:
    """Read the requests that are not over, on tickets of these sites that were read, or are gone.

    What was granted is read whatever is known of its ticket: its time goes by all the same.
    """
    rows = connection.execute(
        select(request, kept(work_item).label("kept"))
        .join(work_item, work_item.c.id == request.c.work_item_id)
        .where(
            request.c.over_at.is_(None),
            work_item.c.source.in_(sites),
            or_(live(work_item), not_(kept(work_item)), request.c.state == Standing.APPROVED.value),
        )
    )
    return [
        Live(
            row.id,
            Ask(row.work_item_id, row.rule, Kind(row.kind)),
            Standing(row.state),
            row.asked_at,
            row.until,
            gone=not row.kept,
        )
        for row in rows
    ]


def note(connection: Connection, heard: Heard, owners: Mapping[str, str], run_id: int, now: datetime) -> None:
    """Keep what a night heard; `owners` answer for the rules, and so for the requests."""
    rows = [
        {
            "work_item_id": ask.item_id,
            "rule": ask.rule,
            "kind": ask.kind.value,
            "state": Standing.REQUESTED.value,
            "asked_at": now,
            "asked_run": run_id,
            "approver": owners.get(ask.rule, ""),
        }
        for ask in heard.new
    ]
    if rows:
        connection.execute(insert(request), rows)
    for turn in heard.turns:
        over = {"over_at": now} if turn.over else {}
        connection.execute(
            update(request).where(request.c.id == turn.request.id).values(state=turn.standing.value, **over)
        )
    withdraw(connection, [turn.request.id for turn in heard.turns if turn.standing is Standing.ENDED])


def withdraw(connection: Connection, ids: Collection[int]) -> None:
    """End the waivers that requests were granted."""
    given = select(request.c.waiver_id).where(request.c.id.in_(ids))
    connection.execute(update(waiver).where(waiver.c.id.in_(given)).values(state=WITHDRAWN))


def carry_over(connection: Connection, before: str, after: str) -> None:
    """Let requests and what they were granted go on under a rule's new name."""
    connection.execute(update(request).where(request.c.rule == before).values(rule=after))


def waive(connection: Connection, verdict: Verdict, today: date) -> None:
    """Put the findings of a rule under what requests on their tickets were granted."""
    if verdict.entity != WORK_ITEM:
        return
    granted = and_(
        request.c.rule == verdict.rule,
        request.c.work_item_id == finding.c.subject_id,
        request.c.state == Standing.APPROVED.value,
        request.c.over_at.is_(None),
        request.c.until >= today,
    )
    theirs = select(request.c.waiver_id).where(granted).limit(1).correlate(finding).scalar_subquery()
    items = select(request.c.work_item_id).where(
        request.c.rule == verdict.rule, request.c.state == Standing.APPROVED.value
    )
    connection.execute(
        update(finding)
        .where(
            of_rule(verdict),
            finding.c.state != CLOSED,
            finding.c.waiver_id.is_(None),
            finding.c.subject_id.in_(items),
        )
        .values(waiver_id=theirs)
    )


def requests(connection: Connection, *, keys: Collection[str] = (), rule: str | None = None) -> list[AnyRow]:
    """Read the live requests with their tickets, the oldest first; of these tickets or of all."""
    statement = (
        select(request, work_item.c.key, work_item.c.url, work_item.c.source)
        .join(work_item, work_item.c.id == request.c.work_item_id)
        .where(request.c.over_at.is_(None))
        .order_by(request.c.asked_at, work_item.c.key, request.c.rule, request.c.kind)
    )
    if keys:
        statement = statement.where(work_item.c.key.in_(keys))
    if rule is not None:
        statement = statement.where(request.c.rule == rule)
    return list(connection.execute(statement).all())


def facts_of(row: AnyRow) -> RequestFacts:
    """Give a row of `requests` as plain values."""
    return RequestFacts(
        row.key,
        row.url,
        row.rule,
        Kind(row.kind),
        Standing(row.state),
        row.asked_at,
        row.approver,
        row.asked_by,
        row.decided_by,
        row.reason,
        row.until,
    )


def answers(connection: Connection) -> dict[tuple[int, str], list[str]]:
    """Say how each live request stands, by item id and rule: what the ticket is told of it."""
    said: dict[tuple[int, str], list[str]] = {}
    for row in requests(connection):
        said.setdefault((row.work_item_id, row.rule), []).append(answer(facts_of(row)))
    return said


def approve(connection: Connection, row: AnyRow, given: Mapping[str, Any], run_id: int) -> None:
    """Grant a request: `given` are who decides, when, why, and the last day it counts."""
    key = {"origin": TICKET, "rule": row.rule, "condition": f"key = {row.key}"}
    by, until, reason = str(given["decided_by"]), given["until"], str(given["reason"])
    values = {
        "state": GRANTED,
        "reason": reason,
        "owner": by,
        "owner_folded": fold(by),
        "approver": by,
        "approver_folded": fold(by),
        "until": until,
        "place": row.key,
        "last_run": run_id,
    }
    same = and_(*(waiver.c[name] == value for name, value in key.items()))
    waiver_id = connection.scalar(update(waiver).where(same).values(**values).returning(waiver.c.id))
    if waiver_id is None:
        made = insert(waiver).values(**key, **values, first_run=run_id).returning(waiver.c.id)
        waiver_id = connection.execute(made).scalar_one()
    decide(connection, row, Standing.APPROVED, {**given, "waiver_id": waiver_id})


def reject(connection: Connection, row: AnyRow, given: Mapping[str, Any]) -> None:
    """Refuse a request, or take back what it was granted."""
    withdraw(connection, [row.id])
    decide(connection, row, Standing.REJECTED, {**given, "waiver_id": None, "until": None})


def decide(connection: Connection, row: AnyRow, standing: Standing, given: Mapping[str, Any]) -> None:
    """Keep an answer."""
    connection.execute(update(request).where(request.c.id == row.id).values(state=standing.value, **given))


def details(connection: Connection, heard: Heard) -> list[dict[str, str]]:
    """Give what the chain of what was done keeps of a night's hearing."""
    said: Iterable[tuple[Ask, str, str]] = [
        *((ask, Standing.REQUESTED.value, "a label was put on the ticket") for ask in heard.new),
        *((turn.request.ask, turn.standing.value, turn.why) for turn in heard.turns),
    ]
    ids = {ask.item_id for ask, _, _ in said}
    keys = dict(
        tuple(row)
        for row in connection.execute(select(work_item.c.id, work_item.c.key).where(work_item.c.id.in_(ids)))
    )
    return [
        {
            "key": keys.get(ask.item_id, ""),
            "rule": ask.rule,
            "kind": ask.kind.value,
            "state": state,
            "why": why,
        }
        for ask, state, why in said
    ]
