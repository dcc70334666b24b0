"""Explain one work item: what it serves and how, what each rule found on it, and what would clear it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rapidfuzz import process
from sqlalchemy import Connection

from connectors.finance.money import format_minor
from rules.catalogue import Catalogue, Field, Kind, Path
from rules.condition import FieldReference, Leaf, leaves
from rules.evaluate import evaluate, values_of
from rules.message import fill
from rules.ruleset import Rule, RuleSet
from sync.errors import ConfigurationError
from sync.explain.whynot import Tried, Ways, loose_ends, read_case, tried
from sync.life import CLOSED
from sync.store import markers, requests, ties
from sync.store.catalogue import Frame
from sync.store.findings import WORK_ITEM
from sync.store.items import Item, read_item
from sync.store.schema import AnyRow
from sync.waivers.asking import answer

# Jira stores the categories of statuses by these keys and shows them by these names.
CATEGORIES = {"new": "To Do", "indeterminate": "In Progress", "done": "Done"}


@dataclass(frozen=True, slots=True)
class Tie:
    """One way in which the item is tied to an objective."""

    objective: str
    title: str
    live: bool
    standing: str
    how: str
    evidence: str
    via: str | None
    strength: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a condition: the values found, whether it holds (None: nothing found), their origin.

    `against` are the values of the field it is compared with, where it is compared with one.
    """

    text: str
    holds: bool | None
    found: tuple[str, ...]
    against: tuple[str, ...] | None
    origin: str


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule on this item; `state` is the finding's, or `not flagged`.

    `then` says what comes next: when grace ends, when it closes, or until when somebody has accepted it.
    """

    rule: str
    title: str
    flagged: bool
    state: str
    since: datetime | None
    label: str | None
    parts: tuple[Part, ...]
    message: str
    why: str | None
    fix: str | None
    mode: str = "label"
    owner: str | None = None
    then: str | None = None
    waived: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything there is to say about one work item."""

    key: str
    summary: str
    status: str
    url: str
    standing: str
    parents: tuple[str, ...]
    ties: tuple[Tie, ...]
    loose: tuple[str, ...]
    tried: tuple[Tried, ...]
    money: tuple[str, ...]
    rules: tuple[RuleView, ...]
    writes: tuple[str, ...]
    requests: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explainer:
    """Explains by a rule set bound to the store at one moment; `ways`: what may tie the work of each site."""

    connection: Connection
    rules: RuleSet
    catalogue: Catalogue
    frame: Frame
    ways: Mapping[str, Ways]

    def explain(self, key: str, only: str | None = None, site: str | None = None) -> Explanation:
        """Explain one work item by key or id; raise `ConfigurationError` for a key or a rule nobody knows."""
        row = ties.find_work_item(self.connection, key, site)
        if row is None:
            raise ConfigurationError(unknown_key(key, ties.nearest_keys(self.connection, key)))
        rules = [rule for rule in self.rules.rules if only in (None, rule.id)]
        if not rules:
            resting = {rule.id: rule.needs for rule in self.rules.resting}
            if only in resting:
                why = f"it needs {resting[only]}" if resting[only] else "it is off"
                raise ConfigurationError(f"--rule {only}: the rule rests, because {why}.")
            raise ConfigurationError(unknown_rule(str(only), [rule.id for rule in self.rules.rules]))
        tied = tuple(
            tie_of(found) for found in ties.objective_ties(self.connection, row.id, self.frame.today)
        )
        case = read_case(self.connection, row, tied)
        return Explanation(
            key=row.key,
            summary=row.summary,
            status=row.status,
            url=row.url,
            standing=self._standing(row, tied, [goal.key for goal in case.outside]),
            parents=tuple(f"{up.key} {up.summary}" for up in case.chain),
            ties=tied,
            loose=loose_ends(case),
            tried=() if any(tie.live for tie in tied) else tried(case, self.ways.get(row.source, Ways())),
            money=tuple(self._money(row.id)),
            rules=tuple(self._views(row, rules)),
            writes=tuple(write_line(found) for found in ties.writes_on(self.connection, row.id)),
            requests=tuple(
                answer(requests.facts_of(found))
                for found in requests.requests(self.connection, keys=[row.key])
                if found.work_item_id == row.id
            ),
            markers=tuple(marker_line(found) for found in markers.writes_on(self.connection, row.id)),
        )

    def _money(self, item_id: int) -> Iterator[str]:
        """Say which shares of budget lines fall to an item, and the sums with what is below it."""
        yield from map(money_line, ties.money_of(self.connection, item_id))
        for it in ties.money_below(self.connection, item_id):
            amount = f"{format_minor(int(it.amount), it.currency)} {it.currency}"
            yield f"{it.version} {it.fiscal_year}: {amount} with everything below it"

    def _standing(self, row: AnyRow, tied: Sequence[Tie], outside: Sequence[str]) -> str:
        """Say in a sentence where the item stands."""
        if row.deleted_at is not None:
            return "no longer in Jira, or no longer visible to the account"
        if row.missing_since is not None:
            return "not seen in the newest complete read; frozen until the next one"
        if not row.in_scope:
            return "outside the scope: stored only because other work hangs under it"
        live = [tie.objective for tie in tied if tie.live]
        if live:
            return f"aligned: serves {', '.join(dict.fromkeys(live))}"
        if tied:
            return "not aligned: every objective it serves is closed or outside its dates"
        known = f"any of the {ties.objectives_known(self.connection)} known objectives"
        elsewhere = f" but to {', '.join(dict.fromkeys(outside))}" if outside else ""
        return f"not aligned: no tie leads to {known}{elsewhere}"

    def _views(self, row: AnyRow, rules: Sequence[Rule]) -> list[RuleView]:
        """Show each rule about work items on this one."""
        entity = self.catalogue.entity(WORK_ITEM)
        item = read_item(self.connection, entity, row.id) if entity is not None else None
        if item is None:
            return []
        item["last_seen"] = row.last_seen
        found = ties.findings_on(self.connection, WORK_ITEM, row.id)
        about = [rule for rule in rules if rule.entity.name == WORK_ITEM]
        views = [self._view(rule, item, standing(found, rule)) for rule in about]
        return sorted(views, key=lambda view: not view.flagged)

    def _view(self, rule: Rule, item: Item, finding: AnyRow | None) -> RuleView:
        verdict = evaluate(rule.condition, item)
        parts = tuple(
            self._part(leaf, result.verdict, item)
            for leaf, result in zip(leaves(rule.condition), verdict.leaves, strict=True)
        )
        values = {name: ", ".join(self._texts(path, item)) for name, path in rule.evidence.items()}
        state = "not flagged" if finding is None else finding.state
        return RuleView(
            rule=rule.id,
            title=rule.title,
            flagged=verdict.hit,
            state=state,
            since=None if finding is None else finding.since,
            label=None if rule.label is None else self.frame.prefix + rule.label,
            parts=parts,
            message=fill(rule.message, {name: text for name, text in values.items() if text}),
            why=rule.why,
            fix=rule.fix,
            mode=rule.mode.value,
            owner=rule.owner,
            then=what_comes(rule, finding),
            waived=finding is not None and finding.waiver_id is not None,
        )

    def _part(self, leaf: Leaf, holds: bool | None, item: Item) -> Part:
        other = leaf.operand.path if isinstance(leaf.operand, FieldReference) else None
        return Part(
            leaf.text,
            holds,
            self._texts(leaf.path, item),
            None if other is None else self._texts(other, item),
            origin(leaf.path.name, item["last_seen"]),
        )

    def _texts(self, path: Path, item: Item) -> tuple[str, ...]:
        """Show the values an item holds."""
        return tuple(self._text(value, path.field) for value in values_of(path, item))

    def _text(self, value: Any, field: Field) -> str:
        """Show a value found, in the words that Jira and the rules use."""
        if field.name == "statusCategory":
            return CATEGORIES.get(str(value), str(value))
        if isinstance(value, bool):
            return str(value).lower()
        if field.kind is Kind.MONEY and isinstance(value, int):
            return f"{format_minor(value, self.frame.currency)} {self.frame.currency}"
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M} UTC"
        return str(value)


