"""Draw up the plan from the store, hold it against its limits, and put its intents into the ledger."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from connectors.base import LabelWriter
from connectors.errors import ConnectorError
from rules.ruleset import Rule
from sync.plan import Limit, Plan, Ticket, guard, make_plan
from sync.savedplan import SavedPlan, save, stale
from sync.settings import Settings
from sync.store import audit, labels, runs

Live = dict[tuple[str, str], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one run plans, in one transaction: what it plans by and what it intends are of one snapshot."""

    connection: Connection
    settings: Settings
    run_id: int
    now: datetime

    def draw_up(self, sites: Collection[str], rules_hash: str, *, retry: bool) -> tuple[SavedPlan, Plan]:
        """Work out what to change on the tickets of these sites."""
        prefix = self.settings.label_prefix
        present = labels.present(self.connection, prefix, sites)
        plan = make_plan(
            labels.wanted(self.connection, prefix, sites),
            present,
            labels.owned(self.connection),
            {} if retry else labels.refused(self.connection),
            self.now,
        )
        return save(plan, present, rules_hash, runs.serial(self.connection)), plan

    def guard(self, plan: Plan, sites: Collection[str], rules: Iterable[Rule], allowed: int) -> list[str]:
        """Say which limits the plan breaks."""
        return guard(
            plan,
            labels.tickets_in_scope(self.connection, sites),
            Limit(self.settings.max_changes, self.settings.max_share),
            {rule.id: limit_of(rule) for rule in rules},
            allowed,
        )

    def keep(self, plan: Plan, *, intend: bool) -> None:
        """Keep the plan with the run and, where it is to be carried out, its intents in the ledger."""
        labels.save_plan(self.connection, self.run_id, plan)
        size = {"add": plan.count("add"), "remove": plan.count("remove"), "carried_out": intend}
        audit.append(self.connection, self.run_id, "planned", [size], self.now)
        if intend:
            labels.intend(self.connection, self.run_id, plan.changes, self.now)


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
