"""Say of rules that label for the first time what they are about to do: what their preview said."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection

from rules.ruleset import RuleSet
from sync.labels.plan import Plan
from sync.store import findings, rulebook


@dataclass(frozen=True, slots=True)
class FirstNight:
    """The tickets that a rule labels in its first night, and its findings that `for` still holds back."""

    rule: str
    label: str
    tickets: tuple[str, ...]
    waiting: int


def first_nights(
    connection: Connection,
    rules: RuleSet,
    plan: Plan,
    run_id: int,
    *,
    frozen: Collection[str],
    prefix: str,
) -> list[FirstNight]:
    """Note the rules of this run, and find those whose first night it is among those that were judged."""
    rulebook.note_lives(connection, rules, run_id)
    waiting = findings.pending_by_rule(connection)
    begun = [rules.get(name) for name in rulebook.begin_to_label(connection, frozen)]
    return [
        FirstNight(
            rule=rule.id,
            label=prefix + rule.label,
            tickets=tuple(
                change.ticket.issue_key
                for change in sorted((*plan.changes, *plan.waiting))
                if change.rule == rule.id
            ),
            waiting=waiting.get(rule.id, 0),
        )
        for rule in begun
        if rule is not None and rule.label is not None
    ]
