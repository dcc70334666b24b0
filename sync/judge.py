"""Judge the store by the rules: links, hits, findings and figures, all in the transaction handed in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, String, insert, literal

from rules.catalogue import Path
from rules.ruleset import Mode, Rule, RuleSet
from rules.sql import hits
from sync.pull import Kind
from sync.store import findings, links, tables
from sync.store.bulk import analyze
from sync.store.schema import table_of

hit = table_of(tables.Hit)

ENTITY_KINDS = {"workItem": Kind.WORK, "objective": Kind.OBJECTIVES, "budgetLine": Kind.FINANCE}
RELATION_KINDS = {
    "objective": {Kind.WORK, Kind.OBJECTIVES, Kind.LINKS},
    "workItem": {Kind.WORK, Kind.OBJECTIVES, Kind.LINKS},
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What judging came to: which rules were frozen and why, and items whose parents run in a circle."""

    frozen: Mapping[str, str] = field(default_factory=dict)
    cycles: tuple[str, ...] = ()


def reads(rule: Rule) -> set[Kind]:
    """Give the kinds of source a rule depends on: it must not judge when one of them is incomplete."""
    kinds = {ENTITY_KINDS[rule.entity.name]}
    for path in rule.evidence.values():
        kinds |= kinds_of(path)
    return kinds


def kinds_of(path: Path) -> set[Kind]:
    """Give the kinds of source a field comes from."""
    kinds: set[Kind] = set()
    if path.relation is not None:
        kinds |= RELATION_KINDS[path.relation.name]
    if path.field.rollup is not None:
        kinds |= RELATION_KINDS[path.field.rollup.relation.name]
    if path.field.name.startswith("budget."):
        kinds |= {Kind.FINANCE, Kind.WORK}
    return kinds


def judge(
    connection: Connection, rules: RuleSet, incomplete: Collection[Kind], run_id: int, now: datetime
) -> Judgement:
    """Rebuild the links, run every rule that can be judged and merge its hits into the findings."""
    links.relink(connection)
    findings.clear_hits(connection)
    frozen: dict[str, str] = {}
    for rule in rules.rules:
        missing = reads(rule) & set(incomplete)
        if missing:
            frozen[rule.id] = ", ".join(sorted(kind.value for kind in missing)) + " incomplete"
        else:
            run_rule(connection, rule)
    analyze(connection, hit)
    for rule in rules.rules:
        if rule.id not in frozen:
            findings.merge(connection, verdict_of(rule), run_id, now)
    known = [(rule.id, rule.entity.name) for rule in rules.rules]
    findings.close_orphans(connection, known, run_id, now)
    cycles = tuple(connection.scalars(links.cycles()))
    return Judgement(frozen, cycles)


def run_rule(connection: Connection, rule: Rule) -> None:
    """Write the hits of one rule with their evidence, in one statement."""
    selected = hits(rule).subquery()
    connection.execute(
        insert(hit).from_select(
            ["rule", "entity", "subject_id", "evidence"],
            selected.select().with_only_columns(
                literal(rule.id, String),
                literal(rule.entity.name, String),
                selected.c.item_id,
                selected.c.evidence,
            ),
        )
    )


def verdict_of(rule: Rule) -> findings.Verdict:
    """Give what the state step needs to know of a rule."""
    return findings.Verdict(
        rule=rule.id,
        entity=rule.entity.name,
        rule_hash=rule.hash,
        severity=rule.severity.value,
        label=rule.label if rule.mode is Mode.LABEL else None,
        hold=rule.grace,
        clear_after=rule.clear_after,
    )
