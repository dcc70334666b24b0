"""Compare two rule sets over the store as it is: what an edit raises, clears, keeps and would write to Jira.

Nothing is written on the way, not even to the store.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from operator import attrgetter

from sqlalchemy import Connection

from rules.ruleset import Rule, RuleSet
from rules.sql import matching
from sync.labels.guard import guard
from sync.labels.limits import Limits, Scene
from sync.labels.plan import Change, LabelOn, Plan, count_own, make_plan
from sync.life import CLOSED, LABELLED, Life, Terms, next_life
from sync.store import findings, labels, subjects
from sync.store.rulebook import labels as goes_to_label
from sync.store.subjects import Subject

Ids = frozenset[int]
NOBODY: Ids = frozenset()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a preview is asked for: on which day, with which prefix and limits."""

    now: datetime
    today: date
    prefix: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Effect:
    """What the edit of one rule does: `changes` says what is different about it, in words."""

    rule: str
    entity: str
    changes: tuple[str, ...]
    raised: tuple[Subject, ...]
    cleared: tuple[Subject, ...]
    kept: tuple[Subject, ...]
    waived: int = 0


@dataclass(frozen=True, slots=True)
class Preview:
    """The effect of each rule that differs, the label changes that come of the edit, what would stop them."""

    effects: tuple[Effect, ...] = ()
    unchanged: int = 0
    writes: tuple[Change, ...] = ()
    stopped: tuple[str, ...] = ()

    def count(self, operation: str) -> int:
        """Count the label changes of one operation: `add` or `remove`."""
        return sum(change.operation == operation for change in self.writes)


@dataclass(frozen=True, slots=True)
class Side:
    """One rule as one of the two sets has it, judged now: the rows it is true for, and those it labels."""

    rule: Rule | None = None
    hits: Ids = NOBODY
    waived: Ids = NOBODY
    wants: Ids = NOBODY


@dataclass(frozen=True, slots=True)
class Pair:
    """A rule before and after the edit."""

    before: Rule | None
    after: Rule | None

    @property
    def rule(self) -> Rule:
        """Give the rule as it will be, or as it was where it goes."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a pair holds a rule")
        return found

    @property
    def names(self) -> set[str]:
        """Give the ids under which its findings stand."""
        return {rule.id for rule in (self.before, self.after) if rule is not None}

    @property
    def labels(self) -> set[str]:
        """Give the labels it writes, or wrote."""
        return {rule.label for rule in (self.before, self.after) if rule is not None and rule.label}


def pairs_of(old: RuleSet, new: RuleSet) -> Iterator[Pair]:
    """Pair the rules of two sets: by id, or by the id one of them had before."""
    taken = set()
    for rule in new.rules:
        former = next((name for name in (rule.id, *rule.was) if old.get(name) is not None), None)
        if former is not None:
            taken.add(former)
        yield Pair(None if former is None else old.get(former), rule)
    for rule in old.rules:
        if rule.id not in taken:
            yield Pair(rule, None)


def differences(pair: Pair, old: RuleSet, new: RuleSet, today: date) -> tuple[str, ...]:
    """Say what is different about a rule, as far as it changes what is found or written."""
    before, after = pair.before, pair.after
    if before is None:
        return ("new rule",)
    if after is None:
        return ("rule gone",)
    said = {
        "id": (before.id, after.id),
        "each": (before.entity.name, after.entity.name),
        "mode": (before.mode.value, after.mode.value),
        "label": (before.label or "none", after.label or "none"),
        "for": (before.grace, after.grace),
        "clear_after": (before.clear_after, after.clear_after),
        "severity": (before.severity.value, after.severity.value),
    }
    changed = [f"{key} {was} → {now}" for key, (was, now) in said.items() if was != now]
    if before.hash != after.hash:
        changed.append("condition changed")
    if waivers_in(old, before, today) != waivers_in(new, after, today):
        changed.append("waivers changed")
    return tuple(changed)


def waivers_in(rules: RuleSet, rule: Rule, today: date) -> set[str]:
    """Give the conditions under which a rule's findings are waived today."""
    return {waiver.key[1] for waiver in rules.waivers_of(rule, today)}


