"""Hold a plan against its limits: what breaks those of the whole run stops it, one rule or project is held.

All of it is pure. The limits of the whole run are taken of everything but what a rule's own `limit` holds
back already, so a project that is held never makes a plan look small. What is held is held whole.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import TypeVar

from sync.labels.limits import LINKS, UNALIGNED, Limits, Measure, Scene, percent
from sync.labels.plan import Change, Plan

# A share of a handful says nothing: up to this many tickets, labels or links only their number counts.
SHARE_COUNTS_FROM = 10
# So many earlier nights are needed before one can say what is usual.
USUAL_FROM = 3

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Ruling:
    """The plan that may be written, unless the run is `stopped`, and a sentence for each thing held."""

    plan: Plan
    stopped: tuple[str, ...] = ()
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Changes that are held back together, and why."""

    why: str
    changes: Sequence[Change]


def guard(plan: Plan, scene: Scene, limits: Limits, allowed: int = 0) -> Ruling:
    """Say what of a plan may be written.

    `allowed` is the one-time override: a plan of at most that many changes passes whatever the limits say.
    """
    size = len(plan.changes)
    if size <= allowed:
        return Ruling(plan)
    holds = list(runaway_rules(plan, scene, limits))
    rest = without(plan, holds)
    broken = [*too_large(rest, scene, limits), *unlike_before(scene, limits)] if rest else []
    if not broken:
        holds += [*all_or_none(rest, scene, limits), *runaway_projects(rest, scene, limits)]
    passing = without(plan, holds)
    said = [
        f"{why} If this is meant, run once with --allow-changes {size}."
        for why in (*broken, *(hold.why for hold in holds))
    ]
    if broken or not passing:
        return Ruling(plan, stopped=tuple(said))
    kept = set(passing.changes)
    held = tuple(change for change in plan.changes if change not in kept)
    return Ruling(replace(passing, held=held), held=tuple(said))


def without(plan: Plan, holds: Iterable[Hold]) -> Plan:
    """Give the plan without what is held back."""
    held = {change for hold in holds for change in hold.changes}
    return replace(plan, changes=tuple(change for change in plan.changes if change not in held))


def too_large(plan: Plan, scene: Scene, limits: Limits) -> Iterator[str]:
    """Name the limits of the whole run that a plan breaks."""
    size, tickets, whole = len(plan.changes), tickets_of(plan.changes), limits.whole
    if size > whole.changes:
        yield f"The plan holds {size} label changes; TIELINE_MAX_CHANGES allows {whole.changes}."
    if tickets > SHARE_COUNTS_FROM and tickets > whole.share * scene.in_scope:
        yield (
            f"The plan changes {tickets} of {scene.in_scope} tickets; TIELINE_MAX_SHARE allows "
            f"{percent(whole.share)}."
        )
    removals, own = plan.count("remove"), sum(scene.own.values())
    if limits.removals < 1 and removals > SHARE_COUNTS_FROM and removals > limits.removals * own:
        yield (
            f"The plan takes off {removals} of our {own} labels; TIELINE_MAX_REMOVALS allows "
            f"{percent(limits.removals)}."
        )


def unlike_before(scene: Scene, limits: Limits) -> Iterator[str]:
    """Name what is so unlike the last nights that something upstream is probably broken."""
    if UNALIGNED in scene.tonight:
        yield from shifted(scene.tonight[UNALIGNED], scene.usual.get(UNALIGNED, ()), limits.shift)
    for name, past in sorted(scene.usual.items()):
        if name.startswith(LINKS) and past:
            gone = past[0].number - scene.tonight.get(name, Measure(0)).number
            if gone > SHARE_COUNTS_FROM and gone > limits.links_lost * past[0].number:
                yield (
                    f"{gone} of {past[0].number} {name} are gone since the last night; "
                    f"TIELINE_MAX_LINKS_LOST allows {percent(limits.links_lost)}."
                )


