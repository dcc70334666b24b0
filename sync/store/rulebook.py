"""Keep the rules a run judged by, word for word, and since when each of them is judged and labels."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, func, insert, or_, select, update

from rules.ruleset import Mode, Rule, RuleFile, RuleSet
from sync.figures.findings import NewRule
from sync.store import tables
from sync.store.findings import pending_by_rule
from sync.store.labels import ledger, plan_change
from sync.store.runs import run
from sync.store.schema import table_of

rule_text = table_of(tables.RuleText)
rule_life = table_of(tables.RuleLife)


@dataclass(frozen=True, slots=True)
class Judged:
    """The files that a run judged by."""

    run_id: int
    started_at: datetime
    files: tuple[RuleFile, ...]


def note_rules(connection: Connection, run_id: int, rules: RuleSet) -> None:
    """Keep which rules a run judges by: their hash, and their text if it is not kept already."""
    connection.execute(
        update(run).where(run.c.id == run_id).values(rules_hash=rules.hash, rule_text=rules.digest)
    )
    if not connection.scalar(
        select(func.count()).select_from(rule_text).where(rule_text.c.digest == rules.digest)
    ):
        files = json.dumps([[file.kind, str(file.path), file.text] for file in rules.files])
        connection.execute(insert(rule_text).values(digest=rules.digest, files=files, first_run=run_id))


def last_rules(connection: Connection) -> Judged | None:
    """Give the rules behind what is on the tickets: of the newest run that may have written, or of any."""
    for may_write in (True, False):
        row = connection.execute(
            select(run.c.id, run.c.started_at, rule_text.c.files)
            .join(rule_text, rule_text.c.digest == run.c.rule_text)
            .where(~run.c.dry_run if may_write else run.c.dry_run)
            .order_by(run.c.id.desc())
            .limit(1)
        ).one_or_none()
        if row is not None:
            files = tuple(RuleFile(kind, Path(path), text) for kind, path, text in json.loads(row.files))
            return Judged(row.id, row.started_at, files)
    return None


def labels(rule: Rule) -> bool:
    """Say whether a rule goes as far as to label."""
    return rule.mode is Mode.LABEL and rule.label is not None


def note_lives(connection: Connection, rules: RuleSet, run_id: int) -> None:
    """Note the rules that are judged now. One that was renamed goes on; one that is gone is forgotten."""
    taken = rule_life.alias("taken")
    for rule in rules.rules:
        for name in rule.was:
            there = exists().where(taken.c.rule == rule.id)
            connection.execute(update(rule_life).where(rule_life.c.rule == name, ~there).values(rule=rule.id))
    known = dict(tuple(row) for row in connection.execute(select(rule_life.c.rule, rule_life.c.mode)))
    for rule in rules.rules:
        mode = (rule.mode if labels(rule) else rule.mode.at_most(Mode.WARN)).value
        if rule.id not in known:
            connection.execute(insert(rule_life).values(rule=rule.id, mode=mode, first_run=run_id))
        elif known[rule.id] != mode:
            connection.execute(
                update(rule_life).where(rule_life.c.rule == rule.id).values(mode=mode, labels_since=None)
            )
    ids = [rule.id for rule in rules.rules]
    connection.execute(delete(rule_life).where(rule_life.c.rule.not_in(ids)))


def begin_to_label(connection: Connection, but: Collection[str]) -> list[str]:
    """Give the rules that label and never did so before, apart from those that were not judged tonight."""
    found = connection.scalars(
        select(rule_life.c.rule)
        .where(rule_life.c.mode == Mode.LABEL.value, rule_life.c.labels_since.is_(None))
        .order_by(rule_life.c.rule)
    )
    return [rule for rule in found if rule not in but]


def new_rules(connection: Connection, run_id: int, since: datetime) -> tuple[NewRule, ...]:
    """Give the rules that began to label since a moment, or will with the next run that may write."""
    rows = connection.execute(
        select(rule_life.c.rule, run.c.started_at)
        .outerjoin(run, run.c.id == rule_life.c.labels_since)
        .where(
            rule_life.c.mode == Mode.LABEL.value,
            or_(rule_life.c.labels_since.is_(None), run.c.started_at >= since),
        )
        .order_by(rule_life.c.rule)
    ).all()
    if not rows:
        return ()
    names = [row.rule for row in rows]
    planned = count_by_rule(
        connection, plan_change, names, plan_change.c.run_id == run_id, plan_change.c.withheld.is_(None)
    )
    labelled = count_by_rule(connection, ledger, names, ledger.c.state == "done")
    waiting = pending_by_rule(connection)
    return tuple(
        NewRule(
            row.rule,
            row.started_at,
            (planned if row.started_at is None else labelled).get(row.rule, 0),
            waiting.get(row.rule, 0),
        )
        for row in rows
    )


def count_by_rule(
    connection: Connection, table: Table, rules: Collection[str], *conditions: ColumnElement[bool]
) -> dict[str, int]:
    """Count the tickets to which each of these rules adds a label, in plans or in the ledger."""
    rows = connection.execute(
        select(table.c.rule, func.count(table.c.work_item_id.distinct()))
        .where(table.c.operation == "add", table.c.rule.in_(rules), *conditions)
        .group_by(table.c.rule)
    )
    return {row[0]: row[1] for row in rows}


def note_first_labels(connection: Connection, rules: Iterable[str], run_id: int) -> None:
    """Note that these rules label from this run on."""
    connection.execute(update(rule_life).where(rule_life.c.rule.in_(list(rules))).values(labels_since=run_id))
