"""Read what a plan is held against: rules that are true of everything, and tonight beside what is usual."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, and_, delete, func, insert, select

from sync.labels.limits import LINKS, UNALIGNED, Measure
from sync.life import LABELLED
from sync.store import tables
from sync.store.coverage import WHOLE, coverage
from sync.store.findings import WORK_ITEM, finding
from sync.store.links import objective_link, work_item
from sync.store.presence import live
from sync.store.schema import table_of

normal = table_of(tables.Normal)

# Earlier nights that say what is usual.
NIGHTS = 7


def true_of_all(connection: Connection, rules: Collection[str], sites: Collection[str]) -> dict[str, int]:
    """Give, of these rules, those that flag every ticket like those they flag, and how many that are.

    Tickets are alike in type and status category: a rule about open epics is not measured by stories.
    """
    if not rules:
        return {}
    kind = (work_item.c.type_name, work_item.c.status_category)
    in_scope = and_(live(work_item), work_item.c.in_scope, work_item.c.source.in_(sites))
    there: dict[tuple[str, str], int] = {
        (row[0], row[1]): row[2]
        for row in connection.execute(select(*kind, func.count()).where(in_scope).group_by(*kind))
    }
    flagged = connection.execute(
        select(finding.c.rule, *kind, func.count())
        .join_from(finding, work_item, work_item.c.id == finding.c.subject_id)
        .where(
            finding.c.entity == WORK_ITEM,
            finding.c.rule.in_(rules),
            finding.c.state.in_(LABELLED),
            in_scope,
        )
        .group_by(finding.c.rule, *kind)
    )
    found, possible = defaultdict[str, int](int), defaultdict[str, int](int)
    for rule, type_name, category, number in flagged:
        found[rule] += number
        possible[rule] += there[type_name, category]
    return {rule: number for rule, number in found.items() if number == possible[rule]}


def measure(connection: Connection, run_id: int) -> dict[str, Measure]:
    """Measure tonight: the links by their kind and, where it is known of all work, how much is unaligned."""
    work: dict[str, int] = {
        row.state: row.items
        for row in connection.execute(
            select(coverage.c.state, coverage.c["items"]).where(
                coverage.c.run_id == run_id, coverage.c.project_key == WHOLE, coverage.c.currency == ""
            )
        )
    }
    found = {
        LINKS + how.replace("_", " "): Measure(number)
        for how, number in connection.execute(
            select(objective_link.c.how, func.count())
            .where(objective_link.c.depth == 0)
            .group_by(objective_link.c.how)
        )
    }
    if work and not work.get("unknown"):
        found[UNALIGNED] = Measure(work.get("unaligned", 0), sum(work.values()))
    return found


def usual(connection: Connection) -> Mapping[str, Sequence[Measure]]:
    """Read the measures of the last nights that the guard let through, the newest first."""
    place = func.row_number().over(partition_by=normal.c.name, order_by=normal.c.run_id.desc()).label("place")
    ranked = select(normal, place).subquery()
    found: dict[str, list[Measure]] = {}
    newest = connection.scalar(select(func.max(normal.c.run_id)))
    for row in connection.execute(select(ranked).where(ranked.c.place <= NIGHTS).order_by(ranked.c.place)):
        # A kind of link that the last night did not have any more is no news tonight.
        if row.name == UNALIGNED or row.run_id == newest or row.name in found:
            found.setdefault(row.name, []).append(Measure(row.number, row.out_of))
    return found


def accept(connection: Connection, run_id: int, tonight: Mapping[str, Measure], *, anew: bool) -> None:
    """Keep tonight as a measure for later nights; `anew`, as the only one: somebody said that it is right."""
    if anew:
        connection.execute(delete(normal))
    rows = [
        {"run_id": run_id, "name": name, "number": it.number, "out_of": it.out_of}
        for name, it in tonight.items()
    ]
    if rows:
        connection.execute(insert(normal), rows)