def shifted(now: Measure, past: Sequence[Measure], most: float) -> Iterator[str]:
    """Say that the unaligned share of work is too far from the median of the last nights."""
    if len(past) < USUAL_FROM:
        return
    usual = median(it.share for it in past)
    moved = abs(now.share - usual)
    if moved > most and moved * now.out_of > SHARE_COUNTS_FROM:
        yield (
            f"{now.number} of {now.out_of} work items are unaligned: {now.share:.1%}, where {usual:.1%} was "
            f"usual; TIELINE_MAX_SHIFT allows {percent(most)} more or less."
        )


def runaway_rules(plan: Plan, scene: Scene, limits: Limits) -> Iterator[Hold]:
    """Hold what rules add beyond their own `limit`: all of it, for nobody can say which part is right."""
    for rule, changes in grouped(additions(plan), lambda change: change.rule):
        own = limits.rules.get(rule)
        if own is None:
            continue
        most = min(own.changes, max(SHARE_COUNTS_FROM, int(own.share * scene.in_scope)))
        if len(changes) > most:
            yield Hold(
                f"Rule {rule} would add {len(changes)} labels; its `limit` allows {most} of {scene.in_scope} "
                "tickets. Its additions are held back.",
                changes,
            )


def all_or_none(plan: Plan, scene: Scene, limits: Limits) -> Iterator[Hold]:
    """Hold rules that are true of all they could be, most of it for the first time, or of none any more."""
    if limits.whole.share >= 1:
        return
    for rule, changes in grouped(additions(plan), lambda change: change.rule):
        number = scene.everything.get(rule, 0)
        if len(changes) > SHARE_COUNTS_FROM and number and 2 * len(changes) > number:
            yield Hold(
                f"Rule {rule} is now true of all {number} tickets like those it finds, and was not before. "
                "Its additions are held back. A rule that may be true of all says `limit: {share: 100%}`.",
                changes,
            )
    removals = [change for change in plan.changes if change.operation == "remove"]
    for label, changes in grouped(removals, lambda change: change.label):
        one, own = scene.rule_of.get(label), scene.own.get(label, 0)
        if one is not None and SHARE_COUNTS_FROM < own <= len(changes):
            yield Hold(
                f"Rule {one} finds nothing any more, and would take {label} off all {own} tickets. They keep "
                "it for now.",
                changes,
            )


def runaway_projects(plan: Plan, scene: Scene, limits: Limits) -> Iterator[Hold]:
    """Hold what would change too much in one project of several."""
    if len(scene.tickets) < 2:
        return
    for (site, project), changes in grouped(plan.changes, lambda change: change.ticket.project):
        tickets, known = tickets_of(changes), scene.tickets.get((site, project), 0)
        most = limits.project_changes
        if most is not None and len(changes) > most:
            yield Hold(
                f"In project {project} the plan holds {len(changes)} label changes; "
                f"TIELINE_MAX_PROJECT_CHANGES allows {most}. They are held back.",
                changes,
            )
        elif tickets > SHARE_COUNTS_FROM and tickets > limits.project_share * known:
            yield Hold(
                f"In project {project} the plan changes {tickets} of {known} tickets; "
                f"TIELINE_MAX_PROJECT_SHARE allows {percent(limits.project_share)}. They are held back.",
                changes,
            )


def additions(plan: Plan) -> list[Change]:
    """Give what the plan adds."""
    return [change for change in plan.changes if change.operation == "add"]


def tickets_of(changes: Iterable[Change]) -> int:
    """Count the tickets of changes."""
    return len({change.ticket for change in changes})


def grouped(changes: Iterable[Change], key: Callable[[Change], Key]) -> list[tuple[Key, list[Change]]]:
    """Group changes, in the order of the keys."""
    groups: dict[Key, list[Change]] = {}
    for change in changes:
        groups.setdefault(key(change), []).append(change)
    return sorted(groups.items(), key=lambda group: str(group[0]))
