"""Judge the store by the rules: links, hits, findings and figures, all in the transaction handed in."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, String, case, literal, select

from rules.catalogue import Path
from rules.condition import named_paths
from rules.ruleset import Rule, RuleSet, Severity
from rules.sql import hits, matching
from sync.feeds import Kind
from sync.figures.findings import Dangling
from sync.store import findings, groups, links, requests, runs, tables, waivers
from sync.store.bulk import analyze
from sync.store.dangling import count_dangling
from sync.store.money.balance import share_money
from sync.store.schema import table_of

finding = table_of(tables.Finding)
work_item = table_of(tables.WorkItem)

ENTITY_KINDS: Mapping[str, set[Kind]] = {
    "workItem": {Kind.WORK},
    "objective": {Kind.OBJECTIVES},
    "budgetLine": {Kind.FINANCE},
    "costCentre": {Kind.FINANCE},
    "project": {Kind.WORK},
    "waiver": set(),
}
# The relations of a work item to what it serves, or names as if it did.
OBJECTIVES = frozenset({"objective", "outsideObjective"})
RELATION_KINDS = {
    "objective": {Kind.WORK, Kind.OBJECTIVES, Kind.LINKS},
    "outsideObjective": {Kind.WORK, Kind.OBJECTIVES, Kind.LINKS, Kind.OUTSIDE},
    "workItem": {Kind.WORK, Kind.OBJECTIVES, Kind.LINKS},
    "child": {Kind.WORK},
    "budgetLine": {Kind.FINANCE, Kind.WORK, Kind.ALLOCATIONS},
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What judging came to: which rules were frozen and why, and what is odd about the links.

    `dark` are the sites whose work was not judged, while that of others was. `unproved` are finance sources
    whose money did not come out when it was shared out, and why. `cycles` are items whose parents run in a
    circle, `dangling` counts the references that lead nowhere.
    """

    frozen: Mapping[str, str] = field(default_factory=dict)
    dark: tuple[str, ...] = ()
    unproved: Mapping[str, str] = field(default_factory=dict)
    cycles: tuple[str, ...] = ()
    dangling: tuple[Dangling, ...] = ()


def reads(rule: Rule) -> set[Kind]:
    """Give the kinds of source a rule depends on: it must not judge when one of them is incomplete."""
    kinds = set(ENTITY_KINDS[rule.entity.name])
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
    if path.field.name == "rateMissing":
        kinds |= {Kind.RATES}
    if path.field.name.startswith("budget."):
        kinds |= {Kind.FINANCE, Kind.WORK, Kind.ALLOCATIONS}
    return kinds


def judges_each_site_alone(rule: Rule) -> bool:
    """Say whether what a rule makes of an item depends on no other site's work: money is shared among all."""
    if rule.entity.name != findings.WORK_ITEM:
        return False
    raised = {} if rule.error_when is None else named_paths(rule.error_when)
    return all(
        (path.relation is None or path.relation.name in OBJECTIVES)
        and path.field.rollup is None
        and not path.field.name.startswith("budget.")
        for path in (*rule.evidence.values(), *raised.values())
    )


