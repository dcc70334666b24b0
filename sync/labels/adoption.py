"""Take labels of our prefix into the ledger that an earlier store put on tickets: only when asked to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from rules.ruleset import RuleSet
from sync.feeds import Kind
from sync.frame.opening import open_run
from sync.frame.progress import Quiet
from sync.frame.service import Options, Service
from sync.labels.plan import LabelOn, strangers
from sync.store import audit, labels, runs, writes


@dataclass(frozen=True, slots=True)
class Adoption:
    """The run that adopted, the labels taken into the ledger, and those that stay what they are: people's."""

    run_id: int
    taken: tuple[LabelOn, ...]
    left: tuple[LabelOn, ...]


def split(
    found: Iterable[LabelOn], names: Collection[str]
) -> tuple[tuple[LabelOn, ...], tuple[LabelOn, ...]]:
    """Part labels that nobody's ledger holds into those of these names, and the others."""
    every = tuple(found)
    return tuple(on for on in every if on.label in names), tuple(on for on in every if on.label not in names)


def adopt(service: Service, rules: RuleSet, named: Collection[str], *, dry_run: bool) -> Adoption:
    """Take over the labels on tickets that a rule of today puts, and those that are named.

    As the tickets were when they were last read. A label that no rule puts is most likely a person's own.
    """
    settings, prefix = service.settings, service.settings.label_prefix
    names = {prefix + rule.label for rule in rules.rules if rule.label is not None} | set(named)
    with (
        open_run(service, Options("adopt", dry_run=dry_run), Quiet()) as (result, *_),
        service.engine.begin() as connection,
    ):
        complete = runs.complete_sources(connection)
        sites = {feed.name for feed in service.feeds if feed.kind is Kind.WORK and feed.name in complete}
        theirs = settings.asking.values()
        found = strangers(
            labels.wanted(connection, prefix, sites),
            labels.present(connection, prefix, sites, theirs),
            labels.owned(connection),
        )
        taken, left = split(found, names)
        if taken and not dry_run:
            now = service.clock()
            writes.adopt(connection, result.run_id, taken, now)
            audit.append(connection, result.run_id, "adopted", map(details, taken), now)
    return Adoption(result.run_id, taken, left)


def details(on: LabelOn) -> dict[str, str]:
    """Give what the chain of what was done keeps of one label taken over."""
    ticket = on.ticket
    return {"site": ticket.site, "issue": ticket.issue_id, "key": ticket.issue_key, "label": on.label}
