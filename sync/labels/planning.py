"""Draw up the plan from the store, hold it against its limits, and put its intents into the ledger."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from connectors.base import LabelWriter
from connectors.errors import ConnectorError
from rules.ruleset import Mode, Rule
from sync.frame.milestones import Milestone, reach
from sync.labels.guard import SHARE_COUNTS_FROM
from sync.labels.limits import Limit, Limits, Measure, Scene
from sync.labels.pacing import day_begun, hush, ration
from sync.labels.plan import LabelOn, Plan, Ticket, count_own, make_plan, strangers
from sync.labels.savedplan import SavedPlan, save, stale
from sync.settings import Settings
from sync.store import audit, labels, runs, scene, writes

Live = dict[tuple[str, str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan of any size, the labels of our prefix that there are, and how many of each name are ours."""

    plan: Plan
    present: Sequence[LabelOn]
    own: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one run plans, in one transaction: what it plans by and what it intends are of one snapshot."""

    connection: Connection
    settings: Settings
    run_id: int
    now: datetime

    def draw_up(self, sites: Collection[str], *, retry: bool, items: Collection[int] | None = None) -> Draft:
        """Work out what to change on the tickets of these sites, or on these `items` of them."""
        prefix = self.settings.label_prefix
        theirs = self.settings.asking.values()
        present = labels.present(self.connection, prefix, sites, theirs, items)
        owned = labels.owned(self.connection, items)
        wanted = labels.wanted(self.connection, prefix, sites, items)
        plan = make_plan(
            wanted,
            present,
            owned,
            {} if retry else labels.refused(self.connection),
            self.now,
        )
        plan = replace(plan, strangers=strangers(wanted, present, owned))
        return Draft(plan, present, count_own(present, owned))

    def own(self, sites: Collection[str]) -> Counter[str]:
        """Count the labels on all tickets of these sites that are ours, by name."""
        there = labels.present(self.connection, self.settings.label_prefix, sites)
        return count_own(there, labels.owned(self.connection))

    def seal(self, plan: Plan, present: Iterable[LabelOn], rules_hash: str) -> SavedPlan:
        """Put a plan together with all that it was made from."""
        return save(plan, present, rules_hash, runs.serial(self.connection))

    def measures(self) -> dict[str, Measure]:
        """Measure tonight."""
        return scene.measure(self.connection, self.run_id)

    def scene(
        self, draft: Draft, sites: Collection[str], rules: Sequence[Rule], tonight: Mapping[str, Measure]
    ) -> Scene:
        """Read what the plan is held against; what only large plans break is read for them alone."""
        added = Counter(change.rule for change in draft.plan.changes if change.operation == "add")
        many = [rule for rule, number in added.items() if number > SHARE_COUNTS_FROM]
        said = {rule.id for rule in rules if rule.limit.share == 1}
        everything = scene.true_of_all(self.connection, [rule for rule in many if rule not in said], sites)
        return Scene(
            tickets=labels.tickets_in_scope(self.connection, sites),
            own=draft.own,
            rule_of=only_rules(rules, self.settings.label_prefix),
            everything=everything,
            tonight=tonight,
            usual=scene.usual(self.connection) if tonight else {},
        )

    def accept(self, tonight: Mapping[str, Measure], *, anew: bool) -> None:
        """Keep tonight's measures for later nights; `anew`, as the only ones, if somebody let them pass."""
        scene.accept(self.connection, self.run_id, tonight, anew=anew)

    @property
    def quiet(self) -> bool:
        """Say whether nothing is written at this hour."""
        hours = self.settings.quiet
        return hours is not None and hours.hold(self.now.astimezone(self.settings.zone))

    def pace(self, plan: Plan, allowed: int, *, quiet: bool) -> tuple[Plan, list[str]]:
        """Leave for later what the hour or tonight's quota does not allow, and say so."""
        hushed, said = self.hush(plan, quiet=quiet)
        quota, size = self.settings.nightly_quota, len(plan.changes)
        if said or quota is None or size <= allowed:
            return hushed, said
        local = self.now.astimezone(self.settings.zone)
        spent = labels.tickets_written(self.connection, day_begun(local))
        paced = ration(plan, quota - spent, local.toordinal())
        if not paced.waiting:
            return plan, []
        before = f" beside {spent} written earlier today" if spent else ""
        sentence = (
            f"TIELINE_NIGHTLY_QUOTA={quota}: {len(paced.tickets())} tickets are written tonight{before}, and "
            f"{len(paced.waiting)} label changes wait for later nights. If all of it is meant at once, run "
            f"once with --allow-changes {size}."
        )
        return paced, [sentence]

    def hush(self, plan: Plan, *, quiet: bool) -> tuple[Plan, list[str]]:
        """Leave all of it for later within the quiet hours, if they are to be kept, and say so."""
        hours, local = self.settings.quiet, self.now.astimezone(self.settings.zone)
        if not quiet or not plan or hours is None or not hours.hold(local):
            return plan, []
        sentence = (
            f"TIELINE_QUIET_HOURS={hours} ({self.settings.timezone}): it is {local:%H:%M}, so nothing is "
            f"written and {len(plan.changes)} label changes wait. `tieline apply` writes them after "
            f"{hours.end:%H:%M}. If now is meant, run once with --allow-quiet-hours."
        )
        return hush(plan), [sentence]

    def keep(self, plan: Plan, *, intend: bool) -> None:
        """Keep the plan with the run and, where it is to be carried out, its intents in the ledger."""
        writes.save_plan(self.connection, self.run_id, plan)
        size = {"add": plan.count("add"), "remove": plan.count("remove"), "carried_out": intend}
        audit.append(self.connection, self.run_id, "planned", [size], self.now)
        reach(Milestone.PLAN_KEPT)
        if intend:
            writes.intend(self.connection, self.run_id, plan.changes, self.now)


