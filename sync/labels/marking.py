"""Plan the markers of a run from the store, and write them once its labels are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import groupby
from urllib.parse import quote

from sqlalchemy import Connection, Engine

from connectors.base import MarkerWriter
from connectors.errors import ConnectorError
from connectors.verdicts import Marked, Marker, Reason, Verdict, make_verdict, plain, read_verdict
from rules.catalogue import Kind, Path
from rules.message import fill
from rules.ruleset import Rule, RuleSet, Severity
from sync.frame.milestones import Milestone, reach
from sync.frame.progress import Step
from sync.labels.markers import Kinds, MarkerChange, MarkerPlan, Told, labels_after, make_markers
from sync.labels.plan import Plan, Ticket
from sync.store import audit, markers, requests
from sync.store.schema import AnyRow

# The gravest first.
RANK = {severity.value: rank for rank, severity in enumerate(reversed(Severity))}
STATES = {"lost": "intended", "unsent": "dropped"}


@dataclass(frozen=True, slots=True)
class MarkerSites:
    """Which markers each site is to have, where links lead, and how many changes one night makes.

    `writers` gives a writer for each site; it calls what it is given before each write.
    """

    kinds: Kinds = field(default_factory=dict)
    public_url: str | None = None
    most: int = 0
    writers: Callable[[Callable[[], None]], Mapping[str, MarkerWriter]] = lambda _: {}


def plan_markers(  # noqa: PLR0917
    connection: Connection,
    marker_sites: MarkerSites,
    plan: Plan,
    speaker: Speaker,
    sites: Collection[str],
    now: datetime,
    *,
    retry: bool = False,
    items: Collection[int] | None = None,
) -> MarkerPlan:
    """Work out what to tell the tickets of these sites beside the labels they bear after the plan.

    Of these `items` alone, where they are named.
    """
    labels = labels_after(markers.ours_on_tickets(connection, speaker.prefix, sites, items), plan.changes)
    rows = markers.labelled(connection, sites, items)
    speaker = replace(speaker, answers=requests.answers(connection))
    return make_markers(
        speaker.verdicts(rows, labels, marker_sites.public_url),
        markers.standing(connection, sites, items),
        marker_sites.kinds,
        {} if retry else markers.refused(connection),
        now,
        most=marker_sites.most,
    )


@dataclass(frozen=True, slots=True)
class Speaker:
    """Puts findings into words, by the rules as they are now (by their ids, also former ones).

    `answers` say how what people asked for on the ticket stands, by item id and rule.
    """

    rules: Mapping[str, Rule]
    prefix: str
    answers: Mapping[tuple[int, str], Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: RuleSet, prefix: str) -> Speaker:
        """Make one of a rule set."""
        return cls({name: rule for rule in rules.rules for name in (rule.id, *rule.was)}, prefix)

    def verdicts(
        self, rows: Iterable[AnyRow], labels: Mapping[int, Collection[str]], public_url: str | None
    ) -> Iterator[tuple[Ticket, Verdict]]:
        """Give the verdict of each ticket, of the findings whose label it bears."""
        for ticket, group in groupby(rows, key=lambda row: Ticket(*row[:4])):
            borne = labels.get(ticket.item_id, ())
            reasons = [self.reason(row) for row in group if self.prefix + row.label in borne]
            reasons.sort(key=lambda reason: (RANK.get(reason.severity, len(RANK)), reason.rule))
            if reasons:
                yield ticket, make_verdict(reasons, address(public_url, ticket))

    def reason(self, row: AnyRow) -> Reason:
        """Say why a finding holds. The text is what everybody who sees the ticket may read."""
        rule = self.rules.get(row.rule)
        message = row.rule if rule is None else fill(rule.message, self.values(rule, row.evidence))
        remedy = "" if rule is None else rule.fix or rule.why or ""
        return Reason(
            rule=row.rule,
            label=self.prefix + row.label,
            severity=row.severity,
            message=plain(message),
            fix=plain(" ".join([*filter(None, [remedy]), *self.answers.get((row[3], row.rule), ())])),
            since=f"{row.since:%Y-%m-%d}",
            run=row.opened_run,
        )

    @staticmethod
    def values(rule: Rule, evidence: str) -> dict[str, str]:
        """Give the values found, as a message shows them."""
        found = {name: shown(rule.evidence.get(name), value) for name, value in json.loads(evidence).items()}
        return {name: text for name, text in found.items() if text}


def shown(path: Path | None, value: object) -> str:
    """Show a value to all who see the ticket: amounts of money are for those who may see the explanation."""
    if value is None or value == []:
        return ""
    if path is not None and path.field.kind is Kind.MONEY:
        return "(amount)"
    texts = [str(one) for one in (value if isinstance(value, list) else [value])]
    dated = path is not None and path.field.kind is Kind.DATETIME
    return ", ".join(text[:10] if dated else text for text in texts)


def address(public_url: str | None, ticket: Ticket) -> str | None:
    """Give the page that explains a ticket, by what does not change when the ticket moves."""
    if public_url is None:
        return None
    return f"{public_url}/explain/{quote(ticket.site, safe='')}/{quote(ticket.issue_id, safe='')}"


def told_before(rows: Iterable[AnyRow], undone: int) -> list[Told]:
    """Say of each marker what it says now, and what it is to say when a run is taken back.

    That is what it said before, unless a later run changed it: then it stays, as far as its labels do.
    """
    histories: dict[tuple[int, str], list[AnyRow]] = {}
    for row in rows:
        histories.setdefault((row.id, row.kind), []).append(row)
    told = []
    for history in histories.values():
        last = history[-1]
        before = history
        if last.run_id == undone:
            before = [row for row in history if row.run_id != undone and row.state == "done"]
        said = [content_of(row) for row in (last, *before[-1:])]
        marker, certain = Marker(last.kind), last.state == "done"
        told.append(Told(Ticket(*last[:4]), marker, said[0], said[1] if before else None, certain))
    return told


def content_of(row: AnyRow) -> Verdict | None:
    """Give what a row of the ledger told the ticket; nothing where it took a marker away."""
    return None if row.content is None else read_verdict(row.content)


@dataclass(slots=True)
class MarkersWritten:
    """What became of the markers of a run: nothing of it makes a label fail, or the run."""

    put: int = 0
    removed: int = 0
    left: int = 0
    open: int = 0
    dropped: int = 0
    parked: list[tuple[MarkerChange, str]] = field(default_factory=list)
    broken_sites: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MarkerWriting:
    """The writing of the markers of one run, after its labels."""

    engine: Engine
    run_id: int
    clock: Callable[[], datetime]
    step: Step

    def carry_out(self, plan: MarkerPlan, writers: Mapping[str, MarkerWriter]) -> MarkersWritten:
        """Write the markers of a plan, but for tickets whose labels did not come to be as planned."""
        with self.engine.begin() as connection:
            plan = plan.without(markers.unsettled(connection, self.run_id))
            markers.intend(connection, self.run_id, plan, self.clock())
        reach(Milestone.MARKERS_INTENDED)
        written = MarkersWritten(left=plan.left)
        by_site: dict[str, list[MarkerChange]] = {}
        for change in plan.changes:
            by_site.setdefault(change.ticket.site, []).append(change)
        for site, changes in by_site.items():
            self._on_site(site, changes, plan, writers[site], written)
        reach(Milestone.MARKERS_WRITTEN)
        return written

    def _on_site(
        self,
        site: str,
        changes: Sequence[MarkerChange],
        plan: MarkerPlan,
        writer: MarkerWriter,
        written: MarkersWritten,
    ) -> None:
        waiting = {plan.marking(change): change for change in changes}
        try:
            for answered in writer.mark(list(waiting)):
                reach(Milestone.MARKERS_ANSWERED)
                self._record([(waiting.pop(marked.marking), marked) for marked in answered], written)
                self.step.advance(len(answered), len(changes))
        except ConnectorError as error:
            written.broken_sites[site] = str(error)
        if waiting:
            reason = written.broken_sites.get(site, "never sent")
            unsent = [Marked(marking, "unsent", reason) for marking in waiting]
            self._record([(waiting[marked.marking], marked) for marked in unsent], written)

    def _record(self, answered: Sequence[tuple[MarkerChange, Marked]], written: MarkersWritten) -> None:
        groups: dict[tuple[str, str], list[MarkerChange]] = {}
        for change, marked in answered:
            groups.setdefault((marked.state, marked.reason), []).append(change)
        with self.engine.begin() as connection:
            for (state, reason), changes in groups.items():
                self._answer(connection, changes, STATES.get(state, state), reason or None)
        for (state, reason), changes in groups.items():
            count(written, changes, state, reason)

    def _answer(
        self, connection: Connection, changes: Sequence[MarkerChange], state: str, reason: str | None
    ) -> None:
        now = self.clock()
        markers.answer(connection, self.run_id, changes, state=state, reason=reason, now=now)
        audit.append(connection, self.run_id, "marker", audit_details(changes, state, reason), now)


def count(written: MarkersWritten, changes: Sequence[MarkerChange], state: str, reason: str) -> None:
    """Add answers to what was written."""
    if state == "done":
        put = sum(change.operation == "put" for change in changes)
        written.put += put
        written.removed += len(changes) - put
    elif state == "lost":
        written.open += len(changes)
    elif state == "unsent":
        written.dropped += len(changes)
    else:
        written.parked += [(change, reason) for change in changes]


def audit_details(
    changes: Iterable[MarkerChange], state: str, reason: str | None
) -> Iterator[dict[str, object]]:
    """Give what the chain keeps of marker changes that were answered alike."""
    return (
        {
            "site": change.ticket.site,
            "issue": change.ticket.issue_id,
            "key": change.ticket.issue_key,
            "marker": change.marker.value,
            "operation": change.operation,
            "digest": change.digest,
            "state": state,
            "reason": reason,
        }
        for change in changes
    )