def standing(found: Mapping[str, AnyRow], rule: Rule) -> AnyRow | None:
    """Give the finding of a rule that is not over, also one that stands under a former id."""
    rows = [found[name] for name in (rule.id, *rule.was) if name in found]
    return rows[0] if rows and rows[0].state != CLOSED else None


def what_comes(rule: Rule, finding: AnyRow | None) -> str | None:
    """Say what comes next of a finding, and when."""
    if finding is None:
        return None
    if finding.waiver_id is not None:
        return f"waived until {finding.until} by {finding.waiver_owner}: {finding.reason}"
    if finding.state == "pending":
        return f"opens on {finding.since + rule.grace:%Y-%m-%d} if it is still so"
    if finding.state == "clearing":
        return f"closes on {finding.clearing_since + rule.clear_after:%Y-%m-%d} if it does not come back"
    return None


def label_note(view: RuleView) -> str:
    """Say why a label is not on the ticket although the rule flags it."""
    if view.mode != "label":
        return f" (not written: the rule is in mode {view.mode})"
    if view.waived:
        return " (not written: waived)"
    if view.state == "pending":
        return " (not written yet: `for` is not over)"
    return ""


def tie_of(row: AnyRow) -> Tie:
    """Make a tie of a row."""
    dates = [f"from {row.starts_on}" if row.starts_on else "", f"until {row.ends_on}" if row.ends_on else ""]
    standing = " ".join([row.state, *filter(None, dates)])
    return Tie(
        row.objective, row.title, bool(row.live), standing, row.how, row.evidence, row.via, row.strength
    )