def limits_of(settings: Settings, rules: Iterable[Rule]) -> Limits:
    """Give all limits of a run."""
    return Limits(
        whole=Limit(settings.max_changes, settings.max_share),
        rules={rule.id: limit_of(rule) for rule in rules},
        project_changes=settings.max_project_changes,
        project_share=settings.max_project_share,
        removals=settings.max_removals,
        shift=settings.max_shift,
        links_lost=settings.max_links_lost,
    )


def only_rules(rules: Iterable[Rule], prefix: str) -> dict[str, str]:
    """Give the rule of each label that just one rule puts."""
    found: dict[str, list[str]] = {}
    for rule in rules:
        if rule.mode is Mode.LABEL and rule.label is not None:
            found.setdefault(prefix + rule.label, []).append(rule.id)
    return {label: ids[0] for label, ids in found.items() if len(ids) == 1}


def limit_of(rule: Rule) -> Limit:
    """Give a rule's own limit; what it does not say is unlimited."""
    return Limit(
        changes=sys.maxsize if rule.limit.new is None else rule.limit.new,
        share=1.0 if rule.limit.share is None else float(rule.limit.share),
    )


def refuse_stale(now: SavedPlan, expected: SavedPlan | None) -> list[str]:
    """Refuse to write when the plan is no longer the one that was reviewed."""
    return [] if expected is None else stale(expected, now)


def read_live(writers: Mapping[str, LabelWriter], tickets: Iterable[Ticket]) -> tuple[Live, dict[str, str]]:
    """Read the labels of tickets back, by (site, issue id); a site that cannot be read is named with why."""
    live: Live = {}
    unread: dict[str, str] = {}
    by_site: dict[str, dict[str, None]] = {}
    for ticket in tickets:
        by_site.setdefault(ticket.site, {})[ticket.issue_id] = None
    for site, ids in by_site.items():
        if site not in writers:
            unread[site] = f"the site {site} is not configured any more"
            continue
        try:
            found = writers[site].labels_of(list(ids))
        except ConnectorError as error:
            unread[site] = str(error)
        else:
            live |= {(site, issue_id): present for issue_id, present in found.items()}
    return live, unread
