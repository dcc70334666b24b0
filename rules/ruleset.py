"""The rules as they are used: checked, typed, with their tests."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
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
    """A test in a rule file: an item, and whether the rule should flag it. Fields not named are empty."""

    flag: bool
    item: Mapping[str, Any]
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule. `grace` is its `for`; `label` has no prefix yet; `when` is the condition as written.

    `evidence` holds every field the condition and the message name. `hash` changes when the meaning of the
    condition or of a roll-up in it does, and with nothing else: not with the date, not with a title.
    `tested` is the condition with every parameter at its default: the tests of a rule hold whatever an
    admin sets. `needs` says what is missing before the rule can judge anything here.
    """

    id: str
    title: str
    entity: Entity
    when: str
    condition: Condition
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

    @property
    def active(self) -> bool:
        """Tell whether the rule judges anything."""
        return self.mode is not Mode.OFF and self.needs is None

    @property
    def hash(self) -> str:
        rollups = [
            f"{name} = {found.field.rollup.text}"
            for name, found in sorted(named_paths(self.condition).items())
            if found.field.rollup is not None
        ]
        meaning = "\n".join([self.entity.name, render(self.condition), *rollups])
        return hashlib.sha256(meaning.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules of one load that judge, in the order of their files, and those that do not."""

    rules: tuple[Rule, ...]
    resting: tuple[Rule, ...] = ()

    def get(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    @property
    def hash(self) -> str:
        parts = sorted(f"{rule.id} {rule.hash}" for rule in self.rules)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