def money_line(row: AnyRow) -> str:
    """Say one share of a budget line, and where it was read."""
    source = f"{row.source} sheet {row.sheet}" if row.sheet else row.source
    place = f"{source} line {row.line}" if row.line else source
    amount = f"{format_minor(row.amount_minor, row.currency)} {row.currency}"
    return f"{row.version} {row.fiscal_year}: {amount} ({place}, by {row.how}: {row.evidence})"


def write_line(row: AnyRow) -> str:
    """Say one thing we wrote to the ticket."""
    reason = f": {row.reason}" if row.reason else ""
    verb = {"add": "added", "remove": "removed"}[row.operation] if row.state == "done" else row.operation
    return f"{row.intended_at:%Y-%m-%d %H:%M} UTC run {row.run_id}: {verb} {row.label} ({row.state}{reason})"


def marker_line(row: AnyRow) -> str:
    """Say one thing we told the ticket beside its labels."""
    reason = f": {row.reason}" if row.reason else ""
    verb = {"put": "written", "remove": "removed"}[row.operation] if row.state == "done" else row.operation
    return f"{row.intended_at:%Y-%m-%d %H:%M} UTC run {row.run_id}: {row.kind} {verb} ({row.state}{reason})"


def origin(field: str, seen: datetime) -> str:
    """Say where the value of a field comes from."""
    if field.startswith("objective") or field.endswith("Objectives"):
        return "links of this item and its parents"
    if field.startswith("budget."):
        return "budget lines that fall to this item"
    return f"Jira, read {seen:%Y-%m-%d %H:%M} UTC"


def unknown_key(key: str, others: Sequence[str]) -> str:
    """Say that a key is unknown, with the nearest one."""
    nearest = process.extractOne(key, others)
    hint = f" Did you mean {nearest[0]}?" if nearest else " Run `tieline pull` first if it is new."
    return f"{key}: no such work item in the store.{hint}"


def unknown_rule(rule: str, known: Sequence[str]) -> str:
    """Say that a rule is unknown, with the nearest one."""
    nearest = process.extractOne(rule, known)
    return f"--rule {rule}: no such rule." + (f" Did you mean {nearest[0]}?" if nearest else "")
