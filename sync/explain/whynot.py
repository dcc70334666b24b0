"""Turn what is stored of a work item into why it serves no live objective: each way, and how near it came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rapidfuzz import fuzz, process, utils
from sqlalchemy import Connection

from connectors.jira import JiraSiteConfig
from connectors.records import How
from sync.sources import SourcesConfig
from sync.store import ties
from sync.store.schema import AnyRow

SHOWN = 3
# Names less alike than this are different names.
ALIKE = 60


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways in which the work of one site may be tied to objectives, as configured."""

    fields: tuple[str, ...] = ()
    link_types: tuple[str, ...] | None = None
    label_prefix: str = ""
    remote_links: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Tried:
    """One way tried in vain; `near`: there was something, but it leads to no live objective."""

    how: str
    found: str
    near: bool = False


class Link(Protocol):
    """A link of the item to an objective, live or not."""

    @property
    def objective(self) -> str: ...

    @property
    def live(self) -> bool: ...

    @property
    def how(self) -> str: ...

    @property
    def evidence(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Case:
    """A work item with everything that might tie it: its parents, references, claims and known links.

    `outside` are its ties to issues that are no objectives; `moved` is which key such an issue has by now, by
    one that it had; `hidden` is why Jira does not give one, by name.
    """

    item: AnyRow
    chain: Sequence[AnyRow]
    references: Sequence[AnyRow]
    claims: Sequence[AnyRow]
    dead: Sequence[Link]
    names: Mapping[str, str]
    outside: Sequence[AnyRow] = ()
    hidden: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    def of_kind(self, how: How) -> list[AnyRow]:
        """Give the references of one kind."""
        return [one for one in self.references if one.how == how.value]

    def outside_of(self, target: str) -> AnyRow | None:
        """Give the issue outside the objectives that a name leads to, if it is tied to one."""
        name = target.casefold()
        for goal in self.outside:
            if name in {goal.key.casefold(), goal.issue_id} or self.moved.get(name) == goal.key:
                return goal
        return None


def ways_of(sources: SourcesConfig) -> dict[str, Ways]:
    """Give what is configured for each Jira site."""
    files = tuple(links.name for links in sources.links)
    return {config.name: ways_at(config, files) for config in sources.jira}


def ways_at(config: JiraSiteConfig, files: tuple[str, ...]) -> Ways:
    """Give what is configured for one site."""
    links = config.objective_links
    return Ways(
        fields=tuple(tie.field for tie in config.objective_fields),
        link_types=None if links is None else tuple(tie.type for tie in links),
        label_prefix=config.objective_label_prefix or "",
        remote_links=config.remote_links is not None,
        files=files,
    )


def read_case(connection: Connection, item: AnyRow, known: Sequence[Link]) -> Case:
    """Read everything that might have tied an item; `known` are the links there are."""
    return Case(
        item=item,
        chain=ties.chain_of(connection, item.id),
        references=ties.references_of(connection, item.id),
        claims=ties.claims_on(connection, item),
        dead=[link for link in known if not link.live],
        names=ties.objective_names(connection),
        outside=ties.outside_ties(connection, item.id),
        hidden=ties.hidden_goals(connection),
        moved=ties.moved_outside(connection),
    )


def loose_ends(case: Case) -> tuple[str, ...]:
    """Say which references of the item were meant to lead to an objective, and do not."""
    return tuple(
        f"{one.how}: {one.evidence} {loose_end(case, one)}"
        for one in case.references
        if one.meant and one.objective_id is None
    )


def loose_end(case: Case, one: AnyRow) -> str:
    """Say what a reference leads to instead of an objective."""
    goal = case.outside_of(one.target)
    if goal is not None:
        return leaves_out(goal)
    if one.target.casefold() in case.hidden:
        return not_given(case, one.target)
    if one.how == How.ISSUE_LINK.value:
        return "is no objective"
    return f"names {one.target!r}, which is no known objective"


def leaves_out(goal: AnyRow) -> str:
    """Say that an issue is there and no objective."""
    return f"leads to {goal.key} ({goal.title}), which JIRA_OBJECTIVE_JQL leaves out"


def not_given(case: Case, target: str) -> str:
    """Say that there is no such issue for us, and why."""
    return f"names {target!r}, which is not to be had: {case.hidden[target.casefold()]}"


def tried(case: Case, ways: Ways) -> tuple[Tried, ...]:
    """Say of each way what was found; what came nearest first."""
    every = (
        *dead_ends(case),
        *outside_ends(case),
        by_parents(case),
        *by_field(case, ways),
        *by_goals(case),
        *by_issue_link(case, ways),
        *by_label(case, ways),
        *by_remote_link(case, ways),
        *by_file(case, ways),
    )
    return tuple(sorted(every, key=lambda one: not one.near))


def dead_ends(case: Case) -> Iterator[Tried]:
    """Links that hold, to objectives that do not count today."""
    for tie in case.dead:
        yield Tried(
            tie.how, f"{tie.evidence} leads to {tie.objective}, which does not count today", near=True
        )


def outside_ends(case: Case) -> Iterator[Tried]:
    """Ties to issues that are there and no objectives."""
    for goal in case.outside:
        yield Tried(goal.how, f"{goal.evidence} {leaves_out(goal)}", near=True)


def by_parents(case: Case) -> Tried:
    """What the chain of parents leads to."""
    how, item, chain = How.PARENT_CHAIN.value, case.item, case.chain
    top = chain[-1] if chain else item
    missing = top.parent_key or top.parent_source_id
    if missing and top.parent_id is None:
        of = f"{top.key}, its ancestor," if chain else "it"
        return Tried(
            how, f"{of} has the parent {missing}, which is deleted or hidden from the account", near=True
        )
    ring = [item.key, *(up.key for up in chain)]
    if top.parent_id is not None:
        return Tried(how, f"its parents run in a circle: {' → '.join(ring)}", near=True)
    if not chain:
        return Tried(how, "it has no parent")
    named = [up.key if up.in_scope else f"{up.key} (outside the scope)" for up in chain]
    return Tried(how, f"none of its parents serves a live objective: {', '.join(named)}")


def by_field(case: Case, ways: Ways) -> Iterator[Tried]:
    """What the configured fields hold."""
    how = How.CUSTOM_FIELD
    held = [one for one in case.of_kind(how) if one.meant]
    yield from in_vain(case, held)
    if not ways.fields:
        yield Tried(how.value, "no field is configured (objective_fields, JIRA_OBJECTIVE_FIELD)")
    elif not held:
        yield Tried(how.value, f"nothing in {' or '.join(ways.fields)}")


def by_goals(case: Case) -> Iterator[Tried]:
    """What the Goals field holds."""
    held = case.of_kind(How.GOALS_FIELD)
    yield from in_vain(case, held)
    if not held:
        yield Tried(How.GOALS_FIELD.value, "no goal is set, or the site has no Goals field")


def by_issue_link(case: Case, ways: Ways) -> Iterator[Tried]:
    """What its issue links lead to."""
    how, links = How.ISSUE_LINK, case.of_kind(How.ISSUE_LINK)
    types = "" if ways.link_types is None else f" of the type {' or '.join(ways.link_types)}"
    if ways.link_types == ():
        yield Tried(how.value, "no link type is configured (objective_links is empty)")
    elif not links:
        yield Tried(how.value, f"there is no link{types}")
    else:
        meant = any(one.meant for one in links)
        yield Tried(
            how.value, f"no link{types} leads to an objective: {few(one.evidence for one in links)}", meant
        )


def by_label(case: Case, ways: Ways) -> Iterator[Tried]:
    """What its labels name."""
    how = How.LABEL
    meant = [one for one in case.of_kind(how) if one.meant]
    yield from in_vain(case, meant)
    if ways.label_prefix and not meant:
        yield Tried(how.value, f"no label begins with {ways.label_prefix}")
    elif not ways.label_prefix:
        names = few(one.target for one in case.of_kind(how))
        yield Tried(
            how.value,
            f"no label is the id of an objective: {names}" if names else "there is no label but ours",
        )


def by_remote_link(case: Case, ways: Ways) -> Iterator[Tried]:
    """What its remote links name."""
    how = How.REMOTE_LINK
    if not ways.remote_links:
        yield Tried(how.value, "none is looked at (remote_links)")
        return
    if not any(claim.how == how.value for claim in case.claims):
        yield Tried(how.value, "none that is known names an objective")


def by_file(case: Case, ways: Ways) -> Iterator[Tried]:
    """What mapping files, and remote links, claim of it."""
    for claim in case.claims:
        if claim.objective_id is None:
            yield from told(case, claim.how, claim.evidence, claim.objective)
        elif claim.ambiguous:
            said = f"{claim.evidence} names {claim.issue}, which more than one site has: add a column `site`"
            yield Tried(claim.how, said, near=True)
    if not ways.files:
        yield Tried(How.MAPPING_FILE.value, "none is configured (links)")
    elif not any(claim.how == How.MAPPING_FILE.value for claim in case.claims):
        yield Tried(How.MAPPING_FILE.value, f"no row of {' or '.join(ways.files)} names it")


def in_vain(case: Case, held: Sequence[AnyRow]) -> Iterator[Tried]:
    """What names an objective that nobody knows."""
    for one in held:
        if one.objective_id is None:
            yield from told(case, one.how, one.evidence, one.target)


def told(case: Case, how: str, evidence: str, target: str) -> Iterator[Tried]:
    """What names no known objective, unless it was told as something outside them."""
    if target.casefold() in case.hidden:
        yield Tried(how, f"{evidence} {not_given(case, target)}", near=True)
    elif case.outside_of(target) is None:
        yield Tried(how, f"{evidence} {unknown(target, case.names)}", near=True)


def unknown(target: str, names: Mapping[str, str]) -> str:
    """Say that an objective is not known, with the nearest: people write ids, and titles too."""
    said = f"names {target!r}, which is no known objective"
    near = process.extractOne(
        target, list(names), scorer=fuzz.WRatio, processor=utils.default_process, score_cutoff=ALIKE
    )
    if near is None:
        return said
    return f"{said}; the nearest is {names[near[0]]}" + ("" if names[near[0]] == near[0] else f" ({near[0]})")


def few(texts: Iterable[str]) -> str:
    """Give the first of some texts."""
    every = list(dict.fromkeys(texts))
    more = len(every) - SHOWN
    return ", ".join(every[:SHOWN]) + (f" and {more} more" if more > 0 else "")