def judge(
    connection: Connection,
    rules: RuleSet,
    incomplete: Collection[Kind],
    run_id: int,
    now: datetime,
    *,
    today: date | None = None,
    dark: Collection[str] = (),
    drivers: Mapping[str, str] | None = None,
) -> Judgement:
    """Rebuild the links, run every rule that can be judged, merge its hits into the findings and waive.

    `today` is the day in the service's zone; without one, that of `now`. The work of the sites in `dark` was
    not read whole: what was found on it stays, and rules that look at all work at once cannot be judged.
    `drivers`: by which field of the work each finance source shares its money, where it says so.
    """
    day = today or now.date()
    groups.gather(connection)
    links.relink_objectives(connection)
    unproved = share_money(connection, run_id, day, drivers)
    for source, why in unproved.items():
        runs.fail_source(connection, source, f"{why}. What was shared out before stands.")
    doubtful = {*incomplete, *([Kind.FINANCE] if unproved else [])}
    frozen: dict[str, str] = {}
    for rule in rules.rules:
        for name in rule.was:
            findings.carry_over(connection, name, rule.id)
            requests.carry_over(connection, name, rule.id)
        missing = reads(rule) & doubtful
        if dark and not judges_each_site_alone(rule):
            missing |= reads(rule) & {Kind.WORK}
        if missing:
            frozen[rule.id] = ", ".join(sorted(kind.value for kind in missing)) + " incomplete"
        else:
            findings.raise_findings(connection, verdict_of(rule), hits_of(rule, dark), run_id, now)
    analyze(connection, finding)
    granted = waivers.keep(connection, rules.waivers, run_id)
    for rule in rules.rules:
        if rule.id not in frozen:
            verdict = replace(verdict_of(rule), dark=tuple(sorted(dark)))
            findings.close_departed(connection, verdict, run_id, now)
            findings.clear_findings(connection, verdict, run_id, now)
            theirs = rules.waivers_of(rule, day)
            findings.waive(
                connection,
                verdict,
                [(granted[waiver.key], matching(rule.entity, waiver.condition)) for waiver in theirs],
            )
            requests.waive(connection, verdict, today or now.date())
    known = [(rule.id, rule.entity.name) for rule in rules.rules]
    findings.close_orphans(connection, known, run_id, now)
    cycles = tuple(connection.scalars(links.cycles()))
    return Judgement(frozen, tuple(sorted(dark)), unproved, cycles, count_dangling(connection))


def judge_items(
    connection: Connection,
    rules: RuleSet,
    incomplete: Collection[Kind],
    run_id: int,
    now: datetime,
    *,
    today: date,
    items: Sequence[int],
) -> Judgement:
    """Judge a few work items by the rules that look at nothing but an item and its objectives.

    Their links are rebuilt and their findings brought up to date; all that is said of others, and by rules
    that look at money or at other work, stays as the last night left it.
    """
    links.relink_items(connection, items)
    granted = waivers.keep(connection, rules.waivers, run_id)
    for rule in rules.rules:
        if reads(rule) & set(incomplete) or not judges_each_site_alone(rule):
            continue
        verdict = replace(verdict_of(rule), only=tuple(items))
        findings.raise_findings(connection, verdict, hits_of(rule, only=items), run_id, now)
        findings.close_departed(connection, verdict, run_id, now)
        findings.clear_findings(connection, verdict, run_id, now)
        theirs = rules.waivers_of(rule, today)
        rows = [(granted[waiver.key], matching(rule.entity, waiver.condition)) for waiver in theirs]
        findings.waive(connection, verdict, rows)
        requests.waive(connection, verdict, today)
    return Judgement()


def hits_of(rule: Rule, dark: Collection[str] = (), only: Collection[int] | None = None) -> Select[Any]:
    """Select the row, the evidence and the severity of each hit, but for items of the sites in `dark`.

    `only` are the ids of the rows to look at; None means all.
    """
    found = hits(rule)
    item: ColumnElement[Any] = found.selected_columns["item_id"]
    if only is not None:
        found = found.where(item.in_(only))
    if dark and rule.entity.name == findings.WORK_ITEM:
        found = found.where(item.not_in(select(work_item.c.id).where(work_item.c.source.in_(dark))))
    severity: ColumnElement[str] = literal(rule.severity.value, String)
    if rule.error_when is not None:
        raised = item.in_(matching(rule.entity, rule.error_when))
        severity = case((raised, literal(Severity.ERROR.value, String)), else_=severity)
    return found.add_columns(severity)


def asks_for_objective(rule: Rule) -> bool:
    """Say whether a rule is about what objectives work serves: waived, it makes the work waived."""
    if rule.entity.name != findings.WORK_ITEM:
        return False
    relations = {path.relation for path in named_paths(rule.condition).values()}
    return any(relation is not None and relation.name in OBJECTIVES for relation in relations)


def verdict_of(rule: Rule) -> findings.Verdict:
    """Give what the state step needs to know of a rule."""
    return findings.Verdict(
        rule=rule.id,
        entity=rule.entity.name,
        rule_hash=rule.hash,
        label=rule.label,
        hold=rule.grace,
        clear_after=rule.clear_after,
        mode=rule.mode.value,
        owner=rule.owner,
        alignment=asks_for_objective(rule),
    )
