"""Turn the entries under `digests:` of a sources file, or one setting, into who is told of what, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from rapidfuzz import fuzz, process

from rules.ruleset import RuleSet, Severity
from sync.config.addresses import Addresses
from sync.labels.pacing import QuietHours, parse_quiet_hours

SETTING = "TIELINE_DIGEST_TO"


class Day(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


DAYS = tuple(Day)


def check_hours(text: str) -> str:
    """Refuse what is no window of a day."""
    parse_quiet_hours(text)
    return text


class AudienceConfig(BaseModel):
    """One entry under `digests:`; what is not limited covers everything, each night, at once."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
    to: Addresses
    projects: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    packs: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    severity: Severity = Severity.INFO
    days: tuple[Day, ...] = ()
    quiet_hours: Annotated[str, AfterValidator(check_hours)] | None = None


@dataclass(frozen=True, slots=True)
class Covers:
    """What an audience is told of; an empty set limits nothing. Owners are those of rules, folded."""

    projects: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    packs: frozenset[str] = frozenset()
    owners: frozenset[str] = frozenset()
    severity: Severity = Severity.INFO

    @property
    def all_rules(self) -> bool:
        """Say whether no rule is left out, so that figures are news too."""
        return not (self.rules or self.packs or self.owners) and self.severity is Severity.INFO

    def rule(self, rule: str, severity: str, owner: str, packs: Mapping[str, str]) -> bool:
        """Say whether a finding of a rule is covered; `packs` gives the pack of each rule that has one."""
        levels = list(Severity)
        return (
            (not self.rules or rule in self.rules)
            and (not self.packs or packs.get(rule) in self.packs)
            and (not self.owners or owner.casefold() in self.owners)
            and levels.index(Severity(severity)) >= levels.index(self.severity)
        )

    def project(self, key: str) -> bool:
        """Say whether what belongs to a project is covered; what belongs to none has no key."""
        return not self.projects or key in self.projects


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told of what, and when; no `days` mean every day."""

    name: str
    addresses: tuple[str, ...] = field(repr=False)
    covers: Covers = Covers()
    days: frozenset[Day] = frozenset()
    quiet: QuietHours | None = None

    def listens(self, day: date) -> bool:
        """Say whether the night of a date is one to be told of."""
        return not self.days or DAYS[day.weekday()] in self.days

    def day_before(self, day: date) -> date:
        """Give the last date before this one whose night was one to be told of."""
        return next(
            before for back in range(1, len(DAYS) + 1) if self.listens(before := day - timedelta(days=back))
        )


def audiences_of(entries: Iterable[AudienceConfig], everything: SecretStr | None) -> tuple[Audience, ...]:
    """Give those of the sources file and, after them, whom the setting names: they hear of everything."""
    found = [audience_from(entry) for entry in entries]
    if everything is not None:
        found.append(Audience(SETTING, tuple(everything.get_secret_value().split())))
    return tuple(found)


def audience_from(entry: AudienceConfig) -> Audience:
    """Make an audience of an entry."""
    return Audience(
        entry.name,
        tuple(dict.fromkeys(address.get_secret_value() for address in entry.to)),
        Covers(
            frozenset(entry.projects),
            frozenset(entry.rules),
            frozenset(entry.packs),
            frozenset(owner.casefold() for owner in entry.owners),
            entry.severity,
        ),
        frozenset(entry.days),
        None if entry.quiet_hours is None else parse_quiet_hours(entry.quiet_hours),
    )


def audience_problems(
    path: Path, entries: Sequence[Any], found: Sequence[AudienceConfig], place: Callable[[Any, Any], str]
) -> list[str]:
    """Point at each audience whose name another one before it has; `place` gives line and column."""
    problems: list[str] = []
    taken: set[str] = set()
    for entry, audience in zip(entries, found, strict=True):
        if audience.name in taken:
            problems.append(f"{path}:{place(entry, 'name')}: two digests are named {audience.name!r}")
        taken.add(audience.name)
    return problems


def unknown_names(audiences: Iterable[Audience], rules: RuleSet) -> list[str]:
    """Name each rule and pack that an audience waits for and that does not exist, with the nearest one."""
    every = [*rules.rules, *rules.resting]
    known = {"rule": {rule.id for rule in every}, "pack": {rule.pack for rule in every if rule.pack}}
    problems = []
    for audience in audiences:
        wanted = {"rule": audience.covers.rules, "pack": audience.covers.packs}
        for kind, names in wanted.items():
            for name in sorted(names - known[kind]):
                near = process.extractOne(name, sorted(known[kind]), scorer=fuzz.ratio)
                hint = f"; did you mean {near[0]}?" if near else ""
                problems.append(f"digest {audience.name}: there is no {kind} {name!r}{hint}")
    return problems


def packs_of(rules: RuleSet) -> dict[str, str]:
    """Give the pack of each rule that has one."""
    return {rule.id: rule.pack for rule in (*rules.rules, *rules.resting) if rule.pack}