@dataclass(slots=True)
class Previewer:
    """Compares on one connection, which should be a read-only one."""

    connection: Connection
    frame: Frame
    wanted_before: list[LabelOn] = field(default_factory=list)
    wanted_after: list[LabelOn] = field(default_factory=list)
    found: dict[str, Ids] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def compare(self, old: RuleSet, new: RuleSet) -> Preview:
        """Give the effect of going from one rule set to the other tonight, all else being as it is."""
        effects = []
        touched: set[str] = set()
        pairs = list(pairs_of(old, new))
        for pair in pairs:
            changes = differences(pair, old, new, self.frame.today)
            if changes:
                touched |= pair.names
                self.names |= {self.frame.prefix + label for label in pair.labels}
                effects.append(self._effect(pair, changes, old, new))
        sites = subjects.sites(self.connection)
        writes, after, own = self._plans(touched, sites)
        scene = Scene(labels.tickets_in_scope(self.connection, sites), own)
        ruling = guard(after, scene, self.frame.limits)
        return Preview(
            effects=tuple(effects),
            unchanged=len(pairs) - len(effects),
            writes=writes,
            stopped=(*ruling.stopped, *ruling.held),
        )

    def _effect(self, pair: Pair, changes: Sequence[str], old: RuleSet, new: RuleSet) -> Effect:
        entity = pair.rule.entity.name
        lives = findings.lives_of(self.connection, sorted(pair.names), entity)
        unseen = subjects.out_of_sight(self.connection, entity)
        before = self._judge(pair.before, old, lives, unseen)
        after = self._judge(pair.after, new, lives, unseen)
        named = subjects.names(self.connection, entity, before.hits | after.hits | before.wants | after.wants)
        self.wanted_before += self._labels(before, named)
        self.wanted_after += self._labels(after, named)
        return Effect(
            rule=pair.rule.id,
            entity=entity,
            changes=tuple(changes),
            raised=in_order(named, after.hits - before.hits),
            cleared=in_order(named, before.hits - after.hits),
            kept=in_order(named, before.hits & after.hits),
            waived=len(after.hits & after.waived),
        )

    def _judge(
        self, rule: Rule | None, rules: RuleSet, lives: Mapping[int, tuple[Life, int | None]], unseen: Ids
    ) -> Side:
        """Judge a rule now: its hits, and where its findings will stand after a night."""
        if rule is None:
            return Side()
        hits = self._hits(rule)
        waived = frozenset(
            row
            for waiver in rules.waivers_of(rule, self.frame.today)
            for row in self.connection.scalars(matching(rule.entity, waiver.condition))
        )
        terms = Terms(rule.grace, rule.clear_after)
        wants = set()
        for row in hits | lives.keys():
            life, _ = lives.get(row, (None, None))
            after = life if row in unseen else next_life(life, terms, self.frame.now, hit=row in hits)
            if after is not None and after.state != CLOSED and after.state in LABELLED:
                wants.add(row)
        labelled = frozenset(wants - waived) if goes_to_label(rule) else NOBODY
        return Side(rule, hits, waived, labelled)

    def _hits(self, rule: Rule) -> Ids:
        """Give the rows a rule is true for; a condition that did not change is asked once."""
        if rule.hash not in self.found:
            self.found[rule.hash] = frozenset(self.connection.scalars(matching(rule.entity, rule.condition)))
        return self.found[rule.hash]

    def _labels(self, side: Side, named: Mapping[int, Subject]) -> list[LabelOn]:
        """Give the labels that one side of a rule wants on the tickets there are."""
        if side.rule is None or side.rule.label is None or side.rule.entity.name != findings.WORK_ITEM:
            return []
        label = self.frame.prefix + side.rule.label
        tickets = (subject.ticket for row in side.wants if (subject := named.get(row)) is not None)
        return [LabelOn(ticket, label, side.rule.id) for ticket in tickets if ticket is not None]

    def _plans(
        self, touched: Collection[str], sites: Collection[str]
    ) -> tuple[tuple[Change, ...], Plan, Mapping[str, int]]:
        """Give the changes of the edit, the whole plan under the new rules, and our labels by name.

        Rules that do not differ want what their findings say; only the labels of the others need a plan under
        the old rules as well.
        """
        prefix = self.frame.prefix
        present = labels.present(self.connection, prefix, sites)
        owned, refused = labels.owned(self.connection), labels.refused(self.connection)
        stored = labels.wanted(self.connection, prefix, sites)
        tries = {(on.ticket.item_id, on.label): on.tries for on in stored}
        others = [on for on in stored if on.rule not in touched]

        def known(wanted: Sequence[LabelOn]) -> list[LabelOn]:
            return [replace(on, tries=tries.get((on.ticket.item_id, on.label), 0)) for on in wanted]

        def about(found: Sequence[LabelOn]) -> list[LabelOn]:
            return [on for on in found if on.label in self.names]

        now = self.frame.now
        after = make_plan(others + known(self.wanted_after), present, owned, refused, now)
        before = make_plan(about(others) + known(self.wanted_before), about(present), owned, refused, now)
        made = set(before.changes)
        writes = tuple(c for c in after.changes if c.label in self.names and c not in made)
        return writes, after, count_own(present, owned)


def in_order(named: Mapping[int, Subject], rows: Collection[int]) -> tuple[Subject, ...]:
    """Name rows, sorted; one that has gone meanwhile has no name."""
    found = [subject for row in rows if (subject := named.get(row)) is not None]
    return tuple(sorted(found, key=attrgetter("name", "row")))
