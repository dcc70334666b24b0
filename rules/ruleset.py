"""The rules as they are used: checked, typed, with their tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any

from rules.catalogue import Entity
from rules.catalogue import Path as FieldPath
from rules.condition import Condition, named_paths, render
from rules.parameters import Parameter


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Mode(StrEnum):
    """How far a rule goes, from nothing to the ticket: each step does what the ones before it do.

    `observe` keeps its findings for the rule's owner, `warn` also reports them, `label` also labels tickets.
    """

    OFF = "off"
    OBSERVE = "observe"
    WARN = "warn"
    LABEL = "label"

    def at_most(self, other: Mode) -> Mode:
        """Give the one of two modes that goes less far."""
        steps = list(Mode)
        return min(self, other, key=steps.index)


@dataclass(frozen=True, slots=True)
class Limit:
    """More new findings than this in one run are held back: a count, a share of all items, or both."""

    new: int | None = None
    share: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A test in a rule file: an item, and whether the rule should flag it. Fields not named are empty.

    `severity` is what a flagged item must be called, where the test says so.
    """

    flag: bool
    item: Mapping[str, Any]
    line: int
    severity: Severity | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule. `grace` is its `for`; `label` has no prefix yet; `when` is the condition as written.

    `evidence` holds every field the conditions and the message name. `hash` changes when the meaning of a
    condition or of a roll-up in it does, and with nothing else: not with the date, not with a title.
    `scope` is what `each: epic` adds to the condition, outside of what tests have to pin down.
    `tested` and `tested_error_when` are the conditions with every parameter at its default: the tests of a
    rule hold whatever an admin sets. `needs` says what is missing before the rule can judge anything here.
    `was` are the ids the rule had before.
    """

    id: str
    title: str
    entity: Entity
    when: str
    condition: Condition
    scope: Condition | None
    evidence: Mapping[str, FieldPath]
    message: str
    severity: Severity
    label: str | None
    grace: timedelta
    clear_after: timedelta
    owner: str | None
    limit: Limit
    why: str | None
    fix: str | None
    tests: tuple[Case, ...]
    tested: Condition
    mode: Mode
    parameters: Mapping[str, Parameter]
    needs: str | None
    pack: str | None
    path: Path
    line: int
    error_when: Condition | None = None
    tested_error_when: Condition | None = None
    was: tuple[str, ...] = ()

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Give the condition and, where there is one, that of `error_when`."""
        return (self.condition,) if self.error_when is None else (self.condition, self.error_when)

    @property
    def active(self) -> bool:
        """Tell whether the rule judges anything."""
        return self.mode is not Mode.OFF and self.needs is None

    @property
    def hash(self) -> str:
        named = {name: path for condition in self.conditions for name, path in named_paths(condition).items()}
        rollups = [
            f"{name} = {found.field.rollup.text}"
            for name, found in sorted(named.items())
            if found.field.rollup is not None
        ]
        meaning = "\n".join([self.entity.name, *map(render, self.conditions), *rollups])
        return hashlib.sha256(meaning.encode()).hexdigest()[:16]


def named(rules: Iterable[Rule], name: str) -> Rule | None:
    """Give the rule of this id, or the one that had it before."""
    return next((rule for rule in rules if name == rule.id or name in rule.was), None)


@dataclass(frozen=True, slots=True, eq=False)
class Waiver:
    """Somebody's word that the findings of a rule on the rows that `match` are accepted, `until` included.

    `condition` is `match`, checked against what the rule judges.
    """

    rule: Rule
    match: str
    condition: Condition
    reason: str
    owner: str
    approver: str | None
    until: date
    path: Path
    line: int

    @property
    def key(self) -> tuple[str, str]:
        """Give what a waiver is known by: its rule, and its condition however it is written."""
        return self.rule.id, render(self.condition)

    def in_force(self, today: date) -> bool:
        """Say whether it counts on a day of the service's zone."""
        return today <= self.until


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A file as it was read; `kind` is `rules`, `waivers` or the name of a pack that ships."""

    kind: str
    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one load that judge, in the order of their files, and those that do not.

    Beside them the waivers, also of rules that rest, and the files themselves; `stale` says why these rules
    are older than the files on disk, if they are.
    """

    rules: tuple[Rule, ...]
    resting: tuple[Rule, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    files: tuple[RuleFile, ...] = ()
    stale: str = ""

    def get(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def waivers_of(self, rule: Rule, today: date) -> tuple[Waiver, ...]:
        """Give the waivers of a rule that count today, the one that lasts longest first."""
        found = [waiver for waiver in self.waivers if waiver.rule is rule and waiver.in_force(today)]
        return tuple(sorted(found, key=lambda waiver: waiver.until, reverse=True))

    @property
    def digest(self) -> str:
        """Give the hash of the files, word for word."""
        text = "\0".join(f"{file.kind}\0{file.path}\0{file.text}" for file in self.files)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def hash(self) -> str:
        parts = sorted(f"{rule.id} {rule.hash}" for rule in self.rules)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
